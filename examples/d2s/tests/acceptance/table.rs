//! The routes, and who may use them, as a review reads them.

use crate::service::*;
use d2s::{on_actix, on_axum};

#[test]
fn the_table_of_routes() {
    let service = Service::new();
    let table = on_axum::routes(&service.gate, &service.auth, &service.store).table();
    assert_eq!(table.to_string(), on_actix::routes(&service.gate, &service.auth, &service.store).table().to_string());
    // The paths of tiles are not signed, as in the original, and those of previews are. Handlers look for members.
    let (members, unseen): (Vec<_>, Vec<_>) = table.unseen().partition(|(_, name)| *name == "user_id");
    assert_eq!(unseen, [("/mvt/{table}/tile.pbf", "table"), ("/previews/{layer}", "layer")]);
    assert!(members.len() == 3 && members.iter().all(|(path, _)| path.ends_with("/members/{user_id}")));
    let without_baseline: Vec<&str> =
        table.rows().filter(|row| row.baseline().is_none()).map(|row| row.path()).collect();
    assert_eq!(without_baseline.split_last(), Some((&"/api/v1/users/unapproved", &d2s::auth::PATHS[..])));
    let by_key: Vec<_> = table.rows().filter(|row| row.schemes().iter().any(|scheme| scheme == "api-key")).collect();
    assert!(by_key.len() == 2 && by_key.iter().all(|row| row.path().ends_with("/iforester")), "{table}");
}
