//! What every site has: paths, and who may go there. Each way in builds the same list in its own words.

use crate::cast::{Flight, User};
use portcullis::{Caller, Decision, Error, ErrorKind, Principal, Question, Requirement, policy::*};
use serde::Deserialize;
use std::time::Duration;
use tokio::task::yield_now;

/// How a way in builds a place. Handlers say who reached them, and the parameters of their path.
pub trait Build: Sized {
    /// Public, and the handler asks nobody.
    fn open(self, path: &'static str) -> Self;
    /// The same, and there is nothing any more: 410.
    fn gone(self, path: &'static str) -> Self;
    /// Public, and the handler asks who it is, if they say so.
    fn visit(self, path: &'static str) -> Self;
    /// The same, asked by `Option<Authenticated>` where a handler can.
    fn maybe(self, path: &'static str) -> Self;
    /// For everybody who is known.
    fn me(self, path: &'static str) -> Self;
    /// For those whom a policy lets pass.
    fn place<R: Requirement>(self, path: &'static str) -> Self;
    /// The same, and the handler says what it sees of the query.
    fn queried<R: Requirement>(self, path: &'static str) -> Self;
    /// For every caller, and the handler moves a flight: see [`moved`].
    fn moves(self, path: &'static str) -> Self;
    /// For every caller, and the handler returns an error with `?`: see [`failed`].
    fn fails(self, path: &'static str) -> Self;
    /// Public, and the handler insists on a caller, with `?`: see [`insisted`].
    fn insists(self, path: &'static str) -> Self;
    /// Places below a path.
    fn nest(self, path: &'static str, inner: fn(Self) -> Self) -> Self;
    /// Places below a path, of the gate [`other`](crate::sites::other).
    fn other(self, path: &'static str, inner: fn(Self) -> Self) -> Self;
    /// The same, behind a guard of this gate for every caller.
    fn behind(self, path: &'static str, inner: fn(Self) -> Self) -> Self;
    /// Places below a path, all for those whom one policy lets pass.
    fn scope<R: Requirement>(self, path: &'static str, inner: &[&'static str]) -> Self;
}

/// What handlers answer.
pub fn said<'a>(who: Option<&Principal>, params: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = who.map_or("nobody", |who| who.id().subject()).to_owned();
    let mut params: Vec<_> = params.into_iter().collect();
    params.sort_unstable();
    params.iter().for_each(|(name, value)| text += &format!(" {name}={value}"));
    text
}

/// What handlers answer about the query, which never shows a credential: the parameter that the guard goes by, one that
/// counts for WebSockets alone, and how many pairs there are.
pub fn said_of(who: Option<&Principal>, query: Option<&str>) -> String {
    let pairs: Vec<_> = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).collect();
    let first = |name| pairs.iter().find(|(found, _)| found == name).map(|(_, value)| (name, &**value));
    let params = ["project", "ws_token"].into_iter().filter_map(first);
    format!("{} pairs={}", said(who, params), pairs.len())
}

/// What a body asks for: that a flight belongs to another project.
#[derive(Debug, Deserialize)]
pub struct Move {
    flight: String,
    to: String,
}

/// A handler that asks about what stands in the body. Strangers are not told whether there is such a project.
pub async fn moved(caller: &Caller, Move { flight, to }: Move) -> Result<String, Error> {
    caller.require(role("manager").on("flight", id(&flight))).await?;
    caller.require(role("manager").on("project", id(&to)).hidden()).await?;
    Ok(format!("{} flight={flight} to={to}", caller.principal().id().subject()))
}

/// A handler that fails in the way that the query says.
pub async fn failed(caller: &Caller, query: Option<&str>) -> Result<String, Error> {
    #[derive(Debug, Deserialize)]
    struct Tier {
        #[serde(rename = "tier")]
        _tier: u32,
    }
    let down = || Error::new(ErrorKind::Unavailable, "the store is down");
    let access = match query.unwrap_or_default() {
        "missing" => return Err(Error::new(ErrorKind::Missing, "this needs a second credential")),
        "invalid" => return Err(Error::new(ErrorKind::Invalid, "the session was closed")),
        "expired" => return Err(Error::new(ErrorKind::Expired, "the session is over")),
        "account" => return Err(Error::no_account()),
        "malformed" => return Err(Error::new(ErrorKind::Malformed, "two of them").with_code("conflicting_ids")),
        "denied" => return Err(Error::denied("too_late")),
        "gone" => return Err(Error::missing("flight")),
        "taken" => return Err(Error::rejected(409, "email_taken").with_list("suggestions", ["alice1", "alice2"])),
        "password" => return Err(Error::rejected(401, "wrong_password")),
        "no-invitation" => return Err(Error::rejected(404, "invitation_not_found")),
        "often" => return Err(Error::rejected(429, "too_many_attempts").with_retry_after(Duration::from_secs(9))),
        "redirect" => return Err(Error::rejected(302, "moved").with_list("suggestions", ["alice1"])),
        "down" => return Err(down().with_retry_after(Duration::from_secs(9))),
        "down-quietly" => return Err(down()),
        "wiring" => return Err(Error::new(ErrorKind::Misconfigured, "there is no store")),
        "claims" => return caller.principal().claims::<Tier>().map(|_| "a tier".to_owned()),
        "staff" => caller.require(staff()).await?,
        "hidden" => caller.require(hidden(staff())).await?,
        "scope" => caller.require(scope("kb:read")).await?,
        "role" => caller.require(role("viewer").on("project", id("42"))).await?,
        "misspelt" => caller.require(role("veiwer").on("project", id("42"))).await?,
        "allows" => return caller.allows(staff()).await.map(|is_staff| format!("staff={is_staff}")),
        other => panic!("no error is called {other:?}"),
    };
    Ok(said(access.visitor(), []))
}

/// A handler that insists on a caller.
pub fn insisted(who: Option<Principal>) -> Result<String, Error> {
    let who = who.ok_or_else(|| Error::new(ErrorKind::Missing, "only for callers with a credential"))?;
    Ok(said(Some(&who), []))
}

/// The methods that every handler answers.
pub const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Here a policy asks for a parameter that the path does not have.
pub const WIRING: &str = "/wiring/{id}";

macro_rules! policies {
    ($($name:ident = $policy:expr;)+) => {$(
        pub struct $name;
        impl Requirement for $name {
            const POLICY: &'static dyn Policy = &$policy;
        }
    )+};
}

policies! {
    Known = authenticated();
    StaffOnly = staff();
    Editors = role("editor");
    ReadKb = permission("kb:read");
    ScopeKb = scope("kb:read");
    StaffWhoWrite = all((staff(), permission("kb:write")));
    StaffOrReaders = any((staff(), permission("kb:read")));
    NoGuests = not(role("guest"));
    Gold = claim("tier").is("gold");
    StepUp = all((signed_in_within(minutes(5)), factor("otp"), not(role("guest"))));
    BySecret = via("sync");
    ByKey = via("key");
    SecretOrKey = any((via("sync"), via("key")));
    SecretOrStaff = any((via("sync"), staff()));
    SecretOrHidden = any((via("sync"), hidden(staff())));
    EditorBySecret = via("sync").and(role("editor"));
    AlsoBySecret = also_via("sync", authenticated());
    AlsoEither = also_via("key", also_via("sync", authenticated()));
    StaffAlsoBySecret = also_via("sync", staff());
    NotBySecret = not(via("sync"));
    AnyButBySecret = also_via("key", also_via("sync", not(via("sync"))));
    NotMallory = when("not_mallory", |question| question.principal().id().subject() != "mallory");
    Paid = InTheBooks;
    HiddenStaff = hidden(staff());
    HiddenKb = hidden(any((staff(), permission("kb:read"))));
    HiddenFirst = any((hidden(permission("kb:read")), staff()));

    View = role("viewer").on("project", path("id"));
    Manage = role("manager").on("project", path("id"));
    Own = role("owner").on("project", path("id"));
    ViewHidden = role("viewer").on("project", path("id")).hidden();
    Flights = permission("flights:read").on("project", path("id"));
    StaffOrView = any((staff(), role("viewer").on("project", path("id")).hidden()));
    Strangers = not(role("viewer").on("project", path("id")));
    OwnName = when("own_name", |q| q.param("name").is_ok_and(|name| name == q.principal().id().subject()));
    Wiring = role("viewer").on("project", path("nowhere"));

    ViewQuery = role("viewer").on("project", query("project"));
    ManageQuery = role("manager").on("project", query("project"));
    HiddenQuery = role("viewer").on("project", query("project")).hidden();

    ViewFlight = role("viewer").on("flight", query("flight"));
    HiddenFlight = role("viewer").on("flight", query("flight")).hidden();
    FlightOfProject = role("viewer").on("flight", query("flight")).of("project", query("project"));
    FlightByHeader = role("viewer").on("flight", header("x-flight").or(query("flight")));
    LockedFlight = role("viewer").on("flight", query("flight")).row("locked", |flight: &Flight| !flight.is_locked);
    OpenFlight = visitors(role("viewer").on("flight", query("flight")).hidden());
    NoViewer = not(role("viewer").on("flight", query("flight")));
    MyOrganization = role("member").on("organization", organization());
    Confirmed = without_baseline(account("unconfirmed", |user: &User| user.is_confirmed));
    Unchecked = without_baseline(authenticated());
}

/// Who has paid. The books are asked, which may be closed.
#[derive(Debug)]
pub struct InTheBooks;

impl Rule for InTheBooks {
    async fn decide(&self, question: &Question<'_>) -> Verdict {
        yield_now().await;
        match question.principal().id().subject() {
            "debtor" => Ok(Decision::deny("paid")),
            "unknown" => Err(Error::new(ErrorKind::Unavailable, "the books are closed")),
            "unwired" => Err(Error::new(ErrorKind::Misconfigured, "there are no books")),
            _ => Ok(Decision::allow()),
        }
    }
}

pub fn places<B: Build>(site: B) -> B {
    site.open("/open")
        .gone("/gone")
        .visit("/visit")
        .maybe("/maybe")
        .me("/me")
        .place::<Known>("/known")
        .place::<StaffOnly>("/staff")
        .place::<Editors>("/editors")
        .place::<ReadKb>("/kb")
        .place::<ScopeKb>("/scope")
        .place::<StaffWhoWrite>("/all")
        .place::<StaffOrReaders>("/any")
        .place::<NoGuests>("/not")
        .place::<Gold>("/gold")
        .place::<StepUp>("/step-up")
        .place::<BySecret>("/by-secret")
        .place::<ByKey>("/by-key")
        .place::<SecretOrKey>("/secret-or-key")
        .place::<SecretOrStaff>("/secret-or-staff")
        .place::<SecretOrHidden>("/secret-or-hidden")
        .place::<EditorBySecret>("/editor-by-secret")
        .place::<AlsoBySecret>("/also")
        .place::<AlsoEither>("/also-either")
        .place::<StaffAlsoBySecret>("/also-staff")
        .place::<NotBySecret>("/not-by-secret")
        .place::<AnyButBySecret>("/any-but-secret")
        .place::<NotMallory>("/when")
        .place::<Paid>("/paid")
        .place::<HiddenStaff>("/hidden-staff")
        .place::<HiddenKb>("/hidden-kb")
        .place::<HiddenFirst>("/hidden-first")
        .place::<ViewQuery>("/project")
        .place::<ManageQuery>("/project/settings")
        .queried::<ViewQuery>("/queried")
        .place::<HiddenQuery>("/hidden-project")
        .place::<ViewFlight>("/flight")
        .place::<HiddenFlight>("/hidden-flight")
        .place::<FlightOfProject>("/flight-of-project")
        .place::<FlightByHeader>("/flight-by-header")
        .place::<LockedFlight>("/unlocked-flight")
        .place::<OpenFlight>("/open-flight")
        .place::<NoViewer>("/no-viewer")
        .place::<MyOrganization>("/my-organization")
        .place::<Confirmed>("/confirmed")
        .place::<Unchecked>("/unchecked")
        .moves("/moves")
        .fails("/fails")
        .insists("/insists")
        .place::<View>("/p/{id}")
        .place::<Manage>("/p/{id}/settings")
        .place::<Own>("/p/{id}/keys")
        .place::<Flights>("/p/{id}/flights")
        .place::<ViewHidden>("/hidden/{id}")
        .place::<StaffOrView>("/mixed/{id}")
        .place::<Strangers>("/strangers/{id}")
        .place::<OwnName>("/people/{name}")
        .place::<Wiring>(WIRING)
        .nest("/n", |site| {
            site.open("/open")
                .me("/me")
                .place::<HiddenStaff>("/hidden-staff")
                .nest("/deep", |site| site.me("/me").moves("/moves").fails("/fails"))
        })
        .nest("/teams/{team}", |site| site.place::<View>("/p/{id}").me("/me"))
        .nest("/in/{id}", |site| site.place::<View>("/flights").place::<ViewHidden>("/hidden"))
        .other("/other", of_the_other_gate)
        .behind("/behind", of_the_other_gate)
        .scope::<StaffOnly>("/admin", &["/users", "/keys"])
}

fn of_the_other_gate<B: Build>(site: B) -> B {
    site.open("/open")
        .visit("/visit")
        .me("/me")
        .place::<StaffOnly>("/staff")
        .place::<HiddenStaff>("/hidden-staff")
        .fails("/fails")
        .insists("/insists")
}
