//! The endpoints of accounts, on routes.

use crate::{
    Rejection, Routes, Visitor,
    head::Head,
    plain::{converted, respond},
};
use actix_web::{
    FromRequest, HttpRequest, HttpResponse, Route,
    dev::Payload,
    web::{self, Bytes},
};
use portcullis_accounts::{Call, Endpoint, Endpoints, Error};
use portcullis_core::{Error as CoreError, Gate, policy::anyone};

impl Routes {
    /// Mounts the endpoints of accounts below a path.
    ///
    /// They are in the [table](Self::table) like other routes. Those that need no signed-in user, and `sign-out-everywhere`,
    /// are outside of the gate's baseline.
    ///
    /// ```
    /// # use actix_web::{App, test};
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use portcullis_accounts::{Accounts, Secret, store::MemoryStore};
    /// use portcullis_actix::{Authenticated, Routes};
    /// use portcullis_core::{Gate, policy::authenticated};
    ///
    /// let secret = Secret::new("a-secret-of-at-least-thirty-two-bytes")?;
    /// let accounts = Accounts::builder("https://shop.example.com", secret, MemoryStore::new())
    ///     .dangerous_without_confirmation() // or name a mailer
    ///     .build()?;
    /// let gate =
    ///     Gate::builder().scheme(&accounts).revocations(accounts.revocations()).build()?;
    /// let routes = Routes::new(&gate)
    ///     .accounts("/auth", &accounts.endpoints())
    ///     .get("/orders", authenticated(), async |_: Authenticated| "orders");
    /// let app = test::init_service(App::new().configure(routes.into_config())).await;
    ///
    /// let sign_up = r#"{"email":"alice@example.com","password":"correct horse battery"}"#;
    /// let request = test::TestRequest::post().uri("/auth/sign-up").set_payload(sign_up);
    /// let request = request.insert_header(("content-type", "application/json")).to_request();
    /// let answer = test::call_service(&app, request).await;
    /// assert_eq!(answer.status(), 200); // with an access token and a refresh token
    /// let request = test::TestRequest::get().uri("/auth/me").to_request();
    /// assert_eq!(test::call_service(&app, request).await.status(), 401);
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
            let route = match endpoint.method() {
                "GET" => web::get(),
                "PUT" => web::put(),
                "PATCH" => web::patch(),
                "DELETE" => web::delete(),
                _ => web::post(),
            };
            let route = to(route, routes.gate.clone(), endpoints.clone(), endpoint);
            routes = routes.add(Some(endpoint.method()), &path, endpoint.policy(), route);
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
    /// # use actix_web::{App, test};
    /// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use actix_web::web::Bytes;
    /// use http::Response;
    /// use portcullis_accounts::{Accounts, Call, Secret, SignUp, store::MemoryStore};
    /// use portcullis_actix::Routes;
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
    /// let routes = Routes::new(&gate)
    ///     .endpoint("/register", move |call| register(accounts.clone(), call));
    /// let app = test::init_service(App::new().configure(routes.into_config())).await;
    ///
    /// let body = r#"["alice@example.com","correct horse battery"]"#;
    /// for (site, status) in [("same-origin", 200), ("cross-site", 403)] {
    ///     let request = test::TestRequest::post().uri("/register").set_payload(body);
    ///     let request = request.insert_header(("content-type", "application/json"));
    ///     let request = request.insert_header(("sec-fetch-site", site)).to_request();
    ///     assert_eq!(test::call_service(&app, request).await.status(), status);
    /// }
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn endpoint<F, A>(self, path: &str, answer: F) -> Self
    where
        F: Fn(Call) -> A + Clone + 'static,
        A: Future<Output = Result<http::Response<Bytes>, CoreError>>,
    {
        let gate = self.gate.clone();
        let route = web::post().to(move |request: HttpRequest, body: web::Payload| {
            let (gate, answer) = (gate.clone(), answer.clone());
            async move {
                let call = call(&gate, request, body, false).await?;
                call.check_origin()?;
                Ok::<_, Rejection>(respond(answer(call).await?))
            }
        });
        self.add(Some("POST"), path, anyone(), route)
    }
}

fn to(route: Route, gate: Gate, endpoints: Endpoints, endpoint: Endpoint) -> Route {
    route.to(move |request: HttpRequest, body: web::Payload| {
        let (gate, endpoints) = (gate.clone(), endpoints.clone());
        async move { answer(&gate, &endpoints, endpoint, request, body).await }
    })
}

async fn answer(
    gate: &Gate,
    endpoints: &Endpoints,
    endpoint: Endpoint,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Rejection> {
    let call = call(gate, request, body, endpoint.wants_caller()).await?;
    Ok(respond(endpoints.answer(endpoint, call).await?))
}

async fn call(gate: &Gate, request: HttpRequest, body: web::Payload, wants_caller: bool) -> Result<Call, Rejection> {
    let who = match wants_caller {
        true => Visitor::from_request(&request, &mut Payload::None).await.map(|visitor| visitor.0),
        false => Ok(None),
    };
    let call = Call::new(gate.clone(), http::Request::default()).with_params(&Head::of(&request))?;
    let body = match body.to_bytes_limited(Endpoints::MAX_BODY).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Err(Error::InvalidRequest.into()),
        Err(_) => return Err(Error::TooLarge.into()),
    };
    let peer = request.peer_addr().map(|peer| peer.ip());
    let who = who.map_err(|rejection| rejection.error().clone());
    let mut call = call.with_peer(peer).with_caller(who);
    call.request = converted(&request, body)?;
    Ok(call)
}

/// The innermost guard of the route renders the error.
impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        portcullis_core::Error::from(error).into()
    }
}
