use portcullis_accounts::{
    Client, Digest, Session, SessionId, SessionRules, UserId,
    store::{RefreshRow, RefusedRefresh, Step, decide},
};
use std::time::{Duration, SystemTime};

/// Each case is said in words, and one line has to fit it. `*` fits everything.
///
/// The session is open, has ended or is over; the token is live, rotated or superseded, and valid or expired; it was
/// rotated within its grace period or earlier; it is the first of the request or a late one, to which another led; answers
/// are safe or may be lost; its successor is unused or used; its attempt is one of those that may follow, or the last; reuse
/// ends the session or is refused.
const TABLE: &str = "
    ended *          *       *       *     *    *      *    *       = refused-ended
    over  *          *       *       *     *    *      *    *       = refused-expired
    open  superseded *       *       *     *    *      *    ends    = end
    open  superseded *       *       *     *    *      *    refused = refused-again
    open  live       expired *       *     *    *      *    *       = refused-expired
    open  live       valid   *       first *    *      *    *       = rotate
    open  live       valid   *       late  *    *      *    *       = arrived
    open  rotated    *       *       late  *    *      *    *       = follow
    open  rotated    *       within  first *    *      *    *       = follow
    open  rotated    *       earlier first safe *      *    ends    = end
    open  rotated    *       earlier first safe *      *    refused = refused-again
    open  rotated    *       earlier first lost used   *    ends    = end
    open  rotated    *       earlier first lost used   *    refused = refused-again
    open  rotated    *       earlier first lost unused last ends    = end
    open  rotated    *       earlier first lost unused last refused = refused-again
    open  rotated    expired earlier first lost unused more ends    = end
    open  rotated    expired earlier first lost unused more refused = refused-again
    open  rotated    valid   earlier first lost unused more *       = rotate-again
";

fn at(millis: i64) -> SystemTime {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let span = Duration::from_millis(millis.unsigned_abs());
    if millis < 0 { now - span } else { now + span }
}

/// Values that a case can have, each with its word. Times are in milliseconds from now.
const SESSIONS: [(&str, i64, Option<i64>); 7] = [
    ("open", 1, None),
    ("open", 3_600_000, None),
    ("over", 0, None),
    ("over", -1, None),
    ("ended", 3_600_000, Some(-1)),
    ("ended", 3_600_000, Some(1)),
    ("ended", -1, Some(-2)),
];
const EXPIRIES: [(&str, i64); 4] = [("valid", 1), ("valid", 600_000), ("expired", 0), ("expired", -1)];
/// How long ago the token was rotated, and the grace period.
const AGES: [(&str, i64, u64); 12] = [
    ("within", 0, 30_000),
    ("within", 1, 30_000),
    ("within", 30_000, 30_000),
    ("within", 1, 1),
    // The clock of another instance is ahead.
    ("within", -1, 30_000),
    ("within", -60_000, 30_000),
    ("earlier", 30_001, 30_000),
    ("earlier", 2, 1),
    ("earlier", 86_400_000, 30_000),
    ("earlier", 0, 0),
    ("earlier", 1, 0),
    ("earlier", -1, 0),
];
const ATTEMPTS: [(&str, u32); 6] =
    [("more", 0), ("more", 1), ("more", 2), ("last", 3), ("last", 4), ("last", u32::MAX)];
const IDLE: [Option<u64>; 3] = [None, Some(500), Some(7_200_000)];

/// Everything of a case but its words.
struct Case {
    row: RefreshRow,
    session: Session,
    rules: SessionRules,
    successor_is_live: bool,
    is_late: bool,
    /// When a successor expires.
    expiry: SystemTime,
}

impl Case {
    fn expected(&self, word: &str) -> Step {
        match word {
            "refused-ended" => Step::Refuse(RefusedRefresh::Ended),
            "refused-expired" => Step::Refuse(RefusedRefresh::Expired),
            "refused-again" => Step::Refuse(RefusedRefresh::Again),
            "end" => Step::End,
            "arrived" => Step::Arrived,
            "follow" => Step::Follow,
            "rotate" => Step::Rotate { attempt: 0, expires_at: self.expiry },
            "rotate-again" => Step::Rotate { attempt: self.row.attempt + 1, expires_at: self.expiry },
            other => panic!("no step is called {other}"),
        }
    }

