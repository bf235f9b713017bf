//! What has to be true of the rows after a kill.

use crate::{Anyhow, exchange::digest};
use std::collections::{BTreeMap, BTreeSet};

/// Digest, session, when it was rotated, successor.
type Refresh = (Vec<u8>, String, Option<i64>, Option<Vec<u8>>);

/// Everything that the tables have.
#[derive(Debug, Default)]
pub struct Rows {
    /// Identifier and address.
    pub users: Vec<(String, String)>,
    /// Identifier, user, and when it was ended.
    pub sessions: Vec<(String, String, Option<i64>)>,
    pub refresh: Vec<Refresh>,
}

/// What the victims were answered.
#[derive(Debug, Default)]
pub struct Answered {
    /// Identifier and address.
    pub users: BTreeMap<String, String>,
    /// Session and token.
    pub tokens: BTreeSet<(String, String)>,
    pub ended: BTreeSet<String>,
}

impl Answered {
    pub fn note(&mut self, line: &str) {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["user", user, email] => drop(self.users.insert(user.to_owned(), email.to_owned())),
            ["token", session, token] => drop(self.tokens.insert((session.to_owned(), token.to_owned()))),
            ["ended", session] => drop(self.ended.insert(session.to_owned())),
            _ => {}
        }
    }
}

impl Rows {
    /// The number of open sessions.
    pub fn check(&self, answered: &Answered) -> Anyhow<usize> {
        let users: BTreeMap<&str, &str> = self.users.iter().map(|(id, email)| (&**id, &**email)).collect();
        for (user, address) in &answered.users {
            let email = users.get(&**user).ok_or_else(|| format!("{user} was added and is not there"))?;
            assert_eq!(email, address, "a user has their own address");
        }
        let mut families: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for (digest, session, rotated_at, successor) in &self.refresh {
            families.entry(session).or_default().push((digest, rotated_at, successor));
        }
        let mut open = 0;
        for (id, user, ended_at) in &self.sessions {
            assert!(users.contains_key(&**user), "no session without its user");
            let family = families.remove(&**id).ok_or_else(|| format!("{id} has no token"))?;
            assert!(ended_at.is_some() || !answered.ended.contains(id), "{id} was ended and lives again");
            open += usize::from(ended_at.is_none());
            // One chain: one live end, one beginning, and each successor is there and leads on.
            let digests: BTreeSet<&Vec<u8>> = family.iter().map(|(digest, ..)| *digest).collect();
            let successors: BTreeSet<&Vec<u8>> = family.iter().filter_map(|(.., next)| next.as_ref()).collect();
            let live = family.iter().filter(|(_, rotated_at, next)| rotated_at.is_none() && next.is_none()).count();
            let whole = family.iter().all(|(_, rotated_at, next)| rotated_at.is_some() == next.is_some());
            assert!(whole && live == 1, "{id} has one live token: {live}");
            assert!(successors.is_subset(&digests), "each successor of {id} is there");
            assert_eq!(successors.len() + 1, family.len(), "{id} does not fork");
        }
        assert!(families.is_empty(), "no token without its session");
        let known: BTreeSet<(&str, &[u8])> =
            self.refresh.iter().map(|(digest, session, ..)| (&**session, &**digest)).collect();
        for (session, token) in &answered.tokens {
            let is_there = known.contains(&(&**session, digest(token).as_bytes().as_slice()));
            assert!(is_there, "a token of {session} was given out and is not there");
        }
        let sessions: BTreeSet<&str> = self.sessions.iter().map(|(id, ..)| &**id).collect();
        assert!(answered.ended.iter().all(|id| sessions.contains(&**id)), "an ended session is there");
        Ok(open)
    }
}
