//! The matrix: its cells, its forms, what a change is called, and the check against a file.

use portcullis_core::{
    Error, Forecast, Gate, Holder, Membership, Principal, Question, RequestHead, RoleHierarchy, Scheme, Standing,
    policy::*,
    testing::{TestIssuer, acting_as},
};
use portcullis_web::{Book, Matrix, Table};
use proptest::{
    prelude::{ProptestConfig, prop, prop_assert_eq, proptest},
    strategy::Strategy,
};
use std::{borrow::Cow, env, fs, process::Command};

/// The role of everyone on each resource of a kind.
#[derive(Debug)]
struct Everyone(Option<String>);

impl Membership for Everyone {
    type Id = u32;

    async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> {
        Ok(self.0.clone().into())
    }
}

#[derive(Debug)]
struct Head;

impl RequestHead for Head {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn authority(&self) -> Option<&str> {
        None
    }

    fn each_header<'a>(&'a self, _: &str, _: &mut dyn FnMut(&'a [u8])) {}

    fn headers<'a>(&'a self, _: &mut dyn FnMut(&'a str, &'a [u8])) {}

    fn param(&self, _: &str) -> Result<Option<Cow<'_, str>>, Error> {
        Ok(Some("1".into()))
    }

    fn param_names(&self) -> Result<Vec<Cow<'_, str>>, Error> {
        Ok(vec!["id".into()])
    }
}

/// A gate in which everyone has what this holder has on resources.
fn gate_for(holder: &Holder) -> Gate {
    let roles = || {
        RoleHierarchy::builder()
            .ranked(["viewer", "manager"])
            .permits("viewer", ["kb:read"])
            .permits("manager", ["kb:*"])
    };
    let files =
        RoleHierarchy::builder().role("reader", []).role("writer", ["reader"]).permits("writer", ["file:write"]);
    let on = |kind: &str| {
        Everyone(match holder {
            Holder::Role { role, on: Some(on) } if on == kind => Some(role.clone()),
            _ => None,
        })
    };
    Gate::builder()
        .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
        .roles(roles().build().unwrap())
        .roles_on("file", files.build().unwrap())
        .membership("file", on("file"))
        .membership("project", on("project"))
        .baseline(not(role("manager")))
        .build()
        .unwrap()
}

const PERMISSIONS: [&str; 3] = ["kb:read", "kb:write", "file:write"];

fn policies() -> Vec<Box<dyn Policy>> {
    let on_file = || role("reader").on("file", path("id"));
    let mut policies: Vec<Box<dyn Policy>> = vec![
        Box::new(anyone()),
        Box::new(authenticated()),
        Box::new(staff()),
        Box::new(role("viewer")),
        Box::new(without_baseline(role("viewer"))),
        Box::new(any((staff(), on_file()))),
        Box::new(all((role("viewer"), not(on_file().hidden())))),
        Box::new(without_baseline(any((role("manager"), role("manager").on("project", path("id")))))),
    ];
    policies.extend(PERMISSIONS.map(|name| Box::new(without_baseline(permission(name))) as Box<dyn Policy>));
    policies.extend(PERMISSIONS.map(|name| Box::new(permission(name).on("file", path("id"))) as Box<dyn Policy>));
    policies.extend(PERMISSIONS.map(|name| Box::new(permission(name).on("project", path("id"))) as Box<dyn Policy>));
    policies
}

fn table(gate: &Gate, policies: Vec<(&str, Box<dyn Policy>)>) -> Table {
    let mut book = Book::new(|prefix, path| format!("{prefix}{path}"));
    for (path, policy) in policies {
        book.add(gate, &gate.plan(policy).unwrap(), Some("GET"), path);
    }
    book.table()
}

fn now<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).unwrap()
}

