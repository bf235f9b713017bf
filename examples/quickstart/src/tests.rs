//! What the printed lines promise is what the service answers.

use crate::{app, gate, routes, try_out};
use axum::{body::Body, http::Request};
use std::{error::Error, net::SocketAddr};
use tower::ServiceExt;

#[tokio::test]
async fn answers_are_as_printed() -> Result<(), Box<dyn Error>> {
    let (issuer, tokens) = try_out::issuer()?;
    let app = app(gate(issuer)?, String::new());
    for ((who, token), (_, answers)) in tokens.iter().zip(try_out::ANSWERS) {
        for (method, expected) in ["GET", "PUT", "DELETE"].into_iter().zip(answers) {
            for (name, value) in [("authorization", format!("Bearer {token}")), ("cookie", format!("session={token}"))]
            {
                // As the page does; a cookie on what another page asks for would not count.
                let request =
                    Request::builder().method(method).uri("/projects/42").header("sec-fetch-site", "same-origin");
                let request = if token.is_empty() { request } else { request.header(name, value) };
                let answer = app.clone().oneshot(request.body(Body::empty())?).await?;
                assert_eq!(answer.status(), expected, "{who} {method} by {name}");
            }
        }
    }
    Ok(())
}

/// `UPDATE_MATRIX=1 cargo test -p quickstart` accepts a change.
#[test]
fn who_may_do_what() -> Result<(), Box<dyn Error>> {
    let (issuer, _) = try_out::issuer()?;
    let table = routes(&gate(issuer)?, String::new()).table();
    table.assert_all_guarded(["/"]);
    table.assert_matrix("tests/matrix.md");
    Ok(())
}

/// Each token once, then lines that fit a terminal, then the page.
#[test]
fn lines_are_short() -> Result<(), Box<dyn Error>> {
    let (_, tokens) = try_out::issuer()?;
    let printed = try_out::lines(&tokens, SocketAddr::from(([127, 0, 0, 1], 3000)));
    for (who, token) in tokens.iter().filter(|(_, token)| !token.is_empty()) {
        let export = format!("export {}={token}", who.to_uppercase());
        assert!(printed.lines().any(|line| line == export), "{printed}");
        assert_eq!(printed.matches(token).count(), 1, "{who}: {printed}");
    }
    let others = || printed.lines().filter(|line| !line.starts_with("export "));
    assert!(others().all(|line| line.len() <= 120), "{printed}");
    let curl = r#"curl -i -H "Authorization: Bearer $VIEWER" localhost:3000/projects/42"#;
    assert!(others().any(|line| line.starts_with(curl) && line.ends_with(" # 200")), "{printed}");
    assert!(printed.ends_with(" http://localhost:3000/"), "{printed}");
    Ok(())
}
