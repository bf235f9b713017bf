//! Roles on a resource: one's own, or else those inherited from what it belongs to.

use crate::{
    asking::{Data, Members, ask, gate, shared, why},
    head::Head,
};
use portcullis_core::{
    ErrorKind, RoleHierarchy, RoleHierarchyBuilder,
    policy::{Policy, not, permission, query, role},
    testing::acting_as,
};
use std::sync::Arc;

/// Viewers, managers and owners, inheriting as a test says.
fn ranked(inherit: impl FnOnce(RoleHierarchyBuilder) -> RoleHierarchyBuilder) -> RoleHierarchy {
    let builder = RoleHierarchy::builder().ranked(["viewer", "manager", "owner"]);
    inherit(builder.permits("viewer", ["project:read"]).permits("owner", ["project:delete"])).build().unwrap()
}

/// What cannot be judged.
const ERROR: Option<&str> = Some("an error");

/// Asks whether alice has a role on project 1; tells by which role.
async fn role_on(data: &Data, projects: &RoleHierarchy, asked: &'static str) -> Option<String> {
    let teams = ranked(|b| b.role("lead", []).role("mate", []).role("LEAD", []).role("guest", []));
    let gate = gate(|builder| {
        let builder = builder.roles_on("project", projects.clone()).roles_on("team", teams);
        builder.roles(ranked(|b| b)).members(data)
    });
    // What is an error stays one below `not`, however often; what is a no is turned around.
    let on = role(asked).on("project", query("id"));
    let ask = async |policy: Arc<dyn Policy>| ask(&gate, &acting_as("alice"), policy, &Head::new().query("id=1")).await;
    let (turned, twice) = (ask(shared(not(on))).await, ask(shared(not(not(on)))).await);
    let expected = match ask(shared(on)).await {
        Ok(_) => (Err(ErrorKind::Denied), Ok(())),
        Err(error) if error.kind() == ErrorKind::Denied => (Ok(()), Err(ErrorKind::Denied)),
        Err(error) => (Err(error.kind()), Err(error.kind())),
    };
    let kind = |asked: Result<portcullis_core::Access, portcullis_core::Error>| asked.map(drop).map_err(|e| e.kind());
    assert_eq!((kind(turned), kind(twice)), expected);
    match ask(shared(on)).await {
        Ok(access) => {
            let resource = access.resource().unwrap();
            assert_eq!((resource.kind(), resource.id()), ("project", "1"));
            Some(access.role().unwrap().to_string())
        }
        Err(error) if error.kind() == ErrorKind::Misconfigured => ERROR.map(str::to_owned),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Denied);
            let is_member = error.denial().unwrap().held().is_some();
            assert_eq!(error.code(), if is_member { "role_required" } else { "not_a_member" });
            None
        }
    }
}

