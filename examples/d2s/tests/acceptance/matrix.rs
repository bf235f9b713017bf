//! Who may do what, in a file that every change of a policy changes too.

use crate::service::*;
use d2s::{on_actix, on_axum};

/// `UPDATE_MATRIX=1 cargo test -p d2s` accepts a change.
#[test]
fn who_may_do_what() {
    let service = Service::new();
    let table = on_axum::routes(&service.gate, &service.auth, &service.store).table();
    table.assert_matrix("tests/matrix.md");
    table.assert_all_guarded(d2s::auth::PATHS);
    assert_eq!(on_actix::routes(&service.gate, &service.auth, &service.store).table().matrix(), table.matrix());
}
