//! The endpoints in an OpenAPI document.

use super::{
    Endpoints,
    table::{Endpoint, Name},
};
use crate::error::Error;
use std::collections::BTreeMap;
use utoipa::openapi::{
    Content, HttpMethod, Info, OpenApi, Paths, RefOr, Required, Response, Schema,
    path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn},
    request_body::RequestBodyBuilder,
    schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type},
};

impl Endpoints {
    /// The operations of the endpoints below this path, with their bodies, answers and refusals.
    ///
    /// Merge it into the document of the application. What the guards of the routes require and answer is added by the table of
    /// routes, for the endpoints too:
    ///
    /// ```
    /// # use portcullis_accounts::{Accounts, Error, Secret, store::MemoryStore};
    /// # fn main() -> Result<(), Error> {
    /// # let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes")?;
    /// # let builder = Accounts::builder("https://shop.example.com", secret, MemoryStore::new());
    /// # let accounts = builder.dangerous_without_confirmation().build()?;
    /// # let mut api = utoipa::openapi::OpenApiBuilder::new().build();
    /// // `Api::openapi()` of your document
    /// api.merge(accounts.endpoints().openapi("/auth"));
    /// assert!(api.paths.get_path_item("/auth/sign-in").is_some());
    /// // Only with `magic_links()`.
    /// assert!(api.paths.get_path_item("/auth/magic-link").is_none());
    /// // let gaps = routes.table().openapi(&mut api);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn openapi(&self, path: &str) -> OpenApi {
        let mut paths = Paths::new();
        for endpoint in self.switched_on() {
            let path = format!("{}/{}", path.trim_end_matches('/'), endpoint.path());
            paths.add_path_operation(path, vec![method(endpoint)], operation(endpoint));
        }
        OpenApi::new(Info::new("", ""), paths)
    }
}

fn method(endpoint: Endpoint) -> HttpMethod {
    match endpoint.method() {
        "GET" => HttpMethod::Get,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Post,
    }
}

