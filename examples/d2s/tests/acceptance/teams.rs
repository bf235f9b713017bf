//! Cases 53 to 58: teams, and the members that their projects take from them. On each framework by itself, since these change rows.

use crate::service::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

struct Sent {
    service: Service,
    on: On,
}

impl Sent {
    fn each() -> impl Iterator<Item = Self> {
        BOTH.into_iter().map(|on| Self { service: Service::new(), on })
    }

    async fn ask(&self, method: &str, path: &str, who: Uuid, body: Value) -> (u16, Value) {
        let answer = self.service.send(self.on, method, path, &by(who), "application/json", &body.to_string()).await;
        (answer.status, answer.json())
    }

    /// The status and the detail of a new role.
    async fn set(&self, of: &str, member: impl ToString, role: &str, who: Uuid) -> (u16, String) {
        let path = format!("/api/v1/{of}/members/{}", member.to_string());
        let (status, answer) = self.ask("PUT", &path, who, json!({ "role": role })).await;
        (status, answer["detail"].as_str().unwrap_or_default().to_owned())
    }

    async fn create(&self, who: Uuid, team: Option<Uuid>) -> (u16, Value) {
        self.ask("POST", "/api/v1/projects", who, json!({ "title": "barley", "team_id": team })).await
    }

    async fn created(&self, who: Uuid, team: Option<Uuid>) -> Uuid {
        let (status, answer) = self.create(who, team).await;
        assert_eq!(status, 200, "{answer}");
        answer["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
    }

    fn members(&self, of: Uuid) -> BTreeMap<Uuid, &'static str> {
        self.service.store.with(|tables| {
            let members = tables.members.iter().filter(|((on, _), _)| *on == of);
            members.map(|((_, who), role)| (*who, *role)).collect()
        })
    }
}

fn ok() -> (u16, String) {
    (200, String::new())
}

fn denied() -> (u16, String) {
    (403, "Permission denied".to_owned())
}

/// 53 and 54.
#[tokio::test]
async fn a_project_of_a_team_has_its_members() {
    for sent in Sent::each() {
        let project_id = sent.created(TEAM_MANAGER, Some(TEAM)).await;
        let mut expected = sent.members(TEAM);
        assert_eq!(expected.insert(TEAM_MANAGER, "owner"), Some("manager"));
        assert_eq!(sent.members(project_id), expected);
        // So they are members, each with their role.
        assert_eq!(sent.ask("GET", &project(project_id), VIEWER, Value::Null).await.1["role"], "viewer");
        assert_eq!(sent.ask("PUT", &project(project_id), VIEWER, Value::Null).await.0, 403);
        assert_eq!(sent.ask("GET", &project(project_id), STRANGER, Value::Null).await.0, 404);

        let count = sent.service.store.with(|tables| tables.projects.len());
        for (who, team) in [(VIEWER, TEAM), (STRANGER, TEAM), (OWNER, MISSING), (DEMO, TEAM)] {
            assert_eq!(sent.create(who, Some(team)).await.0, 403, "{who} {team}");
        }
        assert_eq!(sent.service.store.with(|tables| tables.projects.len()), count);
        // Without a team, everybody makes projects, with one member.
        let alone = sent.created(VIEWER, None).await;
        assert_eq!(sent.members(alone), BTreeMap::from([(VIEWER, "owner")]));
    }
}

/// 55 and 56.
#[tokio::test]
async fn a_role_in_a_team_changes_in_its_projects() {
    for sent in Sent::each() {
        let team = format!("teams/{TEAM}");
        let (ours, own) = (sent.created(OWNER, Some(TEAM)).await, sent.created(MANAGER, Some(TEAM)).await);
        let roles = |who| [TEAM, ours, own, TEAM_PROJECT, OTHER_PROJECT].map(|of| sent.members(of).get(&who).copied());
        let before = ["manager", "manager", "owner", "viewer", "manager"].map(Some);
        assert_eq!(roles(MANAGER), before);
        assert_eq!(sent.set(&team, MANAGER, "viewer", VIEWER).await, denied());
        assert_eq!(roles(MANAGER), before);
        assert_eq!(sent.set(&team, MANAGER, "viewer", TEAM_MANAGER).await, ok());
        // Not in the one that the member made, nor in one without a team.
        assert_eq!(roles(MANAGER), ["viewer", "viewer", "owner", "viewer", "manager"].map(Some));
        // A project that the member is not in does not get the member.
        assert_eq!(sent.set(&team, VIEWER, "manager", OWNER).await, ok());
        assert_eq!(roles(VIEWER), [Some("manager"), Some("manager"), Some("manager"), None, None]);

        let removed = format!("/api/v1/{team}/members/{VIEWER}");
        assert_eq!(sent.ask("DELETE", &removed, STRANGER, Value::Null).await.0, 403);
        assert_eq!(sent.ask("DELETE", &removed, TEAM_MANAGER, Value::Null).await.0, 200);
        assert_eq!(roles(VIEWER), [None, Some("manager"), Some("manager"), None, None]);
        assert_eq!(sent.ask("GET", &format!("/api/v1/{team}"), VIEWER, Value::Null).await.0, 403);
        assert_eq!(sent.ask("GET", &project(ours), VIEWER, Value::Null).await.0, 200);
        assert_eq!(sent.ask("DELETE", &removed, TEAM_MANAGER, Value::Null).await.0, 404);
    }
}

