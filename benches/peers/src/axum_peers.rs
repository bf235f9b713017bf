//! Libraries for axum: tokens by `axum-jwt-auth` and `oauth-resource-server`, sessions by `axum-login`.

use crate::{
    case::{Case, Operation},
    claims::{Large, Sample, Small},
    guard::{
        BARE,
        axum::{greeting, operation, request, unguarded},
        gate, rs256, token,
    },
    verify::{OURS, SECRET},
};
use axum::{
    Router,
    body::Body,
    extract::{FromRef, Request},
    http::{HeaderValue, StatusCode, header},
    routing::get,
};
use axum_jwt_auth::{Claims, Decoder, LocalDecoder};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend};
use futures_util::FutureExt;
use jsonwebtoken_10 as jsonwebtoken10;
use oauth_resource_server::{
    AuthorizedToken, OAuthValidator,
    axum::AuthLayer,
    static_token_policy,
    testing::{resolved_config, spawn_http_server},
};
use portcullis_core::{Algorithm, TokenCache, testing::SigningKey};
use std::{
    collections::HashMap,
    convert::Infallible,
    hint::black_box,
    sync::{Arc, LazyLock},
};
use tokio::runtime::Runtime;
use tower_service::Service;
use tower_sessions::{MemoryStore, SessionManagerLayer};

const HS256: &str = "guard/axum/HS256, extracted";

pub(crate) fn knows(case: &str) -> bool {
    [HS256, rs256::NAME].contains(&case)
}

pub(crate) fn peers(case: &str) -> Vec<Operation> {
    match case {
        HS256 => {
            let key = jsonwebtoken10::DecodingKey::from_secret(SECRET);
            vec![jwt_auth::<Small>(&token(), jsonwebtoken10::Algorithm::HS256, key)]
        }
        rs256::NAME => {
            let (token, key) = (rs256::token(), jsonwebtoken10::DecodingKey::from_rsa_der(rs256::public_key()));
            vec![jwt_auth::<Large>(&token, jsonwebtoken10::Algorithm::RS256, key), resource_server(&token)]
        }
        _ => Vec::new(),
    }
}

/// A caller who was known before, by a session in memory.
pub(crate) fn cases(wanted: impl Fn(&str) -> bool) -> Option<Case> {
    let (name, row) = ("guard/axum/known again", "known again");
    let (table, operations) = ("guard, axum, a request built and answered".to_owned(), known_again);
    wanted(name).then(|| Case { name: name.to_owned(), table, row, operations: operations() })
}

/// A caller who was known before: by a token in the cache, and by a session in memory.
fn known_again() -> Vec<Operation> {
    let gate = gate(|settings| settings.cache(TokenCache::new(20_000))).expect("the gate is sound");
    let token = token();
    vec![operation(OURS, &token, greeting(&gate)), login(), operation(BARE, &token, unguarded(&gate))]
}

fn jwt_auth<C: Sample + Clone>(
    token: &str,
    algorithm: jsonwebtoken10::Algorithm,
    key: jsonwebtoken10::DecodingKey,
) -> Operation {
    let mut rules = jsonwebtoken10::Validation::new(algorithm);
    rules.leeway = 0;
    rules.validate_nbf = true;
    rules.set_issuer(&[C::ISSUER]);
    // It wants some audience, also where tokens have none.
    rules.set_audience(&[C::AUDIENCE.unwrap_or("none")]);
    rules.validate_aud = C::AUDIENCE.is_some();
    let decoder = LocalDecoder::builder().keys(vec![key]).validation(rules).build().expect("the decoder is sound");
    let decoder: Decoder<C> = Arc::new(decoder);
    let route = get(async |caller: Claims<C>| {
        black_box(caller.claims);
        "ok"
    });
    operation("axum-jwt-auth", token, Router::new().route("/x", route).with_state(State(decoder)))
}

#[derive(Clone)]
struct State<C>(Decoder<C>);

impl<C> FromRef<State<C>> for Decoder<C> {
    fn from_ref(state: &State<C>) -> Self {
        state.0.clone()
    }
}

/// Its background tasks and the server of the key.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

fn resource_server(token: &str) -> Operation {
    let signing = SigningKey::embedded(Algorithm::Rs256);
    let keys = format!(r#"{{"keys":[{}]}}"#, signing.public_jwk("1").expect("a public key"));
    let routes = HashMap::from([("/jwks".to_owned(), ("200 OK", keys))]);
    let layer = RUNTIME.block_on(async {
        let server = spawn_http_server(routes, None).await;
        let mut config = resolved_config(&server.url);
        config.issuer = Large::ISSUER.to_owned();
        config.audience = Large::AUDIENCE.unwrap_or_default().to_owned();
        config.required_scopes = vec!["email".to_owned()];
        config.leeway_secs = 0;
        let validator = Arc::new(OAuthValidator::new(&config).expect("the settings are sound"));
        validator.refresh_now().await.expect("the key is served");
        let decision = static_token_policy(None, Some(&config), false).expect("tokens only");
        AuthLayer::from_decision(decision, Some(validator)).expect("the layer is sound")
    });
    let route = get(async |caller: AuthorizedToken| {
        black_box(caller);
        "ok"
    });
    let _entered = RUNTIME.enter();
    operation("oauth-resource-server", token, Router::new().route("/x", route).route_layer(layer))
}

#[derive(Debug, Clone)]
struct User(i64);

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.0
    }

    fn session_auth_hash(&self) -> &[u8] {
        b"a hash of the password, of 32 bytes"
    }
}

/// Users in memory.
#[derive(Debug, Clone)]
struct Users(Arc<HashMap<i64, User>>);

impl AuthnBackend for Users {
    type User = User;
    type Credentials = i64;
    type Error = Infallible;

    async fn authenticate(&self, id: i64) -> Result<Option<User>, Infallible> {
        Ok(self.0.get(&id).cloned())
    }

    async fn get_user(&self, id: &i64) -> Result<Option<User>, Infallible> {
        Ok(self.0.get(id).cloned())
    }
}

fn login() -> Operation {
    let users = Users(Arc::new((0..10).map(|id| (id, User(id))).collect()));
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    let sign_in = get(async |mut session: AuthSession<Users>| {
        let user = session.authenticate(3).await.ok().flatten().ok_or(StatusCode::UNAUTHORIZED)?;
        session.login(&user).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
    });
    let route = get(async |session: AuthSession<Users>| {
        let user = session.user.ok_or(StatusCode::UNAUTHORIZED)?;
        black_box(user);
        Ok::<_, StatusCode>("ok")
    });
    let layer = AuthManagerLayerBuilder::new(users, sessions).build();
    let mut router: Router = Router::new().route("/sign-in", sign_in).route("/x", route).layer(layer);
    let signed_in = Request::get("/sign-in").body(Body::empty()).expect("a request");
    let answer = RUNTIME.block_on(router.call(signed_in)).expect("it answers");
    let cookie = answer.headers().get(header::SET_COOKIE).expect("a cookie").to_str().expect("text");
    let cookie = HeaderValue::try_from(cookie.split(';').next().unwrap_or_default()).expect("a header's value");
    Operation::new("axum-login", move || {
        let mut request = request();
        request.headers_mut().insert(header::COOKIE, cookie.clone());
        let response = router.call(request).now_or_never().expect("nobody is waited for").expect("it answers");
        assert_eq!(response.status(), 200);
        response
    })
}
