//! Whose certificates count. On Linux only, where the environment can say whom the system trusts.
#![cfg(target_os = "linux")]

use crate::{
    builder::Proxy,
    cast::{assert_unavailable, built, client, everything, get, head, is_child, ok, run_in_child, text},
};
use portcullis_core::ErrorKind;
use portcullis_reqwest::{Client, ClientBuilder};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use std::{env, fs, net::SocketAddr, path::Path, sync::Arc};
use tokio::{io::AsyncWriteExt, net::TcpListener};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ConfigBuilder, RootCertStore, ServerConfig,
        pki_types::PrivateKeyDer,
        server::{WantsServerCert, WebPkiClientVerifier},
    },
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
    accept(ServerConfig::builder().with_no_client_auth(), params, by).await
}

async fn accept(
    config: ConfigBuilder<ServerConfig, WantsServerCert>,
    params: CertificateParams,
    by: &Authority,
) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, by).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    while !head(&mut stream).await.is_empty() && stream.write_all(&ok("in private")).await.is_ok() {}
                }
            });
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
    let client = built(ClientBuilder::dangerous_allow_http);
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
    let error = Client::new().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(everything(&error).contains("No CA certificates"), "{}", everything(&error));
}

#[tokio::test]
async fn an_authority_of_ones_own() {
    let (ours, more, other) = (authority("ours"), authority("more"), authority("other"));
    let (one, two) = (serve(names(&["localhost"]), &ours).await, serve(names(&["localhost"]), &more).await);
    let url = |address: SocketAddr| format!("https://localhost:{}/", address.port());

    // In one PEM with what others write about it, or one by one.
    let both = format!("# ours\r\n{}\n\n  more:\n{}", ours.pem().replace('\n', "\r\n"), more.pem());
    for client in [
        built(|client| client.root_certificates(&both)),
        built(|client| client.root_certificates(ours.pem()).root_certificates(more.pem())),
    ] {
        assert_eq!(text(get(&client, url(one)).await), "in private");
        assert_eq!(text(get(&client, url(two)).await), "in private");
        let error = assert_unavailable(get(&client, format!("https://127.0.0.1:{}/", one.port())).await, "connect");
        assert!(everything(&error).contains("NotValidForName"), "{}", everything(&error));
    }
    for client in [client(), built(|client| client.root_certificates(other.pem()))] {
        let error = assert_unavailable(get(&client, url(one)).await, "cannot connect to localhost");
        assert!(everything(&error).contains("UnknownIssuer"), "{}", everything(&error));
    }
}

#[tokio::test]
async fn a_client_certificate() {
    let (ours, other) = (authority("ours"), authority("other"));
    let mut trusted = RootCertStore::empty();
    trusted.add(ours.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder(trusted.into()).build().unwrap();
    let config = ServerConfig::builder().with_client_cert_verifier(verifier);
    let address = accept(config, names(&["localhost"]), &ours).await;
    let url = format!("https://localhost:{}/", address.port());

    let key = KeyPair::generate().unwrap();
    let by = |authority: &Authority| names(&["orders"]).signed_by(&key, authority).unwrap().pem();
    let with = |certificate: &str| {
        built(|client| client.root_certificates(ours.pem()).client_certificate(certificate, key.serialize_pem()))
    };
    let good = with(&by(&ours));
    for _ in 0..2 {
        assert_eq!(text(get(&good, &url).await), "in private");
    }
    // In a file that does not end its last line.
    assert_eq!(text(get(&with(by(&ours).trim_end()), &url).await), "in private");
    for client in [with(&by(&other)), built(|client| client.root_certificates(ours.pem()))] {
        assert_unavailable(get(&client, &url).await, "localhost");
    }
    let debug = format!("{:?} {good:?}", Client::builder().client_certificate(by(&ours), key.serialize_pem()));
    assert!(!debug.contains("PRIVATE") && !debug.contains(key.serialize_pem().lines().nth(1).unwrap()), "{debug}");
}

#[test]
fn pem_that_cannot_be_used() {
    let refused = |builder: ClientBuilder, detail: &str| {
        let error = builder.build().expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert!(error.to_string().contains(detail), "{error}");
        everything(&error)
    };
    let ours = authority("ours");
    let (key, another) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let certificate = names(&["orders"]).signed_by(&key, &ours).unwrap().pem();
    let (key, another) = (key.serialize_pem(), another.serialize_pem());
    let no_certificate = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

    let roots = |pem: &str| Client::builder().root_certificates(pem);
    for (pem, detail) in [
        ("", "the root certificates has no `BEGIN CERTIFICATE`"),
        ("/etc/ssl/our-authority.pem", "no `BEGIN CERTIFICATE`"),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n", "the PEM of the root certificates is damaged"),
        ("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "is damaged"),
        (no_certificate, "root certificate 1 of its PEM cannot be read"),
        (&(ours.pem() + no_certificate), "root certificate 2"),
        (&key, "something else than certificates"),
        (&key.replace('\n', ""), "root certificates is damaged"),
    ] {
        let all = refused(roots(pem), detail);
        assert!(!all.contains(key.lines().nth(1).unwrap()), "{all}");
    }

    let client = |certificate: &str, key: &str| Client::builder().client_certificate(certificate, key);
    for (certificate, key, detail) in [
        ("", &*key, "the client certificate has no `BEGIN CERTIFICATE`"),
        (&key, &certificate, "the client certificate has something else"),
        (no_certificate, &key, "the client certificate cannot be read"),
        (&certificate, "", "the key of the client certificate has to be one private key"),
        (&certificate, &certificate, "the key of the client certificate has to be one private key"),
        (&certificate, &(key.clone() + &another), "the key of the client certificate has to be one private key"),
        (&certificate, &key.replace("PRIVATE", "ENCRYPTED PRIVATE"), "that is not encrypted"),
        (&certificate, &key.replace('\n', ""), "the key of the client certificate is damaged"),
        (&certificate, "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n", "that TLS cannot use"),
        (&certificate, &another, "belongs to another key"),
    ] {
        let all = refused(client(certificate, key), detail);
        assert!(!all.contains(another.lines().nth(1).unwrap()), "{all}");
        assert!(!all.contains(key.get(28..60).unwrap_or("no key")), "{all}");
    }
    client(&certificate, &key).build().unwrap();
    roots(&ours.pem()).build().unwrap();
}

/// `https` goes through a tunnel, in which the proxy sees a name and nothing more.
#[tokio::test]
async fn through_a_proxy() {
    let ours = authority("ours");
    let server = serve(names(&["id.example.com"]), &ours).await;
    let proxy = Proxy::to(server).await;
    let url = proxy.url().replace("//", "//someone:s3cret@");
    let client = built(|client| client.proxy(&url).root_certificates(ours.pem()));
    for _ in 0..3 {
        assert_eq!(text(get(&client, "https://id.example.com/keys").await), "in private");
    }
    let heads = proxy.heads();
    assert_eq!(heads.len(), 1, "the tunnel is kept: {heads:?}");
    assert!(heads[0].starts_with("CONNECT id.example.com:443 HTTP/1.1\r\n"), "{heads:?}");
    // Base64 of `someone:s3cret`.
    assert!(heads[0].to_lowercase().contains("proxy-authorization: basic c29tzw9uztpzm2nyzxq=\r\n"), "{heads:?}");
    assert!(!heads[0].contains("keys"), "{heads:?}");

    // The certificate counts and not who leads there.
    let error = assert_unavailable(get(&client, "https://other.example.com/").await, "cannot connect to other");
    assert!(everything(&error).contains("NotValidForName"), "{}", everything(&error));
}
