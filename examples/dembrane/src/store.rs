//! The tables of the service, in memory. A service has a database here; each function stands for one query.

use portcullis::{Clock, PermissionSet, SystemClock};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

/// The tables. Clones share them.
#[derive(Debug, Clone)]
pub struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    tables: Mutex<Tables>,
    clock: Arc<dyn Clock>,
    queries: AtomicUsize,
}

/// What stands in them. What was deleted does not.
#[allow(clippy::exhaustive_structs, reason = "tests fill it")]
#[derive(Debug, Default)]
pub struct Tables {
    /// The id of a user, by that of Directus.
    pub users: HashMap<String, String>,
    /// Roles, by organization and user.
    pub organizations: HashMap<(String, String), &'static str>,
    /// Workspaces, by id.
    pub workspaces: HashMap<String, Workspace>,
    /// Members of workspaces, by workspace and user.
    pub members: HashMap<(String, String), Member>,
    /// Projects, by id.
    pub projects: HashMap<String, Project>,
    /// `viewer` or `editor`, by project and user.
    pub shares: HashMap<(String, String), &'static str>,
}

/// Where an organization works.
#[allow(clippy::exhaustive_structs, reason = "tests fill it")]
#[derive(Debug, Clone)]
pub struct Workspace {
    /// To which organization it belongs.
    pub organization: String,
    /// What was paid for.
    pub tier: Tier,
    /// Whether administrators of the organization are in it without being members.
    pub is_open: bool,
    /// Whether all members of the organization are, where it is open.
    pub inherits_members: bool,
    /// Whom it was taken away from, whatever they are in the organization.
    pub removed: Vec<String>,
    /// Whether staff may come in to help.
    pub allows_support: bool,
}

/// A member of a workspace.
#[allow(clippy::exhaustive_structs, reason = "tests fill it")]
#[derive(Debug, Clone, Default)]
pub struct Member {
    /// Its role.
    pub role: String,
    /// What it may do beside.
    pub policies: PermissionSet,
    /// Until when it is a member.
    pub expires_at: Option<SystemTime>,
    /// Whether it is staff that came in to help.
    pub is_support: bool,
}

/// A project, in a workspace or, if it is an old one, its creator's own.
#[allow(clippy::exhaustive_structs, reason = "tests fill it")]
#[derive(Debug, Clone)]
pub struct Project {
    /// The workspace that it is in.
    pub workspace: Option<String>,
    /// Who made it, by the id of Directus.
    pub creator: String,
    /// Whether members of the workspace need a share.
    pub is_private: bool,
}

/// What was paid for, as it stands in the table; `None` where nothing is said of it.
#[allow(clippy::exhaustive_structs, reason = "tests fill it")]
#[derive(Debug, Clone, Default)]
pub struct Tier(pub Option<String>);

impl Tier {
    /// Whether it is this one or a higher one. One that nobody knows is below all.
    pub(crate) fn includes(&self, least: &str) -> bool {
        let rank =
            |tier: &str| ["free", "innovator", "changemaker", "guardian"].iter().position(|known| *known == tier);
        self.0.as_deref().is_none_or(|tier| rank(tier) >= rank(least))
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::with_clock(SystemClock::default())
    }
}

impl Store {
    /// Empty tables, of a database that tells the time by this clock.
    pub fn with_clock(clock: impl Clock + 'static) -> Self {
        let (tables, queries) = (Mutex::default(), AtomicUsize::default());
        Self(Arc::new(Shared { tables, clock: Arc::new(clock), queries }))
    }

    /// Changes the tables, as the rest of the service would.
    pub fn change<T>(&self, change: impl FnOnce(&mut Tables) -> T) -> T {
        change(&mut self.0.tables.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn query<T>(&self, ask: impl FnOnce(&Tables) -> T) -> T {
        self.0.queries.fetch_add(1, Ordering::Relaxed);
        self.change(|tables| ask(tables))
    }

    /// How many queries there were since the last call.
    #[must_use]
    pub fn take_queries(&self) -> usize {
        self.0.queries.swap(0, Ordering::Relaxed)
    }

    pub(crate) async fn user(&self, directus_id: &str) -> Option<String> {
        self.query(|tables| tables.users.get(directus_id).cloned())
    }

    pub(crate) async fn role_in_organization(&self, id: &str, user: &str) -> Option<&'static str> {
        self.query(|tables| tables.organizations.get(&both(id, user)).copied())
    }

    /// The workspace, and the member if there is one.
    pub(crate) async fn workspace(&self, id: &str, user: &str) -> Option<(Workspace, Option<Member>)> {
        self.query(|tables| Some((tables.workspaces.get(id)?.clone(), tables.members.get(&both(id, user)).cloned())))
    }

    /// The project, the tier of its workspace, and the share if there is one.
    pub(crate) async fn project(&self, id: &str, user: &str) -> Option<(Project, Tier, Option<&'static str>)> {
        self.query(|tables| {
            let project = tables.projects.get(id)?.clone();
            let workspace = project.workspace.as_ref().and_then(|id| tables.workspaces.get(id));
            let tier = workspace.map(|workspace| workspace.tier.clone()).unwrap_or_default();
            Some((project, tier, tables.shares.get(&both(id, user)).copied()))
        })
    }

    /// The members of a workspace. Staff that helps is not one.
    pub(crate) async fn members(&self, workspace: &str) -> Vec<String> {
        self.query(|tables| {
            let members = tables.members.iter().filter(|((of, _), member)| of == workspace && !member.is_support);
            members.map(|((_, user), _)| user.clone()).collect()
        })
    }

    pub(crate) async fn set_role(&self, workspace: &str, user: &str, role: String) {
        self.change(|tables| tables.members.entry(both(workspace, user)).or_default().role = role);
    }

    /// Lets staff in for a day. `None`: there is no such workspace; `false`: it does not allow it.
    pub(crate) async fn let_support_in(&self, workspace: &str, user: &str) -> Option<bool> {
        let expires_at = Some(self.0.clock.now() + Duration::from_secs(24 * 60 * 60));
        self.change(|tables| {
            let is_allowed = tables.workspaces.get(workspace)?.allows_support;
            if is_allowed {
                let member = Member { role: "admin".to_owned(), expires_at, is_support: true, ..Member::default() };
                tables.members.insert(both(workspace, user), member);
            }
            Some(is_allowed)
        })
    }
}

fn both(id: &str, user: &str) -> (String, String) {
    (id.to_owned(), user.to_owned())
}
