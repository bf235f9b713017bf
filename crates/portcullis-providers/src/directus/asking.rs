//! Ways to ask an instance who a user is, and whether an administrator.

use super::{Directus, NAME, base, with_rules};
use crate::parts::{claims, misconfigured};
use portcullis_core::{Audience, ClaimMap, Error, HttpClient, Issuer, Rules, WhoAmI};

impl Directus {
    /// Asks the instance at this address about every token, static ones too: who the user is, and whether they are an
    /// administrator now. For services that do not have the instance's `SECRET`.
    ///
    /// Answers are remembered for some seconds: see [`WhoAmI::remember`]. If a token does not belong to a session, Directus
    /// 11 still answers for a deleted user until the token expires. A suspended user is refused if they may read their own
    /// `status`, as every user with access to the app may. For Directus 10 use
    /// [`introspect_v10`](Self::introspect_v10): here its requests are answered with 503.
    ///
    /// ```
    /// use portcullis_core::{Credential, CredentialSource, ErrorKind};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// use portcullis_providers::directus::Directus;
    /// # #[derive(Debug)] struct Client;
    /// # impl HttpClient for Client {
    /// #     fn send(&self, request: HttpRequest, reply: Reply) {
    /// #         let is_known = request.headers().any(|header| header == ("authorization", "Bearer static-token"));
    /// #         reply.give(Ok(match request.url() {
    /// #             _ if !is_known => HttpResponse::new(401, ""),
    /// #             url if url.contains("/users/me") => HttpResponse::new(200, r#"{"data":{"id":"u1","status":"active"}}"#),
    /// #             _ => HttpResponse::new(200, r#"{"data":{"admin_access":true}}"#),
    /// #         }));
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let client = Client;
    /// let verifier = Directus::introspect("https://directus.example.com", client)?;
    /// let ask = async |token: &str| {
    ///     verifier.authenticate(&Credential::new(token, CredentialSource::bearer())).await
    /// };
    /// assert!(ask("static-token").await?.is_staff());
    /// // the instance refuses it
    /// assert!(ask("other-token").await.is_err_and(|error| error.kind() == ErrorKind::Invalid));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `url` is no HTTP address.
    pub fn introspect(url: &str, client: impl HttpClient + 'static) -> Result<WhoAmI, Error> {
        asking(with_rules(Issuer::without_keys(NAME, Audience::absent())?)?, url, client)
    }

    /// As [`introspect`](Self::introspect), for Directus 10, which has no `/policies/me/globals`: an administrator is who has a
    /// role with `admin_access`. The role of the principal is the identifier of that row.
    ///
    /// Do not use it with later versions. There the field does not exist, and nobody is an administrator.
    ///
    /// ```
    /// use portcullis_core::{Credential, CredentialSource};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// use portcullis_providers::directus::Directus;
    /// # #[derive(Debug)] struct Client;
    /// # impl HttpClient for Client {
    /// #     fn send(&self, request: HttpRequest, reply: Reply) {
    /// #         let is_admin = request.headers().any(|header| header == ("authorization", "Bearer of-admin"));
    /// #         let role = format!(r#"{{"data":{{"id":"u1","role":{{"id":"r1","admin_access":{is_admin}}}}}}}"#);
    /// #         reply.give(Ok(HttpResponse::new(200, role)));
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let client = Client;
    /// let verifier = Directus::introspect_v10("https://directus.example.com", client)?;
    /// let ask = async |token: &str| {
    ///     verifier.authenticate(&Credential::new(token, CredentialSource::bearer())).await
    /// };
    /// assert!(ask("of-admin").await?.is_staff());
    /// assert!(!ask("of-member").await?.is_staff());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `url` is no HTTP address.
    pub fn introspect_v10(url: &str, client: impl HttpClient + 'static) -> Result<WhoAmI, Error> {
        let map = ClaimMap::new().subject("id")?.roles("/role/id")?.staff("/role/admin_access")?;
        let issuer = Issuer::without_keys(NAME, Audience::absent())?.claim_map(map);
        user(issuer, url, "id,role.id,role.admin_access,status", client)
    }