/// 57.
#[tokio::test]
async fn a_project_keeps_an_owner() {
    for sent in Sent::each() {
        let of = |id: Uuid| format!("projects/{id}");
        let refused = |detail: &str| (400, detail.to_owned());
        let (creator, last) = ("Cannot change project creator role", "Must have at least one project owner");
        assert_eq!(sent.set(&of(OTHER_PROJECT), STRANGER, "manager", STRANGER).await, refused(last));
        assert_eq!(sent.set(&of(OTHER_PROJECT), STRANGER, "owner", STRANGER).await, ok());
        assert_eq!(sent.set(&of(OTHER_PROJECT), MANAGER, "owner", STRANGER).await, ok());
        assert_eq!(sent.set(&of(OTHER_PROJECT), STRANGER, "manager", STRANGER).await, ok());
        assert_eq!(sent.members(OTHER_PROJECT), BTreeMap::from([(MANAGER, "owner"), (STRANGER, "manager")]));
        // PROJECT has other owners; this one made it.
        assert_eq!(sent.set(&of(PROJECT), OWNER, "manager", OWNER).await, refused(creator));
        assert_eq!(sent.set(&of(PROJECT), OWNER, "owner", OWNER).await, ok());
        // Who changes roles, of whom, and to what.
        assert_eq!(sent.set(&of(PROJECT), VIEWER, "manager", MANAGER).await, denied());
        assert_eq!(sent.set(&of(PROJECT), VIEWER, "manager", DEMO).await, denied());
        assert_eq!(sent.set(&of(PROJECT), VIEWER, "manager", STRANGER).await.0, 404);
        assert_eq!(sent.set(&of(PROJECT), STRANGER, "manager", OWNER).await, (404, "Member not found".to_owned()));
        let unknown = "Input should be 'owner', 'manager' or 'viewer'";
        assert_eq!(sent.set(&of(PROJECT), VIEWER, "admin", OWNER).await, (422, unknown.to_owned()));
        let malformed = "Input should be a valid UUID";
        assert_eq!(sent.set(&of(PROJECT), "nobody", "viewer", OWNER).await, (422, malformed.to_owned()));
    }
}

/// 58, and its counterparts.
#[tokio::test]
async fn managers_of_a_team_leave_owners_alone() {
    for sent in Sent::each() {
        let team = format!("teams/{TEAM}");
        assert_eq!(sent.set(&team, VIEWER, "owner", TEAM_MANAGER).await, denied());
        assert_eq!(sent.set(&team, TEAM_MANAGER, "owner", TEAM_MANAGER).await, denied());
        assert_eq!(sent.set(&team, UNAPPROVED, "viewer", TEAM_MANAGER).await, denied());
        let removed = format!("/api/v1/{team}/members/{UNAPPROVED}");
        assert_eq!(sent.ask("DELETE", &removed, TEAM_MANAGER, Value::Null).await.0, 403);
        assert_eq!(sent.set(&team, VIEWER, "manager", TEAM_MANAGER).await, ok());
        assert_eq!(sent.set(&team, VIEWER, "owner", OWNER).await, ok());
        // An owner changes owners, except who made the team.
        assert_eq!(sent.set(&team, UNAPPROVED, "viewer", VIEWER).await, ok());
        assert_eq!(sent.set(&team, OWNER, "viewer", VIEWER).await, denied());
        assert_eq!(sent.members(TEAM)[&OWNER], "owner");
    }
}
