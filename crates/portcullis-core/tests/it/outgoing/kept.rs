//! When a token is requested, and who waits for it.

use super::{Endpoint, token};
use portcullis_core::{
    BearerToken, ClientCredentials, Error, ErrorKind, HttpRequest, HttpResponse, KeptToken, TokenSource,
    testing::FixedClock,
};
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

const NOW: u64 = 1_767_268_800;

fn tokens(endpoint: &Endpoint, clock: &FixedClock) -> ClientCredentials {
    let tokens = ClientCredentials::new("https://id.example.com/token", "billing", "s3", endpoint.clone()).unwrap();
    tokens.clock(clock.clone())
}

fn later(clock: &FixedClock, seconds: u64) {
    clock.advance(Duration::from_secs(seconds));
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn bearer(tokens: &ClientCredentials) -> Result<String, u16> {
    tokens.bearer().await.map(|token| token.expose().to_owned()).map_err(|error| error.status())
}

#[tokio::test]
async fn a_token_is_kept_and_replaced_before_it_expires() {
    let (endpoint, clock) = (Endpoint::with([token("a", 600)]), FixedClock::at(NOW));
    let tokens = tokens(&endpoint, &clock);
    assert_eq!(bearer(&tokens).await, Ok("a".to_owned()));
    later(&clock, 539);
    assert_eq!(bearer(&tokens).await, Ok("a".to_owned()));
    assert_eq!(endpoint.count(), 1);

    later(&clock, 2); // the last minute: the next one is requested, and nobody waits
    for _ in 0..3 {
        assert_eq!(bearer(&tokens.clone()).await, Ok("a".to_owned()));
    }
    assert_eq!(endpoint.count(), 2);
    endpoint.answer(token("b", 600));
    assert_eq!(bearer(&tokens).await, Ok("b".to_owned()));
    assert_eq!(endpoint.count(), 2);
}

#[tokio::test]
async fn one_request_is_in_flight_and_goes_on_without_its_caller() {
    let (endpoint, clock) = (Endpoint::default(), FixedClock::at(NOW));
    let tokens = tokens(&endpoint, &clock);
    let (mut second, mut third) = (pin!(tokens.bearer()), pin!(tokens.bearer()));
    {
        let mut first = pin!(tokens.bearer());
        assert!(poll(first.as_mut()).is_pending());
    }
    assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
    assert_eq!(endpoint.count(), 1);
    endpoint.answer(token("a", 600));
    for waiting in [poll(second.as_mut()), poll(third.as_mut())] {
        assert!(matches!(waiting, Poll::Ready(Ok(token)) if token.expose() == "a"));
    }
    assert_eq!(endpoint.count(), 1);
}

#[tokio::test]
async fn after_a_failure_there_is_a_pause() {
    let failure = || HttpResponse::new(500, "");
    let (endpoint, clock) = (Endpoint::with([failure(), failure(), token("a", 600)]), FixedClock::at(NOW));
    let tokens = tokens(&endpoint, &clock);
    let error = tokens.bearer().await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Unavailable, None));
    let error = tokens.bearer().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.retry_after().is_some_and(|left| left <= Duration::from_secs(1)));
    assert_eq!(endpoint.count(), 1);
    later(&clock, 1);
    assert_eq!(bearer(&tokens).await, Err(503));
    assert_eq!(endpoint.count(), 2);
    later(&clock, 2);
    assert_eq!(bearer(&tokens).await, Ok("a".to_owned()));
    assert_eq!(endpoint.count(), 3);
}

#[tokio::test]
async fn the_pause_that_the_endpoint_asks_for_is_kept() {
    let busy = HttpResponse::new(429, "").with_header("retry-after", "30");
    let (endpoint, clock) = (Endpoint::with([busy, token("a", 600)]), FixedClock::at(NOW));
    let tokens = tokens(&endpoint, &clock);
    assert_eq!(bearer(&tokens).await, Err(503));
    later(&clock, 29);
    assert_eq!(tokens.bearer().await.unwrap_err().retry_after(), Some(Duration::from_secs(1)));
    assert_eq!(endpoint.count(), 1);
    later(&clock, 1);
    assert_eq!(bearer(&tokens).await, Ok("a".to_owned()));
}

