//! Rows that a way in cannot run, why, and what it answers instead. Whatever is not listed here is run.

use crate::{
    row::{
        Expected, Row, detail, forbidden, insufficient_scope, method_not_allowed, misconfigured, not_found, ok,
        unauthorized,
    },
    table::returned,
    ways::{Outside, Way},
};

pub struct Skip {
    /// Names of rows, or how they begin where a star ends them.
    pub rows: Vec<String>,
    pub reason: &'static str,
    pub instead: Instead,
}

pub enum Instead {
    /// It answers so.
    Answer(Expected),
    /// There is no such place: `pins.rs` says what happens to those who try to build it.
    NoSuchPlace,
}

impl Skip {
    pub fn is_about(&self, row: &Row) -> bool {
        self.rows.iter().any(|pattern| fits(pattern, row))
    }

    /// A row that was renamed would be run unnoticed, and its entry stay.
    pub fn assert_is_about_some(&self, rows: &[Row]) {
        for pattern in &self.rows {
            assert!(rows.iter().any(|row| fits(pattern, row)), "there is no row {pattern:?}");
        }
    }
}

fn fits(pattern: &str, row: &Row) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => row.name.starts_with(start),
        None => row.name == pattern,
    }
}

fn answers(rows: &[&str], reason: &'static str, instead: Expected) -> Skip {
    Skip { instead: Instead::Answer(instead), ..not_there(rows, reason) }
}

fn not_there(rows: &[&str], reason: &'static str) -> Skip {
    Skip { rows: rows.iter().map(ToString::to_string).collect(), reason, instead: Instead::NoSuchPlace }
}

pub fn skips(way: Way, outside: Outside) -> Vec<Skip> {
    let mut lists = match way {
        Way::AxumExtractor => vec![methods_without_a_handler(), returned_without_a_guard()],
        Way::AxumLayer => vec![],
        Way::AxumRoutes => vec![checked_at_start()],
        Way::TowerLayer => vec![no_parameters()],
        Way::ActixExtractor => vec![methods_without_a_handler(), returned_without_a_guard(), actix(), actix_head()],
        Way::ActixMiddleware => vec![actix()],
        Way::ActixRoutes => vec![actix(), checked_at_start()],
    };
    if matches!(way, Way::AxumExtractor | Way::ActixExtractor) && outside == Outside::EnforceAndScrub {
        lists.push(nobody_looked());
    }
    lists.into_iter().flatten().collect()
}

/// An extractor stands in a handler's signature, and these requests reach no handler.
fn methods_without_a_handler() -> Vec<Skip> {
    vec![answers(
        &[
            "method: unknown, nobody",
            "method: unknown, not staff",
            "method: unknown, hidden",
            "method: unknown, in a scope, nobody",
            "method: unknown, the directory is down",
            "unsafe: a method that nobody knows",
        ],
        "an extractor guards the handler that takes it; the framework answers methods without one by itself",
        method_not_allowed(),
    )]
}

/// A guard renders what a handler returns; an extractor cannot.
fn returned_without_a_guard() -> Vec<Skip> {
    const REASON: &str = "without a guard, the default answer is sent for an error that a handler returns";
    let instead = |(how, expected): (&str, Expected)| {
        let rendered = format!("returned, rendered: {how}");
        let challenged = expected.is_challenge().then(|| format!("returned in a realm: {how}"));
        Skip { rows: [rendered].into_iter().chain(challenged).collect(), ..answers(&[], REASON, expected) }
    };
    let insists = answers(
        &["insists in a realm: nobody", "insists, rendered: nobody"],
        REASON,
        unauthorized("credential_missing"),
    );
    let other = |how: &str, expected| {
        let rows = ["Every", "Realm", "Rendered"].map(|site| format!("gates, at {site}: returned {how}"));
        Skip { rows: rows.into(), ..answers(&[], REASON, expected) }
    };
    let others = [
        other("missing", unauthorized("credential_missing")),
        other("by an insisting handler", unauthorized("credential_missing")),
        other("scope", insufficient_scope("kb:read")),
    ];
    let behind = not_there(&["gates behind*"], "a guard around a handler is no extractor");
    returned::kinds().into_iter().map(instead).chain(others).chain([insists, behind]).collect()
}

fn checked_at_start() -> Vec<Skip> {
    vec![not_there(
        &["wiring: a parameter*"],
        "`Routes` know the whole path, and refuse a policy that asks for a parameter of another one at the start",
    )]
}

fn no_parameters() -> Vec<Skip> {
    vec![not_there(
        &[
            "resource: *",
            "inherited: *",
            "encoded: *",
            "nested: *",
            "down: the membership, by path*",
            "down: the membership, for strangers",
            "down: the membership, and*",
            "wiring: a parameter*",
            "slow: a resource by path*",
            "slow: a hidden resource by path",
            "slow: a parameter of the path above",
            "rendered: no role on it, by path",
            "rendered: hidden, by path",
        ],
        "a plain tower service has no path parameters; policies that ask for one are refused at the start",
    )]
}

fn actix() -> Vec<Skip> {
    const OPTION: &str = "actix-web itself says what `Option<Authenticated>` is, and takes every error for `None`; \
                          `Visitor` is the extractor to take";
    const HEAD: &str = "actix-web answers HEAD only where a route says so";
    const DECODED: &str = "actix-web decodes the fixed parts of a path before it looks for a route";
    const LOSSY: &str = "actix-web replaces what is not UTF-8 in a parameter, for handlers as well";
    vec![
        answers(
            &["/maybe: a token that does not hold", "/maybe: an expired token", "/maybe: the directory is down"],
            OPTION,
            ok("nobody"),
        ),
        answers(&["method: head", "method: head, in a scope", "insists: nobody, the head"], HEAD, method_not_allowed()),
        answers(&["encoded path: nobody"], DECODED, unauthorized("credential_missing")),
        answers(&["encoded path: somebody"], DECODED, forbidden("staff_required")),
        answers(&["encoded: not UTF-8"], LOSSY, forbidden("not_a_member")),
        answers(&["encoded: not UTF-8, hidden"], LOSSY, not_found()),
    ]
}

fn actix_head() -> Vec<Skip> {
    vec![answers(
        &["method: head, nobody", "scheme named: head, nobody"],
        "actix-web answers HEAD only where a route says so, and no extractor is asked before",
        method_not_allowed(),
    )]
}

fn nobody_looked() -> Vec<Skip> {
    const REASON: &str = "under `enforce`, what is public says so with `anyone()`, which no handler can";
    vec![
        answers(
            &[
                "/open: *",
                "gates: public",
                "account: denied, where nobody asks",
                "baseline: a public route",
                "nested path: public",
                "strict: two of them, where nobody asks",
                "scheme elsewhere: where nobody asks",
                "down: the directory, where nobody asks",
                "slow: where nobody asks",
                "cross-site: where nobody asks",
                "cookie: twice, and nobody asks",
                "preflight: without an origin, where nobody asks",
                "preflight: without a method, where nobody asks",
            ],
            REASON,
            misconfigured(),
        ),
        answers(&["rendered: where nobody asks"], REASON, detail(500, "misconfigured")),
    ]
}
