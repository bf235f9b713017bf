//! The page of the table of routes in Chromium, opened from a file: it shows what was escaped as text, and its filters hide rows.
//!
//! `cargo test -p portcullis-tests --test browser_table`; `BROWSER_SCREENSHOTS=folder` keeps pictures.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs, reason = "tests")]

use portcullis::{
    Error, Gate, Membership, Principal, RoleHierarchy, Scheme, SharedSecret, Standing,
    axum::{Routes, Table},
    policy::*,
    testing::TestIssuer,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

#[derive(Debug)]
struct Nobody;

impl Membership for Nobody {
    type Id = u32;

    async fn standing(&self, _: &Principal, _: &u32) -> Result<Standing, Error> {
        Ok(Standing::stranger())
    }
}

const ATTACK: &str = "/x/<script>document.title='attacked'</script>";

fn table() -> Table {
    let secret = SharedSecret::new("sync", "a-secret-of-at-least-thirty-two-bytes").unwrap();
    let projects = RoleHierarchy::builder().ranked(["viewer", "manager"]).permits("manager", ["project:write"]);
    let gate = Gate::builder()
        .scheme(Scheme::new(TestIssuer::new().verifier()).cookie("session").bearer())
        .scheme(Scheme::named("sync", secret).header("x-sync"))
        .roles_on("project", projects.build().unwrap())
        .membership("project", Nobody)
        .build()
        .unwrap();
    let read = || role("viewer").on("project", path("id")).hidden();
    let write = permission("project:write").on("project", path("id"));
    let routes: Routes = Routes::new(&gate)
        .get("/news", anyone(), async || "")
        .get("/projects/{id}", read(), async || "")
        .put("/projects/{id}", write, async || "")
        .get("/projects/{id}/flights/{flight}", read(), async || "")
        .put("/roles", via("sync"), async || "")
        .get(ATTACK, any((staff(), claim("</td><script>"))), async || "");
    routes.table()
}

/// What the test does on the page: each step sets filters, and notes the paths of the rows that are shown.
const DRIVE: &str = r#"<script>
addEventListener("load", () => {
  const paths = () => [...document.querySelectorAll("tbody tr")]
    .filter((row) => row.getClientRects().length > 0)
    .map((row) => row.cells[1].textContent);
  const set = (id, value) => {
    const field = document.getElementById(id);
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const pick = (place, name) => {
    const field = document.getElementById("column-" + place);
    const option = [...field.options].find((option) => option.textContent === name);
    set(field.id, option.value);
  };
  const seen = {};
  const note = (step) => { seen[step] = [document.getElementById("count").value, ...paths()]; };
  note("all");
  set("text", "FLIGHT");
  note("text");
  set("text", "");
  pick(0, "PUT");
  note("method");
  pick(4, "sync");
  note("method and scheme");
  document.querySelector("button[type=reset]").click();
  setTimeout(() => {
    note("reset");
    pick(5, "manager on project");
    note("role");
    pick(7, "flight");
    note("role and parameter");
    set("text", "nothing has this");
    note("nothing");
    seen.title = document.title;
    const report = document.createElement("pre");
    report.id = "report";
    report.textContent = JSON.stringify(seen);
    document.body.append(report);
  });
});
</script>"#;

fn chromium(arguments: &[&str], page: &Path) -> String {
    let program = env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into());
    let profile = page.with_extension("profile");
    let output = Command::new(program)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(arguments)
        .arg(format!("file://{}", page.display()))
        .output();
    let _ = fs::remove_dir_all(&profile);
    let output = output.unwrap_or_else(|error| panic!("install chromium, or name it in CHROMIUM ({error})"));
    String::from_utf8(output.stdout).unwrap()
}

fn written(name: &str, page: &str) -> PathBuf {
    let path = env::temp_dir().join(format!("portcullis-table-{}-{name}.html", std::process::id()));
    fs::write(&path, page).unwrap();
    path
}

#[test]
fn a_person_can_filter_the_page() {
    let page = table().html();
    if let Some(folder) = env::var_os("BROWSER_SCREENSHOTS") {
        let plain = written("plain", &page);
        let picture = Path::new(&folder).join("table.png");
        chromium(&["--window-size=1500,700", &format!("--screenshot={}", picture.display())], &plain);
        fs::remove_file(plain).unwrap();
    }
    let driven = written("driven", &page.replace("</body>", &format!("{DRIVE}</body>")));
    let shown = chromium(&["--virtual-time-budget=5000", "--dump-dom"], &driven);
    fs::remove_file(driven).unwrap();
    let report = shown.split("<pre id=\"report\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let report = report.unwrap_or_else(|| panic!("the page did not report: {shown}"));
    let report = report.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let seen: serde_json::Value = serde_json::from_str(&report).unwrap();
    let (project, flight) = ("/projects/{id}", "/projects/{id}/flights/{flight}");
    let all = ["6 of 6 routes", "/news", project, project, flight, "/roles", ATTACK];
    let expected = serde_json::json!({
        "all": all,
        "text": ["1 of 6 routes", flight],
        "method": ["2 of 6 routes", project, "/roles"],
        "method and scheme": ["1 of 6 routes", "/roles"],
        "reset": all,
        "role": ["3 of 6 routes", project, project, flight],
        "role and parameter": ["1 of 6 routes", flight],
        "nothing": ["0 of 6 routes"],
        // The script in the path did not run.
        "title": "Who may use which route",
    });
    assert_eq!(seen, expected);
}
