use super::{
    AddOutcome, ChangeOutcome, Ending, FactorChange, FactorWrite, Family, LinkOutcome, Page, RefreshRow, RotateOutcome,
    Rotation, SessionStore, StoreResult, UserKey, UserStore, memory_organizations::Organizations, rotate,
};
use crate::{
    factor::Factor,
    id::{OrganizationId, SessionId, UserId},
    one_time::{OneTime, Purpose},
    secret::Digest,
    session::Session,
    user::{LinkedIdentity, NewUser, User, UserChange},
};
use async_trait::async_trait;
use futures_util::lock::{Mutex, MutexGuard};
use std::{collections::HashMap, fmt, time::SystemTime};

/// A store that keeps everything in memory, for tests and trials. One lock makes each command atomic.
#[derive(Default)]
pub struct MemoryStore(Mutex<State>, Mutex<Organizations>);

#[derive(Default)]
struct State {
    users: HashMap<UserId, User>,
    identities: Vec<(UserId, LinkedIdentity)>,
    sessions: HashMap<SessionId, Session>,
    refresh: HashMap<Digest, (SessionId, RefreshRow)>,
    one_time: HashMap<Digest, OneTime>,
    factors: HashMap<UserId, Factor>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    async fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().await
    }

    pub(super) async fn organizations(&self) -> MutexGuard<'_, Organizations> {
        self.1.lock().await
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryStore(..)")
    }
}

#[async_trait]
impl UserStore for MemoryStore {
    async fn add(&self, user: NewUser) -> StoreResult<AddOutcome> {
        let mut state = self.state().await;
        if state.users.values().any(|known| known.email == user.email) {
            return Ok(AddOutcome::Taken);
        }
        let user = User::from(user);
        state.users.insert(user.id.clone(), user.clone());
        Ok(AddOutcome::Added(user))
    }

    async fn find(&self, by: UserKey<'_>) -> StoreResult<Option<User>> {
        let state = self.state().await;
        Ok(match by {
            UserKey::Id(id) => state.users.get(id).cloned(),
            UserKey::Email(email) => state.users.values().find(|user| user.email == *email).cloned(),
            UserKey::Identity(issuer, subject) => {
                let is_meant = |known: &LinkedIdentity| known.issuer == issuer && known.subject == subject;
                let found = state.identities.iter().find(|(_, known)| is_meant(known));
                found.and_then(|(user, _)| state.users.get(user).cloned())
            }
        })
    }

    async fn change(&self, id: &UserId, change: UserChange) -> StoreResult<ChangeOutcome> {
        let mut state = self.state().await;
        let is_taken = (change.email.as_ref())
            .is_some_and(|(email, _)| state.users.values().any(|user| user.email == *email && user.id != *id));
        let if_stamp = change.if_stamp;
        let user = state.users.get_mut(id).filter(|user| if_stamp.is_none_or(|stamp| stamp == user.stamp));
        let Some(user) = user else { return Ok(ChangeOutcome::Absent) };
        if is_taken {
            return Ok(ChangeOutcome::Taken);
        }
        change.apply(user);
        Ok(ChangeOutcome::Changed(user.clone()))
    }

    async fn remove(&self, id: &UserId) -> StoreResult<bool> {
        let mut state = self.state().await;
        state.identities.retain(|(user, _)| user != id);
        Ok(state.users.remove(id).is_some())
    }

    async fn list(&self, page: Page) -> StoreResult<Vec<User>> {
        let state = self.state().await;
        let is_after =
            |user: &&User| page.after.as_ref().is_none_or(|(time, id)| (user.created_at, &user.id) < (*time, id));
        let mut users: Vec<User> = state.users.values().filter(is_after).cloned().collect();
        users.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
        users.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
        Ok(users)
    }

    async fn count(&self) -> StoreResult<u64> {
        Ok(u64::try_from(self.state().await.users.len()).unwrap_or(u64::MAX))
    }

