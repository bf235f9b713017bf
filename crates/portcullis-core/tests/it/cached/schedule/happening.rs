//! What happens, to both gates.

use super::{
    changes::Change,
    gates::SHARED,
    side::Request,
    steps::{Asking, Move, Presented, Publish, Revoke, Way},
    tokens::{AT_HAND, FETCHED, FOUND, OTHERS, SECRETS, Token},
    world::World,
};
use crate::{cached::keys::name, head::Head};
use portcullis_core::{PrincipalId, PrincipalKind, SessionId, TokenId};
use std::time::{Duration, SystemTime};

impl World {
    fn token(&self, back: usize) -> Option<&Token> {
        self.tokens.iter().rev().cycle().nth(back)
    }

    pub(super) fn present(&mut self, presented: &Presented, asking: &Asking) {
        let text = match presented {
            Presented::New(minted) => {
                let published = match minted.issuer {
                    FETCHED | FOUND => self.web.page(minted.issuer).keys,
                    SECRETS => [1, 2, 1, 1].map(|n| (name(n), n)).to_vec(),
                    OTHERS => [2, 1, 2, 2].map(|n| (name(n), n)).to_vec(),
                    AT_HAND => [1, 2].map(|n| (name(n), n)).to_vec(),
                    _ => Vec::new(),
                };
                let token = minted.token(self.now / 1000, self.tokens.len(), &published);
                self.tokens.push(token.clone());
                Some(token.text)
            }
            Presented::Again(back) => self.token(*back).map(|token| token.text.clone()),
            Presented::Changed(back, change) => self.token(*back).map(|token| {
                let other = if let Change::Spliced(back) = change { self.token(*back) } else { None };
                change.of(&token.text, &other.unwrap_or(token).text)
            }),
            Presented::Secret => Some(SHARED.to_owned()),
            Presented::Own => Some("own-key".to_owned()),
            Presented::Garbage => Some("no.such".to_owned()),
            Presented::Nothing => None,
        };
        let last = self.token(0).map(|token| &*token.text);
        let head = text.as_ref().map_or_else(Head::new, |text| asking.way.head(text, last.unwrap_or(text)));
        self.presented += 1;
        let is_bare = matches!(asking.way, Way::Credential);
        let request =
            Request { number: self.presented, text: text.unwrap_or_default(), head, is_bare, fresh: asking.fresh };
        self.each(|side| side.ask(&request));
    }

    pub(super) fn move_to(&mut self, to: &Move) {
        let now = match to {
            Move::By(millis) => self.now + millis,
            Move::Back(millis) => self.now - millis,
            Move::To(back, which, more, edge) => {
                let times = self.token(*back).map(|token| &token.times).filter(|times| !times.is_empty());
                let time = times.map(|times| (times[which % times.len()] + more) * 1000);
                time.map_or(self.now, |time| time.saturating_add_signed(*edge))
            }
        };
        // The clock counts in 64 bits that wrap around.
        self.clock.advance(Duration::from_millis(now.wrapping_sub(self.now)));
        self.now = now;
    }

    pub(super) fn publish(&self, issuer: &str, change: &Publish) {
        self.web.change(issuer, |page| match change {
            Publish::Add(n) if page.keys.iter().all(|(kid, _)| *kid != name(*n)) => page.keys.push((name(*n), *n)),
            Publish::Add(_) => {}
            Publish::Remove(place) if page.keys.len() > 1 => drop(page.keys.remove(place % page.keys.len())),
            Publish::Remove(_) => {}
            Publish::Replace(place, n) => {
                let count = page.keys.len();
                page.keys[place % count].1 = *n;
            }
            Publish::Tag(tag) => page.tag = *tag,
            Publish::MaxAge(age) => page.max_age = *age,
            Publish::Health(health) => page.health = *health,
        });
    }

    pub(super) fn revoke(&mut self, revoke: &Revoke) {
        let (Revoke::Token(back) | Revoke::Session(back) | Revoke::Subject(back)) = revoke;
        let Some(Token { issuer, id, who, .. }) = self.token(*back).cloned() else { return };
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(self.now);
        self.each(|side| match revoke {
            Revoke::Token(_) => side.list.revoke_token(&TokenId::new(&id).with_issuer(issuer)),
            Revoke::Session(_) => side.list.end_session(&SessionId::new(who.to_string()).with_issuer(issuer)),
            Revoke::Subject(_) => {
                side.list.sign_out(&PrincipalId::new(PrincipalKind::User, format!("s{who}")).with_issuer(issuer), now)
            }
        });
    }
}
