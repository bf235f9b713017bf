//! What typical mistakes look like. Each is made through the public API; what is seen of it has to stand in
//! `docs/mistakes.md` word for word, and the fix that stands there has to work.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::exhaustive_structs,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "tests"
)]

/// Runs the code of a fix, which has to stand in the page as it stands here.
macro_rules! as_shown {
    ($($code:tt)*) => {{
        $crate::assert_page_shows_code(stringify!($($code)*));
        $($code)*
    }};
}

/// The same for items, for what follows in the function.
macro_rules! items_as_shown {
    ($($code:tt)*) => {
        $crate::assert_page_shows_code(stringify!($($code)*));
        $($code)*
    };
}

mod browser;
mod compiler;
mod guards;
mod handlers;
mod log;
mod policies;
mod schemes;
mod standings;
mod tokens;
mod wiring;

use actix_web::dev::{Service, ServiceResponse};
use axum::{Router, body::Body, http::request};
use portcullis::{Error, ErrorKind};
use tower::ServiceExt;

const PAGE: &str = include_str!("../../docs/mistakes.md");

/// The fenced blocks of the page in this language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    PAGE.split("```").skip(1).step_by(2).filter_map(move |block| block.strip_prefix(language)?.strip_prefix('\n'))
}

/// The page may break lines where a message does not.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asserts that the page shows this message and no more of it. What follows its first line is indented.
#[track_caller]
fn assert_page_shows(message: &str) {
    let mut shown = blocks("text").map(|block| block.replace("\n ", " "));
    let is_shown = shown.any(|block| block.lines().any(|line| one_line(line) == one_line(message)));
    assert!(is_shown, "docs/mistakes.md does not show: {message}");
}

/// Asserts that code stands in a block of the page. White space does not count, nor do the lines that rustdoc hides.
#[track_caller]
fn assert_page_shows_code(code: &str) {
    let dense = |text: &str| text.split_whitespace().collect::<String>();
    let visible = |block: &str| block.lines().filter(|line| !line.starts_with("# ")).map(dense).collect::<String>();
    assert!(
        blocks("rust").any(|block| visible(block).contains(&dense(code))),
        "docs/mistakes.md does not show: {code}"
    );
}

/// The status of the answer to a request, and the line that the log got for it, or an empty one.
async fn send(app: &Router, request: request::Builder) -> (u16, String) {
    log::listen();
    let answer = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    (answer.status().as_u16(), log::line())
}

/// The same for a service of actix-web.
async fn send_actix<R, B>(app: &impl Service<R, Response = ServiceResponse<B>>, request: R) -> (u16, String) {
    log::listen();
    let answer = app.call(request).await.ok().unwrap();
    (answer.status().as_u16(), log::line())
}

/// Asserts that a request was refused like this, and that the page shows what the log says.
#[track_caller]
fn assert_refused((found, line): (u16, String), status: u16) {
    assert_eq!(found, status, "{line}");
    assert_page_shows(&line);
}

/// Asserts that a request was let in, with nothing in the log.
#[track_caller]
fn assert_accepted(answer: (u16, String)) {
    assert_eq!(answer, (200, String::new()));
}

/// Asserts that this is refused at start, in words that the page shows.
#[track_caller]
fn assert_misconfigured<T>(made: Result<T, Error>) {
    let error = made.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert_page_shows(&error.to_string());
}
