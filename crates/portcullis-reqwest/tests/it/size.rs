//! How large an answer may be, however its length is told.

use crate::cast::{Server, assert_unavailable, built, client, get};
use portcullis_core::{Error, HttpResponse};
use portcullis_reqwest::Client;
use tokio::io::AsyncWriteExt;

const MIB: usize = 1 << 20;

fn with_length(told: usize, sent: usize) -> Vec<u8> {
    let mut answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {told}\r\n\r\n").into_bytes();
    answer.resize(answer.len() + sent, b'x');
    answer
}

fn chunked(sent: usize) -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let mut left = sent;
    while left > 0 {
        let chunk = left.min(60_000);
        answer.extend_from_slice(format!("{chunk:x}\r\n").as_bytes());
        answer.resize(answer.len() + chunk, b'x');
        answer.extend_from_slice(b"\r\n");
        left -= chunk;
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    answer
}

fn until_closed(sent: usize) -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    answer.resize(answer.len() + sent, b'x');
    answer
}

async fn asked(client: &Client, bytes: Vec<u8>) -> Result<HttpResponse, Error> {
    let server = Server::saying(bytes).await;
    get(client, server.url("/")).await
}

async fn fits(client: &Client, bytes: Vec<u8>, size: usize) {
    let answer = asked(client, bytes).await.unwrap();
    assert_eq!(answer.body().len(), size);
    assert!(answer.body().iter().all(|byte| *byte == b'x'));
}

async fn too_large(client: &Client, bytes: Vec<u8>, limit: usize) {
    assert_unavailable(asked(client, bytes).await, &format!("more than {limit} bytes"));
}

#[tokio::test]
async fn a_mebibyte_and_one_byte_more() {
    let client = client();
    fits(&client, with_length(MIB, MIB), MIB).await;
    too_large(&client, with_length(MIB + 1, MIB + 1), MIB).await;
    fits(&client, chunked(MIB), MIB).await;
    too_large(&client, chunked(MIB + 1), MIB).await;
    fits(&client, until_closed(MIB), MIB).await;
    too_large(&client, until_closed(MIB + 1), MIB).await;
}

#[tokio::test]
async fn another_limit() {
    let client = built(|client| client.max_body_bytes(3));
    fits(&client, with_length(3, 3), 3).await;
    too_large(&client, with_length(4, 4), 3).await;
    fits(&client, chunked(3), 3).await;
    too_large(&client, chunked(4), 3).await;

    let none = built(|client| client.max_body_bytes(0));
    fits(&none, with_length(0, 0), 0).await;
    too_large(&none, until_closed(1), 0).await;

    let more = built(|client| client.max_body_bytes(2 * MIB));
    fits(&more, chunked(MIB + 1), MIB + 1).await;
}

#[tokio::test]
async fn a_length_that_lies() {
    let client = built(|client| client.max_body_bytes(100));
    // Says too much: refused without reading, whatever comes.
    too_large(&client, with_length(101, 3), 100).await;
    too_large(&client, with_length(1 << 40, 3), 100).await;
    // Says too little: what is beyond is no part of the answer.
    fits(&client, with_length(3, 200), 3).await;
    // Says something else than the chunks do, which are what counts.
    let mut both = chunked(200);
    both.splice(17..17, *b"content-length: 3\r\n");
    too_large(&client, both, 100).await;
}

#[tokio::test]
async fn chunks_without_end() {
    let server = Server::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let chunk = [b"1000\r\n", [b'x'; 0x1000].as_slice(), b"\r\n"].concat();
        while stream.write_all(&chunk).await.is_ok() {}
    })
    .await;
    assert_unavailable(get(&client(), server.url("/")).await, "more than 1048576 bytes");
}

#[tokio::test]
async fn headers_without_end() {
    let server = Server::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        while stream.write_all(b"x-more: and more\r\n").await.is_ok() {}
    })
    .await;
    assert_unavailable(get(&client(), server.url("/")).await, "gave no HTTP answer");
}
