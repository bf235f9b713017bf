//! Policy engines: what they are asked, and what becomes of their answers.

use crate::head::Head;
use futures_util::FutureExt;
use portcullis_core::{policy::*, testing::*, *};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_assert_eq, prop_oneof, proptest};
use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::Poll,
};

/// Says what the test wants, and notes what it was asked.
#[derive(Debug, Clone)]
struct Says(Arc<Mutex<Spoken>>);

type Spoken = (Result<bool, ErrorKind>, Vec<EngineRequest>);

impl Says {
    fn new(answer: Result<bool, ErrorKind>) -> Self {
        Self(Arc::new(Mutex::new((answer, Vec::new()))))
    }

    fn asked(&self) -> Vec<EngineRequest> {
        std::mem::take(&mut self.0.lock().unwrap().1)
    }
}

impl Engine for Says {
    async fn allows(&self, request: &EngineRequest) -> Result<bool, Error> {
        let mut state = self.0.lock().unwrap();
        state.1.push(request.clone());
        state.0.map_err(|kind| Error::new(kind, "the engine is out"))
    }
}

/// The same, after a while.
#[derive(Debug)]
struct Late(Says);

impl Engine for Late {
    async fn allows(&self, request: &EngineRequest) -> Result<bool, Error> {
        wait().await;
        self.0.allows(request).await
    }
}

async fn wait() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

struct Row(&'static str);

/// alice is a viewer of project 1 and suspended in project 3; there are projects up to 9.
#[derive(Debug)]
struct Projects {
    is_late: bool,
}

impl Membership for Projects {
    type Id = u32;

    async fn standing(&self, who: &Principal, id: &u32) -> Result<Standing, Error> {
        if self.is_late {
            wait().await;
        }
        Ok(match (who.id().subject(), id) {
            (_, 10..) => Standing::missing(),
            ("alice", 1) => Standing::role("viewer").with(Row("draft")),
            ("alice", 3) => Standing::refused("suspended"),
            ("alice", 4) => return Err(Error::new(ErrorKind::Unavailable, "the database is down")),
            _ => Standing::stranger(),
        })
    }
}

fn gate(engine: impl Engine, is_late: bool) -> Gate {
    let scheme = Scheme::new(TestIssuer::new().verifier()).bearer();
    let roles = RoleHierarchy::ranked(["viewer"]).unwrap();
    let gate = Gate::builder().scheme(scheme).roles(roles).membership("project", Projects { is_late });
    gate.engine("cerbos", engine).build().unwrap()
}

fn on_project() -> impl Policy + 'static {
    engine("cerbos", "read").on("project", path("project_id"))
}

fn answer(gate: &Gate, policy: impl Policy + 'static, id: &str) -> Result<Access, (u16, String)> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let plan = gate.plan(policy).unwrap();
    let head = Head::new().param("project_id", id);
    let decided = runtime.block_on(async {
        let who = gate.establish_for(&plan, &head).await;
        gate.authorize(&who, &plan, &head).await
    });
    decided.map_err(|error| (error.status(), error.code().to_owned()))
}

fn code(gate: &Gate, policy: impl Policy + 'static, id: &str) -> String {
    answer(gate, policy, id).map_or_else(|(status, code)| format!("{status} {code}"), |_| "200".to_owned())
}

