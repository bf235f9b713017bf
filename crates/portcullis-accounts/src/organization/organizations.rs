//! The handle.

use super::{
    By, ChangeMemberOutcome, Member, MemberChange, Organization, OrganizationChange,
    rules::{RoleRules, What},
};
use crate::{
    error::Error,
    event::{Event, Listeners},
    id::{OrganizationId, UserId, is_storable},
    store::{AddOrganizationOutcome, ChangeOrganizationOutcome, OrganizationKey, OrganizationStore},
};
use portcullis_core::{Clock, Principal, PrincipalKind, SystemClock};
use serde_json::Map;
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// Organizations and their members. Cheap to clone.
///
/// The members are users of one issuer: of [`Accounts`](crate::Accounts), or of a provider such as Cognito or Clerk, whose
/// users are known by their subjects only. Principals of other issuers are strangers.
///
/// For a gate they are the [`Membership`](portcullis_core::Membership) of a kind of resources, and they give an
/// [`OrganizationContext`](portcullis_core::OrganizationContext) its versions.
///
/// ```
/// use portcullis_accounts::{By, Organizations, UserId, store::MemoryStore};
/// use portcullis_core::{Gate, RoleHierarchy};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let organizations = Organizations::new("https://shop.example.com", MemoryStore::new());
/// let gate = Gate::builder()
///     .membership("organization", organizations.clone())
///     .roles_on("organization", RoleHierarchy::ranked(["member", "admin", "owner"])?);
/// # let _ = gate;
///
/// let (alice, bob) = (UserId::new("alice"), UserId::new("bob"));
/// let acme = organizations.create("Acme", "acme", &alice).await?.id;
/// organizations.add_member(&acme, &bob, "admin", By::Member(&alice)).await?;
///
/// // An admin cannot change an owner, and the last owner stays one.
/// let refused = organizations.set_role(&acme, &alice, "member", By::Member(&bob)).await;
/// assert_eq!(refused.unwrap_err().code(), "role_forbidden");
/// let refused = organizations.remove_member(&acme, &alice, By::Member(&alice)).await;
/// assert_eq!(refused.unwrap_err().code(), "last_owner");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Organizations {
    pub(super) issuer: Arc<str>,
    pub(super) store: Arc<dyn OrganizationStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rules: Arc<RoleRules>,
    pub(super) invitations_valid_for: Duration,
    pub(crate) defines_roles: bool,
    pub(crate) listeners: Listeners,
}

impl Organizations {
    /// Organizations in this store, whose members are users of this issuer.
    ///
    /// The roles are `member`, `admin` and `owner`.
    pub fn new(issuer: impl Into<Arc<str>>, store: impl OrganizationStore + 'static) -> Self {
        Self::over(issuer.into(), Arc::new(store))
    }

    pub(crate) fn over(issuer: Arc<str>, store: Arc<dyn OrganizationStore>) -> Self {
        let ranked = ["member", "admin", "owner"].map(str::to_owned).to_vec();
        Self {
            issuer,
            store,
            clock: Arc::new(SystemClock::default()),
            rules: Arc::new(RoleRules { ranked, apart: Default::default() }),
            invitations_valid_for: Duration::from_secs(7 * 86_400),
            defines_roles: false,
            listeners: Listeners::default(),
        }
    }

    /// Other roles, from the lowest to the highest. The highest is the owner's: at least one member has it.
    ///
    /// A member can give and take roles up to their own.
    ///
    /// # Errors
    /// [`Error::Core`] of kind `Misconfigured` without roles, or if a name is empty or occurs twice.
    pub fn ranked<S: Into<String>>(self, roles: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let ranked = roles.into_iter().map(Into::into).collect();
        let apart = self.rules.apart.clone();
        self.with_rules(RoleRules { ranked, apart })
    }

    /// Further roles that are no step to those with a rank, such as `external`: no member can be changed from one to the
    /// other. To do so, remove the member and add them anew.
    ///
    /// # Errors
    /// [`Error::Core`] of kind `Misconfigured` if a name is empty or has a rank.
    pub fn apart<S: Into<String>>(self, roles: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        let apart = roles.into_iter().map(Into::into).collect();
        let ranked = self.rules.ranked.clone();
        self.with_rules(RoleRules { ranked, apart })
    }

    fn with_rules(self, rules: RoleRules) -> Result<Self, Error> {
        let mut seen = rules.apart.clone();
        let is_new = rules.ranked.iter().all(|role| seen.insert(role.clone()));
        if rules.ranked.is_empty() || !is_new || seen.contains("") {
            return Err(Error::misconfigured(
                "the roles of organizations need names, each once, and one is the owner's",
            ));
        }
        Ok(Self { rules: Arc::new(rules), ..self })
    }

