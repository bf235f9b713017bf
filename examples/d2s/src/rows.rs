//! A few rows, for the programs and for the tests.
#![expect(missing_docs, reason = "named by what they are")]

use crate::store::{DataProduct, Flight, IndoorProject, Project, Store};
use portcullis::{
    Error, KeyDigest, KeyRow, KeyScopes, KeyStore, PrincipalId, PrincipalKind,
    accounts::{
        self, NewUser, UserChange, UserId,
        store::{AddOutcome, Stores},
    },
};
use serde_json::{Map, json};
use std::time::SystemTime;
use uuid::Uuid;

pub const OWNER: Uuid = Uuid::from_u128(0x1);
pub const MANAGER: Uuid = Uuid::from_u128(0x2);
pub const VIEWER: Uuid = Uuid::from_u128(0x3);
pub const STRANGER: Uuid = Uuid::from_u128(0x4);
pub const UNCONFIRMED: Uuid = Uuid::from_u128(0x5);
pub const UNAPPROVED: Uuid = Uuid::from_u128(0x6);
pub const DEMO: Uuid = Uuid::from_u128(0x7);
pub const SUPERUSER: Uuid = Uuid::from_u128(0x8);
pub const TEAM_MANAGER: Uuid = Uuid::from_u128(0x9);
pub const DELETED: Uuid = Uuid::from_u128(0x99);

/// `OWNER`, `MANAGER`, `VIEWER` and `DEMO` are members, the last as an owner.
pub const PROJECT: Uuid = Uuid::from_u128(0x100);
pub const INACTIVE_PROJECT: Uuid = Uuid::from_u128(0x101);
/// A project of `TEAM`. `TEAM_MANAGER` made it; `MANAGER` is a viewer of it.
pub const TEAM_PROJECT: Uuid = Uuid::from_u128(0x102);
/// `MANAGER` manages it, and `STRANGER` is its last owner: the account of who made it is deleted.
pub const OTHER_PROJECT: Uuid = Uuid::from_u128(0x103);
/// With the members of `PROJECT`, which `OWNER` made, and `TEAM_MANAGER`.
pub const TEAM: Uuid = Uuid::from_u128(0x200);
pub const FLIGHT: Uuid = Uuid::from_u128(0x300);
pub const LOCKED_FLIGHT: Uuid = Uuid::from_u128(0x301);
pub const INACTIVE_FLIGHT: Uuid = Uuid::from_u128(0x302);
pub const OTHER_FLIGHT: Uuid = Uuid::from_u128(0x303);
pub const PRODUCT: Uuid = Uuid::from_u128(0x400);
pub const INACTIVE_PRODUCT: Uuid = Uuid::from_u128(0x401);
pub const PUBLIC_PRODUCT: Uuid = Uuid::from_u128(0x402);
/// Of `LOCKED_FLIGHT`.
pub const LOCKED_PRODUCT: Uuid = Uuid::from_u128(0x403);
/// `TEAM_MANAGER` made it; it has a viewer and a manager.
pub const INDOOR: Uuid = Uuid::from_u128(0x500);
pub const INACTIVE_INDOOR: Uuid = Uuid::from_u128(0x501);
pub const MISSING: Uuid = Uuid::from_u128(0x999);

pub const VIEWERS_KEY: &str = "VVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVVU";
pub const DEMO_KEY: &str = "DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDA";

/// Everybody's password, and its hash by bcrypt, as the original keeps it.
pub const PASSWORD: &str = "correct horse battery";
pub const HASH: &str = "$2b$12$lGupIxhSzktqs65xpvbFt.b3MnrUBjahmJnCcz/HYzFsZpw8kHK.i";

/// Moves the users of the original to the accounts, unless they are there.
///
/// # Errors
/// Those of the store.
pub async fn users(stores: &Stores) -> Result<(), accounts::Error> {
    for (id, name) in [
        (OWNER, "owner"),
        (MANAGER, "manager"),
        (VIEWER, "viewer"),
        (STRANGER, "stranger"),
        (UNCONFIRMED, "unconfirmed"),
        (UNAPPROVED, "unapproved"),
        (DEMO, "demo"),
        (SUPERUSER, "superuser"),
        (TEAM_MANAGER, "team-manager"),
    ] {
        let at = SystemTime::UNIX_EPOCH;
        let user = NewUser {
            id: UserId::new(id.to_string()),
            email: format!("{name}@example.com").parse()?,
            email_confirmed_at: (id != UNCONFIRMED).then_some(at),
            password_hash: Some(HASH.to_owned()),
            role: String::new(),
            approved_at: (id != UNCONFIRMED && id != UNAPPROVED).then_some(at),
            extra: Map::from_iter([("is_demo".to_owned(), json!(id == DEMO))]),
            created_at: at,
        };
        if let AddOutcome::Added(user) = stores.users().add(user).await? {
            let change = UserChange { is_staff: Some(id == SUPERUSER), ..UserChange::default() };
            stores.users().change(&user.id, change).await?;
        }
    }
    Ok(())
}