    fn decided(&self) -> Step {
        decide(&self.row, &self.session, self.successor_is_live, self.is_late, at(0), &self.rules)
    }
}

/// Calls with each case and its words.
fn each_case(mut check: impl FnMut(&[&str], &Case)) {
    let digest = Digest::from_bytes([7; 32]);
    for (is_open, not_after, ended_at) in SESSIONS {
        for (is_valid, expires_at) in EXPIRIES {
            for state in ["live", "rotated", "superseded", "superseded-and-rotated"] {
                for (used, age, grace) in AGES {
                    for (attempts, attempt) in ATTEMPTS {
                        for bits in 0..16 {
                            let [is_late, lost, successor_is_live, keeps] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
                            for idle in IDLE {
                                let mut rules = SessionRules::new().grace(Duration::from_millis(grace));
                                let mut expiry = not_after;
                                if let Some(idle) = idle {
                                    rules = rules.idle(Duration::from_millis(idle));
                                    expiry = expiry.min(i64::try_from(idle).unwrap_or(i64::MAX));
                                }
                                rules = if lost { rules.answers_may_be_lost() } else { rules };
                                rules = if keeps { rules.dangerous_keep_family() } else { rules };
                                let is_rotated = state.ends_with("rotated");
                                let case = Case {
                                    row: RefreshRow {
                                        issued_at: at(-90_000_000),
                                        expires_at: at(expires_at),
                                        rotated_at: is_rotated.then(|| at(-age)),
                                        attempt,
                                        successor: is_rotated.then_some(digest),
                                        is_superseded: state.starts_with("superseded"),
                                    },
                                    session: session(not_after, ended_at),
                                    rules,
                                    successor_is_live,
                                    is_late,
                                    expiry: at(expiry),
                                };
                                let words = [
                                    is_open,
                                    state.split('-').next().unwrap_or(state),
                                    is_valid,
                                    used,
                                    if is_late { "late" } else { "first" },
                                    if lost { "lost" } else { "safe" },
                                    if successor_is_live { "unused" } else { "used" },
                                    attempts,
                                    if keeps { "refused" } else { "ends" },
                                ];
                                check(&words, &case);
                            }
                        }
                    }
                }
            }
        }
    }
}

fn session(not_after: i64, ended_at: Option<i64>) -> Session {
    Session {
        id: SessionId::new("session"),
        user: UserId::new("user"),
        stamp: 0,
        methods: vec!["pwd".into()],
        organization: None,
        client: Client::unknown(),
        created_at: at(-90_000_000),
        used_at: at(-90_000_000),
        not_after: at(not_after),
        ended_at: ended_at.map(at),
    }
}

#[test]
fn every_state_at_every_time_under_every_rule_is_decided_as_the_table_says() {
    let lines: Vec<(Vec<&str>, &str)> = (TABLE.lines())
        .filter_map(|line| line.split_once('='))
        .map(|(words, step)| (words.split_whitespace().collect(), step.trim()))
        .collect();
    let (mut uses, mut cases) = (vec![0_usize; lines.len()], 0_usize);
    each_case(|words, case| {
        let fits = |line: &Vec<&str>| line.iter().zip(words).all(|(wanted, word)| *wanted == "*" || wanted == word);
        let fitting: Vec<usize> =
            lines.iter().enumerate().filter(|(_, (line, _))| fits(line)).map(|(place, _)| place).collect();
        let [line] = fitting[..] else { panic!("{} lines fit {words:?}", fitting.len()) };
        assert_eq!(case.decided(), case.expected(lines[line].1), "{words:?}: {:?}", case.row);
        (uses[line], cases) = (uses[line] + 1, cases + 1);
    });
    assert!(uses.iter().all(|uses| *uses > 0), "every line of the table is used: {uses:?}");
    assert_eq!(cases, 7 * 4 * 4 * 12 * 6 * 16 * 3);
}
