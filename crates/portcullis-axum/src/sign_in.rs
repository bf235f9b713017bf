//! The endpoints of sign-in at a provider, on routes.

use crate::{Rejection, Routes};
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    response::Response,
    routing::{MethodFilter, on},
};
use http_body_util::LengthLimitError;
use portcullis_core::{Error, ErrorKind, Gate, policy::anyone};
use portcullis_sign_in::{Endpoint, SignIn};

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Mounts the endpoints of sign-in at a provider below a path.
    ///
    /// They are in the [table](Self::table) like other routes, and everybody may call them.
    ///
    /// ```
    /// # use axum::{body::Body, http::Request};
    /// # use portcullis_core::testing::TestIssuer;
    /// # use tower::ServiceExt;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use portcullis_axum::{Authenticated, Routes};
    /// use portcullis_core::{Gate, policy::authenticated};
    /// use portcullis_sign_in::{Provider, SealingKeys, SignIn};
    ///
    /// # let client = TestIssuer::new();
    /// let provider = Provider::new("https://issuer.test", "shop", client)?;
    /// let keys = SealingKeys::new("a-secret-of-at-least-thirty-two-bytes")?;
    /// let sign_in = SignIn::new(provider, "https://shop.example.com/auth/callback", keys)?;
    /// let gate = Gate::builder().scheme(&sign_in).revocations(sign_in.revocations()).build()?;
    /// let app = Routes::new(&gate)
    ///     .sign_in("/auth", &sign_in)
    ///     .get("/orders", authenticated(), async |_: Authenticated| "orders")
    ///     .into_router()
    ///     .with_state(gate);
    ///
    /// let request = |path: &str| Request::get(path).body(Body::empty());
    /// assert_eq!(app.clone().oneshot(request("/orders")?).await?.status(), 401);
    /// // A flow that this browser did not begin.
    /// let forged = request("/auth/callback?state=of-somebody-else&code=1")?;
    /// assert_eq!(app.oneshot(forged).await?.status(), 400);
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    /// If the redirect URI is not that of `callback` below this path, or the gate does not have the scheme and the
    /// [revocations](SignIn::revocations) of `sign_in`.
    #[track_caller]
    pub fn sign_in(self, path: &str, sign_in: &SignIn) -> Self {
        #[expect(clippy::panic, reason = "a mistake in a route has to show at start")]
        let endpoints = sign_in.endpoints(&self.gate, path).unwrap_or_else(|error| panic!("{error}"));
        endpoints.fold(self, |routes, endpoint| {
            let path = format!("{}/{}", path.trim_end_matches('/'), endpoint.path());
            let (gate, sign_in) = (routes.gate.clone(), sign_in.clone());
            let handler = move |request: Request| {
                let (gate, sign_in) = (gate.clone(), sign_in.clone());
                async move { answer(gate, sign_in, endpoint, request).await }
            };
            let method = if endpoint.method() == "GET" { MethodFilter::GET } else { MethodFilter::POST };
            routes.add(Some(endpoint.method()), &path, anyone(), on(method, handler))
        })
    }
}

async fn answer(gate: Gate, sign_in: SignIn, endpoint: Endpoint, request: Request) -> Result<Response, Rejection> {
    let (parts, body) = request.into_parts();
    let body =
        to_bytes(body, SignIn::MAX_BODY).await.map_err(|error| match error.into_inner().is::<LengthLimitError>() {
            true => Error::rejected(413, "too_large"),
            false => Error::new(ErrorKind::Malformed, "the body of the request could not be read"),
        })?;
    let request = Request::from_parts(parts, body);
    // A browser that leaves does not end it: the provider may have replaced the refresh token by now.
    let answer = tokio::spawn(async move { sign_in.answer(&gate, endpoint, &request).await }).await;
    let answer = answer.map_err(|stopped| {
        Error::new(ErrorKind::Unavailable, "the sign-in was stopped before its end").with_cause(stopped)
    })?;
    Ok(answer?.map(Body::from))
}
