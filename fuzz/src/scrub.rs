use crate::request::{Everybody, Request, form};
use portcullis_core::{Gate, Scheme};
use std::sync::LazyLock;

const NAME: &str = "access_token";
const WS_NAMES: [&str; 2] = ["ws token", "naïve"];

static GATE: LazyLock<Gate> = LazyLock::new(|| {
    let scheme = Scheme::new(Everybody).query(NAME).websocket_query(WS_NAMES[0]).websocket_query(WS_NAMES[1]);
    Gate::builder().scheme(scheme).build().expect("the gate is sound")
});

/// No credential is left in a query that is fit for logs, everything else is as it was, and it is no longer than before.
pub fn scrub_query(data: &[u8]) -> bool {
    let query = String::from_utf8_lossy(data).replace('#', "");
    let mut is_scrubbed = false;
    for (head, is_websocket) in [("GET /", false), ("GET /\nupgrade: websocket", true)] {
        let is_credential = |name: &str| name == NAME || is_websocket && WS_NAMES.contains(&name);
        let mut head = Request::read(head.as_bytes());
        let scrubber = GATE.scrubber(&head);
        let pairs = |query: &str| query.split('&').map(str::to_owned).collect::<Vec<_>>();
        let touched = |pair: &String| {
            let filled = pair.split_once('=').is_some_and(|(_, value)| !value.is_empty());
            filled && form(pair).first().is_some_and(|(name, _)| is_credential(name))
        };
        let address = format!("https://a.example/?{query}");
        let Some(scrubbed) = scrubber.address(address.as_bytes()) else {
            assert!(!pairs(&query).iter().any(touched), "left alone: {query}");
            continue;
        };
        is_scrubbed = true;
        assert!(scrubbed.len() <= address.len(), "{query} became longer");
        assert_eq!(scrubber.header("referer", address.as_bytes()).as_ref(), Some(&scrubbed), "{query} as a header");
        assert_eq!(scrubber.address(&scrubbed).as_ref(), Some(&scrubbed), "{query} twice");
        let scrubbed = String::from_utf8(scrubbed).expect("text stays text");
        let scrubbed = scrubbed.split_once('?').expect("a query").1;
        assert_eq!(pairs(&query).len(), pairs(scrubbed).len(), "{query} became {scrubbed}");
        for (pair, clean) in pairs(&query).into_iter().zip(pairs(scrubbed)) {
            match pair.split_once('=') {
                Some((name, value)) if touched(&pair) => {
                    let redacted = &"redacted"[..value.len().min(8)];
                    assert_eq!(clean, format!("{name}={redacted}"), "in {query}");
                }
                _ => assert_eq!(clean, pair, "in {query}"),
            }
        }
        // What would be read of it is no credential any more.
        head.query = Some(scrubbed.to_owned());
        if let Ok(Some(found)) = GATE.read(&head) {
            assert!("redacted".starts_with(found.expose()), "{:?}", head.query);
        }
    }
    is_scrubbed
}
