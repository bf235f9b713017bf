//! What a look-up is asked, by how many, and how long its answers count.

use super::*;
use futures_channel::oneshot;
use futures_util::{FutureExt, future::join_all};
use portcullis_core::Answer;

#[tokio::test]
async fn an_issuer_that_is_known_is_looked_up_once_in_a_while() {
    let (web, clock, tenants) = (Web::of(&[A]), clock(), Tenants::of(&[A]));
    let issuers = trusting_nobody(&web, &clock).trust_with(tenants.clone());
    let token = token_of(A);
    assert_eq!(says(&issuers, &token).await, Ok(()));
    clock.advance(seconds(59));
    assert_eq!((says(&issuers, &token).await, tenants.count()), (Ok(()), 1));
    clock.advance(seconds(1));
    assert_eq!((says(&issuers, &token).await, tenants.count()), (Ok(()), 2));
    assert_eq!(web.count(), 2, "the keys are still there");
}

#[tokio::test]
async fn a_withdrawn_approval_ends_in_its_time() {
    let (web, clock, tenants) = (Web::of(&[A]), clock(), Tenants::of(&[A]));
    let issuers = trusting_nobody(&web, &clock).trust_with(tenants.clone()).remember_for(seconds(30), seconds(5));
    let token = token_of(A);
    assert_eq!(says(&issuers, &token).await, Ok(()));
    tenants.set(&[]);
    clock.advance(seconds(29));
    assert_eq!(says(&issuers, &token).await, Ok(()));
    clock.advance(seconds(1));
    assert_eq!(says(&issuers, &token).await, UNRECOGNIZED);
    // It comes back.
    tenants.set(&[A]);
    clock.advance(seconds(4));
    assert_eq!((says(&issuers, &token).await, tenants.count()), (UNRECOGNIZED, 2));
    clock.advance(seconds(1));
    assert_eq!((says(&issuers, &token).await, tenants.count()), (Ok(()), 3));
}

#[tokio::test]
async fn a_refusal_is_remembered_for_a_shorter_time_and_nothing_is_fetched() {
    let (web, clock, tenants) = (Web::of(&[A]), clock(), Tenants::of(&[]));
    let issuers = trusting_nobody(&web, &clock).trust_with(tenants.clone());
    for (passes, asked) in [(0, 1), (9, 1), (1, 2)] {
        clock.advance(seconds(passes));
        assert_eq!((says(&issuers, &token_of(A)).await, tenants.count()), (UNRECOGNIZED, asked));
    }
    // A clock that is set back remembers nothing of what is ahead.
    let earlier = FixedClock::at(1_767_268_800 - 100);
    let issuers = issuers.clock(earlier);
    assert_eq!((says(&issuers, &token_of(A)).await, tenants.count()), (UNRECOGNIZED, 3));
    assert_eq!(web.count(), 0);
}

#[tokio::test]
async fn an_outage_is_503_and_counts_for_a_second() {
    let (web, clock, tenants) = (Web::of(&[A]), clock(), Tenants::of(&["down"]));
    let issuers = trusting_nobody(&web, &clock).trust_with(tenants.clone());
    assert_eq!((says(&issuers, &token_of(A)).await, tenants.count()), (UNAVAILABLE, 1));
    tenants.set(&[A]);
    assert_eq!((says(&issuers, &token_of(A)).await, tenants.count()), (UNAVAILABLE, 1));
    assert_eq!(web.count(), 0);
    clock.advance(seconds(1));
    assert_eq!((says(&issuers, &token_of(A)).await, tenants.count()), (Ok(()), 2));
    // An approval that has ended is not prolonged by an outage.
    tenants.set(&["down"]);
    clock.advance(seconds(59));
    assert_eq!(says(&issuers, &token_of(A)).await, Ok(()));
    clock.advance(seconds(1));
    assert_eq!(says(&issuers, &token_of(A)).await, UNAVAILABLE);
}

/// Answers when it is told to.
#[derive(Debug, Default, Clone)]
struct Slow(Arc<Mutex<Vec<oneshot::Sender<bool>>>>);