/// What the gate answers a caller with this right alone.
fn is_allowed(holder: &Holder, policy: Box<dyn Policy>) -> bool {
    let gate = gate_for(holder);
    let alice = acting_as("alice");
    let gate = match holder {
        Holder::Visitor => gate,
        Holder::Staff => gate.acting_as(alice.with_staff(true)),
        Holder::Role { role, on: None } => gate.acting_as(alice.with_role(role.clone())),
        _ => gate.acting_as(alice),
    };
    let plan = gate.plan(policy).unwrap();
    let who = now(gate.establish_for(&plan, &Head));
    now(gate.authorize(&who, &plan, &Head)).is_ok()
}

#[test]
fn each_cell_is_what_the_gate_answers() {
    let paths: Vec<String> = (0..policies().len()).map(|place| format!("/{place}")).collect();
    let routes = paths.iter().map(String::as_str).zip(policies()).collect();
    let matrix = table(&gate_for(&Holder::Caller), routes).matrix();
    assert_eq!(matrix.holders().len(), 3 + 3 * 2);
    let mut allowed = 0;
    for holder in matrix.holders() {
        for (path, policy) in paths.iter().zip(policies()) {
            let words = policy.describe().to_string();
            let answer = is_allowed(holder, policy);
            allowed += usize::from(answer);
            let expected = if answer { Forecast::Allow } else { Forecast::Deny };
            assert_eq!(matrix.route(&format!("GET {path}"), holder), Some(&expected), "{words} for {holder}");
        }
        for name in PERMISSIONS {
            let policy: Box<dyn Policy> = match holder {
                Holder::Role { on: Some(kind), .. } if kind == "file" => {
                    Box::new(permission(name).on("file", path("id")))
                }
                Holder::Role { on: Some(_), .. } => Box::new(permission(name).on("project", path("id"))),
                _ => Box::new(without_baseline(permission(name))),
            };
            // A baseline is about routes.
            let answer = is_allowed(holder, policy);
            let expected = if answer { Forecast::Allow } else { Forecast::Deny };
            assert_eq!(matrix.permission(name, holder), Some(&expected), "{name} for {holder}");
        }
    }
    assert!(allowed > 30, "{allowed}");
    assert_eq!(matrix.permissions().collect::<Vec<_>>(), ["file:write", "kb:read", "kb:write"]);
    assert_eq!(matrix.route("GET /none", &Holder::Staff), None);
}

#[test]
fn people_can_read_it() {
    let gate = gate_for(&Holder::Caller);
    let on_row = role("writer").on("file", path("id")).row("locked", |_: &()| true);
    let routes: Vec<(&str, Box<dyn Policy>)> = vec![
        ("/news", Box::new(anyone())),
        ("/me", Box::new(without_baseline(authenticated()))),
        ("/files/{id}", Box::new(any((staff(), on_row)))),
    ];
    let expected = "\
# Who may do what

Each column is a caller with only this right. A dash is no. Tables of roles on resources leave out routes where these roles
change nothing.

## Baseline

- not (role manager)

## Routes

| route | without credential | authenticated | staff | role viewer | role manager |
|---|---|---|---|---|---|
| GET /news | yes | yes | yes | yes | yes |
| GET /me | - | yes | yes | yes | yes |
| GET /files/{id} | - | - | yes | - | - |

## Routes: roles on file

| route | reader | writer |
|---|---|---|
| GET /files/{id} | - | depends: unless locked |

## Routes: roles on project

| route | viewer | manager |
|---|---|---|

## Permissions

| permission | role viewer | role manager |
|---|---|---|
| file:write | - | - |
| kb:read | yes | yes |

## Permissions: roles on file

| permission | reader | writer |
|---|---|---|
| file:write | - | yes |

## Permissions: roles on project

| permission | viewer | manager |
|---|---|---|
| kb:read | yes | yes |
";
    let matrix = table(&gate, routes).matrix();
    assert_eq!(matrix.to_string(), expected);
    assert_eq!(Matrix::from_markdown(expected).unwrap(), matrix);
    assert_eq!(Matrix::from_markdown(&expected.replace('\n', "\r\n")).unwrap(), matrix);
}

/// A rule with any name.
#[derive(Debug)]
struct Named(String);

impl Rule for Named {
    async fn decide(&self, _: &Question<'_>) -> Verdict {
        Ok(portcullis_core::Decision::deny("no"))
    }