/// A store with these rows.
#[must_use]
pub fn store() -> Store {
    let store = Store::default();
    store.with(|tables| {
        let project = |title: &str| Project { title: title.into(), creator: OWNER, ..Project::default() };
        tables.projects.insert(PROJECT, project("corn"));
        tables.projects.insert(INACTIVE_PROJECT, Project { is_inactive: true, ..project("beans") });
        tables.projects.insert(TEAM_PROJECT, Project { team: Some(TEAM), creator: TEAM_MANAGER, ..project("wheat") });
        tables.projects.insert(OTHER_PROJECT, Project { creator: DELETED, ..project("rye") });
        tables.teams.insert(TEAM, OWNER);
        for on in [PROJECT, INACTIVE_PROJECT, TEAM] {
            for (who, role) in [
                (OWNER, "owner"),
                (MANAGER, "manager"),
                (VIEWER, "viewer"),
                (UNCONFIRMED, "owner"),
                (UNAPPROVED, "owner"),
                (DEMO, "owner"),
            ] {
                tables.members.insert((on, who), role);
            }
        }
        tables.members.insert((TEAM, TEAM_MANAGER), "manager");
        tables.members.insert((TEAM_PROJECT, TEAM_MANAGER), "owner");
        tables.members.insert((TEAM_PROJECT, MANAGER), "viewer");
        tables.members.insert((OTHER_PROJECT, MANAGER), "manager");
        tables.members.insert((OTHER_PROJECT, STRANGER), "owner");
        let flight = |project| Flight { name: "june".into(), project, ..Flight::default() };
        tables.flights.insert(FLIGHT, flight(PROJECT));
        tables.flights.insert(LOCKED_FLIGHT, Flight { is_locked: true, ..flight(PROJECT) });
        tables.flights.insert(INACTIVE_FLIGHT, Flight { is_inactive: true, ..flight(PROJECT) });
        tables.flights.insert(OTHER_FLIGHT, flight(OTHER_PROJECT));
        let product = |flight| DataProduct { name: "ortho".into(), flight, project: PROJECT, ..DataProduct::default() };
        tables.data_products.insert(PRODUCT, product(FLIGHT));
        tables.data_products.insert(INACTIVE_PRODUCT, DataProduct { is_inactive: true, ..product(FLIGHT) });
        tables.data_products.insert(PUBLIC_PRODUCT, DataProduct { is_public: true, ..product(FLIGHT) });
        tables.data_products.insert(LOCKED_PRODUCT, product(LOCKED_FLIGHT));
        let indoor = |is_inactive| IndoorProject { owner: TEAM_MANAGER, is_inactive };
        tables.indoor_projects.insert(INDOOR, indoor(false));
        tables.indoor_projects.insert(INACTIVE_INDOOR, indoor(true));
        tables.members.insert((INDOOR, VIEWER), "viewer");
        tables.members.insert((INDOOR, MANAGER), "manager");
    });
    store
}

/// Moves the API keys of the original to the store, unless they are there.
///
/// # Errors
/// Those of the store.
pub async fn keys(store: &impl KeyStore) -> Result<(), Error> {
    for (text, owner) in [(VIEWERS_KEY, VIEWER), (DEMO_KEY, DEMO)] {
        if store.find(&KeyDigest::of(text)).await?.is_none() {
            store.add(old_key(text, owner)).await?;
        }
    }
    Ok(())
}

/// A key of the original, which kept its text.
fn old_key(text: &str, owner: Uuid) -> KeyRow {
    KeyRow {
        id: format!("of-{owner}"),
        digest: KeyDigest::of(text),
        owner: PrincipalId::new(PrincipalKind::User, owner.to_string()).with_issuer("d2s"),
        organization: None,
        name: "key".into(),
        start: text.chars().take(4).collect(),
        scopes: KeyScopes::all_rights(),
        created_at: SystemTime::UNIX_EPOCH,
        expires_at: None,
        withdrawn_at: None,
        used_at: None,
        uses: 0,
    }
}
