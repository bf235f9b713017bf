//! The forms of the table, and the check that only known routes are public.

use portcullis_core::{
    Error, Forecast, Gate, Holder, Membership, Principal, RoleHierarchy, Scheme, SharedSecret, Standing,
    SuperuserScope, policy::*, testing::TestIssuer,
};
use portcullis_web::{Book, Row, Table};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[derive(Debug)]
struct Nobody;

impl Membership for Nobody {
    type Id = String;

    async fn standing(&self, _: &Principal, _: &String) -> Result<Standing, Error> {
        Ok(Standing::stranger())
    }
}

fn gate() -> Gate {
    let secret = SharedSecret::new("sync", "a-secret-of-at-least-thirty-two-bytes").unwrap();
    let roles =
        || RoleHierarchy::builder().ranked(["viewer", "manager"]).permits("manager", ["kb:write"]).build().unwrap();
    Gate::builder()
        .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
        .scheme(Scheme::named("sync", secret).header("x-sync"))
        .roles(roles())
        .roles_on("project", RoleHierarchy::ranked(["reader", "owner"]).unwrap())
        .membership("project", Nobody)
        .baseline(account("unconfirmed", |_: &()| true))
        .build()
        .unwrap()
}

fn table(routes: Vec<(Option<&'static str>, &str, Box<dyn Policy>)>) -> Table {
    let gate = gate();
    let mut book = Book::new(|prefix, path| format!("{prefix}{path}"));
    for (method, path, policy) in routes {
        book.add(&gate, &gate.plan(policy).unwrap(), method, path);
    }
    book.table()
}

fn on_project(name: &'static str) -> values::OnResource {
    role(name).on("project", path("id"))
}

#[test]
fn the_roles_and_permissions_that_pass_by_themselves_are_named() {
    let write = permission("kb:write");
    let on_row = on_project("reader").row("locked", |_: &()| true);
    let cases: Vec<(Box<dyn Policy>, &str, &str)> = vec![
        (Box::new(anyone()), "", ""),
        (Box::new(authenticated()), "", ""),
        (Box::new(staff()), "", ""),
        (Box::new(role("viewer")), "viewer, manager", ""),
        (Box::new(any((role("manager"), on_project("owner")))), "manager, owner on project", ""),
        (Box::new(write), "manager", "kb:write"),
        (
            Box::new(any((write, permission("kb:read").on("project", path("id"))))),
            "manager",
            "kb:write, kb:read on project",
        ),
        (Box::new(all((write, role("viewer")))), "manager", ""),
        (Box::new(all((role("viewer"), scope("read")))), "", ""),
        (Box::new(on_row), "", ""),
        (Box::new(via("sync").and(role("manager"))), "manager", ""),
        (Box::new(not(role("manager"))), "", ""),
    ];
    for (policy, roles, permissions) in cases {
        let words = policy.describe().to_string();
        let table = table(vec![(Some("GET"), "/{id}", policy)]);
        let row = table.rows().next().unwrap();
        assert_eq!(
            (row.roles().join(", "), row.permissions().join(", ")),
            (roles.into(), permissions.into()),
            "{words}"
        );
    }
}

/// Paths that each form has to escape in its own way.
fn hostile() -> Table {
    let path = "/a|b\"c\n<script>alert(1)</script>'&`";
    table(vec![
        (Some("GET"), "=cmd|' /C calc'!A1", Box::new(staff())),
        (Some("PUT"), path, Box::new(any((role("viewer"), claim("=plan"))))),
        (None, "+1", Box::new(anyone())),
        (Some("POST"), "-1", Box::new(anyone())),
        (Some("PATCH"), "@SUM(1)", Box::new(anyone())),
        (Some("DELETE"), "\t=1", Box::new(anyone())),
        (Some("GET"), "\r=1", Box::new(anyone())),
        (Some("GET"), "＝1", Box::new(anyone())),
    ])
}

/// The cells of a text of comma-separated values, read as RFC 4180 has it.
fn read_csv(text: &str) -> Vec<Vec<String>> {
    let (mut lines, mut cells, mut cell, mut is_quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(found) = rest.next() {
        match found {
            '"' if is_quoted && rest.peek() == Some(&'"') => {
                rest.next();
                cell.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(std::mem::take(&mut cell)),
            '\r' if !is_quoted => {
                assert_eq!(rest.next(), Some('\n'));
                cells.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut cells));
            }
            _ => cell.push(found),
        }
    }
    lines
}

#[test]
fn no_cell_of_the_csv_is_a_formula_or_breaks_out() {
    let lines = read_csv(&hostile().csv());
    assert_eq!(lines.len(), 9);
    assert!(lines.iter().all(|line| line.len() == 8), "{lines:?}");
    let paths: Vec<&str> = lines.iter().skip(1).map(|line| line[1].as_str()).collect();
    let path = "/a|b\"c\n<script>alert(1)</script>'&`";
    let expected = ["'=cmd|' /C calc'!A1", path, "'+1", "'-1", "'@SUM(1)", "'\t=1", "'\r=1", "'＝1"];
    assert_eq!(paths, expected);
    let is_formula = |cell: &String| cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']);
    assert!(!lines.iter().flatten().any(is_formula), "{lines:?}");
    // A text that only contains such a character stays as it is.
    assert_eq!(lines[2][2], "role viewer or claim =plan");
}

#[test]
fn the_markdown_has_one_line_for_each_route_and_the_same_cells_in_each() {
    let text = hostile().to_string();
    assert_eq!(text.lines().count(), 10, "{text}");
    for line in text.lines() {
        assert_eq!(line.replace("\\|", "").matches('|').count(), 9, "{line}");
    }
    assert!(text.contains("`` /a\\|b\"c <script>alert(1)</script>'&` ``"), "{text}");
}

#[test]
fn the_json_is_read_back() {
    let path = "/{id}/</script>|\n";
    let text = table(vec![(Some("GET"), path, Box::new(role("manager"))), (None, "/news", Box::new(anyone()))]).json();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expected = serde_json::json!([
        {
            "method": "GET", "path": path, "policy": "role manager", "superuser": null, "is_public": false, "baseline": "unless unconfirmed",
            "schemes": ["bearer header"], "roles": ["manager"], "permissions": [], "unseen": ["id"],
        },
        {
            "method": null, "path": "/news", "policy": "anyone", "superuser": null, "is_public": true, "baseline": null,
            "schemes": [], "roles": [], "permissions": [], "unseen": [],
        },
    ]);
    assert_eq!(read, expected);
}

#[test]
fn the_page_has_no_markup_of_a_path_and_no_outside_resource() {
    let page = hostile().html();
    assert!(page.contains("/a|b&quot;c\n&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;`"), "{page}");
    assert_eq!((page.matches("<script>").count(), page.matches("</script>").count()), (1, 1));
    assert_eq!(page.matches("<tr").count(), 9);
    assert_eq!(page.matches("<tr class=\"public\">").count(), 6);
    for outside in ["http:", "https:", "src=", "href=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
}

fn refused(table: &Table, except: &[&str]) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(|| table.assert_all_guarded(except.iter().copied()))).err()?;
    Some(panic.downcast_ref::<String>().unwrap().clone())
}

