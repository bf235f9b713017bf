use crate::request::{Everybody, Request, form};
use portcullis_core::{Gate, RequestHead};
use std::sync::LazyLock;

const NAMES: [&str; 3] = ["access_token", "ws token", "naïve"];

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let gate = Gate::builder().query("access_token").websocket_query("ws token").websocket_query("naïve");
    gate.authenticator(Everybody).build().expect("the gate is sound")
});

/// No credential is left in a query that is fit for logs, and everything else is as it was.
pub fn scrub_query(data: &[u8]) -> bool {
    let query = String::from_utf8_lossy(data);
    let is_credential = |pair: &&str| form(pair).first().is_some_and(|(name, _)| NAMES.contains(&&**name));
    let Some(scrubbed) = GATE.scrub_query(&query) else {
        assert!(!query.split('&').any(|pair| is_credential(&pair)), "left alone: {query}");
        return false;
    };
    assert!(query.split('&').any(|pair| is_credential(&pair)), "nothing to scrub in {query}");
    assert_eq!(query.split('&').count(), scrubbed.split('&').count(), "{query} became {scrubbed}");
    for (pair, clean) in query.split('&').zip(scrubbed.split('&')) {
        if is_credential(&pair) {
            let name = pair.split('=').next().unwrap_or_default();
            assert_eq!(clean, format!("{name}=redacted"), "in {query}");
        } else {
            assert_eq!(clean, pair, "in {query}");
        }
    }
    assert_eq!(GATE.scrub_query(&scrubbed).as_deref(), Some(&*scrubbed), "twice");
    // What would be read of it is no credential any more.
    let mut head = Request::read(b"GET /\nupgrade: websocket");
    head.query = Some(scrubbed);
    if let Ok(found) = GATE.read(&head) {
        assert_eq!(found.map(|found| found.expose().to_owned()).as_deref(), Some("redacted"), "{:?}", head.query());
    }
    true
}
