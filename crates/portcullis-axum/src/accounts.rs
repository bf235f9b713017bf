//! The endpoints of accounts, on routes.

use crate::{Rejection, Routes, Visitor, params};
use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, FromRequestParts, Request},
    response::Response,
    routing::{MethodFilter, on},
};
use bytes::Bytes;
use http_body_util::LengthLimitError;
use portcullis_accounts::{Call, Endpoint, Endpoints, Error};
use portcullis_core::{Error as CoreError, Gate, policy::anyone};
use portcullis_tower::Head;
use std::net::SocketAddr;

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Mounts the endpoints of accounts below a path.
    ///
    /// They are in the [table](Self::table) like other routes. Those that need no signed-in user, and `sign-out-everywhere`,
    /// are outside of the gate's baseline. Limits by network need the address of the client: serve the router by
    /// `into_make_service_with_connect_info::<SocketAddr>()`.
    ///
    /// ```
    /// # use axum::{body::Body, http::Request};
    /// # use tower::ServiceExt;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use portcullis_accounts::{Accounts, Secret, store::MemoryStore};
    /// use portcullis_axum::{Authenticated, Routes};
    /// use portcullis_core::{Gate, policy::authenticated};
    ///
    /// let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes")?;
    /// let accounts = Accounts::builder("https://shop.example.com", secret, MemoryStore::new())
    ///     .dangerous_without_confirmation() // or name a mailer
    ///     .build()?;
    /// let gate =
    ///     Gate::builder().scheme(&accounts).revocations(accounts.revocations()).build()?;
    /// let app = Routes::new(&gate)
    ///     .accounts("/auth", &accounts.endpoints())
    ///     .get("/orders", authenticated(), async |_: Authenticated| "orders")
    ///     .into_router()
    ///     .with_state(gate);
    ///
    /// let sign_up = r#"{"email":"alice@example.com","password":"correct horse battery"}"#;
    /// let request = Request::post("/auth/sign-up").header("content-type", "application/json");
    /// let answer = app.clone().oneshot(request.body(Body::from(sign_up))?).await?;
    /// assert_eq!(answer.status(), 200); // with an access token and a refresh token
    /// let request = Request::get("/auth/me").body(Body::empty())?;
    /// assert_eq!(app.oneshot(request).await?.status(), 401);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If [`Endpoints::list`] returns an error: if the endpoints set cookies that no browser accepts, or that the gate does not
    /// read, if the gate has no [revocations](portcullis_core::GateBuilder::revocations), and if it does not know the roles of the
    /// accounts' organizations.
    #[track_caller]
    pub fn accounts(self, path: &str, endpoints: &Endpoints) -> Self {
        #[expect(clippy::panic, reason = "a mistake in a route has to show at start")]
        let list = endpoints.list(&self.gate).unwrap_or_else(|error| panic!("{error}"));
        let mut routes = self;
        for endpoint in list {
            let path = format!("{}/{}", path.trim_end_matches('/'), endpoint.path());
            let method = match endpoint.method() {
                "GET" => MethodFilter::GET,
                "PUT" => MethodFilter::PUT,
                "PATCH" => MethodFilter::PATCH,
                "DELETE" => MethodFilter::DELETE,
                _ => MethodFilter::POST,
            };
            let (gate, endpoints) = (routes.gate.clone(), endpoints.clone());
            let handler = move |request: Request| {
                let (gate, endpoints) = (gate.clone(), endpoints.clone());
                async move { answer(&gate, &endpoints, endpoint, request).await }
            };
            routes = routes.add(Some(endpoint.method()), &path, endpoint.policy(), on(method, handler));
        }
        routes
    }

    /// Mounts an endpoint of your own at a path, for POST: a function that gets the request as a [`Call`], such as one that
    /// signs users in by an older service's path and answers as that did.
    ///
    /// Everybody may call it, and the caller is not looked at. As with the endpoints of accounts, a page of another origin is
    /// refused, a body has at most [`Endpoints::MAX_BODY`] bytes, and the guard of the route renders the error.
    ///
    /// ```
    /// # use axum::{body::Body, http::Request};
    /// # use tower::ServiceExt;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use bytes::Bytes;
    /// use http::Response;
    /// use portcullis_accounts::{Accounts, Call, Secret, SignUp, store::MemoryStore};
    /// use portcullis_axum::Routes;
    /// use portcullis_core::{Error, Gate};
    ///
    /// async fn register(accounts: Accounts, call: Call) -> Result<Response<Bytes>, Error> {
    ///     let (email, password): (String, String) = call.json()?;
    ///     let form = SignUp { email: &email, password: &password, ..SignUp::default() };
    ///     accounts.sign_up(form, &call.client(0)).await?;
    ///     Ok(Response::new(Bytes::from_static(b"welcome")))
    /// }
    ///
    /// let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes")?;
    /// let accounts = Accounts::builder("https://shop.example.com", secret, MemoryStore::new())
    ///     .dangerous_without_confirmation() // or name a mailer
    ///     .build()?;
    /// let gate =
    ///     Gate::builder().scheme(&accounts).revocations(accounts.revocations()).build()?;
    /// let app = Routes::new(&gate)
    ///     .endpoint("/register", move |call| register(accounts.clone(), call))
    ///     .into_router();
    ///
    /// let body = r#"["alice@example.com","correct horse battery"]"#;
    /// for (site, status) in [("same-origin", 200), ("cross-site", 403)] {
    ///     let request = Request::post("/register").header("content-type", "application/json");
    ///     let request = request.header("sec-fetch-site", site).body(Body::from(body))?;
    ///     assert_eq!(app.clone().oneshot(request).await?.status(), status);
    /// }
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn endpoint<F, A>(self, path: &str, answer: F) -> Self
    where
        F: Fn(Call) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Result<http::Response<Bytes>, CoreError>> + Send,
    {
        let gate = self.gate.clone();
        let handler = move |request: Request| {
            let (gate, answer) = (gate.clone(), answer.clone());
            async move {
                let call = call(&gate, request, false).await?;
                call.check_origin()?;
                Ok::<_, Rejection>(answer(call).await?.map(Body::from))
            }
        };
        self.add(Some("POST"), path, anyone(), on(MethodFilter::POST, handler))
    }
}

async fn answer(
    gate: &Gate,
    endpoints: &Endpoints,
    endpoint: Endpoint,
    request: Request,
) -> Result<Response, Rejection> {
    let call = call(gate, request, endpoint.wants_caller()).await?;
    Ok(endpoints.answer(endpoint, call).await?.map(Body::from))
}

async fn call(gate: &Gate, request: Request, wants_caller: bool) -> Result<Call, Rejection> {
    let (mut parts, body) = request.into_parts();
    let who = match wants_caller {
        true => Visitor::from_request_parts(&mut parts, gate).await.map(|visitor| visitor.0),
        false => Ok(None),
    };
    let params = params::read(&mut parts);
    let mut call = Call::new(gate.clone(), Request::default()).with_params(&Head::new(&parts, &params))?;
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    call.request = Request::from_parts(parts, read(body).await?);
    let who = who.map_err(|rejection| rejection.error().clone());
    Ok(call.with_peer(peer).with_caller(who))
}

async fn read(body: Body) -> Result<Bytes, Error> {
    to_bytes(body, Endpoints::MAX_BODY).await.map_err(|error| match error.into_inner().is::<LengthLimitError>() {
        true => Error::TooLarge,
        false => Error::InvalidRequest,
    })
}

/// The innermost guard of the route renders the error.
impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        portcullis_core::Error::from(error).into()
    }
}
