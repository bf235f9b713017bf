//! Case 62: how the original hashes single-use tokens, by a salt that is the purpose. Here a hash without stretching is
//! enough, since the tokens are random.

use portcullis::accounts::Token;
use sha_crypt::{Sha256Params, sha256_crypt_b64};

#[test]
fn hashes_of_single_use_tokens() {
    for (purpose, hash) in [
        ("confirm", "f6R8tE/ZB.IzF54Iv8DdNi2jLwkyYZWt39CwmeTkYF5"),
        ("reset", ".Tywj2m0VPL4du1TXl.R8TQolAdnWsKrO7s9ePHtKF1"),
    ] {
        let params = Sha256Params::new(535_000).expect("rounds");
        let found = sha256_crypt_b64(b"token-123", purpose.as_bytes(), &params).expect("a hash");
        assert_eq!(found, hash, "$5$rounds=535000${purpose}$…");
    }
    // As there, a token for one purpose is not valid for another.
    let digest = |purpose| Token::new("token-123").digest(purpose);
    assert_eq!(digest("confirm"), digest("confirm"));
    assert_ne!(digest("confirm"), digest("reset"));
}