    fn name(&self) -> Cow<'static, str> {
        self.0.clone().into()
    }
}

/// A name with all that means something in one of the forms.
fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(r#"a|\;<>`"n: -#"#.chars().chain(['\n', '\r']).collect::<Vec<_>>()),
        1..8,
    )
    .prop_map(|text| format!("x{}x", text.into_iter().collect::<String>()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_forms_are_read_back(roles in prop::collection::btree_set(name(), 2..4), kind in name(), paths in prop::collection::vec(name(), 1..4), rules in prop::collection::vec(name(), 2)) {
        let first: &'static str = roles.first().unwrap().clone().leak();
        let kind: &'static str = kind.leak();
        let gate = Gate::builder()
            .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
            .roles(RoleHierarchy::ranked(roles).unwrap())
            .baseline(Named(rules[1].clone()))
            .membership(kind, Everyone(None))
            .build()
            .unwrap();
        let policy = || {
            let rules = all((Named(rules[0].clone()), Named(rules[1].clone())));
            Box::new(all((any((role(first), role(first).on(kind, path("id")))), any((rules, staff())))))
        };
        let routes = paths.iter().map(|path| (path.as_str(), policy() as Box<dyn Policy>)).collect();
        let matrix = table(&gate, routes).matrix();
        prop_assert_eq!(&Matrix::from_markdown(&matrix.to_string()).unwrap(), &matrix, "{}", matrix);
        prop_assert_eq!(&Matrix::from_json(&matrix.to_json()).unwrap(), &matrix);
    }
}

#[test]
fn what_is_no_matrix_is_refused() {
    let gate = gate_for(&Holder::Caller);
    let matrix = table(&gate, vec![("/a", Box::new(role("viewer")))]).matrix();
    let (markdown, json) = (matrix.to_string(), matrix.to_json());
    for (from, to) in [
        ("| GET /a | - | - |", "| GET /a | - |"),
        ("| GET /a | - |", "| GET /a | perhaps |"),
        ("## Routes\n", "## Ways\n"),
        ("role viewer", "viewer"),
        ("| staff ", "| authenticated "),
    ] {
        let broken = markdown.replacen(from, to, 1);
        assert_ne!(broken, markdown);
        let error = Matrix::from_markdown(&broken).unwrap_err();
        assert!(error.to_string().starts_with("line "), "{from}: {error}");
    }
    assert!(Matrix::from_markdown("").is_err());
    for (from, to) in [("\"staff\"", "\"boss\""), ("true", "1"), ("\"routes\"", "\"ways\""), ("{", "")] {
        let broken = json.replacen(from, to, 1);
        assert_ne!(broken, json);
        assert!(Matrix::from_json(&broken).is_err(), "{from}");
    }
}

type Change = (Box<dyn Policy>, Box<dyn Policy>, Vec<&'static str>, Vec<&'static str>, Vec<&'static str>);

#[test]
fn a_change_is_said_in_words() {
    let on_file = |name| role(name).on("file", path("id"));
    let open = |policy: &'static dyn Policy| without_baseline(policy);
    const WHEN: &dyn Policy = &all((staff(), claim("mfa")));
    const OTHER: &dyn Policy = &all((staff(), claim("otp")));
    let cases: Vec<Change> = vec![
        (
            Box::new(on_file("writer")),
            Box::new(on_file("reader")),
            vec!["`reader` on file may now GET /{id}"],
            vec![],
            vec![],
        ),
        (
            Box::new(on_file("reader")),
            Box::new(on_file("writer")),
            vec![],
            vec!["`reader` on file may no longer GET /{id}"],
            vec![],
        ),
        (Box::new(staff()), Box::new(anyone()), vec!["GET /{id} is public now"], vec![], vec![]),
        (
            Box::new(anyone()),
            Box::new(any((staff(), on_file("writer")))),
            vec![],
            vec!["GET /{id} is no longer public, and is for staff, `writer` on file"],
            vec![],
        ),
        (
            Box::new(without_baseline(staff())),
            Box::new(without_baseline(authenticated())),
            vec!["authenticated callers may now GET /{id}"],
            vec![],
            vec![],
        ),
        (
            Box::new(open(WHEN)),
            Box::new(without_baseline(staff())),
            vec!["staff may now GET /{id} without depending on: claim mfa"],
            vec![],
            vec![],
        ),
        (
            Box::new(without_baseline(staff())),
            Box::new(open(WHEN)),
            vec![],
            vec!["staff may GET /{id} only depending on: claim mfa"],
            vec![],
        ),
        (
            Box::new(open(WHEN)),
            Box::new(open(OTHER)),
            vec![],
            vec![],
            vec!["staff may GET /{id} depending on: claim otp (before: claim mfa)"],
        ),
        // What changes for all of them is said once.
        (
            Box::new(role("viewer")),
            Box::new(any((role("viewer"), claim("mfa")))),
            vec!["authenticated callers may now GET /{id}, depending on: claim mfa"],
            vec![],
            vec![],
        ),
    ];
    for (before, after, grants, takes, changes) in cases {
        let words = format!("{} -> {}", before.describe(), after.describe());
        let gate = gate_for(&Holder::Caller);
        let [before, after] = [before, after].map(|policy| table(&gate, vec![("/{id}", policy)]).matrix());
        let diff = before.diff(&after);
        assert_eq!(
            (diff.grants(), diff.takes(), diff.changes()),
            (&to(&grants)[..], &to(&takes)[..], &to(&changes)[..]),
            "{words}"
        );
        assert!(before.diff(&before).is_empty() && !diff.is_empty());
    }
}

fn to(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

#[test]
fn routes_roles_and_permissions_come_and_go() {
    let gate = |roles: &[&'static str], permits: &'static str| {
        let roles =
            RoleHierarchy::builder().ranked(roles.iter().copied()).permits("viewer", [permits]).build().unwrap();
        Gate::builder().scheme(Scheme::new(TestIssuer::new().verifier()).bearer()).roles(roles).build().unwrap()
    };
    let read: fn() -> Box<dyn Policy> = || Box::new(role("viewer"));
    let before = table(&gate(&["viewer"], "kb:read"), vec![("/a", read()), ("/b", read())]).matrix();
    let routes: Vec<(&str, Box<dyn Policy>)> =
        vec![("/a", read()), ("/c", Box::new(any((role("owner"), claim("mfa"))))), ("/d", Box::new(anyone()))];
    let after = table(&gate(&["viewer", "owner"], "kb:write"), routes).matrix();
    let diff = before.diff(&after);
    let grants = [
        "`owner` may now GET /a",
        "GET /c is new, for authenticated callers depending on: claim mfa, `owner`",
        "GET /d is new, for everybody: it is public",
        "`viewer` now has the permission kb:write",
        "`owner` now has the permission kb:write",
    ];
    assert_eq!(diff.grants(), grants);
    assert_eq!(diff.takes(), ["GET /b is gone", "`viewer` no longer has the permission kb:read"]);
    let back = after.diff(&before);
    assert_eq!(back.grants(), ["GET /b is new, for `viewer`", "`viewer` now has the permission kb:read"]);
    let takes = [
        "`owner` may no longer GET /a",
        "GET /c is gone",
        "GET /d is gone",
        "`viewer` no longer has the permission kb:write",
        "`owner` no longer has the permission kb:write",
    ];
    assert_eq!(back.takes(), takes);
    let text = diff.to_string();
    assert!(
        text.starts_with("grants:\n- `owner` may now GET /a\n") && text.contains("\ntakes:\n- GET /b is gone\n"),
        "{text}"
    );
}

#[test]
fn the_baseline_is_said_once() {
    let matrix = |code: &'static str| {
        let gate = Gate::builder()
            .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
            .baseline(account(code, |_: &()| true))
            .build()
            .unwrap();
        let routes: Vec<(&str, Box<dyn Policy>)> = vec![
            ("/me", Box::new(authenticated())),
            ("/x", Box::new(all((authenticated(), claim("mfa"))))),
            ("/confirm", Box::new(without_baseline(authenticated()))),
        ];
        table(&gate, routes).matrix()
    };
    let (one, other) = (matrix("unconfirmed"), matrix("unapproved"));
    let text = one.to_string();
    assert!(text.contains("\n## Baseline\n\n- unless unconfirmed\n\n## Routes\n"), "{text}");
    let cell = |route: &str| one.route(route, &Holder::Caller).unwrap().to_string();
    assert_eq!(
        ["GET /me", "GET /x", "GET /confirm"].map(cell),
        ["depends: the baseline", "depends: the baseline; claim mfa", "yes"]
    );
    let diff = one.diff(&other);
    assert_eq!(diff.changes(), ["the baseline is: unless unapproved (before: unless unconfirmed)"]);
    assert!(diff.grants().is_empty() && diff.takes().is_empty());
}

/// Two routes of a framework may have one path and methods that are not known.
#[test]
fn routes_that_look_alike_share_a_line() {
    let gate = gate_for(&Holder::Caller);
    let mut book = Book::new(|prefix, path| format!("{prefix}{path}"));
    book.add(&gate, &gate.plan(without_baseline(staff())).unwrap(), None, "/a");
    book.add(&gate, &gate.plan(without_baseline(authenticated())).unwrap(), None, "/a");
    let matrix = book.table().matrix();
    assert_eq!(matrix.routes().collect::<Vec<_>>(), ["any /a"]);
    assert_eq!(matrix.route("any /a", &Holder::Staff), Some(&Forecast::Allow));
    assert_eq!(matrix.route("any /a", &Holder::Visitor), Some(&Forecast::Deny));
    let depends = Forecast::Depends(vec!["the method".to_owned()]);
    assert_eq!(matrix.route("any /a", &Holder::Caller), Some(&depends));
}

const FILE: &str = "MATRIX_FILE_OF_THE_TEST";

/// Run by the next test in a process of its own, since it reads the environment.
#[test]
#[ignore = "another test runs it"]
fn compares_with_a_file() {
    let policy = if env::var_os("WIDER").is_some() { "viewer" } else { "manager" };
    let routes: Vec<(&str, Box<dyn Policy>)> = vec![("/a", Box::new(without_baseline(role(policy))))];
    table(&gate_for(&Holder::Caller), routes).assert_matrix(&env::var(FILE).unwrap());
}

#[test]
fn a_file_is_written_only_when_that_is_asked_for() {
    let file = env::temp_dir().join(format!("portcullis-matrix-{}.md", std::process::id()));
    let run = |variables: &[(&str, &str)]| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "matrix::compares_with_a_file", "--include-ignored"]).env(FILE, &file);
        command.env_remove("CI").env_remove("UPDATE_MATRIX").envs(variables.iter().copied());
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (is_equal, said) = run(&[]);
    assert!(!is_equal && said.contains("run the test with UPDATE_MATRIX=1") && !file.exists(), "{said}");
    assert!(!run(&[("UPDATE_MATRIX", "1"), ("CI", "true")]).0 && !file.exists());
    assert!(run(&[("UPDATE_MATRIX", "1")]).0);
    let text = fs::read_to_string(&file).unwrap();
    assert!(run(&[]).0);

    let (is_equal, said) = run(&[("WIDER", "1")]);
    assert!(!is_equal && said.contains("grants:\n- `viewer` may now GET /a\n"), "{said}");
    assert!(!run(&[("WIDER", "1"), ("UPDATE_MATRIX", "0")]).0);
    assert!(!run(&[("WIDER", "1"), ("UPDATE_MATRIX", "1"), ("CI", "1")]).0);
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    assert!(run(&[("WIDER", "1"), ("UPDATE_MATRIX", "1")]).0 && run(&[("WIDER", "1")]).0 && !run(&[]).0);
    fs::write(&file, "something else").unwrap();
    assert!(!run(&[]).0);
    fs::remove_file(&file).unwrap();
}
