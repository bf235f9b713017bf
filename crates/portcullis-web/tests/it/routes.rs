//! What is known of all routes: the table of them, and what is refused at start.

use portcullis_core::{
    Error, Gate, GateBuilder, Membership, Principal, RoleHierarchy, Scheme, SharedSecret, Standing,
    policy::{values::OnResource, *},
    testing::TestIssuer,
};
use portcullis_web::{Book, Row};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Debug)]
struct Nobody;

impl Membership for Nobody {
    type Id = String;

    async fn standing(&self, _: &Principal, _: &String) -> Result<Standing, Error> {
        Ok(Standing::stranger())
    }
}

fn builder() -> GateBuilder {
    let secret = SharedSecret::new("sync", "a-secret-of-at-least-thirty-two-bytes").unwrap();
    Gate::builder()
        .scheme(Scheme::new(TestIssuer::new().verifier()).cookie("session").bearer())
        .scheme(Scheme::named("sync", secret).header("x-sync"))
        .roles(RoleHierarchy::ranked(["viewer", "manager"]).unwrap())
        .membership("project", Nobody)
        .membership("flight", Nobody)
}

fn gate() -> Gate {
    builder().build().unwrap()
}

fn book() -> Book {
    Book::new(|prefix, path| format!("{prefix}{path}"))
}

/// How a book with such routes is refused; `None` if it is not.
fn refused(book: &Book) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(|| book.check())).err()?;
    Some(panic.downcast_ref::<String>().unwrap().clone())
}

trait Add {
    fn with(self, gate: &Gate, method: Option<&'static str>, path: &str, policy: impl Policy + 'static) -> Self;
}

impl Add for Book {
    #[track_caller]
    fn with(mut self, gate: &Gate, method: Option<&'static str>, path: &str, policy: impl Policy + 'static) -> Self {
        self.add(gate, &gate.plan(policy).unwrap(), method, path);
        self
    }
}

fn view(param: &'static str) -> OnResource {
    role("viewer").on("project", path(param))
}

#[test]
fn the_table_shows_each_route_in_words() {
    let gate = builder().baseline(account("unconfirmed", |_: &()| true)).build().unwrap();
    let flight = role("manager").on("flight", path("flight")).of("project", path("id")).hidden();
    let mut below = book().with(&gate, Some("GET"), "/{flight}", view("id")).with(
        &gate,
        Some("PUT"),
        "/{flight}",
        also_via("sync", flight),
    );
    below.add_all_below(&gate, &gate.plan(without_baseline(via("sync"))).unwrap(), "/files/");
    let mut book = book().with(&gate, Some("GET"), "/news/{id}", anyone());
    book.nest("/projects/{id}", below);
    book.merge(self::book().with(&gate, None, "/{kind:a|b}", any((staff(), scope("a")))));
    book.add_all_below(&gate, &gate.plan(authenticated()).unwrap(), "");
    let table = "\
| method | path | who may pass | baseline | by | roles that pass | permissions that pass | parameters that no policy reads |
|---|---|---|---|---|---|---|---|
| GET | `/news/{id}` | anyone |  |  |  |  |  |
| GET | `/projects/{id}/{flight}` | role viewer on project | unless unconfirmed | cookie `session`, bearer header | \
 viewer on project, manager on project |  | flight |
| PUT | `/projects/{id}/{flight}` | role manager on flight of the project, hidden, also by sync | unless unconfirmed | cookie `session`, \
 bearer header, sync | manager on flight |  |  |
| any | `/projects/{id}/files/*` | by sync, without the baseline |  | sync |  |  | id |
| any | `/{kind:a\\|b}` | staff or scope a | unless unconfirmed | cookie `session`, bearer header |  |  | kind |
| any | `/*` | authenticated | unless unconfirmed | cookie `session`, bearer header |  |  |  |
";
    assert_eq!(book.table().to_string(), table);
    assert_eq!(refused(&book), None);
}

