use crate::{
    Anyhow,
    exchange::{AT_ONCE, Exchange, Got, Ours, at, at_once, digest, sixteen, unique},
};
use portcullis_accounts::{
    OneTime, Purpose, SessionRules, Token, UserId,
    store::{Ending, FactorChange, Stores},
};
use serde_json::Map;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// How often a session is refreshed in a race before the next one is opened.
const LENGTH: usize = 100;

/// What sixteen callers with one token found, over all rounds.
#[derive(Debug, Default)]
pub struct Findings {
    /// Tokens with several successors.
    pub forks: usize,
    /// Rounds within the grace period in which somebody got nothing.
    pub refused: usize,
    /// How long a refresh took.
    pub each: Duration,
}

/// Sixteen present one token, in each round.
pub async fn refreshes<E: Exchange>(exchange: &E, rounds: usize) -> Anyhow<Findings> {
    let (mut findings, began) = (Findings::default(), Instant::now());
    let mut live = String::new();
    for round in 0..rounds {
        if round % LENGTH == 0 || live.is_empty() {
            live = exchange.open().await?.token;
        }
        let got = sixteen(exchange, &[&live], at(1)).await?;
        let successors: BTreeSet<&str> = got.iter().filter_map(Got::token).collect();
        let new = got.iter().filter(|got| matches!(got, Got::New(_))).count();
        findings.forks += usize::from(successors.len() > 1 || new > 1);
        let is_refused = got.iter().any(|got| got.token().is_none());
        findings.refused += usize::from(is_refused);
        live = successors.first().filter(|_| !is_refused).map(|token| (*token).to_owned()).unwrap_or_default();
    }
    findings.each = began.elapsed() / u32::try_from(rounds * AT_ONCE)?;
    Ok(findings)
}

pub async fn all(name: &str, stores: Stores, rounds: usize) -> Anyhow {
    let tenth = rounds.div_ceil(10);
    let ours = |rules| Ours::new(stores.clone(), rules);
    let usual = ours(SessionRules::new())?;

    let Findings { forks, refused, each } = refreshes(&usual, rounds).await?;
    assert_eq!((forks, refused), (0, 0), "one successor each, and nothing is refused within the grace period");
    println!("{name}: {rounds} rounds of {AT_ONCE} refreshes: one successor each, nobody refused, {each:?} a refresh");

    for _ in 0..tenth {
        mixed(&usual).await?;
    }
    println!("{name}: {tenth} rounds of old and live tokens: all are led to the live one");

    for _ in 0..tenth {
        reuse(&usual).await?;
    }
    println!("{name}: {tenth} reuses after the grace period among refreshes: each ends its session, once");

    for _ in 0..tenth {
        sign_out(&usual).await?;
    }
    println!("{name}: {tenth} sign-outs among refreshes: nothing survives");

    let strict = ours(SessionRules::new().grace(Duration::ZERO))?;
    for _ in 0..tenth {
        let opened = strict.open().await?;
        let got = sixteen(&strict, &[&opened.token], at(1)).await?;
        let count = |wanted: fn(&Got) -> bool| got.iter().filter(|got| wanted(got)).count();
        let counts = (count(|got| got.token().is_some()), count(|got| *got == Got::Reused));
        assert_eq!(counts, (1, 1), "one gets a successor, and another ends the session");
        assert!(!is_open(&strict, &opened.session.id).await?);
    }
    println!("{name}: {tenth} rounds without a grace period: one gets a successor, and the session ends");

    let patient = ours(SessionRules::new().answers_may_be_lost())?;
    for _ in 0..tenth {
        let opened = patient.open().await?;
        let Got::New(lost) = patient.refresh(opened.token.clone(), at(1)).await? else {
            panic!("a live token is exchanged")
        };
        let got = sixteen(&patient, &[&opened.token], at(32)).await?;
        let successors: BTreeSet<&str> = got.iter().map(|got| got.token().unwrap_or("none")).collect();
        assert_eq!(successors.len(), 1, "one new successor for all");
        assert!(!successors.contains("none") && !successors.contains(&*lost), "and it is another one");
        assert_eq!(patient.refresh(lost, at(32)).await?, Got::Reused, "the lost one is found out");
    }
    println!("{name}: {tenth} lost answers: one new successor each, and the lost one ends the session");

    for _ in 0..tenth {
        single_use(&stores).await?;
    }
    println!("{name}: {tenth} single-use tokens that {AT_ONCE} take: one gets each");

    codes(&stores, tenth).await?;
    println!("{name}: {tenth} codes of a second factor that {AT_ONCE} send: each is used once");
    Ok(())
}