#[tokio::test]
async fn a_valid_token_outlives_failures_but_not_its_end() {
    let (endpoint, clock) = (Endpoint::with([token("a", 100)]), FixedClock::at(NOW));
    let tokens = tokens(&endpoint, &clock);
    assert_eq!(bearer(&tokens).await, Ok("a".to_owned()));
    later(&clock, 85);
    assert_eq!(bearer(&tokens).await, Ok("a".to_owned()));
    endpoint.answer(HttpResponse::new(503, "").with_header("retry-after", "60"));
    later(&clock, 14);
    assert_eq!(bearer(&tokens).await, Ok("a".to_owned()));
    later(&clock, 1); // the token expires
    assert_eq!(bearer(&tokens).await, Err(503));
    assert_eq!(endpoint.count(), 2);
}

#[tokio::test]
async fn a_request_that_is_dropped_fails_for_all_that_wait() {
    let (endpoint, clock) = (Endpoint::default(), FixedClock::at(NOW));
    let tokens = tokens(&endpoint, &clock);
    let mut waiting = pin!(tokens.bearer());
    assert!(poll(waiting.as_mut()).is_pending());
    endpoint.drop_one();
    assert!(matches!(poll(waiting.as_mut()), Poll::Ready(Err(error)) if error.kind() == ErrorKind::Unavailable));
    later(&clock, 1);
    let mut waiting = pin!(tokens.bearer());
    assert!(poll(waiting.as_mut()).is_pending());
    endpoint.answer(token("a", 600));
    assert!(matches!(poll(waiting.as_mut()), Poll::Ready(Ok(_))));
}

#[tokio::test]
async fn an_answer_that_comes_after_its_time_changes_nothing() {
    let (endpoint, clock) = (Endpoint::default(), FixedClock::at(NOW));
    let tokens = tokens(&endpoint, &clock);
    let mut early = pin!(tokens.bearer());
    assert!(poll(early.as_mut()).is_pending());
    later(&clock, 7); // more than the time limit of the client
    let mut waiting = pin!(tokens.bearer());
    assert!(poll(waiting.as_mut()).is_pending());
    assert_eq!(endpoint.count(), 2);
    endpoint.answer(token("late", 600));
    assert!(poll(waiting.as_mut()).is_pending());
    endpoint.answer(token("a", 600));
    assert!(matches!(poll(waiting.as_mut()), Poll::Ready(Ok(token)) if token.expose() == "a"));
    assert_eq!(bearer(&tokens).await, Ok("a".to_owned()));
}

#[tokio::test]
async fn a_refused_token_is_discarded_and_no_other() {
    let (endpoint, clock) = (Endpoint::with([token("a", 600), token("b", 600)]), FixedClock::at(NOW));
    let tokens = tokens(&endpoint, &clock);
    let a = tokens.bearer().await.unwrap();
    tokens.discard(&a);
    assert_eq!(bearer(&tokens).await, Ok("b".to_owned()));
    tokens.discard(&a); // another caller, late
    assert_eq!(bearer(&tokens).await, Ok("b".to_owned()));
    assert_eq!(endpoint.count(), 2);
}

#[derive(Debug)]
struct Fixed;

impl TokenSource for Fixed {
    fn request(&self) -> Result<HttpRequest, Error> {
        Ok(HttpRequest::get("https://id.example.com/next"))
    }

    fn read(&self, answer: &HttpResponse) -> Result<(BearerToken, Duration), Error> {
        Ok((BearerToken::new(str::from_utf8(answer.body()).unwrap())?, Duration::from_secs(600)))
    }
}

#[tokio::test]
async fn a_token_that_is_there_is_kept_until_it_expires_or_is_forgotten() {
    let (endpoint, clock) =
        (Endpoint::with([HttpResponse::new(200, "b"), HttpResponse::new(200, "c")]), FixedClock::at(NOW));
    let kept = KeptToken::new(Fixed, endpoint.clone()).clock(clock.clone());
    let kept = kept.starting_with(BearerToken::new("a").unwrap(), Duration::from_secs(600));
    assert_eq!(kept.bearer().await.unwrap().expose(), "a");
    assert_eq!(endpoint.count(), 0);
    later(&clock, 600);
    assert_eq!(kept.bearer().await.unwrap().expose(), "b");
    kept.forget();
    assert_eq!(kept.bearer().await.unwrap().expose(), "c");
    assert_eq!(endpoint.count(), 2);
}