#[test]
fn a_test_can_ask_the_table() {
    let gate = gate();
    let mut book = book().with(&gate, Some("GET"), "/{id}", staff()).with(&gate, None, "/{id}/x/{*rest}", view("id"));
    book.set_below("/n");
    let table = book.table();
    assert_eq!(table.unseen().collect::<Vec<_>>(), [("/n/{id}", "id"), ("/n/{id}/x/{*rest}", "rest")]);
    let rows: Vec<&Row> = table.rows().collect();
    assert_eq!(rows.len(), 2);
    let seen = |row: &Row| (row.method(), row.policy().to_string(), row.schemes(), row.baseline().is_some());
    let schemes = vec!["cookie `session`".to_owned(), "bearer header".to_owned()];
    assert_eq!(seen(rows.first().unwrap()), (Some("GET"), "staff".into(), schemes.clone(), false));
    assert_eq!(seen(rows.last().unwrap()), (None, "role viewer on project".into(), schemes, false));
    assert_eq!(rows.last().unwrap().unseen().collect::<Vec<_>>(), ["rest"]);
}

#[test]
fn a_parameter_that_the_path_does_not_have_is_refused_with_its_place() {
    let gate = gate();
    let inner = || book().with(&gate, Some("GET"), "/flights", any((staff(), not(view("id")))));
    let line = line!() - 1;
    let said = refused(&inner()).unwrap();
    for part in ["`GET /flights`", "`id`", &format!("{}:{line}:", file!()), ".below("] {
        assert!(said.contains(part), "{part} in {said}");
    }
    // Known by the path it is nested below, or is said to be.
    let mut nested = book();
    nested.nest("/p/{id}", inner());
    assert_eq!(refused(&nested), None);
    let mut other = book();
    other.nest("/p/{project}", inner());
    assert!(refused(&other).unwrap().contains("`GET /p/{project}/flights`"));
    let mut said_so = inner();
    said_so.set_below("/p/{id}");
    assert_eq!(refused(&said_so), None);
    // Where routes are nested by other routes, their whole path is known and what was said before does not count.
    let mut contradicted = book();
    contradicted.nest("/p", said_so);
    assert!(refused(&contradicted).is_some());
    // Neither a query nor a closure is about the path.
    let elsewhere =
        all((role("viewer").on("project", query("id")), when("x", |question| question.param("id").is_ok())));
    assert_eq!(refused(&book().with(&gate, None, "/", elsewhere)), None);
}

#[test]
fn a_parameter_that_is_twice_in_a_path_is_refused() {
    let gate = gate();
    let mut nested = book();
    nested.nest("/p/{id}", book().with(&gate, Some("GET"), "/{id}", anyone()));
    assert!(refused(&nested).unwrap().contains("`GET /p/{id}/{id}` has two parameters `id`"));
    let mut apart = book();
    apart.nest(
        "/p/{id}",
        book().with(&gate, Some("GET"), "/{part}", anyone()).with(&gate, Some("GET"), "/id", anyone()),
    );
    assert_eq!(refused(&apart), None);
}

#[test]
fn a_method_that_is_there_twice_is_refused() {
    let gate = gate();
    let one = |method, path| book().with(&gate, method, path, staff());
    let both = |mut first: Book, second| {
        first.merge(second);
        refused(&first)
    };
    let said = both(one(Some("GET"), "/a"), one(Some("GET"), "/a")).unwrap();
    assert!(said.contains("`GET /a` is there twice") && said.matches(file!()).count() == 2, "{said}");
    assert_eq!(both(one(Some("GET"), "/a"), one(Some("PUT"), "/a")), None);
    assert_eq!(both(one(Some("GET"), "/a"), one(Some("GET"), "/b")), None);
    // The methods of a framework's own routes are not known.
    assert_eq!(both(one(None, "/a"), one(None, "/a")), None);
    let mut fallback = book();
    fallback.add_all_below(&gate, &gate.plan(staff()).unwrap(), "");
    assert_eq!(refused(&fallback), None);
    assert!(both(fallback.clone(), fallback).unwrap().contains("`any /*` is there twice"));
}