/// Some have the token before the live one, and some the live one.
async fn mixed(ours: &Ours) -> Anyhow {
    let opened = ours.open().await?;
    let Got::New(live) = ours.refresh(opened.token.clone(), at(1)).await? else { panic!("a live token is exchanged") };
    let got = sixteen(ours, &[&opened.token, &live], at(1)).await?;
    let new: Vec<&Got> = got.iter().filter(|got| matches!(got, Got::New(_))).collect();
    let [Got::New(next)] = new[..] else { panic!("the live token is exchanged once: {}", new.len()) };
    let on_the_way = |token: &str| token == next || token == live;
    assert!(got.iter().all(|got| got.token().is_some_and(on_the_way)), "nobody is refused or sent back");
    assert!(is_open(ours, &opened.session.id).await?, "nothing is ended");
    Ok(())
}

async fn reuse(ours: &Ours) -> Anyhow {
    let opened = ours.open().await?;
    let Got::New(live) = ours.refresh(opened.token.clone(), at(1)).await? else { panic!("a live token is exchanged") };
    let got = sixteen(ours, &[&opened.token, &live], at(32)).await?;
    assert_eq!(got.iter().filter(|got| **got == Got::Reused).count(), 1, "the session ends once");
    assert!(got.iter().step_by(2).all(|got| got.token().is_none()), "the old token gets nothing");
    nothing_survives(ours, got.iter().filter_map(Got::token).chain([&*live, &*opened.token])).await
}

async fn sign_out(ours: &Ours) -> Anyhow {
    let opened = ours.open().await?;
    let tasks = (0..AT_ONCE).map(|place| {
        let (ours, opened) = (ours.clone(), opened.clone());
        async move {
            if place != AT_ONCE / 2 {
                return ours.refresh(opened.token, at(1)).await;
            }
            let ended = ours.stores.sessions().end(Ending::OfToken(&digest(&opened.token)), at(1)).await?;
            assert_eq!(ended.len(), 1, "the session is ended by the sign-out");
            Ok(Got::Refused)
        }
    });
    let got = at_once(tasks).await?;
    assert!(got.iter().all(|got| *got != Got::Reused), "a sign-out is no reuse");
    nothing_survives(ours, got.iter().filter_map(Got::token).chain([&*opened.token])).await
}

/// None of these tokens of a session that was ended is of any use.
async fn nothing_survives(ours: &Ours, tokens: impl Iterator<Item = &str>) -> Anyhow {
    for token in tokens {
        assert_eq!(ours.refresh(token.to_owned(), at(33)).await?, Got::Refused, "nothing of the session survives");
        let found = ours.stores.sessions().session_of(&digest(token)).await?;
        assert!(found.is_some_and(|(session, _)| session.ended_at.is_some()), "the session was ended");
    }
    Ok(())
}

async fn is_open(ours: &Ours, id: &portcullis_accounts::SessionId) -> Anyhow<bool> {
    Ok(ours.stores.sessions().session(id).await?.is_some_and(|session| session.is_open(at(33))))
}

async fn single_use(stores: &Stores) -> Anyhow {
    let token = OneTime {
        purpose: Purpose::Confirm,
        digest: Token::new(unique("token")).digest("confirm"),
        user: Some(UserId::new(unique("user"))),
        stamp: 0,
        payload: Map::new(),
        expires_at: at(60),
    };
    stores.sessions().keep(token.clone(), true).await?;
    let tasks = (0..AT_ONCE).map(|_| {
        let (stores, token) = (stores.clone(), token.clone());
        async move { Ok(stores.sessions().take(token.purpose, &token.digest, at(1)).await?.is_some()) }
    });
    let taken = at_once(tasks).await?.into_iter().filter(|is_taken| *is_taken).count();
    assert_eq!(taken, 1, "one of {AT_ONCE} gets a single-use token");
    Ok(())
}

/// Sixteen use the code of one step, and of the next one, and so on.
async fn codes(stores: &Stores, rounds: usize) -> Anyhow {
    let (user, sealed) = (UserId::new(unique("user")), vec![7]);
    let confirm = FactorChange::Confirm { sealed: sealed.clone(), step: 0, recovery: Vec::new(), at: at(0) };
    for change in [FactorChange::Enrol { sealed: sealed.clone() }, confirm] {
        assert!(stores.sessions().change_factor(&user, change).await?);
    }
    for step in 1..=i64::try_from(rounds)? {
        let tasks = (0..AT_ONCE).map(|_| {
            let (stores, user, sealed) = (stores.clone(), user.clone(), sealed.clone());
            let change = FactorChange::Use { sealed, step, resealed: None };
            async move { Ok(stores.sessions().change_factor(&user, change).await?) }
        });
        let used = at_once(tasks).await?.into_iter().filter(|is_used| *is_used).count();
        assert_eq!(used, 1, "one of {AT_ONCE} uses a step");
    }
    Ok(())
}