    /// Organizations define roles of their own, with what they permit: [`define_role`](Self::define_role). By default they
    /// cannot.
    #[must_use]
    pub fn roles_by_organization(self) -> Self {
        Self { defines_roles: true, ..self }
    }

    /// How long invitations are valid. By default seven days.
    #[must_use]
    pub fn invitations_valid_for(self, life: Duration) -> Self {
        Self { invitations_valid_for: life, ..self }
    }

    /// Tells the application of each [changed member](Event::MemberChanged), and when, after the fact. Clones tell it as well.
    ///
    /// The functions of [`AccountsBuilder::on_event`](crate::AccountsBuilder::on_event) are told already.
    #[must_use]
    pub fn on_event(self, listen: impl Fn(&Event, SystemTime) + Send + Sync + 'static) -> Self {
        self.listeners.add(Arc::new(listen));
        self
    }

    /// The clock. By default the system's.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    /// The issuer of the members.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn owner_role(&self) -> &str {
        self.rules.owner()
    }

    /// The user that a principal is, or whose key it is. `None` for principals of other issuers, and for services.
    #[must_use]
    pub fn user(&self, who: &Principal) -> Option<UserId> {
        let is_ours = matches!(who.kind(), PrincipalKind::User | PrincipalKind::Key);
        (is_ours && who.issuer() == Some(self.issuer())).then(|| UserId::new(who.id().subject()))
    }

    /// Creates an organization, together with its owner.
    ///
    /// # Errors
    /// [`Error::InvalidSlug`], [`Error::InvalidRequest`] if the name is empty, has control characters or more than 255 bytes,
    /// [`Error::SlugTaken`], [`Error::Store`].
    pub async fn create(&self, name: &str, slug: &str, owner: &UserId) -> Result<Organization, Error> {
        let (now, name, slug) = (self.now(), checked_name(name)?, checked_slug(slug)?);
        let (id, extra) = (OrganizationId::fresh(now)?, Map::new());
        let role = self.rules.owner().to_owned();
        let owner = Member { organization: id.clone(), user: owner.clone(), role, since: now };
        let organization = Organization { id, slug, name, extra, version: 1, created_at: now };
        match self.store.add_organization(organization.clone(), owner.clone()).await? {
            AddOrganizationOutcome::Added => {}
            AddOrganizationOutcome::Taken => return Err(Error::SlugTaken),
        }
        self.added(&owner);
        Ok(organization)
    }

    /// An organization.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn find(&self, id: &OrganizationId) -> Result<Option<Organization>, Error> {
        Ok(self.store.organization(OrganizationKey::Id(id)).await?)
    }

    /// The organization with this short name.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn by_slug(&self, slug: &str) -> Result<Option<Organization>, Error> {
        Ok(self.store.organization(OrganizationKey::Slug(slug)).await?)
    }

    /// The organizations of a user, with the role in each, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn of(&self, user: &UserId) -> Result<Vec<(Organization, String)>, Error> {
        Ok(self.store.organizations_of(user).await?)
    }

    /// Changes an organization.
    ///
    /// # Errors
    /// [`Error::NotFound`], those of [`create`](Self::create).
    pub async fn change(&self, id: &OrganizationId, change: OrganizationChange) -> Result<Organization, Error> {
        let name = change.name.as_deref().map(checked_name).transpose()?;
        let slug = change.slug.as_deref().map(checked_slug).transpose()?;
        match self.store.change_organization(id, OrganizationChange { name, slug, ..change }).await? {
            ChangeOrganizationOutcome::Changed(organization) => Ok(organization),
            ChangeOrganizationOutcome::Absent => Err(Error::NotFound),
            ChangeOrganizationOutcome::Taken => Err(Error::SlugTaken),
        }
    }

    /// Removes an organization with its members, invitations and roles.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn remove(&self, id: &OrganizationId) -> Result<(), Error> {
        if self.store.remove_organization(id).await? { Ok(()) } else { Err(Error::NotFound) }
    }

    /// A member.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn member(&self, id: &OrganizationId, user: &UserId) -> Result<Option<Member>, Error> {
        Ok(self.store.member(id, user).await?)
    }

    /// The members, oldest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn members(&self, id: &OrganizationId) -> Result<Vec<Member>, Error> {
        Ok(self.store.members(id).await?)
    }

    /// Adds a member.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::AlreadyMember`], [`Error::UnknownRole`], [`Error::RoleForbidden`], [`Error::Store`].
    pub async fn add_member(
        &self,
        id: &OrganizationId,
        user: &UserId,
        role: &str,
        by: By<'_>,
    ) -> Result<Member, Error> {
        let change = self.member_change(id, user, What::Add(role.to_owned()), by);
        let member = change.member().ok_or(Error::NotFound)?;
        self.change_member(change).await?;
        Ok(member)
    }

    /// Gives a member another role. Returns the one before.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::LastOwner`], [`Error::UnknownRole`], [`Error::RoleForbidden`] if the member's own role
    /// is below one of the two, [`Error::RolesApart`], [`Error::Store`].
    pub async fn set_role(&self, id: &OrganizationId, user: &UserId, role: &str, by: By<'_>) -> Result<String, Error> {
        let before = self.change_member(self.member_change(id, user, What::Set(role.to_owned()), by)).await?;
        Ok(before.unwrap_or_default())
    }

    /// Removes a member. Every member can remove themselves.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::LastOwner`], [`Error::RoleForbidden`], [`Error::Store`].
    pub async fn remove_member(&self, id: &OrganizationId, user: &UserId, by: By<'_>) -> Result<(), Error> {
        self.change_member(self.member_change(id, user, What::Remove, by)).await.map(drop)
    }

    /// Removes a user from all organizations, before their account is deleted.
    ///
    /// Returns the organizations of which they are the last owner. They stay a member of those: name another owner or remove
    /// the organization, and call it again.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn remove_everywhere(&self, user: &UserId) -> Result<Vec<Organization>, Error> {
        let mut remaining = Vec::new();
        for (organization, _) in self.of(user).await? {
            match self.remove_member(&organization.id, user, By::Service).await {
                Ok(()) | Err(Error::NotFound) => {}
                Err(Error::LastOwner) => remaining.push(organization),
                Err(error) => return Err(error),
            }
        }
        Ok(remaining)
    }

    /// Whether an organization would have no owner without this user.
    pub(crate) async fn is_last_owner(&self, user: &UserId) -> Result<bool, Error> {
        for (organization, role) in self.of(user).await? {
            let is_another = |member: &Member| member.role == self.rules.owner() && member.user != *user;
            if role == self.rules.owner() && !self.members(&organization.id).await?.iter().any(is_another) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn member_change(&self, id: &OrganizationId, user: &UserId, what: What, by: By<'_>) -> MemberChange {
        MemberChange {
            organization: id.clone(),
            user: user.clone(),
            what,
            by: by.user().cloned(),
            now: self.now(),
            rules: self.rules.clone(),
        }
    }

    async fn change_member(&self, change: MemberChange) -> Result<Option<String>, Error> {
        if change.role().is_some_and(|role| !is_storable(role)) {
            return Err(Error::UnknownRole);
        }
        if !is_storable(change.user.as_str()) || !is_storable(change.organization.as_str()) {
            return Err(Error::NotFound);
        }
        let (organization, user) = (change.organization.clone(), change.user.clone());
        let (after, by) = (change.role().map(str::to_owned), change.by.clone());
        Err(match self.store.change_member(change).await? {
            ChangeMemberOutcome::Changed(before) => {
                self.changed(Event::MemberChanged { organization, user, before: before.clone(), after, by });
                return Ok(before);
            }
            ChangeMemberOutcome::Absent => Error::NotFound,
            ChangeMemberOutcome::AlreadyMember => Error::AlreadyMember,
            ChangeMemberOutcome::LastOwner => Error::LastOwner,
            ChangeMemberOutcome::UnknownRole => Error::UnknownRole,
            ChangeMemberOutcome::Apart => Error::RolesApart,
            ChangeMemberOutcome::Forbidden => Error::RoleForbidden,
        })
    }

    /// By themselves: as the one who created the organization, or by an invitation.
    pub(super) fn added(&self, member: &Member) {
        let Member { organization, user, role, .. } = member.clone();
        let (after, by) = (Some(role), Some(user.clone()));
        self.changed(Event::MemberChanged { organization, user, before: None, after, by });
    }

    fn changed(&self, event: Event) {
        tracing::debug!(target: "portcullis", ?event, "a member was changed");
        self.listeners.tell(&event, self.now());
    }

    pub(super) fn now(&self) -> SystemTime {
        crate::id::in_millis(self.clock.now())
    }
}

impl fmt::Debug for Organizations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { issuer, store, rules, defines_roles, .. } = self;
        f.debug_struct("Organizations")
            .field("issuer", issuer)
            .field("store", store)
            .field("rules", rules)
            .field("defines_roles", defines_roles)
            .finish_non_exhaustive()
    }
}

fn checked_name(name: &str) -> Result<String, Error> {
    if is_storable(name) { Ok(name.to_owned()) } else { Err(Error::InvalidRequest) }
}

fn checked_slug(slug: &str) -> Result<String, Error> {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    match slug.len() <= 64 && slug.split('-').all(is_part) {
        true => Ok(slug.to_owned()),
        false => Err(Error::InvalidSlug),
    }
}
