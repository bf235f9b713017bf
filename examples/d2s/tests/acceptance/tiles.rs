//! Cases 63 to 67: tiles by signed addresses, as the original signs them, and strictly.

use crate::service::*;
use std::time::Duration;

const LIFE: Duration = Duration::from_secs(600);

/// 63: the vectors of the original, with their time.
const VECTORS: [(&str, &str); 2] = [
    (
        "/cog/preview.png?url=a.tif&dataProductId=11111111-2222-4333-8444-555555555555",
        "0xc24b1aefc04eeeecc7aeb3772ad233cfd17f95c700f4630699f40797b36ca81c",
    ),
    (
        "/mvt/public.vector_layers/tile.pbf?filter=layer_id%3D%27AbCdEfGhIjK%27&limit=-1",
        "0xb4dfe512a1ec987a338d2830b778550df17fbef9c2ebc4cd04d9ed9f20e109ae",
    ),
];
const EXPIRES: u64 = 1_700_000_600;

fn at(now: u64) -> Service {
    let service = Service::new();
    service.clock.set(now);
    service
}

/// Status and detail, the same on both frameworks.
async fn get(service: &Service, address: &str) -> (u16, String) {
    let answer = service.ask("GET", address, &[], &serde_json::Value::Null).await;
    (answer.status, answer.detail())
}

#[tokio::test]
async fn tiles_are_signed_as_the_original_does() {
    let service = at(EXPIRES - 600);
    for (address, mac) in VECTORS {
        let url = service.gate.sign("tiles", "GET", address, LIFE).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(url.expose(), format!("{address}&expires={EXPIRES}&secure={mac}"));
        // 64
        for (now, status, detail) in [(EXPIRES, 200, ""), (EXPIRES + 1, 403, "URL expired"), (EXPIRES - 600, 200, "")] {
            service.clock.set(now);
            assert_eq!(get(&service, url.expose()).await, (status, detail.to_owned()), "{now}");
        }
        let upper = mac.to_ascii_uppercase();
        for (from, to, status) in [
            // 65
            (mac, &*upper, 403),
            (mac, &upper.replace("0X", "0x"), 403),
            ("secure=0x", "secure=", 403),
            // 66
            ("dataProductId=1", "dataProductId=2", 403),
            ("AbCd", "ABCd", 403),
            ("limit=-1", "limit=1", 403),
            ("%27", "'", 403),
            ("expires=1700000600", "expires=1700000601", 403),
            ("expires=1700000600&", "", 403),
            ("&secure=", "&s=", 403),
            // There the last one is signed, and the handler decides which one it reads.
            ("dataProductId=", "dataProductId=2&dataProductId=", 403),
            // What is not signed can be changed, as there.
            ("url=a.tif", "url=b.tif", 200),
            ("?", "?bidx=1&", 200),
        ] {
            let changed = url.expose().replace(from, to);
            if changed != url.expose() {
                assert_eq!(get(&service, &changed).await.0, status, "{changed}");
            }
        }
        // 67
        for method in ["PUT", "PATCH", "DELETE"] {
            let answer = service.ask(method, url.expose(), &[], &serde_json::Value::Null).await;
            assert_eq!(answer.status, 405, "{method}");
        }
    }
    // Nobody's credential is read, so one that has expired does not spoil a tile.
    let url = service.gate.sign("tiles", "GET", VECTORS[0].0, LIFE).unwrap_or_else(|error| panic!("{error}"));
    service.passes("GET", url.expose(), &[cookie("expired")]).await;
    service.answers("GET", VECTORS[0].0, &[], 403, "Invalid signature").await;
}

/// Beside it the format of the library, which signs the whole address.
#[tokio::test]
async fn a_strict_address_cannot_be_changed() {
    let service = at(NOW);
    let address = "/previews/ortho.png?url=a.tif&dataProductId=11111111-2222-4333-8444-555555555555";
    let url = service.gate.sign("previews", "GET", address, LIFE).unwrap_or_else(|error| panic!("{error}"));
    let expires = format!("expires={}", NOW + 600);
    service.passes("GET", url.expose(), &[]).await;
    for (from, to) in [
        ("url=a.tif", "url=b.tif"),
        ("ortho", "dem"),
        ("dataProductId=1", "dataProductId=2"),
        ("?", "?bidx=1&"),
        ("url=a.tif&", ""),
        (&*expires, "expires=1800000601"),
        ("&signature=", "&s="),
    ] {
        let changed = url.expose().replace(from, to);
        assert_ne!(changed, url.expose());
        service.answers("GET", changed, &[], 403, "Invalid signature").await;
    }
    // 64
    for (now, status, detail) in [(NOW + 600, 200, ""), (NOW + 601, 403, "URL expired")] {
        service.clock.set(now);
        service.answers("GET", url.expose(), &[], status, detail).await;
    }
    // 66: neither is one a signature of the other.
    service.clock.set(NOW);
    let moved = url.expose().replace("/previews/ortho.png", "/cog/preview.png");
    service.answers("GET", moved, &[], 403, "Invalid signature").await;
}
