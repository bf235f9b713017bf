//! The engine.

use crate::{
    answer,
    attributes::Attributes,
    request::{self, Settings},
};
use futures_channel::oneshot::channel;
use futures_util::future::{Either, select, try_join_all};
use portcullis_core::{
    Engine, EngineRequest, EngineResource, Error, ErrorKind, HttpClient, HttpRequest, HttpResponse, Principal, Reply,
};
use serde::Serialize;
use std::{fmt, pin::pin, sync::Arc};

/// How many resources a server accepts in a request by default.
const MOST: usize = 50;

/// Asks a Cerbos policy decision point over HTTP. See the [crate's documentation](crate).
#[derive(Clone)]
pub struct Cerbos {
    url: String,
    client: Arc<dyn HttpClient>,
    settings: Settings,
}

impl Cerbos {
    /// The decision point at this address, without a path.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if it is no HTTP address, or has a user name, a query or a fragment.
    pub fn new(address: &str, client: impl HttpClient + 'static) -> Result<Self, Error> {
        let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://")).unwrap_or_default();
        let is_graphic = rest.bytes().all(|byte| byte.is_ascii_graphic());
        if rest.is_empty() || rest.starts_with('/') || rest.contains(['@', '?', '#']) || !is_graphic {
            let detail = "the address of Cerbos is `https://`, a host, and perhaps a port";
            return Err(Error::new(ErrorKind::Misconfigured, detail));
        }
        let url = format!("{}/api/check/resources", address.trim_end_matches('/'));
        let (version, scope) = (String::new(), String::new());
        let settings = Settings { version, scope, of_principal: Attributes::NONE, of_resource: Attributes::NONE };
        Ok(Self { url, client: Arc::new(client), settings })
    }

    /// Asks policies of this version instead of the server's default.
    #[must_use]
    pub fn policy_version(mut self, version: impl Into<String>) -> Self {
        self.settings.version = version.into();
        self
    }

    /// Asks policies of this scope, such as `acme.sales`.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.settings.scope = scope.into();
        self
    }

    /// Adds attributes of the caller: `P.attr`. The function returns an object, such as one of `serde_json::json!`.
    ///
    /// It is called once for a request to Cerbos. Its error is one of the request and never a denial, and so is an object with a
    /// name that is [sent anyway](crate#what-cerbos-gets) (500). A later call replaces the function.
    ///
    /// ```
    /// # use portcullis_cerbos::Cerbos;
    /// # use serde_json::json;
    /// struct User {
    ///     department: String,
    /// }
    ///
    /// /// Accounts are those of the gate's directory.
    /// fn with_department(cerbos: Cerbos) -> Cerbos {
    ///     cerbos.principal_attr(|who| {
    ///         Ok(json!({ "department": who.account::<User>()?.department }))
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn principal_attr<A: Serialize>(
        mut self,
        attr: impl Fn(&Principal) -> Result<A, Error> + Send + Sync + 'static,
    ) -> Self {
        self.settings.of_principal = Attributes::new(attr);
        self
    }

    /// Adds attributes of the resource: `R.attr`. Otherwise as [`principal_attr`](Self::principal_attr).
    ///
    /// It is called for each resource, and not where the policy names none. All that it needs is at hand: the identifier, and the
    /// row that the membership found.
    ///
    /// ```
    /// # use portcullis_cerbos::Cerbos;
    /// # use serde_json::json;
    /// struct Project {
    ///     department: String,
    /// }
    ///
    /// fn with_department(cerbos: Cerbos) -> Cerbos {
    ///     cerbos.resource_attr(|on| {
    ///         let row = on.standing().and_then(|standing| standing.row::<Project>());
    ///         Ok(json!({ "department": row.map(|project| &project.department) }))
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn resource_attr<A: Serialize>(
        mut self,
        attr: impl Fn(&EngineResource) -> Result<A, Error> + Send + Sync + 'static,
    ) -> Self {
        self.settings.of_resource = Attributes::new(attr);
        self
    }

    async fn check(&self, requests: &[EngineRequest]) -> Result<Vec<bool>, Error> {
        let body = request::body(requests, &self.settings)?;
        let answer = self.send(HttpRequest::post_json(self.url.clone(), body)).await?;
        match answer.status() {
            200 => answer::read(answer.body(), requests),
            400 => Err(Error::new(ErrorKind::Misconfigured, "Cerbos refused the request as invalid; its log says why")),
            status => Err(Error::new(ErrorKind::Unavailable, format!("Cerbos answered with the status {status}"))),
        }
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let unavailable = |detail| Error::new(ErrorKind::Unavailable, detail);
        let (sender, answer) = channel();
        self.client.send(request, Reply::new(move |answer| _ = sender.send(answer)));
        match select(pin!(answer), self.client.sleep(self.client.time_limit())).await {
            Either::Left((Ok(answer), _)) => answer,
            Either::Left((Err(_), _)) => Err(unavailable("the HTTP client gave up without an answer")),
            Either::Right(_) => Err(unavailable("Cerbos did not answer in time")),
        }
    }
}

impl Engine for Cerbos {
    async fn allows(&self, request: &EngineRequest) -> Result<bool, Error> {
        Ok(self.check(std::slice::from_ref(request)).await? == [true])
    }

    async fn allows_each(&self, requests: &[EngineRequest]) -> Result<Vec<bool>, Error> {
        // A request to Cerbos has one principal, and all that are asked together have the same.
        let same = requests.chunk_by(|one, other| {
            let (one, other) = (one.principal(), other.principal());
            one.id() == other.id() && one.roles() == other.roles()
        });
        let chunks = same.flat_map(|same| same.chunks(MOST));
        Ok(try_join_all(chunks.map(|chunk| self.check(chunk))).await?.concat())
    }
}

impl fmt::Debug for Cerbos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (url, settings) = (&self.url, &self.settings);
        let mut debug = f.debug_struct("Cerbos");
        debug.field("url", url).field("version", &settings.version).field("scope", &settings.scope);
        debug.finish_non_exhaustive()
    }
}