    async fn link(&self, id: &UserId, identity: LinkedIdentity) -> StoreResult<LinkOutcome> {
        let mut state = self.state().await;
        if !state.users.contains_key(id) {
            return Ok(LinkOutcome::Absent);
        }
        for (user, known) in state.identities.iter().filter(|(_, known)| known.issuer == identity.issuer) {
            match (user == id, known.subject == identity.subject) {
                (true, true) => return Ok(LinkOutcome::Linked),
                (true, false) => return Ok(LinkOutcome::HasAnother),
                (false, true) => return Ok(LinkOutcome::Taken),
                (false, false) => {}
            }
        }
        state.identities.push((id.clone(), identity));
        Ok(LinkOutcome::Linked)
    }

    async fn unlink(&self, id: &UserId, issuer: &str) -> StoreResult<bool> {
        let mut state = self.state().await;
        let before = state.identities.len();
        state.identities.retain(|(user, known)| user != id || known.issuer != issuer);
        Ok(state.identities.len() < before)
    }

    async fn identities(&self, id: &UserId) -> StoreResult<Vec<LinkedIdentity>> {
        let state = self.state().await;
        let of_user = state.identities.iter().filter(|(user, _)| user == id);
        let mut found: Vec<LinkedIdentity> = of_user.map(|(_, known)| known.clone()).collect();
        found.sort_by(|one, other| (one.linked_at, &one.issuer).cmp(&(other.linked_at, &other.issuer)));
        Ok(found)
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn open(&self, session: Session, token: Digest, expires_at: SystemTime) -> StoreResult<()> {
        let mut state = self.state().await;
        let row = RefreshRow::live(session.created_at, expires_at);
        state.refresh.insert(token, (session.id.clone(), row));
        state.sessions.insert(session.id.clone(), session);
        Ok(())
    }

    async fn rotate(&self, rotation: Rotation) -> StoreResult<RotateOutcome> {
        let mut state = self.state().await;
        match state.session_of(&rotation.presented()) {
            Some(session) => rotate(&mut (&mut *state, session.id.clone()), session, &rotation).await,
            None => Ok(RotateOutcome::Unknown),
        }
    }

    async fn session(&self, id: &SessionId) -> StoreResult<Option<Session>> {
        Ok(self.state().await.sessions.get(id).cloned())
    }

    async fn session_of(&self, token: &Digest) -> StoreResult<Option<(Session, RefreshRow)>> {
        let state = self.state().await;
        let row = state.refresh.get(token).map(|(_, row)| row.clone());
        Ok(state.session_of(token).zip(row))
    }

    async fn touch(&self, token: &Digest, now: SystemTime, expires_at: SystemTime) -> StoreResult<()> {
        let state = &mut *self.state().await;
        if let Some((id, row)) = state.refresh.get_mut(token).filter(|(_, row)| row.is_live()) {
            row.expires_at = expires_at;
            state.sessions.entry(id.clone()).and_modify(|session| session.used_at = now);
        }
        Ok(())
    }

    async fn set_organization(&self, id: &SessionId, organization: Option<&OrganizationId>) -> StoreResult<bool> {
        let mut state = self.state().await;
        let session = state.sessions.get_mut(id);
        Ok(session.map(|session| session.organization = organization.cloned()).is_some())
    }

    async fn end(&self, which: Ending<'_>, now: SystemTime) -> StoreResult<Vec<Session>> {
        let mut state = self.state().await;
        let of_token = match which {
            Ending::OfToken(token) => state.session_of(token),
            _ => None,
        };
        let is_meant = |session: &Session| match which {
            Ending::One(id) => session.id == *id,
            Ending::OneOf(user, id) => session.id == *id && session.user == *user,
            Ending::OfToken(_) => of_token.as_ref().is_some_and(|found| found.id == session.id),
            Ending::OfUser(user) => session.user == *user,
        };
        let open = state.sessions.values_mut().filter(|session| session.ended_at.is_none() && is_meant(session));
        Ok(open
            .map(|session| {
                session.ended_at = Some(now);
                session.clone()
            })
            .collect())
    }

    async fn sessions(&self, user: &UserId, now: SystemTime) -> StoreResult<Vec<Session>> {
        let state = self.state().await;
        let open = state.sessions.values().filter(|session| session.user == *user && session.is_open(now));
        let mut open: Vec<Session> = open.cloned().collect();
        open.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
        Ok(open)
    }

    async fn ended_since(&self, since: SystemTime) -> StoreResult<Vec<Session>> {
        let state = self.state().await;
        let ended = state.sessions.values().filter(|session| session.ended_at.is_some_and(|ended| ended >= since));
        Ok(ended.cloned().collect())
    }

    async fn keep(&self, token: OneTime, replaces: bool) -> StoreResult<()> {
        let mut state = self.state().await;
        if replaces && token.user.is_some() {
            state.one_time.retain(|_, other| (other.purpose, &other.user) != (token.purpose, &token.user));
        }
        state.one_time.insert(token.digest, token);
        Ok(())
    }

    async fn take(&self, purpose: Purpose, token: &Digest, now: SystemTime) -> StoreResult<Option<OneTime>> {
        let mut state = self.state().await;
        let is_meant = state.one_time.get(token).is_some_and(|token| token.purpose == purpose);
        let taken = if is_meant { state.one_time.remove(token) } else { None };
        Ok(taken.filter(|token| token.expires_at > now))
    }

    async fn factor(&self, user: &UserId) -> StoreResult<Option<Factor>> {
        Ok(self.state().await.factors.get(user).cloned())
    }

    async fn change_factor(&self, user: &UserId, change: FactorChange) -> StoreResult<bool> {
        let mut state = self.state().await;
        let found = state.factors.get(user).cloned();
        match change.apply(found) {
            FactorWrite::Put(factor) => drop(state.factors.insert(user.clone(), factor)),
            FactorWrite::Delete => drop(state.factors.remove(user)),
            FactorWrite::Nothing => return Ok(false),
        }
        Ok(true)
    }

    async fn purge(&self, before: SystemTime) -> StoreResult<u64> {
        let state = &mut *self.state().await;
        let count = |state: &State| state.one_time.len().saturating_add(state.sessions.len());
        let all = count(state);
        state.one_time.retain(|_, token| token.expires_at >= before);
        state
            .sessions
            .retain(|_, session| session.not_after >= before && session.ended_at.is_none_or(|at| at >= before));
        let is_live = |token: &Digest| state.refresh.get(token).is_some_and(|(_, row)| row.is_live());
        let is_over = |row: &RefreshRow| {
            row.rotated_at.is_some_and(|at| at < before) && !row.successor.as_ref().is_some_and(is_live)
        };
        let over: Vec<Digest> = (state.refresh.iter())
            .filter(|(_, (id, row))| !state.sessions.contains_key(id) || is_over(row))
            .map(|(token, _)| *token)
            .collect();
        over.iter().for_each(|token| drop(state.refresh.remove(token)));
        Ok(u64::try_from(all.saturating_sub(count(state))).unwrap_or(u64::MAX))
    }
}

impl State {
    fn session_of(&self, token: &Digest) -> Option<Session> {
        self.refresh.get(token).and_then(|(id, _)| self.sessions.get(id)).cloned()
    }
}

#[async_trait]
impl Family for (&mut State, SessionId) {
    async fn row(&mut self, token: &Digest) -> StoreResult<Option<RefreshRow>> {
        Ok(self.0.refresh.get(token).map(|(_, row)| row.clone()))
    }

    async fn put(&mut self, token: &Digest, row: RefreshRow, successor: (Digest, RefreshRow)) -> StoreResult<()> {
        let (state, id) = self;
        let (next, next_row) = successor;
        state.sessions.entry(id.clone()).and_modify(|session| session.used_at = next_row.issued_at);
        state.refresh.insert(*token, (id.clone(), row));
        state.refresh.insert(next, (id.clone(), next_row));
        Ok(())
    }

    async fn supersede(&mut self, token: &Digest) -> StoreResult<()> {
        if let Some((_, row)) = self.0.refresh.get_mut(token) {
            row.is_superseded = true;
        }
        Ok(())
    }

    async fn end(&mut self, now: SystemTime) -> StoreResult<()> {
        let (state, id) = self;
        state.sessions.entry(id.clone()).and_modify(|session| {
            session.ended_at.get_or_insert(now);
        });
        Ok(())
    }
}