/// A member of a body.
#[derive(Clone, Copy)]
struct Member {
    name: &'static str,
    kind: Kind,
    is_optional: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Truth,
    Texts,
    Object(&'static [Member]),
    Objects(&'static [Member]),
    Any,
}

const fn member(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, is_optional: false }
}

const fn text(name: &'static str) -> Member {
    member(name, Kind::Text)
}

const fn number(name: &'static str) -> Member {
    member(name, Kind::Number)
}

const fn maybe(of: Member) -> Member {
    Member { is_optional: true, ..of }
}

impl Kind {
    fn schema(self) -> Schema {
        let simple = |kind: Type| ObjectBuilder::new().schema_type(kind).build().into();
        match self {
            Self::Text => simple(Type::String),
            Self::Number => simple(Type::Integer),
            Self::Truth => simple(Type::Boolean),
            Self::Texts => ArrayBuilder::new().items(RefOr::T(Self::Text.schema())).build().into(),
            Self::Object(members) => object(members),
            Self::Objects(members) => ArrayBuilder::new().items(RefOr::T(object(members))).build().into(),
            Self::Any => ObjectBuilder::new().schema_type(SchemaType::AnyValue).build().into(),
        }
    }
}

fn object(members: &[Member]) -> Schema {
    let object = members.iter().fold(ObjectBuilder::new(), |object, member| {
        let object = object.property(member.name, member.kind.schema());
        if member.is_optional { object } else { object.required(member.name) }
    });
    object.build().into()
}

const EMAIL: Member = text("email");
const PASSWORD: Member = text("password");
const TOKEN: Member = text("token");
const CODE: Member = text("code");

const USER: &[Member] =
    &[text("id"), EMAIL, member("email_confirmed", Kind::Truth), text("role"), member("extra", Kind::Any)];

const SESSION: &[Member] = &[
    text("id"),
    member("current", Kind::Truth),
    number("created_at"),
    number("used_at"),
    maybe(text("address")),
    maybe(text("user_agent")),
];

const KEY: &[Member] = &[
    text("id"),
    text("name"),
    text("start"),
    member("scopes", Kind::Texts),
    number("created_at"),
    maybe(number("expires_at")),
    maybe(number("withdrawn_at")),
    maybe(number("used_at")),
    number("uses"),
];

/// Tokens are in the body, or in cookies.
const TOKENS: &[Member] = &[
    maybe(number("expires_in")),
    number("refresh_expires_in"),
    maybe(text("token_type")),
    maybe(text("access_token")),
    maybe(text("refresh_token")),
];

const SIGNED_IN: &[Member] = &[
    maybe(member("user", Kind::Object(USER))),
    maybe(number("expires_in")),
    maybe(number("refresh_expires_in")),
    maybe(text("token_type")),
    maybe(text("access_token")),
    maybe(text("refresh_token")),
    maybe(text("second_factor")),
];

const MAIL_SENT: &[Member] = &[text("status")];
const RECOVERY_CODES: &[Member] = &[member("recovery_codes", Kind::Texts)];

const IDENTITY: &[Member] = &[maybe(text("provider")), text("issuer"), number("linked_at")];

const ORGANIZATION: &[Member] = &[
    text("id"),
    text("slug"),
    text("name"),
    member("extra", Kind::Any),
    number("created_at"),
    maybe(text("role")),
    member("active", Kind::Truth),
];
const MEMBER: &[Member] = &[text("user"), text("role"), number("since")];
const INVITATION: &[Member] = &[text("id"), EMAIL, text("role"), maybe(text("invited_by")), number("expires_at")];
const ROLE: &[Member] = &[text("name"), member("permissions", Kind::Texts)];

/// An access token in the body, or in its cookie.
const ACCESS: &[Member] = &[maybe(number("expires_in")), maybe(text("token_type")), maybe(text("access_token"))];

/// What an endpoint takes and answers.
struct Described {
    summary: &'static str,
    body: Option<(&'static [Member], Required)>,
    answers: Vec<(u16, &'static [Member])>,
    errors: Vec<Error>,
}

/// An endpoint without a body.
fn plain(summary: &'static str, status: u16, answer: &'static [Member]) -> Described {
    Described { summary, body: None, answers: vec![(status, answer)], errors: Vec::new() }
}

impl Described {
    fn takes(self, body: &'static [Member]) -> Self {
        Self { body: Some((body, Required::True)), ..self }
    }

    /// It may have no body.
    fn may_take(self, body: &'static [Member]) -> Self {
        Self { body: Some((body, Required::False)), ..self }
    }

    fn or(mut self, status: u16, answer: &'static [Member]) -> Self {
        self.answers.push((status, answer));
        self
    }

    fn refuses<const N: usize>(mut self, errors: [Error; N]) -> Self {
        self.errors.extend(errors);
        self
    }
}

const NOTHING: &[Member] = &[];

macro_rules! list {
    ($($member:expr),* $(,)?) => { const { &[$($member),*] } };
}

fn described(name: Name) -> Described {
    use Error::*;
    const WAIT: std::time::Duration = std::time::Duration::ZERO;
    let (limited, busy) = (RateLimited { retry_after: WAIT }, Busy { retry_after: WAIT });
    let rejected = PasswordRejected(Vec::new());
    match name {
        Name::SignUp => plain("Creates an account.", 202, MAIL_SENT)
            .or(200, SIGNED_IN)
            .takes(list![EMAIL, PASSWORD])
            .refuses([InvalidEmail, SignUpDisabled, EmailTaken, rejected, limited, busy]),
        Name::SignIn => plain("Signs in by password.", 200, SIGNED_IN).takes(list![EMAIL, PASSWORD]).refuses([
            InvalidCredentials,
            EmailUnconfirmed,
            Unapproved,
            Disabled,
            limited,
            busy,
        ]),
        Name::SecondFactor => plain("Completes a sign-in with a second factor.", 200, SIGNED_IN)
            .takes(list![TOKEN, CODE])
            .refuses([InvalidToken, InvalidCode, EmailUnconfirmed, Unapproved, Disabled, limited]),
        Name::Refresh => plain("Exchanges the refresh token.", 200, TOKENS)
            .may_take(list![maybe(text("refresh_token"))])
            .refuses([InvalidRefreshToken, SessionExpired, SessionEnded, SessionReused, NotEnabled(""), limited]),
        Name::SignOut => plain("Ends the session.", 200, NOTHING).may_take(list![maybe(text("refresh_token"))]),
        Name::SignOutEverywhere => {
            plain("Ends all sessions of the user.", 200, list![number("ended")]).refuses([NotFound])
        }
        Name::Me => {
            plain("The signed-in user.", 200, list![member("user", Kind::Object(USER))]).refuses([NotFound, Disabled])
        }
        Name::Sessions => {
            plain("The open sessions of the user.", 200, list![member("sessions", Kind::Objects(SESSION))])
                .refuses([NotFound])
        }
        Name::EndSession => plain("Ends a session of the user.", 204, NOTHING).refuses([NotFound]),
        Name::Confirm => plain("Confirms an address.", 200, list![member("has_password", Kind::Truth)])
            .takes(list![TOKEN, maybe(PASSWORD)])
            .refuses([InvalidToken, rejected, busy]),
        Name::ResendConfirmation => plain("Sends the link that confirms an address again.", 202, MAIL_SENT)
            .takes(list![EMAIL])
            .refuses([InvalidEmail, NotEnabled(""), limited]),
        Name::RequestReset => plain("Sends a link to set a new password.", 202, MAIL_SENT)
            .takes(list![EMAIL])
            .refuses([InvalidEmail, NotEnabled(""), limited]),
        Name::Reset => plain("Sets a new password by the token of a link.", 200, NOTHING)
            .takes(list![TOKEN, PASSWORD])
            .refuses([InvalidToken, rejected, busy]),
        Name::ChangePassword => plain("Replaces the password. A new session begins, and all others end.", 200, TOKENS)
            .takes(list![text("old"), text("new")])
            .refuses([InvalidCredentials, SessionEnded, NotFound, Disabled, rejected, limited, busy]),
        Name::RequestEmailChange => plain("Sends a link to a new address.", 202, MAIL_SENT)
            .takes(list![EMAIL, PASSWORD])
            .refuses([InvalidEmail, InvalidCredentials, NotFound, NotEnabled(""), Disabled, limited, busy]),
        Name::ConfirmEmailChange => plain("Changes the address by the token of a link.", 200, NOTHING)
            .takes(list![TOKEN])
            .refuses([InvalidToken, EmailTaken]),
        Name::Totp => {
            plain("The second factor of the user.", 200, list![maybe(number("since")), number("recovery_codes")])
                .refuses([NotFound, Disabled])
        }
        Name::EnrolTotp => plain("Begins to add an authenticator app.", 200, list![text("uri"), text("secret")])
            .may_take(list![maybe(PASSWORD)])
            .refuses([InvalidCredentials, SignInTooOld, FactorExists, NotFound, Disabled, limited, busy]),
        Name::ConfirmTotp => plain("Switches the second factor on.", 200, RECOVERY_CODES).takes(list![CODE]).refuses([
            InvalidCode,
            NotFound,
            Disabled,
            limited,
        ]),
        Name::RenewRecoveryCodes => plain("Replaces the recovery codes.", 200, RECOVERY_CODES)
            .takes(list![CODE])
            .refuses([InvalidCode, NotFound, Disabled, limited]),
        Name::RemoveTotp => plain("Removes the second factor.", 204, NOTHING).takes(list![CODE]).refuses([
            InvalidCode,
            NotFound,
            Disabled,
            limited,
        ]),
        Name::SendMagicLink => {
            plain("Sends a link that signs in.", 202, MAIL_SENT).takes(list![EMAIL]).refuses([InvalidEmail, limited])
        }
        Name::MagicLink => plain("Signs in by the token of a link.", 200, SIGNED_IN).takes(list![TOKEN]).refuses([
            InvalidToken,
            EmailUnconfirmed,
            Unapproved,
            Disabled,
        ]),
        Name::Keys => plain("The API keys of the user.", 200, list![member("keys", Kind::Objects(KEY))])
            .refuses([NotFound, Disabled]),
        Name::AddKey => plain("Makes an API key.", 201, list![text("text"), member("key", Kind::Object(KEY))])
            .takes(list![text("name"), member("scopes", Kind::Texts), maybe(number("expires_at"))])
            .refuses([NotFound, Disabled]),
        Name::WithdrawKey => plain("Withdraws an API key.", 204, NOTHING).refuses([NotFound, Disabled]),
        Name::BeginSignIn => {
            plain("Sends the browser to a provider, and back to `return_to` after the sign-in.", 303, NOTHING)
                .refuses([NotEnabled(""), limited])
        }
        Name::FinishSignIn => plain("Where a provider sends the browser back.", 303, NOTHING).refuses([
            NotLinkable(""),
            SignUpDisabled,
            EmailUnconfirmed,
            Unapproved,
            Disabled,
            SecondFactorRequired,
            NotEnabled(""),
            limited,
        ]),
        Name::BeginLink => plain("Begins to link the identity at a provider.", 200, list![text("address")])
            .may_take(list![maybe(text("return_to"))])
            .refuses([EmailUnconfirmed, SignInTooOld, NotFound, Disabled, NotEnabled("")]),
        Name::Identities => {
            plain("The identities of the user at providers.", 200, list![member("identities", Kind::Objects(IDENTITY))])
                .refuses([NotFound, Disabled])
        }
        Name::Unlink => {
            plain("Removes the identity at a provider.", 204, NOTHING).refuses([LastWayIn, NotFound, Disabled])
        }
        Name::Organizations => {
            plain("The organizations of the user.", 200, list![member("organizations", Kind::Objects(ORGANIZATION))])
                .refuses([NotFound])
        }
        Name::CreateOrganization => {
            plain("Creates an organization.", 201, list![member("organization", Kind::Object(ORGANIZATION))])
                .takes(list![text("name"), text("slug")])
                .refuses([InvalidSlug, SlugTaken, NotFound, Disabled, limited])
        }
        Name::SetOrganization => plain("Chooses the organization in which the session acts.", 200, ACCESS)
            .takes(list![maybe(text("organization"))])
            .refuses([SessionEnded, NotFound, Disabled]),
        Name::AcceptInvitation => plain(
            "Makes the user a member of the organization that invited them.",
            201,
            list![text("organization"), member("member", Kind::Object(MEMBER))],
        )
        .takes(list![TOKEN])
        .refuses([InvalidToken, NotInvited, EmailUnconfirmed, UnknownRole, AlreadyMember, NotFound, Disabled]),
        Name::Organization => plain("An organization.", 200, list![member("organization", Kind::Object(ORGANIZATION))])
            .refuses([NotFound]),
        Name::ChangeOrganization => {
            plain("Renames an organization.", 200, list![member("organization", Kind::Object(ORGANIZATION))])
                .takes(list![maybe(text("name")), maybe(text("slug"))])
                .refuses([InvalidSlug, SlugTaken, NotFound])
        }
        Name::RemoveOrganization => plain("Removes an organization.", 204, NOTHING).refuses([NotFound]),
        Name::Members => plain("The members of an organization.", 200, list![member("members", Kind::Objects(MEMBER))])
            .refuses([NotFound]),
        Name::ChangeMember => plain("Gives a member another role.", 204, NOTHING).takes(list![text("role")]).refuses([
            UnknownRole,
            RolesApart,
            RoleForbidden,
            LastOwner,
            NotFound,
        ]),
        Name::RemoveMember => plain("Removes a member, or the user themselves.", 204, NOTHING).refuses([
            RoleForbidden,
            LastOwner,
            NotFound,
        ]),
        Name::Invitations => {
            plain("The open invitations.", 200, list![member("invitations", Kind::Objects(INVITATION))])
                .refuses([NotFound])
        }
        Name::Invite => plain("Mails an invitation.", 202, MAIL_SENT).takes(list![EMAIL, text("role")]).refuses([
            InvalidEmail,
            UnknownRole,
            RoleForbidden,
            NotFound,
            NotEnabled(""),
            AlreadyMember,
            limited,
        ]),
        Name::WithdrawInvitation => plain("Withdraws an invitation.", 204, NOTHING).refuses([NotFound]),
        Name::Roles => {
            plain("The roles that an organization defines.", 200, list![member("roles", Kind::Objects(ROLE))])
                .refuses([NotFound])
        }
        Name::DefineRole => plain("Defines what a role permits.", 204, NOTHING)
            .takes(list![member("permissions", Kind::Texts)])
            .refuses([UnknownRole, NotFound]),
        Name::RemoveRole => plain("Removes a role.", 204, NOTHING).refuses([UnknownRole, RoleInUse, NotFound]),
    }
}

fn operation(endpoint: Endpoint) -> Operation {
    let Described { summary, body, answers, mut errors } = described(endpoint.name);
    let json = |members| Content::new(Some(object(members)));
    let mut operation = OperationBuilder::new()
        .tag("accounts")
        .operation_id(Some(format!("{:?}", endpoint.name)))
        .summary(Some(summary));
    for name in endpoint.path().split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path).required(Required::True);
        operation = operation.parameter(parameter.schema(Some(Kind::Text.schema())));
    }
    if let Some((members, required)) = body {
        let body = RequestBodyBuilder::new().content("application/json", json(members)).required(Some(required));
        operation = operation.request_body(Some(body.build()));
        errors.extend([Error::InvalidRequest, Error::TooLarge]);
    }
    for (status, members) in answers {
        let mut response = Response::new("Done.");
        if status < 204 {
            response.content.insert("application/json".to_owned(), json(members));
        }
        operation = operation.response(status.to_string(), response);
    }
    // What every endpoint may answer besides.
    errors.push(Error::NoRandomness);
    let mut codes: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for error in errors {
        let codes = codes.entry(error.status()).or_default();
        codes.extend(Some(error.code().to_owned()).filter(|code| !codes.contains(code)));
    }
    // Those of the flow.
    if endpoint.path().starts_with("oauth/") {
        let codes = codes.entry(400).or_default();
        codes.extend(["sign_in_failed", "access_denied", "invalid_return_to"].map(str::to_owned));
    }
    // Those of a credential, where it is looked at.
    if endpoint.wants_caller() {
        let codes = codes.entry(401).or_default();
        codes.extend(["credential_missing", "invalid_token", "token_expired"].map(str::to_owned));
    }
    if endpoint.method() != "GET" {
        codes.entry(403).or_default().push("cross_origin".to_owned());
    }
    for (status, codes) in codes {
        let mut response = Response::new(format!("Refused: {}.", codes.join(", ")));
        response.content.insert("application/problem+json".to_owned(), Content::default());
        operation = operation.response(status.to_string(), response);
    }
    operation.build()
}
