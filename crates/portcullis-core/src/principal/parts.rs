//! What is known of a principal. Caches hold many, so a principal has no room for what few have.

use super::{Principal, PrincipalId, sign_in::SignIn};
use crate::{
    claims::{Claims, Text},
    organization_context::ChosenOrganization,
    rights::{KeyScopes, PermissionSet, Role},
};
use std::{
    any::Any,
    ops::Range,
    sync::Arc,
    time::{Duration, SystemTime},
};

#[derive(Clone)]
pub(crate) struct Parts {
    pub(super) id: PrincipalId,
    pub(crate) organization: Option<Text>,
    /// The id at the issuer, without the issuer: it is the principal's.
    pub(crate) session: Option<Text>,
    pub(crate) roles: Box<[Role]>,
    pub(crate) scopes: Box<[String]>,
    /// `None` if the claim in its token is not a flag.
    pub(crate) staff: Option<bool>,
    /// How far the clock of the issuer may be ahead. Only revocation uses it here.
    pub(crate) leeway: Duration,
    pub(crate) claims: Option<Claims>,
    more: Option<Box<More>>,
}

/// What few principals have.
#[derive(Clone)]
pub(crate) struct More {
    /// What a signed context says about the organization.
    pub(super) chosen: Option<Arc<ChosenOrganization>>,
    /// `None` if the claims have it.
    pub(super) token_id: Option<String>,
    pub(crate) permissions: PermissionSet,
    /// What a key may be used for; `None` for all rights, and for who is no key.
    pub(super) key_scopes: Option<KeyScopes>,
    /// Which of the roles its account gave.
    pub(super) roles_of_account: Range<usize>,
    /// The row of its account.
    pub(super) account: Option<Arc<dyn Any + Send + Sync>>,
    /// When its credential was issued, if its claims do not say it.
    pub(super) issued_at: Option<SystemTime>,
    /// When it ends, if that is not what its claims say.
    pub(super) end: Option<End>,
    /// What its verifier says about its sign-in.
    pub(super) sign_in: SignIn,
    /// The same principal as its token describes it, if its issuer was asked.
    pub(super) by_token: Option<Principal>,
}

/// When a principal ends; `None` if it does not.
#[derive(Clone, Copy)]
pub(super) struct End(pub(super) Option<SystemTime>);

static NOTHING: More = More {
    chosen: None,
    token_id: None,
    permissions: PermissionSet::EMPTY,
    key_scopes: None,
    roles_of_account: 0..0,
    account: None,
    issued_at: None,
    end: None,
    sign_in: SignIn::UNKNOWN,
    by_token: None,
};

impl Parts {
    pub(crate) fn of(id: PrincipalId) -> Self {
        Self {
            id,
            organization: None,
            session: None,
            roles: [].into(),
            scopes: [].into(),
            staff: Some(false),
            leeway: Duration::ZERO,
            claims: None,
            more: None,
        }
    }

    #[inline]
    pub(super) fn more(&self) -> &More {
        self.more.as_deref().unwrap_or(&NOTHING)
    }

    pub(crate) fn more_mut(&mut self) -> &mut More {
        self.more.get_or_insert_with(|| Box::new(NOTHING.clone()))
    }
}