#[test]
fn routes_are_public_only_where_the_list_says_so() {
    let table = table(vec![
        (Some("GET"), "/health", Box::new(anyone())),
        (Some("POST"), "/sign-in", Box::new(any((staff(), anyone())))),
        (Some("GET"), "/sign-in", Box::new(anyone())),
        (None, "/files/*", Box::new(anyone())),
        (Some("GET"), "/me", Box::new(authenticated())),
        (Some("GET"), "/shared/{id}", Box::new(visitors(on_project("reader")))),
    ]);
    assert_eq!(refused(&table, &["/health", "POST /sign-in", "GET /sign-in", "any /files/*"]), None);
    assert_eq!(refused(&table, &["/health", "/sign-in", "/files/*"]), None);

    let said = refused(&table, &["/health", "POST /sign-in", "/me", "/helth", "DELETE /health"]).unwrap();
    for part in [
        "- `GET /sign-in` is public (added at ",
        "- `any /files/*` is public",
        "- `/me` is guarded; remove it from the list",
        "- `/helth` is no route; correct or remove it",
        "- `DELETE /health` is no route",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(said.contains(file!()) && !said.contains("`GET /health`") && !said.contains("`POST /sign-in`"), "{said}");
}

#[test]
fn tables_and_matrices_show_superusers() {
    let gate = Gate::builder()
        .scheme(Scheme::new(TestIssuer::new().verifier()).bearer())
        .roles(RoleHierarchy::ranked(["viewer", "operator"]).unwrap())
        .superuser(any((staff(), role("operator"))), SuperuserScope::permissions(["kb:read"]))
        .build()
        .unwrap();
    let mut book = Book::new(|prefix, path| format!("{prefix}{path}"));
    book.add(&gate, &gate.plan(permission("kb:read")).unwrap(), Some("GET"), "/kb");
    book.add(&gate, &gate.plan(permission("kb:write")).unwrap(), Some("PUT"), "/kb");
    let table = book.table();
    let text = table.to_string();
    assert!(text.contains("| permission kb:read, or superuser (staff or role operator) |"), "{text}");
    assert!(text.contains("| permission kb:write |"), "{text}");
    assert!(table.json().contains("\"superuser\": \"staff or role operator\""));
    assert_eq!(table.rows().map(Row::roles).collect::<Vec<_>>(), [vec!["operator".to_owned()], vec![]]);
    let matrix = table.matrix();
    let cell = |route: &str, holder: &Holder| matrix.route(route, holder).unwrap().clone();
    let operator = Holder::Role { role: "operator".into(), on: None };
    for (holder, read) in
        [(Holder::Staff, Forecast::Allow), (operator, Forecast::Allow), (Holder::Caller, Forecast::Deny)]
    {
        assert_eq!((cell("GET /kb", &holder), cell("PUT /kb", &holder)), (read, Forecast::Deny), "{holder}");
    }
}
