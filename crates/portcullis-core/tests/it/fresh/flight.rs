//! Questions that are under way when somebody wants a fresh answer.

use super::{INACTIVE, active, noon, opaque, seconds, set_back, upstream::Upstream, within};
use futures_util::{FutureExt, future::join_all};
use portcullis_core::ErrorKind;
use std::time::Duration;

/// What was asked before somebody signed out does not tell; so the ten wait, and then ask together, once.
#[test]
fn ten_who_come_while_a_question_is_under_way_ask_once_more() {
    let (clock, upstream) = (noon(), Upstream::saying(active("alice", "")));
    let asking = opaque(&upstream, &clock);
    upstream.holds(true);
    let mut early = within(&asking, "abc", None);
    assert!((&mut early).now_or_never().is_none());
    clock.advance(seconds(1));
    let mut ten = Box::pin(join_all((0..10).map(|_| within(&asking, "abc", Duration::ZERO))));
    assert!((&mut ten).now_or_never().is_none());
    assert_eq!(upstream.asked(), 1, "one question about a token at a time");
    upstream.answers();
    assert!((&mut early).now_or_never().unwrap().is_ok());
    assert!((&mut ten).now_or_never().is_none(), "that answer is too old for them");
    assert_eq!(upstream.asked(), 2);
    upstream.says(INACTIVE);
    upstream.answers();
    for outcome in ten.now_or_never().expect("the second answer is for all of them") {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Invalid);
    }
    assert_eq!(upstream.asked(), 2);
}

/// The same where the second answer is there before the others have looked.
#[test]
fn ten_who_wait_ask_once_more_though_the_answer_comes_at_once() {
    let (clock, upstream) = (noon(), Upstream::saying(active("alice", "")));
    let asking = opaque(&upstream, &clock);
    upstream.holds(true);
    let mut early = within(&asking, "abc", None);
    assert!((&mut early).now_or_never().is_none());
    clock.advance(seconds(1));
    let mut ten: Vec<_> = (0..10).map(|_| within(&asking, "abc", Duration::ZERO)).collect();
    for fresh in &mut ten {
        assert!(fresh.now_or_never().is_none());
    }
    upstream.holds(false);
    upstream.answers();
    for fresh in ten {
        assert!(fresh.now_or_never().unwrap().is_ok());
    }
    assert_eq!(upstream.asked(), 2, "one for the first, and one for the ten");
}

/// By the clock it was begun later, and in truth earlier.
#[test]
fn what_is_under_way_is_not_fresh_after_the_clock_was_set_back() {
    for back in [1, 3600] {
        let (clock, upstream) = (noon(), Upstream::saying(active("alice", "")));
        let asking = opaque(&upstream, &clock);
        upstream.holds(true);
        let mut early = within(&asking, "abc", None);
        assert!((&mut early).now_or_never().is_none());
        set_back(&clock, seconds(back));
        let mut fresh = within(&asking, "abc", Duration::ZERO);
        assert!((&mut fresh).now_or_never().is_none());
        upstream.answers();
        assert!((&mut early).now_or_never().unwrap().is_ok());
        upstream.says(INACTIVE);
        let found = (&mut fresh).now_or_never();
        assert!(found.is_none(), "set back by {back} s: the old answer was taken for a fresh one");
        assert!(upstream.answers());
        assert_eq!(fresh.now_or_never().unwrap().unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(upstream.asked(), 2);
    }
}
