//! The endpoints of sign-in at a provider, on routes.

use crate::{
    Rejection, Routes,
    plain::{converted, respond},
};
use actix_web::{HttpRequest, HttpResponse, rt, web};
use portcullis_core::{Error, ErrorKind, Gate, policy::anyone};
use portcullis_sign_in::{Endpoint, SignIn};

impl Routes {
    /// Mounts the endpoints of sign-in at a provider below a path.
    ///
    /// They are in the [table](Self::table) like other routes, and everybody may call them.
    ///
    /// ```
    /// # use actix_web::{App, test};
    /// # use portcullis_core::testing::TestIssuer;
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use portcullis_actix::{Authenticated, Routes};
    /// use portcullis_core::{Gate, policy::authenticated};
    /// use portcullis_sign_in::{Provider, SealingKeys, SignIn};
    ///
    /// # let client = TestIssuer::new();
    /// let provider = Provider::new("https://issuer.test", "shop", client)?;
    /// let keys = SealingKeys::new("a-secret-of-at-least-thirty-two-bytes")?;
    /// let sign_in = SignIn::new(provider, "https://shop.example.com/auth/callback", keys)?;
    /// let gate = Gate::builder().scheme(&sign_in).revocations(sign_in.revocations()).build()?;
    /// let routes = Routes::new(&gate)
    ///     .sign_in("/auth", &sign_in)
    ///     .get("/orders", authenticated(), async |_: Authenticated| "orders");
    ///
    /// let app = test::init_service(App::new().configure(routes.into_config())).await;
    /// let request = |path: &str| test::TestRequest::get().uri(path).to_request();
    /// assert_eq!(test::call_service(&app, request("/orders")).await.status(), 401);
    /// // A flow that this browser did not begin.
    /// let forged = request("/auth/callback?state=of-somebody-else&code=1");
    /// assert_eq!(test::call_service(&app, forged).await.status(), 400);
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
            let route = if endpoint.method() == "GET" { web::get() } else { web::post() };
            let route = route.to(move |request: HttpRequest, body: web::Payload| {
                let (gate, sign_in) = (gate.clone(), sign_in.clone());
                async move { answer(gate, sign_in, endpoint, &request, body).await }
            });
            routes.add(Some(endpoint.method()), &path, anyone(), route)
        })
    }
}

async fn answer(
    gate: Gate,
    sign_in: SignIn,
    endpoint: Endpoint,
    request: &HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Rejection> {
    let body = match body.to_bytes_limited(SignIn::MAX_BODY).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Err(Error::new(ErrorKind::Malformed, "the body of the request could not be read").into()),
        Err(_) => return Err(Error::rejected(413, "too_large").into()),
    };
    let request = converted(request, body)?;
    // A browser that leaves does not end it: the provider may have replaced the refresh token by now.
    let answer = rt::spawn(async move { sign_in.answer(&gate, endpoint, &request).await }).await;
    let answer = answer.map_err(|stopped| {
        Error::new(ErrorKind::Unavailable, "the sign-in was stopped before its end").with_cause(stopped)
    })?;
    Ok(respond(answer?))
}
