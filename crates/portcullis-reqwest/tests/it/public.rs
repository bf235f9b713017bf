//! Clients that ask hosts on the public Internet only.

use crate::{
    cast::{Server, assert_misconfigured, assert_unavailable, built, client, get, ok, text},
    ranges::{is_public, only_public},
};
use portcullis_core::{ErrorKind, HttpClient};
use portcullis_reqwest::{Client, ClientBuilder};
use std::net::{IpAddr, SocketAddr};

fn ips(list: &[&str]) -> Vec<IpAddr> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

/// Each range with its first and its last address, beside its neighbours that are public.
#[test]
fn ranges() {
    let refused = [
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.0",
        "192.0.2.255",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "168.63.129.16",
        "224.0.0.0",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "::8.8.8.8",
        "::ffff:8.8.8.8",
        "::ffff:127.0.0.1",
        "64:ff9b::8.8.8.8",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "100::1",
        "1fff:ffff::1",
        "2001::1",
        "2001:1ff:ffff::1",
        "2001:db8::1",
        "2002:808:808::1",
        "2002:7f00:1::1",
        "3fff::1",
        "3fff:fff:ffff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "ffff::1",
    ];
    for address in ips(&refused) {
        assert!(!is_public(address), "{address}");
    }
    let accepted = [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.88.98.1",
        "192.88.100.1",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.7",
        "198.51.101.7",
        "203.0.112.7",
        "203.0.114.7",
        "168.63.129.15",
        "168.63.129.17",
        "223.255.255.255",
        "2000::1",
        "2001:200::1",
        "2001:db7::1",
        "2001:db9::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700::1111",
        "3ffe::1",
        "3fff:1000::1",
    ];
    for address in ips(&accepted) {
        assert!(is_public(address), "{address}");
    }
}

#[test]
fn a_name_with_addresses_of_both_kinds() {
    let at = |list: &[&str]| ips(list).into_iter().map(|ip| SocketAddr::new(ip, 0)).collect::<Vec<_>>();
    let kept = only_public(at(&["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1111"])).unwrap();
    assert_eq!(kept, at(&["8.8.8.8", "2606:4700::1111"]));
    assert!(only_public(at(&["10.0.0.1", "::1"])).is_err());
    assert!(only_public(at(&[])).is_err());
}

#[test]
fn a_client_says_whether_it_asks_public_addresses_only() {
    assert!(built(ClientBuilder::public_addresses_only).is_public_only());
    assert!(!built(|with| with).is_public_only());
}

#[tokio::test]
async fn an_address_in_the_url_however_it_is_written() {
    let server = Server::saying(ok("inside")).await;
    let careful = built(ClientBuilder::public_addresses_only);
    let port = server.url("/").rsplit(':').next().unwrap().to_owned();
    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "017700000001",
        "0",
        "127。0。0。1",
        "１２７.0.0.1",
        "%31%32%37.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
    ] {
        for scheme in ["http", "https"] {
            let anything = built(|with| with.public_addresses_only().dangerous_allow_http());
            let url = format!("{scheme}://{host}:{port}");
            assert_misconfigured(get(&anything, url).await, "is not a public address");
        }
    }
    assert_misconfigured(get(&careful, server.url("/")).await, "is not a public address");
    assert!(server.heads().is_empty());
    assert_eq!(text(get(&client(), server.url("/")).await), "inside");
}

/// The name is looked up, and the result is checked.
#[tokio::test]
async fn a_name_of_this_machine() {
    let server = Server::saying(ok("inside")).await;
    let careful = built(ClientBuilder::public_addresses_only);
    for host in ["localhost", "LOCALHOST", "id.localhost"] {
        let url = server.url("/").replace("127.0.0.1", host);
        let error = assert_unavailable(get(&careful, url.clone()).await, "");
        assert!(crate::cast::everything(&error).contains("has no public address"), "{error:?}");
        assert_eq!(text(get(&client(), url).await), "inside");
    }
    assert_eq!(server.heads().len(), 3);
}

#[test]
fn not_beside_a_proxy() {
    let with = || Client::builder().proxy("http://proxy.example.com:3128");
    assert!(with().build().is_ok());
    assert!(with().public_addresses_only().build().is_err_and(|error| error.kind() == ErrorKind::Misconfigured));
}
