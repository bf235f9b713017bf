//! What the printed lines promise is what the service answers.

use crate::{app, gate, try_out};
use axum::{body::Body, http::Request};
use portcullis::testing::TestIssuer;
use tower::ServiceExt;

#[tokio::test]
async fn answers_are_as_printed() -> Result<(), Box<dyn std::error::Error>> {
    let issuer = TestIssuer::new();
    let app = app(gate(&issuer)?, String::new());
    for ((who, token), (_, answers)) in try_out::tokens(&issuer).iter().zip(try_out::ANSWERS) {
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
