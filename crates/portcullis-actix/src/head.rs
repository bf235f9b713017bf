use actix_web::{
    HttpMessage, HttpRequest,
    dev::{self, Path, Url},
};
use portcullis_core::{Error, ErrorKind, RequestHead};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use std::{borrow::Cow, fmt, sync::Arc};

/// The query as it came, where [`scrub`](crate::GateExt::scrub) took the credentials out of the address.
#[derive(Debug, Clone)]
pub(crate) struct AsItCame(pub(crate) Arc<str>);

/// The head of a request with its path parameters.
#[derive(Debug, Clone)]
pub(crate) struct Head<'a> {
    head: &'a dev::RequestHead,
    params: &'a Path<Url>,
    query: Option<Arc<str>>,
}

impl<'a> Head<'a> {
    pub(crate) fn of(request: &'a HttpRequest) -> Self {
        let query = request.extensions().get::<AsItCame>().map(|query| query.0.clone());
        Self { head: request.head(), params: request.match_info(), query }
    }
}

impl RequestHead for Head<'_> {
    fn method(&self) -> &str {
        self.head.method.as_str()
    }

    fn path(&self) -> &str {
        self.head.uri.path()
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref().or_else(|| self.head.uri.query())
    }

    fn authority(&self) -> Option<&str> {
        self.head.uri.authority().map(|authority| authority.as_str())
    }

    fn each_header<'a>(&'a self, name: &str, see: &mut dyn FnMut(&'a [u8])) {
        self.head.headers.get_all(name).for_each(|value| see(value.as_bytes()));
    }

    /// Nested scopes may each have a parameter of one name. Which of them a handler goes by depends on how it takes them, so
    /// a guard that picked one could look at another resource than the handler.
    fn param(&self, name: &str) -> Result<Option<Cow<'_, str>>, Error> {
        let mut raw = self.params.iter().filter(|(found, _)| *found == name).map(|(_, value)| value);
        let (first, second) = (raw.next(), raw.next());
        if second.is_some() {
            let detail = format!("the path has two parameters `{name}`; rename one of them");
            return Err(Error::new(ErrorKind::Misconfigured, detail));
        }
        match first {
            Some(value) if value.contains('%') => decoded(self.params, name),
            value => Ok(value.map(Cow::Borrowed)),
        }
    }
}

/// A parameter as `web::Path` tells it, because `web::Path` is what reads it.
fn decoded<'a>(params: &'a Path<Url>, name: &str) -> Result<Option<Cow<'a, str>>, Error> {
    let Params(params) =
        params.load().map_err(|error| Error::new(ErrorKind::Malformed, "the path cannot be read").with_cause(error))?;
    Ok(params.into_iter().find(|(found, _)| found == name).map(|(_, value)| Cow::Owned(value)))
}

struct Params(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Params;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("path parameters")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Params, M::Error> {
                let mut params = Vec::new();
                while let Some(param) = map.next_entry()? {
                    params.push(param);
                }
                Ok(Params(params))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}