    /// Asks the instance about every token, and makes staff of the users whose role has this name. **Whoever may create or
    /// rename roles can make himself an administrator here**, and the name may be translated. For services that decided so
    /// before, until they ask for what Directus says: see [`introspect`](Self::introspect).
    ///
    /// ```
    /// use portcullis_core::{Credential, CredentialSource};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// use portcullis_providers::directus::Directus;
    /// # #[derive(Debug)] struct Client;
    /// # impl HttpClient for Client {
    /// #     fn send(&self, request: HttpRequest, reply: Reply) {
    /// #         let is_admin = request.headers().any(|header| header == ("authorization", "Bearer of-admin"));
    /// #         let name = if is_admin { "Administrator" } else { "Editor" };
    /// #         let role = format!(r#"{{"data":{{"id":"u1","role":{{"name":"{name}"}}}}}}"#);
    /// #         reply.give(Ok(HttpResponse::new(200, role)));
    /// #     }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let client = Client;
    /// let url = "https://directus.example.com";
    /// let verifier = Directus::dangerous_staff_by_role_name(url, "Administrator", client)?;
    /// let ask = async |token: &str| {
    ///     verifier.authenticate(&Credential::new(token, CredentialSource::bearer())).await
    /// };
    /// assert!(ask("of-admin").await?.is_staff());
    /// assert!(!ask("of-editor").await?.is_staff());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `url` is no HTTP address, or the name is empty.
    pub fn dangerous_staff_by_role_name(
        url: &str,
        name: &str,
        client: impl HttpClient + 'static,
    ) -> Result<WhoAmI, Error> {
        if name.is_empty() {
            return Err(misconfigured("the name of the role of administrators is empty"));
        }
        let name = name.to_owned();
        let issuer = Issuer::without_keys(NAME, Audience::absent())?.claim_map(ClaimMap::new().subject("id")?);
        let issuer = issuer.finish(move |principal| {
            let role: Option<String> = claims(&principal)?.get("/role/name")?;
            Ok(principal.with_staff(role.as_deref() == Some(&*name)))
        });
        user(issuer, url, "id,role.name,status", client)
    }

    /// Verifies tokens here, with these settings, and asks the instance at this address about tokens that could have ended
    /// since. These are tokens of a session, and static ones, which only the instance knows. Where a route requires a
    /// [`fresh`](portcullis_core::policy::fresh) identity, it asks about every token. The answer then counts, not the token:
    /// see [`introspect`](Self::introspect).
    ///
    /// ```
    /// use portcullis_core::{Credential, CredentialSource, Gate, Scheme};
    /// # use portcullis_core::{HttpClient, HttpRequest, HttpResponse, Reply};
    /// use portcullis_providers::directus::{Directus, SESSION_COOKIE};
    /// # use portcullis_core::{Algorithm, testing::{FixedClock, SigningKey}};
    /// # const NOW: u64 = 1_767_268_800;
    /// # const SECRET: &str = "the SECRET of the Directus instance";
    /// # /// As Directus signs it.
    /// # fn token(secret: &str, more: &str) -> Result<String, portcullis_core::Error> {
    /// #     let claims = format!(r#"{{"id":"u1","role":"r1","admin_access":false,"iat":{NOW},"exp":{}{more}}}"#, NOW + 900);
    /// #     Ok(SigningKey::secret(Algorithm::Hs256, secret)?.sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims))
    /// # }
    /// # #[derive(Debug)] struct SignedOut;
    /// # impl HttpClient for SignedOut {
    /// #     fn send(&self, _: HttpRequest, reply: Reply) { reply.give(Ok(HttpResponse::new(401, ""))); }
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), portcullis_core::Error> {
    /// # let (client, clock) = (SignedOut, FixedClock::at(NOW));
    /// let directus = Directus::new(SECRET)?
    ///     .clock(clock.clone())
    ///     .hybrid("https://directus.example.com", client)?;
    ///
    /// // The instance refuses every token. It is asked about the one that belongs to a session.
    /// let ask = async |token: &str| {
    ///     directus.authenticate(&Credential::new(token, CredentialSource::bearer())).await
    /// };
    /// assert!(ask(&token(SECRET, r#","iss":"directus""#)?).await.is_ok());
    /// assert!(ask(&token(SECRET, r#","iss":"directus","session":"s1""#)?).await.is_err());
    ///
    /// let scheme = Scheme::new(directus).cookie(SESSION_COOKIE).bearer();
    /// let gate = Gate::builder().clock(clock).scheme(scheme).build()?;
    /// # let _ = gate; Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](portcullis_core::ErrorKind::Misconfigured) if `url` is no HTTP address.
    pub fn hybrid(self, url: &str, client: impl HttpClient + 'static) -> Result<WhoAmI, Error> {
        let asking = asking(self.issuer, url, client)?.sessions_only();
        Ok(match self.clock {
            Some(clock) => asking.clock(clock),
            None => asking,
        })
    }
}

/// Of the ways to ask whether a user is an administrator, only `globals` counts policies of parent roles and of the user.
fn asking(issuer: Issuer, url: &str, client: impl HttpClient + 'static) -> Result<WhoAmI, Error> {
    let globals = format!("{}/policies/me/globals", base(url)?);
    user(issuer, url, "id,role,status", client)?.and(globals)
}

/// Asks for these fields of the user.
fn user(issuer: Issuer, url: &str, fields: &str, client: impl HttpClient + 'static) -> Result<WhoAmI, Error> {
    let me = WhoAmI::new(issuer, format!("{}/users/me?fields={fields}", base(url)?), client)?.within("data")?;
    let me = me.rules(Rules::new().forbid("share")?.if_present("status", ["active"])?);
    // An instance has no clients: what it takes for a token of its own, without an `aud`, is for itself.
    Ok(me.dangerous_any_client())
}
