use crate::LocalIssuer;
use portcullis::{Algorithm, Jwt, testing::TestIssuer};
use std::{error::Error, time::Duration};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn its_tokens_are_verified_by_its_own_key_only() -> Result<(), Box<dyn Error>> {
    let new = || LocalIssuer::new("https://id.example.com", "orders");
    let issuer = new()?;
    let jwt = Jwt::new(issuer.issuer()?);
    let claims = jwt.verify(&issuer.token("alice", &["orders:read"], MINUTE)?)?;
    assert_eq!(claims.subject().as_deref(), Some("alice"));
    assert_eq!(claims.get("/permissions")?, Some(vec!["orders:read".to_owned()]));

    let code = |token: &str| jwt.verify(token).err().map_or("accepted".to_owned(), |error| error.code().to_owned());
    assert_eq!(code(&new()?.token("alice", &[], MINUTE)?), "invalid_token", "of another start");
    assert_eq!(code(&issuer.token("alice", &[], Duration::ZERO)?), "token_expired");
    let published = TestIssuer::with_algorithm(Algorithm::EdDsa).named("https://id.example.com").for_audience("orders");
    assert_eq!(code(&published.on_system_time().token("alice").header("typ", "at+jwt").sign()), "invalid_token");
    Ok(())
}
