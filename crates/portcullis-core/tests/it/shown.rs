//! What `Debug` shows of every public type: nothing that could be a credential, a session, a subject or a body.

use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{policy::*, testing::*, *};
use std::{
    collections::BTreeSet,
    future::pending,
    io,
    sync::Mutex,
    time::{Duration, SystemTime},
};

/// Stands in everything that is private.
const PLANTED: &str = "swordfish";

/// As text, in base64 wherever it begins, as bytes, and in base64url as part of the token.
fn assert_hidden(name: &str, shown: &str, token: &str) {
    let shown = shown.to_ascii_lowercase();
    let encoded = ["c3dvcmrmaxno", "n3b3jkzmlza", "zd29yzgzpc2"];
    let parts: Vec<String> = token.split('.').map(str::to_ascii_lowercase).collect();
    let parts = parts.iter().map(String::as_str);
    for secret in [PLANTED, "115, 119, 111, 114", "73776f7264"].into_iter().chain(encoded).chain(parts) {
        assert!(!shown.contains(secret), "{name} shows {secret}: {shown}");
    }
}

/// The names of the types that a file of the crate makes public.
fn public(source: &str) -> BTreeSet<String> {
    let uses = source.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let names = uses.flat_map(|names| names.split(['{', '}', ',', ':'])).map(str::trim);
    names.filter(|name| name.starts_with(char::is_uppercase)).map(str::to_owned).collect()
}

/// A `Debug` of a policy's question is only to be had inside a policy.
static QUESTION: Mutex<String> = Mutex::new(String::new());

/// And one of a request's cookies only where they are read.
static COOKIES: Mutex<String> = Mutex::new(String::new());

fn read(cookies: &Cookies<'_>) -> Result<Option<String>, Error> {
    *COOKIES.lock().unwrap() = format!("{cookies:?}\n{cookies:#?}");
    Ok(cookies.get("session.0")?.map(str::to_owned))
}

#[derive(Debug)]
struct Nobody;

impl HttpClient for Nobody {
    fn send(&self, _: HttpRequest, reply: Reply) {
        reply.give(Ok(HttpResponse::new(404, "")));
    }
}

impl Directory for Nobody {
    async fn account(&self, _: &Principal) -> Result<Account, Error> {
        Ok(Account::none())
    }
}

impl Membership for Nobody {
    type Id = u32;

    async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> {
        Ok(Standing::stranger())
    }
}

impl OrganizationVersions for Nobody {
    async fn version(&self, _: &Principal, _: &str) -> Result<Option<u64>, Error> {
        Ok(None)
    }
}

impl TokenSource for Nobody {
    fn request(&self) -> Result<HttpRequest, Error> {
        Ok(HttpRequest::get("https://issuer.test/token"))
    }

    fn read(&self, _: &HttpResponse) -> Result<(BearerToken, Duration), Error> {
        Err(Error::new(ErrorKind::Unavailable, "no token"))
    }
}

/// An error of somebody else that shows all it has.
#[derive(Debug)]
#[expect(dead_code, reason = "it is shown")]
struct Row(&'static str);

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a row")
    }
}

impl std::error::Error for Row {}

/// With the planted word inside.
const WEBHOOK_SECRET: &str = "whsec_c3dvcmRmaXNoLXN3b3JkZmlzaC1zd29yZGZpc2g=";

fn webhook_message() -> WebhookMessage {
    let clock = FixedClock::at(1_700_000_000);
    let signature = "v1,EQRFzW+eYx0wbrls0bPta6dszsIPJ84pha12hzMuiCg=";
    let head = Head::new().header("svix-id", "msg_1").header("svix-timestamp", "1700000000");
    Webhooks::new(WEBHOOK_SECRET)
        .unwrap()
        .clock(clock)
        .verify(&head.header("svix-signature", signature), "swordfish")
        .unwrap()
}

fn engine_resource() -> EngineResource {
    EngineResource::new(ResourceRef::new("project", PLANTED)).with_standing(Standing::role("viewer").with(PLANTED))
}

