//! Sixteen remove or demote the two owners of an organization at once.

use crate::{
    Anyhow,
    exchange::{AT_ONCE, at_once, unique},
    places,
};
use portcullis_accounts::{
    By, OrganizationId, Organizations, UserId,
    store::{MemoryStore, OrganizationStore},
};
use portcullis_sqlx::{PostgresStore, SqliteStore};

/// One owner stays in each round.
async fn race(organizations: &Organizations, rounds: usize) -> Anyhow {
    for _ in 0..rounds {
        let (id, owners) = with_two_owners(organizations).await?;
        let tasks = (0..AT_ONCE).map(|place| {
            let (organizations, id, owner) = (organizations.clone(), id.clone(), owners[place % 2].clone());
            async move {
                Ok(match place % 4 < 2 {
                    true => organizations.remove_member(&id, &owner, By::Service).await.is_ok(),
                    false => organizations.set_role(&id, &owner, "member", By::Service).await.is_ok(),
                })
            }
        });
        let done = at_once(tasks).await?;
        assert!(done.contains(&true), "one of the two goes");
        let left = organizations.members(&id).await?.into_iter().filter(|member| member.role == "owner").count();
        assert_eq!(left, 1, "one owner stays");
        organizations.remove(&id).await?;
    }
    Ok(())
}

fn over(store: impl OrganizationStore + 'static) -> Organizations {
    Organizations::new("https://shop.test", store)
}

async fn with_two_owners(organizations: &Organizations) -> Anyhow<(OrganizationId, [UserId; 2])> {
    let owners = [UserId::new(unique("owner")), UserId::new(unique("owner"))];
    let id = organizations.create("Acme", &unique("acme"), &owners[0]).await?.id;
    organizations.add_member(&id, &owners[1], "owner", By::Service).await?;
    Ok((id, owners))
}

/// What one writes first: one statement with a condition, in a race of two.
macro_rules! naive {
    ($store:expr, $rounds:expr) => {{
        const LEAVE: &str = "DELETE FROM portcullis_members WHERE organization_id = $1 AND user_id = $2 AND (SELECT \
            COUNT(*) FROM portcullis_members WHERE organization_id = $1 AND role = 'owner') > 1";
        let (store, mut ownerless) = ($store, 0_usize);
        let organizations = over(store.clone());
        for _ in 0..$rounds {
            let (id, owners) = with_two_owners(&organizations).await?;
            let tasks = (0..AT_ONCE).map(|place| {
                let (pool, id, owner) = (store.pool().clone(), id.clone(), owners[place % 2].clone());
                async move {
                    sqlx::query(LEAVE).bind(id.as_str()).bind(owner.as_str()).execute(&pool).await?;
                    Ok(())
                }
            });
            at_once(tasks).await?;
            ownerless += usize::from(organizations.members(&id).await?.is_empty());
            organizations.remove(&id).await?;
        }
        ownerless
    }};
}

pub async fn all(rounds: usize) -> Anyhow {
    let folder = places::Folder::new()?;
    let sqlite: SqliteStore = places::sqlite(&folder, 8).await?;
    let postgres: PostgresStore = places::postgres("races_owners").await?;
    for (name, organizations) in
        [("memory", over(MemoryStore::new())), ("sqlite", over(sqlite.clone())), ("postgres", over(postgres.clone()))]
    {
        race(&organizations, rounds).await?;
        println!("owners: {name}: {rounds} rounds of {AT_ONCE} that remove or demote two owners: one stays in each");
    }
    let tried = rounds.min(1000);
    let ownerless = naive!(postgres, tried);
    println!("owners: postgres, one conditional statement: {ownerless} of {tried} organizations have no owner");
    assert!(ownerless > 0, "the race finds what is wrong with it");
    Ok(())
}