impl IssuerLookup for Slow {
    async fn is_trusted(&self, _: &str) -> Result<bool, Error> {
        let (sender, answer) = oneshot::channel();
        self.0.lock().unwrap().push(sender);
        answer.await.map_err(|_| Error::new(ErrorKind::Unavailable, "gone"))
    }
}

#[tokio::test]
async fn callers_share_a_look_up_and_may_leave_it() {
    let (web, slow) = (Web::of(&[A, B]), Slow::default());
    let issuers = trusting_nobody(&web, &clock()).trust_with(slow.clone());
    let (a, b) = (token_of(A), token_of(B));
    let mut first = Box::pin(says(&issuers, &a));
    assert!(first.as_mut().now_or_never().is_none());
    let mut others = Box::pin(join_all((0..50).map(|_| says(&issuers, &a))));
    assert!(others.as_mut().now_or_never().is_none());
    assert_eq!(slow.0.lock().unwrap().len(), 1);
    let mut beside = Box::pin(says(&issuers, &b));
    assert!(beside.as_mut().now_or_never().is_none());
    assert_eq!(slow.0.lock().unwrap().len(), 2, "another issuer does not wait for it");
    drop(first);
    let mut waiting = std::mem::take(&mut *slow.0.lock().unwrap()).into_iter();
    waiting.next().unwrap().send(true).unwrap();
    assert_eq!(others.await, vec![Ok(()); 50]);
    // All have left: the next one asks anew.
    drop(beside);
    drop(waiting);
    let mut again = Box::pin(says(&issuers, &b));
    assert!(again.as_mut().now_or_never().is_none());
    slow.0.lock().unwrap().pop().unwrap().send(false).unwrap();
    assert_eq!(again.await, UNRECOGNIZED);
}

#[tokio::test]
async fn so_many_look_ups_of_strangers_run_at_a_time() {
    let (web, clock, slow) = (Web::of(&[A]), clock(), Slow::default());
    let issuers = trusting_nobody(&web, &clock).trust_with(slow.clone());
    let known = token_of(A);
    let mut first = Box::pin(says(&issuers, &known));
    assert!(first.as_mut().now_or_never().is_none());
    slow.0.lock().unwrap().pop().unwrap().send(true).unwrap();
    assert_eq!(first.await, Ok(()));

    let strangers: Vec<String> = (0..256).map(|n| token_of(&format!("https://s{n}.example.com"))).collect();
    let mut waiting: Vec<_> = strangers.iter().map(|token| Box::pin(says(&issuers, token))).collect();
    assert!(waiting.iter_mut().all(|one| one.as_mut().now_or_never().is_none()));
    let one_more = token_of("https://more.example.com");
    assert_eq!(says(&issuers, &one_more).await, UNAVAILABLE);
    assert_eq!(slow.0.lock().unwrap().len(), 256);
    // Those of an issuer that was trusted do not wait behind strangers.
    clock.advance(seconds(60));
    let mut renewed = Box::pin(says(&issuers, &known));
    assert!(renewed.as_mut().now_or_never().is_none());
    slow.0.lock().unwrap().pop().unwrap().send(true).unwrap();
    assert_eq!(renewed.await, Ok(()));
    // Those that all callers left make room.
    waiting.clear();
    assert!(Box::pin(says(&issuers, &one_more)).as_mut().now_or_never().is_none());
}

/// Its time is up at once.
#[derive(Debug, Clone)]
struct Impatient(Web);

impl HttpClient for Impatient {
    fn send(&self, request: HttpRequest, reply: Reply) {
        self.0.send(request, reply);
    }

    fn sleep(&self, _: Duration) -> Answer<'static, ()> {
        Answer::now(())
    }

    fn is_public_only(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_look_up_has_the_time_of_a_request() {
    let (web, slow, prompt) = (Web::of(&[A]), Slow::default(), Tenants::of(&[A]));
    let issuers = TrustedIssuers::new(Audience::is("test"), [Algorithm::Es256], Impatient(web)).unwrap().clock(clock());
    assert_eq!(says(&issuers.clone().trust_with(prompt), &token_of(A)).await, Ok(()));
    assert_eq!(says(&issuers.trust_with(slow.clone()), &token_of(A)).await, UNAVAILABLE);
    assert!(slow.0.lock().unwrap().pop().unwrap().send(true).is_err(), "nobody waits any more");
}
