//! Organizations, their workspaces and projects: which roles there are, what they permit, and where they come down from.

use crate::store::{Store, Tier};
use portcullis::{
    Access, Account, Denial, Directory, Error, ErrorKind, Gate, GateBuilder, Membership, PermissionSet, Principal,
    Requirement, Role, RoleHierarchy, RoleHierarchyBuilder, Standing,
    policy::{
        Policy, path, permission,
        values::{OnResource, OnRow},
        when,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

/// What the service is made of.
#[allow(clippy::exhaustive_structs, reason = "made by whoever serves it")]
#[derive(Debug, Clone)]
pub struct Service {
    /// Who gets in, and where.
    pub gate: Gate,
    /// The tables.
    pub store: Store,
}

/// What the routes of a workspace ask for.
pub const fn workspace(policy: &'static str) -> OnResource {
    permission(policy).on("workspace", path("workspace_id"))
}

/// What the routes of a project ask for.
pub const fn project(policy: &'static str) -> OnResource {
    permission(policy).on("project", path("project_id")).hidden()
}

/// The same, where it has to be paid for.
pub const fn innovator(on: OnResource) -> OnRow<Tier> {
    on.row("tier_innovator", |tier: &Tier| tier.includes("innovator"))
}

/// The same for the tier above it.
pub const fn changemaker(on: OnResource) -> OnRow<Tier> {
    on.row("tier_changemaker", |tier: &Tier| tier.includes("changemaker"))
}

pub(crate) struct ShowWorkspace;
impl Requirement for ShowWorkspace {
    const POLICY: &'static dyn Policy = &workspace("project:read");
}

pub(crate) struct Invite;
impl Requirement for Invite {
    const POLICY: &'static dyn Policy = &workspace("member:invite");
}

pub(crate) struct ManageMembers;
impl Requirement for ManageMembers {
    const POLICY: &'static dyn Policy = &workspace("member:manage");
}

pub(crate) struct ShowProject;
impl Requirement for ShowProject {
    const POLICY: &'static dyn Policy = &project("project:read");
}

fn organization_roles() -> Result<RoleHierarchy, Error> {
    let roles = RoleHierarchy::builder().role("billing", []).role("member", []).role("admin", ["member"]);
    roles.role("owner", ["admin"]).permits("billing", ["org:view"]).permits("member", ["org:view"]).build()
}

fn workspace_roles() -> RoleHierarchyBuilder {
    RoleHierarchy::builder()
        .role("observer", [])
        .role("external", ["observer"])
        .role("member", ["external"])
        .role("viewer", ["member"]) // as members were called
        .role("billing", [])
        .role("admin", ["member", "billing"])
        .role("owner", ["admin"])
        .permits("observer", ["conversation:read", "project:read", "report:view"])
        .permits("external", ["chat:use", "project:update", "report:generate"])
        .permits("member", ["conversation:delete", "project:create", "report:publish", "workspace:view_usage"])
        .permits("billing", ["upgrade:request", "workspace:update_payment", "workspace:view_invoices"])
        .permits("billing", ["workspace:view_usage"])
        .permits("admin", ["member:invite", "member:manage", "report:delete", "settings:manage"])
        .permits("admin", ["project:delete", "project:move", "project:set_private", "project:share"])
        .permits("admin", ["workspace:api_access", "workspace:export", "workspace:set_private"])
        .permits("admin", ["workspace:webhooks", "workspace:whitelabel"])
        .permits("owner", ["*:*"])
}

fn project_roles() -> Result<RoleHierarchy, Error> {
    workspace_roles()
        .role("share-viewer", [])
        .role("share-editor", ["share-viewer"])
        .permits("share-viewer", ["conversation:read", "project:read", "report:view"])
        .permits("share-editor", ["chat:use", "conversation:delete", "export:data", "project:update"])
        .permits("share-editor", ["report:generate"])
        .inherits("workspace")
        .build()
}

/// The gate, with users, organizations, workspaces and projects of this store.
pub(crate) fn with_tenants(gate: GateBuilder, store: &Store) -> Result<GateBuilder, Error> {
    let from_organization = [("owner", "admin"), ("admin", "admin"), ("member", "member")];
    Ok(gate
        .directory(Users(store.clone()))
        .baseline(when("not_onboarded", |question| question.account::<User>().is_ok()))
        .roles_on("organization", organization_roles()?)
        .roles_on("workspace", workspace_roles().inherits_as("organization", from_organization).build()?)
        .roles_on("project", project_roles()?)
        .membership("organization", Organizations(store.clone()))
        .membership("workspace", Workspaces(store.clone()))
        .membership("project", Projects(store.clone())))
}

#[derive(Debug)]
struct Users(Store);

/// A user of Directus who has been here.
struct User {
    id: String,
}

impl Directory for Users {
    async fn account(&self, who: &Principal) -> Result<Account, Error> {
        let id = self.0.user(who.id().subject()).await;
        Ok(id.map_or_else(Account::none, |id| Account::new(User { id })))
    }
}

#[derive(Debug)]
struct Organizations(Store);

impl Membership for Organizations {
    type Id = String;

    async fn standing(&self, who: &Principal, id: &String) -> Result<Standing, Error> {
        Ok(self.0.role_in_organization(id, &who.account::<User>()?.id).await.into())
    }
}

#[derive(Debug)]
struct Workspaces(Store);

impl Membership for Workspaces {
    type Id = String;

    async fn standing(&self, who: &Principal, id: &String) -> Result<Standing, Error> {
        let user = &who.account::<User>()?.id;
        let Some((workspace, member)) = self.0.workspace(id, user).await else { return Ok(Standing::missing()) };
        let own = member.map_or_else(Standing::stranger, |member| {
            Standing::role(member.role).permitting(member.policies).until(member.expires_at)
        });
        let least = match (workspace.is_open, workspace.inherits_members) {
            (true, true) => "member",
            (true, false) => "admin",
            (false, _) => "owner",
        };
        let own = match workspace.removed.contains(user) {
            true => own,
            false => own.under_at_least("organization", workspace.organization, least),
        };
        Ok(own.with(workspace.tier))
    }

    /// A role that nobody knows permits nothing, and is none to complain about.
    async fn permits(&self, _: &Role, _: &String) -> Result<Option<PermissionSet>, Error> {
        Ok(Some(PermissionSet::default()))
    }
}

#[derive(Debug)]
struct Projects(Store);

impl Membership for Projects {
    type Id = String;

    async fn standing(&self, who: &Principal, id: &String) -> Result<Standing, Error> {
        let found = self.0.project(id, &who.account::<User>()?.id).await;
        let Some((project, tier, share)) = found else { return Ok(Standing::missing()) };
        let own = match (project.workspace, project.is_private, share) {
            (None, ..) if project.creator == who.id().subject() => Standing::role("owner"),
            (None, ..) => Standing::stranger(),
            (Some(workspace), false, _) => Standing::stranger().under("workspace", workspace),
            (Some(workspace), true, None) => Standing::stranger().under_at_least("workspace", workspace, "admin"),
            // A share is worth something to who is in the workspace.
            (Some(workspace), true, Some(share)) => Standing::stranger()
                .under_at_least("workspace", &workspace, "admin")
                .under_as("workspace", &workspace, format!("share-{share}")),
        };
        Ok(own.with(tier))
    }
}

/// The policies that stand beside a member's role. A star counts alone, for everything, and within a name for nothing.
///
/// # Errors
/// If one of them is no policy.
pub fn custom_policies(policies: &[&str]) -> Result<PermissionSet, Error> {
    let counting = policies.iter().filter(|policy| **policy == "*" || !policy.contains('*'));
    PermissionSet::new(counting.map(|policy| if *policy == "*" { "*:*" } else { policy }))
}

/// A role for somebody in a workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Grant {
    user: String,
    role: String,
}

/// Who comes in by invitation.
pub(crate) const INVITED: &[&str] = &["observer", "external", "member", "billing", "admin"];
/// What members are changed to.
pub(crate) const CHANGED: &[&str] = &["member", "billing", "admin", "owner"];

impl Store {
    /// Gives a role that is one of these, and not above one's own.
    pub(crate) async fn grant(
        &self,
        access: &Access,
        workspace: &str,
        these: &[&str],
        grant: Grant,
    ) -> Result<&'static str, Error> {
        const RANKS: [&str; 6] = ["observer", "external", "member", "billing", "admin", "owner"];
        let rank = |role: &str| RANKS.iter().position(|known| *known == role);
        if !these.contains(&&*grant.role) {
            return Err(Error::new(ErrorKind::Malformed, "a role that is not granted here"));
        }
        if rank(&grant.role) > access.role().and_then(|own| rank(own.as_str())) {
            return Err(Error::denied("above_own_role"));
        }
        self.set_role(workspace, &grant.user, grant.role).await;
        Ok("granted")
    }

    /// Lets staff in, where the workspace allows it.
    pub(crate) async fn support(&self, who: &Principal, workspace: &str) -> Result<&'static str, Error> {
        match self.let_support_in(workspace, &who.account::<User>()?.id).await {
            None => Err(Error::missing("workspace")),
            Some(false) => Err(Error::denied("support_not_allowed")),
            Some(true) => Ok("welcome"),
        }
    }
}