#[test]
fn its_answer_decides_and_its_errors_never_do() {
    for (says, expected, inverted) in [
        (Ok(true), "200", "403 not_allowed"),
        (Ok(false), "403 engine_denied", "200"),
        (Err(ErrorKind::Unavailable), "503 unavailable", "503 unavailable"),
        (Err(ErrorKind::Denied), "503 unavailable", "503 unavailable"),
        (Err(ErrorKind::Invalid), "503 unavailable", "503 unavailable"),
        (Err(ErrorKind::Misconfigured), "500 misconfigured", "500 misconfigured"),
    ] {
        for is_late in [false, true] {
            let engine_that = || Late(Says::new(says));
            let alice = match is_late {
                true => gate(engine_that(), true),
                false => gate(Says::new(says), false),
            };
            let alice = alice.acting_as(acting_as("alice"));
            assert_eq!(code(&alice, engine("cerbos", "read"), "1"), expected, "{says:?}");
            assert_eq!(code(&alice, on_project(), "1"), expected, "{says:?}");
            let not = code(&alice, not(on_project()), "1");
            assert!(not == inverted || inverted.starts_with("403") && not.starts_with("403"), "{says:?}: {not}");
            let either = if says == Ok(true) { "200" } else { expected };
            assert_eq!(code(&alice, any((on_project(), staff())), "1").split(' ').next(), either.split(' ').next());
            let staff_first = any((staff(), on_project()));
            let root = alice.acting_as(acting_as("root").with_staff(true));
            assert_eq!(code(&root, staff_first, "1"), "200", "it is not asked");
        }
    }
}

#[test]
fn what_it_is_asked() {
    for is_late in [false, true] {
        let says = Says::new(Ok(true));
        let gate = gate(says.clone(), is_late);
        let alice = gate.acting_as(acting_as("alice").with_role("viewer"));
        let access = answer(&alice, on_project(), "001").unwrap();
        assert_eq!(access.resource(), Some(&ResourceRef::new("project", "1")));
        assert_eq!(access.row::<Row>().unwrap().0, "draft");
        let [asked] = &says.asked()[..] else { panic!("once") };
        assert_eq!((asked.action(), asked.principal().roles()), ("read", &["viewer".into()][..]));
        let resource = asked.resource().unwrap();
        assert_eq!((resource.kind(), resource.id()), ("project", "1"), "as the membership prints it");
        let standing = resource.standing().unwrap();
        assert_eq!(standing.held().map(Role::as_str), Some("viewer"));
        assert_eq!(standing.row::<Row>().unwrap().0, "draft");

        // It decides about strangers.
        assert_eq!(code(&gate.acting_as(acting_as("bob")), on_project(), "1"), "200");
        assert_eq!(says.asked()[0].resource().unwrap().standing().unwrap().held(), None);

        // Without a membership of the kind, it gets the text of the request.
        assert_eq!(code(&alice, engine("cerbos", "read").on("invoice", path("project_id")), "007"), "200");
        let asked = says.asked();
        let invoice = asked[0].resource().unwrap();
        assert_eq!((invoice.kind(), invoice.id()), ("invoice", "007"));
        assert!(invoice.standing().is_none());

        assert_eq!(code(&alice, engine("cerbos", "export"), "1"), "200");
        assert!(says.asked()[0].resource().is_none());
    }
}

#[test]
fn what_it_is_not_asked() {
    for is_late in [false, true] {
        let says = Says::new(Ok(true));
        let gate = gate(says.clone(), is_late);
        let alice = gate.acting_as(acting_as("alice"));
        assert_eq!(code(&alice, on_project(), "77"), "404 not_found");
        assert_eq!(code(&alice, on_project(), "3"), "403 suspended");
        assert_eq!(code(&alice, not(on_project()), "3"), "403 suspended", "a suspended member stays out");
        assert_eq!(code(&alice, on_project(), "4"), "503 unavailable");
        assert_eq!(code(&alice, on_project(), "x"), "400 invalid_id");
        assert_eq!(
            code(&alice, engine("cerbos", "read").on("invoice", query("invoice")), "1"),
            "400 parameter_missing"
        );
        assert_eq!(code(&gate, on_project(), "1"), "401 credential_missing");
        assert_eq!(code(&gate, visitors(on_project()), "1"), "401 credential_missing", "nobody is no principal");
        assert_eq!(says.asked().len(), 0);
    }
}

