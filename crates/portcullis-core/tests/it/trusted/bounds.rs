//! Floods: what they cost, and what they may not push out.

use super::*;

#[tokio::test]
async fn strangers_cost_no_fetch_and_no_place() {
    let (web, clock, tenants) = (Web::of(&[A]), clock(), Tenants::of(&[A]));
    let issuers = trusting_nobody(&web, &clock).trust_with(tenants.clone()).max_issuers(1);
    assert_eq!(says(&issuers, &token_of(A)).await, Ok(()));
    for n in 0..10_100 {
        assert_eq!(says(&issuers, &token_of(&format!("https://s{n}.example.com"))).await, UNRECOGNIZED);
    }
    assert_eq!((web.count(), tenants.count()), (2, 10_101));
    assert_eq!(says(&issuers, &token_of(A)).await, Ok(()));
    assert_eq!((web.count(), tenants.count()), (2, 10_101));
    // The last refusals are remembered, and the first were dropped.
    assert_eq!(says(&issuers, &token_of("https://s10099.example.com")).await, UNRECOGNIZED);
    assert_eq!(tenants.count(), 10_101);
    assert_eq!(says(&issuers, &token_of("https://s0.example.com")).await, UNRECOGNIZED);
    assert_eq!(tenants.count(), 10_102);
}

#[tokio::test]
async fn requests_to_all_issuers_are_counted_by_the_minute() {
    let names: Vec<String> = (0..4).map(|n| format!("https://i{n}.example.com")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (web, clock) = (Web::of(&names), clock());
    let issuers = trusting_nobody(&web, &clock).trust(names.clone()).unwrap().fetches_per_minute(4);
    for (name, answer) in names.iter().zip([Ok(()), Ok(()), UNAVAILABLE, UNAVAILABLE]) {
        assert_eq!(says(&issuers, &token_of(name)).await, answer, "{name}");
    }
    assert_eq!(web.count(), 4);
    // Nothing is missing where keys are there.
    assert_eq!(says(&issuers, &token_of(names[0])).await, Ok(()));
    clock.advance(seconds(30));
    assert_eq!(says(&issuers, &token_of(names[2])).await, Ok(()));
    assert_eq!(says(&issuers, &token_of(names[3])).await, UNAVAILABLE);
    assert_eq!(web.count(), 6);
}

#[tokio::test]
async fn the_least_recently_used_makes_room_but_none_of_the_list() {
    let names: Vec<String> = (0..3).map(|n| format!("https://i{n}.example.com")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (web, clock) = (Web::of(&[A, names[0], names[1], names[2]]), clock());
    let issuers = trusting_nobody(&web, &clock).trust([A]).unwrap().trust_with(Tenants::of(&names)).max_issuers(2);
    let fetches = async |name: &str| {
        let before = web.count();
        assert_eq!(says(&issuers, &token_of(name)).await, Ok(()), "{name}");
        web.count() - before
    };
    for (name, fetched) in [(A, 2), (names[0], 2), (names[1], 2), (names[0], 0), (names[2], 2), (A, 0)] {
        assert_eq!(fetches(name).await, fetched, "{name}");
    }
    assert_eq!(fetches(names[0]).await, 0);
    assert_eq!(fetches(names[1]).await, 2);
}

/// Names that a predicate accepts can be made up. Those that nobody answers for push out one another.
#[tokio::test]
async fn issuers_without_keys_make_room_first() {
    let (web, clock) = (Web::of(&[A, B]), clock());
    let issuers = trusting_nobody(&web, &clock).dangerous_trust_if(|_| true).max_issuers(3);
    assert_eq!(says(&issuers, &token_of(A)).await, Ok(()));
    assert_eq!(says(&issuers, &token_of(B)).await, Ok(()));
    for n in 0..200 {
        assert_eq!(says(&issuers, &token_of(&format!("https://s{n}.example.com"))).await, UNAVAILABLE);
    }
    assert_eq!(web.count(), 60);
    assert_eq!((says(&issuers, &token_of(A)).await, says(&issuers, &token_of(B)).await), (Ok(()), Ok(())));
    assert_eq!(web.count(), 60);
}