#[test]
fn nothing_private_is_shown() {
    let mut all: Vec<(&str, String)> = Vec::new();
    macro_rules! show {
        ($($name:ident: $value:expr),* $(,)?) => {
            $({ let value = $value; all.push((stringify!($name), format!("{value:?}\n{value:#?}"))); })*
        };
    }
    let secret = "swordfish-swordfish-swordfish-swordfish";
    let issuer = TestIssuer::new();
    let building = issuer.token("swordfish@private.test").claim("sid", "swordfish").claim("jti", "swordfish");
    let building = building.claim("email", "swordfish").header("kid", "swordfish");
    let jwt = issuer.verifier();
    let token = {
        let token = issuer.token("swordfish@private.test").claim("sid", "swordfish").claim("jti", "swordfish");
        token.claim("email", "swordfish").sign()
    };
    let builder = || {
        let gate = Gate::builder().scheme(Scheme::new(jwt.clone()).bearer()).cache(TokenCache::new(10));
        let gate = gate.scheme(Scheme::new(SharedSecret::new("swordfish", secret).unwrap()).bearer());
        gate.revocations(RevocationList::new(Duration::from_secs(60))).roles(RoleHierarchy::ranked(["viewer"]).unwrap())
    };
    let gate = builder().build().unwrap();
    let head = Head::new().bearer(&token).query("token=swordfish");
    let who = gate.establish(&head).now_or_never().unwrap();
    let principal = who.principal().unwrap().clone();
    assert!(
        principal.session().is_some() && principal.token_id().is_some() && principal.id().subject().contains(PLANTED)
    );
    let plan = gate
        .plan(when("asks", |question: &Question<'_>| {
            *QUESTION.lock().unwrap() = format!("{question:?}\n{question:#?}");
            false
        }))
        .unwrap();
    let decision = gate.explain(&who, &plan, &head).now_or_never().unwrap().unwrap();
    let error = gate.authorize(&who, &plan, &head).now_or_never().unwrap().unwrap_err();
    let cause = Error::new(ErrorKind::Invalid, "a reason").with_cause(Row("swordfish")).with_cause(Row("swordfish"));
    let list = RevocationList::new(Duration::from_secs(60));
    list.revoke(&principal);
    list.end_session(&principal.session().unwrap());
    list.sign_out(principal.id(), SystemTime::UNIX_EPOCH);
    let key = || Key::secret(Algorithm::Hs256, secret).unwrap();
    let trusted = || Issuer::new("https://issuer.test", Audience::is("test"), [Algorithm::Hs256], key()).unwrap();
    let asked = || Issuer::without_keys("https://issuer.test", Audience::is("test")).unwrap();
    let (good, bad) = (issuer.signing_key().public_jwk("good").unwrap(), r#"{"kty":"oct","k":"!swordfish"}"#);
    let set = KeySet::jwks(&format!(r#"{{"keys":[{good},{bad}]}}"#)).unwrap();
    let url = "https://issuer.test/ask?key=swordfish";
    let request = HttpRequest::post_form(url, &[("token", secret)]).with_header("authorization", secret);
    let response = HttpResponse::new(200, secret).with_header("set-cookie", secret);
    let refusal = gate.refuse(&error).with_header("x-secret", secret).with_body("text/plain", secret);
    let Decision::Deny(denial) = decision.clone() else { panic!("it denies") };
    let (clock, keys) = (FixedClock::at(1), ApiKeys::new("acme", MemoryKeys::new()).unwrap());
    let keyed = Gate::builder().scheme(Scheme::named("key", keys.clone()).bearer()).clock(clock).build().unwrap();
    let scopes = || KeyScopes::new(["swordfish"]).unwrap();
    let new_key = || NewKey::new("swordfish", scopes()).organization("swordfish");
    let owner = keys.of(&principal).unwrap();
    let api_key = owner.create(new_key()).now_or_never().unwrap().unwrap();
    let (key_text, key_row) =
        (api_key.expose().to_owned(), KeyRow { start: "swordfish".into(), ..api_key.row().clone() });
    show! {
        ApiKey: &api_key,
        ApiKeys: &keys,
        ApiKeys: keys.clone().other_format(|text| Ok(KeyDigest::of(text))),
        KeyDigest: key_row.digest,
        KeyRow: &key_row,
        KeyScopes: scopes(),
        KeyUse: KeyUse { id: "an-id".into(), at: SystemTime::UNIX_EPOCH, count: 1 },
        MemoryKeys: MemoryKeys::new(),
        NewKey: new_key(),
        OwnerKeys: &owner,
        Gate: &keyed,
        Answer: Answer::now(principal.clone()),
        Claims: principal.token_claims().unwrap(),
        ClaimMap: ClaimMap::new(),
        ClaimPath: ClaimPath::from_static("sub"),
        Rules: Rules::new(),
        SystemClock: SystemClock::default(),
        Credential: Credential::new(token.clone(), CredentialSource::bearer()),
        CredentialSource: who.source().unwrap(),
        Scrubber: gate.scrubber(&head),
        Access: Access::default(),
        Decision: &decision,
        Denial: &denial,
        Explanation: decision.explain().unwrap(),
        SuperuserScope: SuperuserScope::permissions(["a:b"]),
        Forecast: gate.forecast(&plan, &Holder::Staff),
        Holder: Holder::Staff,
        Error: &error,
        Error: cause,
        Error: Error::new(ErrorKind::Unavailable, "down").with_cause(io::Error::other(Row("swordfish"))),
        ErrorKind: error.kind(),
        Authentication: &who,
        Authentication: gate.establish(&Head::new().bearer("swordfish.swordfish.swordfish")).now_or_never().unwrap(),
        Authentication: gate.establish(&Head::new().bearer(secret)).now_or_never().unwrap(),
        Gate: &gate,
        Gate: gate.acting_as(principal.clone()),
        GateBuilder: builder(),
        Caller: who.caller(&head).unwrap(),
        Lease: who.lease(None, &head).unwrap(),
        Watch: who.lease(None, &head).unwrap().watch(|_| pending::<()>()),
        TokenCache: TokenCache::new(10),
        ShadowCounts: ShadowCounts::default(),
        ShadowLimits: ShadowLimits::new(),
        HttpRequest: request,
        HttpResponse: response,
        Reply: Reply::new(drop),
        Introspection: Introspection::new(asked(), url, Nobody).unwrap().client("orders", secret),
        Introspection: Introspection::new(asked(), url, Nobody).unwrap().client_in_body("orders", secret),
        Introspection: Introspection::new(asked(), url, Nobody).unwrap().client_token(secret),
        BearerToken: BearerToken::new(secret).unwrap(),
        ClientCredentials: ClientCredentials::new(url, "billing", secret, Nobody).unwrap().secret_in_body(),
        KeptToken: KeptToken::new(Nobody, Nobody).starting_with(BearerToken::new(secret).unwrap(), Duration::MAX),
        TrustedIssuers: TrustedIssuers::dangerous_any_address(Audience::is("test"), [Algorithm::Es256], Nobody).unwrap(),
        TokenExchange: TokenExchange::new(url, "billing", secret, Nobody).unwrap(),
        OpaqueTokens: OpaqueTokens::new().prefix("ory_at_").unwrap(),
        WhoAmI: WhoAmI::new(asked(), url, Nobody).unwrap(),
        Algorithm: Algorithm::Hs256,
        Audience: Audience::is("test"),
        Issuer: trusted(),
        Jwt: Jwt::new(trusted()),
        Jwt: &jwt,
        Key: key(),
        KeySet: [key()].into_iter().collect::<KeySet>(),
        KeySource: KeySource::from(key()),
        RejectedKey: set.rejected().first().unwrap(),
        KeySet: &set,
        RemoteKeys: RemoteKeys::jwks(url, Nobody).unwrap(),
        RemoteKeysBuilder: RemoteKeys::builder(),
        ResourceRef: ResourceRef::new("project", "42"),
        Standing: Standing::role("viewer").under("team", "swordfish").with("swordfish".to_owned()),
        Account: Account::new("swordfish".to_owned()).organization("swordfish"),
        CachedMembership: CachedMembership::new(Nobody, 1, Duration::ZERO),
        CachedDirectory: CachedDirectory::new(Nobody, 1, Duration::ZERO),
        EngineRequest: EngineRequest::new(principal.clone(), "read").on(engine_resource()),
        EngineResource: engine_resource(),
        OrganizationContext: OrganizationContext::new(secret, Nobody).unwrap(),
        UnexpiringContext: UnexpiringContext::new(secret).unwrap(),
        Permission: Permission::from_static("kb:read"),
        PermissionSet: principal.permissions(),
        Plan: &plan,
        Principal: &principal,
        PrincipalId: principal.id(),
        PrincipalKind: principal.kind(),
        SessionId: principal.session(),
        TokenId: principal.token_id(),
        Refusal: refusal,
        RevocationList: list,
        Dpop: Dpop::new("https://api.example.com").unwrap().nonces(secret).unwrap(),
        ClientCertificates: ClientCertificates::from_proxies(["10.0.0.7"]).unwrap(),
        RecentProofs: RecentProofs::new(10),
        Role: Role::new("viewer"),
        RoleHierarchy: gate.roles(),
        ProtectedResource: ProtectedResource::new("https://api.example.com").unwrap(),
        RoleHierarchyBuilder: RoleHierarchy::builder().ranked(["viewer"]),
        Scheme: Scheme::new(Jwt::new(trusted())).bearer(),
        Scheme: Scheme::named("sync", SharedSecret::new("swordfish", secret).unwrap()).header("x-sync-secret"),
        Scheme: Scheme::new(Introspection::new(asked(), url, Nobody).unwrap().client("orders", secret)).cookie("session"),
        SharedSecret: SharedSecret::new("swordfish", secret).unwrap(),
        SignedUrls: SignedUrls::new("a", secret).unwrap(),
        SignedUrl: builder().signer("files", SignedUrls::new("a", secret).unwrap()).build().unwrap()
            .sign("files", "GET", "/swordfish", Duration::from_secs(60)).unwrap(),
        Verifier: Verifier::from(Jwt::new(trusted())),
        Verifier: Verifier::from(SharedSecret::new("swordfish", secret).unwrap()),
        Verifier: Verifier::from(Introspection::new(asked(), url, Nobody).unwrap().client("orders", secret)),
        Verifier: Verifier::from(WhoAmI::new(asked(), url, Nobody).unwrap()),
        Webhooks: Webhooks::new(WEBHOOK_SECRET).unwrap(),
        WebhookMessage: webhook_message(),
        FixedClock: issuer.clock(),
        TestIssuer: &issuer,
        TestToken: building,
        SigningKey: issuer.signing_key(),
    }
    let question = QUESTION.lock().unwrap().clone();
    assert!(question.contains("Question"), "it was asked");
    all.push(("Question", question));
    let source = CredentialSource::cookies("session", read);
    let chunked = Gate::builder().scheme(Scheme::new(jwt.clone()).source(source.clone())).build().unwrap();
    let head = Head::new().header("cookie", "session.0=swordfish; other=swordfish");
    assert_eq!(chunked.read(&head).unwrap().map(|read| read.expose().to_owned()).as_deref(), Some("swordfish"));
    let cookies = COOKIES.lock().unwrap().clone();
    assert!(cookies.contains("Cookies"), "they were read");
    all.extend([("Cookies", cookies), ("CredentialSource", format!("{source:?} {chunked:?}"))]);
    for (name, shown) in &all {
        assert_hidden(name, shown, &token);
        assert!(!shown.contains(&key_text[5..20]), "{name} shows a key: {shown}");
    }
    // What is said in logs and explanations beside `Debug`.
    assert_hidden("an error", &error.to_string(), &token);
    assert_hidden("who it is", &who.to_string(), &token);
    assert_hidden("the explanation", &decision.explain().unwrap().to_string(), &token);
    // Policies are constants, and hold nothing but names.
    let traits = [
        "Authenticator",
        "Clock",
        "RequestHead",
        "HttpClient",
        "IssuerLookup",
        "Engine",
        "KeyStore",
        "Directory",
        "Membership",
        "Moment",
        "OrganizationVersions",
        "ProofMemory",
        "Requirement",
        "Revocations",
        "TokenSource",
    ];
    let known: BTreeSet<String> = all.iter().map(|(name, _)| *name).chain(traits).map(str::to_owned).collect();
    let public: BTreeSet<String> = [include_str!("../../src/lib.rs"), include_str!("../../src/testing/mod.rs")]
        .into_iter()
        .flat_map(public)
        .collect();
    assert_eq!(known, public, "a public type that this test does not show, or one that is gone");
}