#[test]
fn names_are_checked_at_the_start() {
    let gate = gate(Says::new(Ok(true)), false);
    let error = gate.plan(engine("cedar", "read")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.to_string().contains("cedar") && error.to_string().contains("cerbos"), "{error}");
    assert!(gate.plan(not(engine("cedar", "read").on("project", path("id")))).is_err());
    let scheme = || Scheme::new(TestIssuer::new().verifier()).bearer();
    let none = Gate::builder().scheme(scheme()).build().unwrap().plan(engine("cedar", "read")).unwrap_err();
    assert!(none.to_string().contains(".engine(\"cedar\", …)"), "{none}");
    let twice =
        Gate::builder().scheme(scheme()).engine("cerbos", Says::new(Ok(true))).engine("cerbos", Says::new(Ok(true)));
    assert!(twice.build().is_err());
}

#[test]
fn it_is_told_in_words() {
    let gate = gate(Says::new(Ok(false)), false).acting_as(acting_as("alice"));
    let policy = all((engine("cerbos", "export"), hidden(on_project())));
    assert_eq!(policy.describe().to_string(), "export by cerbos and read by cerbos on project, hidden");
    let plan = gate.plan(on_project()).unwrap();
    assert_eq!(plan.params(), ["project_id"]);
    let head = Head::new().param("project_id", "1");
    let who = gate.establish_for(&plan, &head).now_or_never().unwrap();
    let decision = gate.explain(&who, &plan, &head).now_or_never().unwrap().unwrap();
    let text = decision.explain().unwrap().to_string();
    assert!(text.contains("read by cerbos on project \"1\""), "{text}");
    let error = gate.authorize(&who, &plan, &head).now_or_never().unwrap().unwrap_err();
    let denial = error.denial().unwrap();
    assert_eq!((denial.required(), denial.resource_kind()), (Some("read"), Some("project")));
    assert_eq!(code(&gate, hidden(on_project()), "1"), "404 not_found");
    let caller = Holder::Caller;
    assert_eq!(plan.forecast(&caller), Forecast::Depends(vec!["read by cerbos on project".to_owned()]));
    assert_eq!(gate.plan(visitors(on_project())).unwrap().forecast(&Holder::Visitor), Forecast::Deny);
}

#[tokio::test]
async fn a_guard_that_cannot_wait_begins_nothing() {
    let says = Says::new(Ok(true));
    let gate = gate(says.clone(), false).acting_as(acting_as("alice"));
    let plan = gate.plan(engine("cerbos", "read")).unwrap();
    let head = Head::new();
    let who = gate.establish_for(&plan, &head).await;
    let Err(later) = gate.authorize(&who, &plan, &head).ready() else { panic!("an engine is waited for") };
    assert_eq!(says.asked().len(), 0);
    assert!(later.await.is_ok());
    assert_eq!(says.asked().len(), 1);
}