#[tokio::test]
async fn roles_on_a_resource() {
    let data = || Data::default().parents("project:1", &["team:a"]);
    let same = ranked(|builder| builder.inherits("team"));
    let mapped = ranked(|b| b.inherits_as("team", [("lead", "manager"), ("mate", "viewer"), ("LEAD", "owner")]));
    let included = ranked(|builder| builder.inherits_as("team", [("manager", "viewer")]));
    let never = ranked(|builder| builder);
    for (what, data, projects, asked, expected) in [
        ("one's own", data().role("project:1", "manager"), &never, "viewer", Some("manager")),
        ("one's own is not enough", data().role("project:1", "viewer"), &never, "manager", None),
        ("none", data(), &never, "viewer", None),
        ("on another project", data().role("project:2", "owner"), &never, "viewer", None),
        ("on another kind of that id", data().role("team:1", "owner"), &same, "viewer", None),
        // What is stored and not known may be a misspelt role, and what it forbids or allows is not known.
        ("an unknown role", data().role("project:1", "ghost"), &same, "viewer", ERROR),
        ("a role in another case", data().role("project:1", "Owner"), &same, "viewer", ERROR),
        ("the team's, where nothing is inherited", data().role("team:a", "owner"), &never, "viewer", None),
        ("the team's", data().role("team:a", "manager"), &same, "viewer", Some("manager")),
        ("the team's is not enough", data().role("team:a", "manager"), &same, "owner", None),
        ("an unknown role of the team", data().role("team:a", "ghost"), &same, "viewer", ERROR),
        ("a role of the team that is none here", data().role("team:a", "guest"), &same, "viewer", None),
        ("an unknown role of a team that gives none", data().role("team:a", "ghost"), &never, "viewer", None),
        ("a policy's unknown role", data().role("project:1", "owner"), &same, "ghost", ERROR),
        ("a policy's role of the team", data().role("project:1", "owner"), &same, "guest", ERROR),
        // Who has a role of its own inherits none, not even a higher one.
        ("one's own wins", data().role("project:1", "owner").role("team:a", "viewer"), &same, "owner", Some("owner")),
        ("a lower one wins", data().role("project:1", "viewer").role("team:a", "owner"), &same, "manager", None),
        (
            "a lower one holds",
            data().role("project:1", "viewer").role("team:a", "owner"),
            &same,
            "viewer",
            Some("viewer"),
        ),
        ("an unknown one too", data().role("project:1", "ghost").role("team:a", "owner"), &same, "viewer", ERROR),
        // From role to role.
        ("mapped", data().role("team:a", "lead"), &mapped, "viewer", Some("manager")),
        ("mapped, not enough", data().role("team:a", "lead"), &mapped, "owner", None),
        ("mapped low", data().role("team:a", "mate"), &mapped, "manager", None),
        ("not mapped", data().role("team:a", "guest"), &mapped, "viewer", None),
        ("a name here that is not mapped there", data().role("team:a", "owner"), &mapped, "viewer", None),
        // Who is an owner there is a manager too; what is not listed there includes nothing.
        ("mapped from one that is included", data().role("team:a", "owner"), &included, "viewer", Some("viewer")),
        ("mapped from one that is not", data().role("team:a", "viewer"), &included, "viewer", None),
        // Other kinds give nothing.
        (
            "a parent of another kind",
            Data::default().parents("project:1", &["org:x"]).role("org:x", "owner"),
            &same,
            "viewer",
            None,
        ),
        (
            "a kind in another case",
            Data::default().parents("project:1", &["Team:a"]).role("Team:a", "owner"),
            &same,
            "viewer",
            None,
        ),
        (
            "not the parent's way",
            Data::default().parents("team:a", &["project:1"]).role("team:a", "owner"),
            &same,
            "viewer",
            None,
        ),
        // Of several parents each may give the role that is asked for.
        (
            "the second of two",
            data().parents("project:1", &["team:b"]).role("team:b", "owner"),
            &same,
            "owner",
            Some("owner"),
        ),
        (
            "the higher of two",
            data().parents("project:1", &["team:b"]).role("team:a", "viewer").role("team:b", "owner"),
            &same,
            "manager",
            Some("owner"),
        ),
    ] {
        assert_eq!(role_on(&data, projects, asked).await.as_deref(), expected, "{what}");
    }
}

#[tokio::test]
async fn inheritance_goes_on_only_as_each_kind_says() {
    let orgs = RoleHierarchy::ranked(["boss"]).unwrap();
    let data = Data::default()
        .parents("project:1", &["team:a"])
        .parents("team:a", &["org:x"])
        .role("org:x", "boss")
        .role("team:b", "owner");
    let projects = ranked(|builder| builder.inherits("team"));
    let teams = |inherit: fn(RoleHierarchyBuilder) -> RoleHierarchyBuilder| ranked(inherit);
    for (what, teams, expected) in [
        ("teams inherit nothing", teams(|builder| builder), None),
        ("teams inherit the name, which is none there", teams(|builder| builder.inherits("org")), None),
        ("teams give a role of theirs", teams(|b| b.inherits_as("org", [("boss", "manager")])), Some("manager")),
        ("teams inherit from elsewhere", teams(|b| b.inherits_as("company", [("boss", "manager")])), None),
    ] {
        let gate = gate(|b| {
            let b = b.roles_on("project", projects.clone()).roles_on("team", teams).roles_on("org", orgs.clone());
            b.roles_on("company", orgs.clone()).members(&data)
        });
        let policy = role("viewer").on("project", query("id"));
        let access = ask(&gate, &acting_as("alice"), policy, &Head::new().query("id=1")).await;
        assert_eq!(
            access.ok().and_then(|access| access.role().map(ToString::to_string)).as_deref(),
            expected,
            "{what}"
        );
        let stranger = ask(&gate, &acting_as("mallory"), policy, &Head::new().query("id=1")).await;
        assert_eq!(why(stranger), (ErrorKind::Denied, "not_a_member".to_owned()), "{what}");
    }
}

