//! Which addresses are asked.

use crate::cast::{
    Server, assert_misconfigured, assert_unavailable, built, client, everything, get, is_child, ok, run_in_child, say,
    text,
};

use portcullis_reqwest::ClientBuilder;

/// On Linux these lead to the server, so a request would arrive.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn plain_http_goes_no_further_than_loopback() {
    let server = Server::listen("0.0.0.0:0", |stream| say(stream, ok("here").into())).await;
    let port = server.address.port();
    for host in ["0.0.0.0", "0", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{port}/");
        assert_misconfigured(get(&client(), &url).await, "plain http");
        assert_eq!(server.heads().len(), 0);
    }
    for host in
        ["127.0.0.1", "127.1", "2130706433", "127.8.8.8", "localhost", "LocalHost", "id.localhost", "a.b.localhost"]
    {
        assert_eq!(text(get(&client(), format!("http://{host}:{port}/")).await), "here", "{host}");
    }
    assert_eq!(server.heads().len(), 8);
    for host in ["0.0.0.0", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{host}:{port}/");
        assert_eq!(text(get(&built(ClientBuilder::dangerous_allow_http), &url).await), "here", "{host}");
    }
    assert_eq!(server.heads().len(), 10);
}

#[tokio::test]
async fn names_that_only_look_like_loopback() {
    let client = client();
    for host in [
        "id.example.com",
        "localhost.example.com",
        "notlocalhost",
        "localhost.",
        "127.0.0.1.example.com",
        "128.0.0.1",
        "126.255.255.255",
        "10.0.0.1",
        "169.254.169.254",
        "[::]",
        "[::2]",
        "[fe80::1]",
        "[::127.0.0.1]",
    ] {
        assert_misconfigured(get(&client, format!("http://{host}:1/")).await, "plain http");
        assert_misconfigured(get(&client, format!("HTTP://{host}:1/")).await, "plain http");
    }
}

/// `id.localhost` is a name that the system's resolver need not know.
#[tokio::test]
async fn localhost_has_both_families() {
    let Ok(probe) = tokio::net::TcpListener::bind("[::1]:0").await else { return };
    drop(probe);
    let server = Server::listen("[::1]:0", |stream| say(stream, ok("six").into())).await;
    let port = server.address.port();
    for host in ["[::1]", "[0:0:0:0:0:0:0:1]", "localhost", "id.localhost"] {
        assert_eq!(text(get(&client(), format!("http://{host}:{port}/")).await), "six", "{host}");
    }
}

#[tokio::test]
async fn user_names_and_passwords() {
    let server = Server::saying(ok("here")).await;
    let address = server.address;
    for who in ["s3cret@", "id:s3cret@", ":s3cret@", "s3cret:@"] {
        let answer = get(&built(ClientBuilder::dangerous_allow_http), format!("http://{who}{address}/")).await;
        let error = assert_misconfigured(answer, "user name or password");
        assert!(error.to_string().contains(&address.to_string()));
        assert!(!everything(&error).contains("s3cret"), "{error:?}");
    }
    assert_eq!(server.heads().len(), 0);
    assert_eq!(text(get(&client(), format!("http://{address}/@s3cret")).await), "here");
}

#[tokio::test]
async fn schemes() {
    let server = Server::saying(ok("here")).await;
    let address = server.address;
    let client = built(ClientBuilder::dangerous_allow_http);
    for scheme in ["ftp", "ws", "wss", "unix", "httpx", "http+unix"] {
        let answer = get(&client, format!("{scheme}://{address}/")).await;
        assert_misconfigured(answer, "https and nothing else");
    }
    for url in ["file:///etc/passwd", "data:application/json,{}", "mailto:a@b.example"] {
        assert_misconfigured(get(&client, url).await, "has no host");
    }
    assert_eq!(server.heads().len(), 0);
    // Plain HTTP is no answer to a TLS handshake.
    assert_unavailable(get(&client, format!("https://{address}/")).await, "cannot connect");
    assert_eq!(text(get(&client, format!("http://{address}/")).await), "here");
}

#[tokio::test]
async fn what_is_no_address() {
    let long = format!("https://{}/", "a.".repeat(127));
    assert_misconfigured(get(&client(), long).await, "has no host");
    for url in ["", "/jwks", "id.example.com", "https://", "https://:443/", "https://a b/", "https://[::1/", "http:"] {
        let answer = get(&client(), url).await;
        let error = assert_misconfigured(answer, "");
        assert!(["is not a URL", "has no host"].iter().any(|end| error.to_string().ends_with(end)), "{url}: {error}");
    }
}

#[test]
fn proxies_of_the_environment() {
    // Where nobody listens.
    let proxy = "http://127.0.0.1:1";
    run_in_child(
        "address::proxies_of_the_environment_in_child",
        &[("http_proxy", proxy), ("https_proxy", proxy), ("all_proxy", proxy), ("no_proxy", ""), ("NO_PROXY", "")],
    );
}

#[tokio::test]
#[ignore = "run by `proxies_of_the_environment`"]
async fn proxies_of_the_environment_in_child() {
    if !is_child() {
        return;
    }
    let server = Server::saying(ok("here")).await;
    assert_eq!(text(get(&client(), server.url("/")).await), "here");
}