/// Allows odd numbers, fails at 7, and notes which identifiers were asked about together.
#[derive(Debug, Clone, Default)]
struct Odd {
    /// How many answers it adds or leaves out.
    surplus: i32,
    asked: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Odd {
    fn asked(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    fn judge(request: &EngineRequest) -> Result<bool, Error> {
        let id: u32 = request.resource().unwrap().id().parse().unwrap();
        match (id, request.action()) {
            (7, _) => Err(Error::new(ErrorKind::Unavailable, "the engine is out")),
            (_, "read") => Ok(id % 2 == 1),
            _ => Ok(id.is_multiple_of(3)),
        }
    }
}

fn ids(requests: &[EngineRequest]) -> Vec<String> {
    requests.iter().map(|request| request.resource().unwrap().id().to_owned()).collect()
}

impl Engine for Odd {
    async fn allows(&self, request: &EngineRequest) -> Result<bool, Error> {
        self.allows_each(std::slice::from_ref(request)).await.map(|allowed| allowed[0])
    }

    async fn allows_each(&self, requests: &[EngineRequest]) -> Result<Vec<bool>, Error> {
        self.asked.lock().unwrap().push(ids(requests));
        wait().await;
        let mut allowed = requests.iter().map(Self::judge).collect::<Result<Vec<_>, _>>()?;
        allowed.truncate(allowed.len().saturating_add_signed(self.surplus.min(0) as isize));
        allowed.extend((0..self.surplus).map(|_| true));
        Ok(allowed)
    }
}

/// Asks one by one, as engines do by default.
#[derive(Debug)]
struct OneByOne(Odd);

impl Engine for OneByOne {
    async fn allows(&self, request: &EngineRequest) -> Result<bool, Error> {
        self.0.allows(request).await
    }
}

async fn filter(gate: &Gate, policy: impl Policy + 'static, page: &[u32]) -> Result<Vec<u32>, Error> {
    let who = gate.establish(&Head::new()).await;
    who.caller(&Head::new()).unwrap().filter(policy, "project_id", page.iter().copied(), |id| *id).await
}

#[tokio::test]
async fn a_list_is_one_question() {
    for is_late in [false, true] {
        let odd = Odd::default();
        let gate = gate(odd.clone(), is_late).acting_as(acting_as("alice"));
        // 3 is refused and 77 missing, so nothing is asked about them.
        let policy = || all((on_project(), not(engine("cerbos", "lock").on("project", path("project_id")))));
        assert_eq!(filter(&gate, policy(), &[5, 1, 2, 3, 77, 9, 5]).await.unwrap(), [5, 1, 5]);
        assert_eq!(odd.asked(), [vec!["5", "1", "2", "9", "5"], vec!["5", "1", "9", "5"]]);
        assert_eq!(filter(&gate, policy(), &[]).await.unwrap(), [0; 0]);
        assert_eq!(filter(&gate, any((authenticated(), policy())), &[2, 77]).await.unwrap(), [2, 77]);
        assert_eq!(odd.asked().len(), 0);
        assert_eq!(filter(&gate, policy(), &[1, 7]).await.unwrap_err().status(), 503);
        assert_eq!(filter(&gate, not(policy()), &[7]).await.unwrap_err().status(), 503);
        // Only the batch is shared: the next list asks again.
        odd.asked();
        assert_eq!(filter(&gate, on_project(), &[1]).await.unwrap(), [1]);
        assert_eq!(odd.asked(), [["1"]]);
    }
}

#[tokio::test]
async fn candidates_of_a_list_ask_together() {
    let member = || role("viewer").on("project", path("project_id"));
    let lock = || engine("cerbos", "lock").on("project", path("project_id"));
    let all_at_once = ["1", "2", "5"].map(str::to_owned).to_vec();
    let build = |odd: &Odd| {
        let roles = RoleHierarchy::ranked(["viewer"]).unwrap();
        let gate = Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer()).roles(roles);
        gate.membership("project", Projects { is_late: true }).engine("cerbos", odd.clone())
    };
    let counts = |gate: &Gate| gate.shadow("new").map(|found| (found.agreed, found.would_allow, found.would_deny));
    // Beside a policy that asks no engine, beside one that does, and by other roles.
    let odd = Odd::default();
    let gate = build(&odd).build().unwrap().acting_as(acting_as("alice"));
    assert_eq!(filter(&gate, shadow("new", member(), on_project()), &[1, 2, 5]).await.unwrap(), [1]);
    assert_eq!((odd.asked(), counts(&gate)), (vec![all_at_once.clone()], Some((2, 1, 0))));
    assert_eq!(filter(&gate, shadow("new", on_project(), lock()), &[1, 2, 5]).await.unwrap(), [1, 5]);
    assert_eq!((odd.asked(), counts(&gate)), (vec![all_at_once.clone(); 2], Some((3, 1, 2))));
    // An error of the candidate alone is none of the list.
    assert_eq!(filter(&gate, shadow("failing", member(), on_project()), &[1, 7]).await.unwrap(), [1]);
    assert_eq!(gate.shadow("failing").unwrap().failed, 2);
    odd.asked();
    let gate = build(&odd).shadow_roles("new", RoleHierarchy::ranked(["viewer", "owner"]).unwrap());
    let gate = gate.build().unwrap().acting_as(acting_as("alice"));
    let policy = all((any((member(), authenticated())), on_project()));
    assert_eq!(filter(&gate, policy, &[1, 2, 5]).await.unwrap(), [1, 5]);
    assert_eq!((odd.asked(), counts(&gate)), (vec![all_at_once; 2], Some((3, 0, 0))));
}

#[tokio::test]
async fn each_request_has_one_answer() {
    for surplus in [-1, 1] {
        let gate = gate(Odd { surplus, ..Odd::default() }, false).acting_as(acting_as("alice"));
        for policy in [Arc::new(on_project()) as Arc<dyn Policy>, Arc::new(not(on_project()))] {
            let error = filter(&gate, policy, &[1, 2]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Misconfigured);
            assert!(error.to_string().contains("Engine::allows_each"), "{error}");
        }
    }
}

fn part() -> impl Strategy<Value = Arc<dyn Policy>> {
    let asks = |action: &'static str| -> Arc<dyn Policy> {
        Arc::new(engine("cerbos", action).on("project", path("project_id")))
    };
    let member: Arc<dyn Policy> = Arc::new(role("viewer").on("project", path("project_id")));
    let staff: Arc<dyn Policy> = Arc::new(staff());
    let leaf = prop_oneof![Just(asks("read")), Just(asks("lock")), Just(member), Just(staff)];
    leaf.prop_recursive(3, 12, 3, |part| {
        let list = || prop::collection::vec(part.clone(), 1..4);
        prop_oneof![
            list().prop_map(|parts| Arc::new(all(parts)) as Arc<dyn Policy>),
            list().prop_map(|parts| Arc::new(any(parts)) as Arc<dyn Policy>),
            part.clone().prop_map(|part| Arc::new(not(part)) as Arc<dyn Policy>),
            part.prop_map(|part| Arc::new(hidden(part)) as Arc<dyn Policy>),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_list_comes_to_what_its_rows_come_to(
        policy in part(),
        page in prop::collection::vec(prop_oneof![Just(1), Just(2), Just(3), Just(5), Just(6), Just(7), Just(9), Just(77)], 0..9),
        is_late in prop::bool::ANY,
        is_batched in prop::bool::ANY,
    ) {
        // The parameter is read by one part at least.
        let policy = any((hidden(not(any((on_project(), not(on_project()))))), policy));
        let policy: Arc<dyn Policy> = Arc::new(policy);
        let odd = Odd::default();
        let gate = match is_batched {
            true => gate(odd.clone(), is_late),
            false => gate(OneByOne(odd.clone()), is_late),
        };
        let gate = gate.acting_as(acting_as("alice"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (found, expected, sent) = runtime.block_on(async {
            let found = filter(&gate, policy.clone(), &page).await;
            let (sent, mut expected) = (odd.asked(), Ok(Vec::new()));
            let plan = gate.plan(policy).unwrap();
            for id in &page {
                let head = Head::new().param("project_id", &id.to_string());
                let who = gate.establish_for(&plan, &head).await;
                match (gate.authorize(&who, &plan, &head).await, &mut expected) {
                    (Ok(_), Ok(allowed)) => allowed.push(*id),
                    (Err(error), Ok(_)) if error.status() >= 500 => expected = Err(error.kind()),
                    _ => {}
                }
            }
            (found, expected, sent)
        });
        prop_assert_eq!(found.map_err(|error| error.kind()), expected.clone());
        let (mut sent, mut asked) = (sent.concat(), odd.asked().concat());
        sent.sort();
        asked.sort();
        if expected.is_ok() {
            prop_assert_eq!(sent, asked, "it is asked what it would be asked row by row");
        }
    }
}