/// The role, and whether it was given in the workspace itself.
pub(crate) fn show_workspace(access: &Access) -> Value {
    let is_direct = access.standing("workspace").is_some_and(|standing| standing.held().is_some());
    json!({ "role": access.role().map(Role::as_str), "source": if is_direct { "direct" } else { "inherited" } })
}

/// What clients read of a denial.
pub(crate) fn detail(code: &str, denial: Option<&Denial>) -> &'static str {
    let (code, kind) = (denial.map_or(code, Denial::code), denial.and_then(Denial::resource_kind));
    match (code, kind, denial.and_then(Denial::required)) {
        ("staff_required", ..) => "Staff-only",
        ("not_onboarded", ..) => "User not onboarded",
        ("not_a_member", Some("organization"), _) => "No access to this organisation",
        ("role_required", _, Some("owner")) => "Owner-only action",
        ("role_required", ..) => "Organisation admins or owners only",
        ("missing", Some("workspace"), _) => "Workspace not found",
        ("not_a_member", Some("workspace"), _) => "No access to this workspace",
        ("tier_innovator", Some("project"), _) => "This action requires the innovator tier (currently free).",
        ("tier_innovator", ..) => "This feature requires the innovator plan or above",
        ("tier_changemaker", ..) => "This feature requires the changemaker plan or above",
        ("missing" | "not_a_member", Some("project"), _) => "Project not found",
        ("permission_required", Some("project"), _) => "Not allowed",
        ("above_own_role", ..) => "Cannot grant a role higher than your own",
        ("not_found", ..) => "Not Found",
        _ => "Access denied",
    }
}
