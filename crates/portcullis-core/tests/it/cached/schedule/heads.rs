//! Requests that bring a token in one way or another.

use super::steps::Way;
use crate::head::Head;

impl Way {
    /// The head of a request with this token, and perhaps with the other.
    pub(super) fn head(self, text: &str, other: &str) -> Head {
        let cookie = || Head::new().header("cookie", format!("session={text}"));
        match self {
            Self::Bearer | Self::Credential => Head::new().bearer(text),
            Self::OddBearer => Head::new().header("authorization", format!(" bEARER   {text}\t")),
            Self::TwoBearers => Head::new().bearer(text).bearer(other),
            Self::Cookie => cookie(),
            Self::QuotedCookie => Head::new().header("cookie", format!("a=b; session=\"{text}\"")),
            Self::OwnPage => cookie().method("POST").header("sec-fetch-site", "same-origin"),
            Self::OtherSite => cookie().method("POST").header("sec-fetch-site", "cross-site"),
            Self::Query => Head::new().query(&format!("a=b&token={text}")),
            Self::Both => cookie().bearer(other),
        }
    }
}