#[tokio::test]
async fn permissions_on_a_resource_come_from_the_roles_there() {
    let gate = |data: Data| gate(|b| b.roles(ranked(|builder| builder.inherits("team"))).members(&data));
    let (read, delete) = (
        permission("project:read").on("project", query("id")),
        permission("project:delete").on("project", query("id")),
    );
    let head = Head::new().query("id=1");
    let alice = acting_as("alice");
    let manager = gate(Data::default().role("project:1", "manager"));
    assert_eq!(ask(&manager, &alice, read, &head).await.unwrap().role().unwrap().as_str(), "manager");
    assert_eq!(why(ask(&manager, &alice, delete, &head).await), (ErrorKind::Denied, "permission_required".to_owned()));
    let by_team = gate(Data::default().parents("project:1", &["team:a"]).role("team:a", "owner"));
    assert_eq!(ask(&by_team, &alice, delete, &head).await.unwrap().role().unwrap().as_str(), "owner");
    // What somebody holds everywhere by a token is not what somebody holds on this project.
    let stranger =
        acting_as("mallory").with_role("owner").with_permissions(portcullis_core::PermissionSet::new(["*:*"]).unwrap());
    assert_eq!(why(ask(&by_team, &stranger, read, &head).await), (ErrorKind::Denied, "not_a_member".to_owned()));
}

#[tokio::test]
async fn loops_and_long_chains_in_the_data_end() {
    let everything = |builder: RoleHierarchyBuilder| builder.inherits("project").inherits("team");
    // The policy is asked four times: as it is, and below `not` once and twice. Each time a resource is asked about once.
    let looped = |data: Data| async move {
        let found = role_on(&data, &ranked(everything), "viewer").await;
        (found, data.asked())
    };
    let itself = Data::default().parents("project:1", &["project:1", "project:1"]);
    assert_eq!(looped(itself).await, (None, 4));
    let two = Data::default().parents("project:1", &["project:2"]).parents("project:2", &["project:1"]);
    assert_eq!(looped(two).await, (None, 2 * 4));
    let way_out = Data::default()
        .parents("project:1", &["project:2"])
        .parents("project:2", &["project:1", "project:3"])
        .role("project:3", "viewer");
    assert_eq!(looped(way_out).await, (Some("viewer".to_owned()), 3 * 4));
    let six = ["project:1", "project:2", "project:3", "project:4", "project:5", "project:6"];
    let knot = six.iter().fold(Data::default(), |data, of| data.parents(of, &six));
    // Too many to ask is not knowing, and no denial.
    let gate = gate(|builder| builder.roles(ranked(everything)).members(&knot));
    let policy = role("viewer").on("project", query("id"));
    let asked = ask(&gate, &acting_as("alice"), policy, &Head::new().query("id=1")).await;
    assert_eq!(why(asked), (ErrorKind::Misconfigured, "misconfigured".to_owned()));
    assert_eq!(knot.asked(), 6, "each is asked about once");

    let chain: &[&'static str] = &[
        "project:1",
        "project:2",
        "project:3",
        "project:4",
        "project:5",
        "project:6",
        "project:7",
        "project:8",
        "project:9",
        "project:10",
    ];
    let data = || chain.windows(2).fold(Data::default(), |data, pair| data.parents(pair[0], &pair[1..]));
    assert_eq!(looped(data().role("project:9", "viewer")).await.0.as_deref(), Some("viewer"));
    // Of what is further away nobody knows whether it would give a role.
    assert_eq!(looped(data().role("project:10", "viewer")).await.0.as_deref(), ERROR);
    assert_eq!(looped(data()).await.0.as_deref(), ERROR);
    let nine = chain[..9].windows(2).fold(Data::default(), |data, pair| data.parents(pair[0], &pair[1..]));
    assert_eq!(looped(nine.clone()).await.0, None, "it ends where it may end");
    assert_eq!(looped(nine.parents("project:9", &["team:a"])).await.0.as_deref(), ERROR);
}

#[tokio::test]
async fn not_knowing_is_no_denial() {
    let gate = |parts: Data| gate(|builder| builder.roles(ranked(|b| b.inherits("team"))).members(&parts));
    let policy = role("viewer").on("project", query("id")).hidden();
    let down = ask(&gate(Data::down()), &acting_as("alice"), policy, &Head::new().query("id=1")).await;
    assert_eq!(why(down), (ErrorKind::Unavailable, "unavailable".to_owned()));
    let up = ask(&gate(Data::default()), &acting_as("alice"), policy, &Head::new().query("id=1")).await;
    assert_eq!(why(up), (ErrorKind::Hidden, "not_found".to_owned()));
}
