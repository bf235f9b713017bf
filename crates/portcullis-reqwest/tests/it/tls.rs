//! Whose certificates count. On Linux only, where the environment can say whom the system trusts.
#![cfg(target_os = "linux")]

use crate::cast::{assert_unavailable, client, everything, get, head, is_child, ok, run_in_child, text};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use std::{env, fs, net::SocketAddr, path::Path, sync::Arc};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = names(&[]);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn names(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

/// A server with a certificate that says this, signed by that authority.
async fn serve(params: CertificateParams, by: &Authority) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, by).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                head(&mut stream).await;
                let _ = stream.write_all(&ok("in private")).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    address
}

/// Runs a test where this file says whom the system trusts.
fn run_trusting(test: &str, file: &Path) {
    run_in_child(test, &[("SSL_CERT_FILE", file.to_str().unwrap()), ("SSL_CERT_DIR", "")]);
}

#[test]
fn certificates() {
    run_trusting("tls::certificates_in_child", &Path::new(env!("CARGO_TARGET_TMPDIR")).join("trusted.pem"));
}

#[tokio::test]
#[ignore = "run by `certificates`"]
async fn certificates_in_child() {
    if !is_child() {
        return;
    }
    let trusted = authority("trusted");
    fs::write(env::var_os("SSL_CERT_FILE").unwrap(), trusted.pem()).unwrap();
    let client = client();

    let good = serve(names(&["localhost", "127.0.0.1"]), &trusted).await;
    assert_eq!(text(get(&client, format!("https://localhost:{}/", good.port())).await), "in private");
    assert_eq!(text(get(&client, format!("https://{good}/")).await), "in private");

    let refused = |error: &str, answer| {
        let all = everything(&assert_unavailable(answer, "cannot connect to"));
        assert!(all.contains(error), "{all}");
    };
    refused("NotValidForName", get(&client, format!("https://id.localhost:{}/", good.port())).await);

    let other = serve(names(&["localhost"]), &authority("other")).await;
    refused("UnknownIssuer", get(&client, format!("https://localhost:{}/", other.port())).await);

    let mut past = names(&["localhost"]);
    past.not_before = date_time_ymd(2020, 1, 1);
    past.not_after = date_time_ymd(2021, 1, 1);
    let past = serve(past, &trusted).await;
    refused("Expired", get(&client, format!("https://localhost:{}/", past.port())).await);

    // Leave to use plain http is no leave to trust everybody.
    let client = client.dangerous_allow_http();
    refused("UnknownIssuer", get(&client, format!("https://localhost:{}/", other.port())).await);
}

#[test]
fn nobody_is_trusted() {
    let empty = Path::new(env!("CARGO_TARGET_TMPDIR")).join("empty.pem");
    fs::write(&empty, "").unwrap();
    run_trusting("tls::nobody_is_trusted_in_child", &empty);
}

#[test]
#[ignore = "run by `nobody_is_trusted`"]
fn nobody_is_trusted_in_child() {
    if !is_child() {
        return;
    }
    let error = portcullis_reqwest::Client::new().unwrap_err();
    assert_eq!(error.kind(), portcullis_core::ErrorKind::Misconfigured);
    assert!(everything(&error).contains("No CA certificates"), "{}", everything(&error));
}
