//! The table, by theme.

mod bodies;
mod cross_origin;
mod failing;
mod gates;
mod guards;
mod layers;
mod order;
mod proofs;
mod rendered;
mod resources;
pub mod returned;
mod routing;
mod schemes;
mod slow;
mod sources;
mod standings;
mod tokens;
mod websocket;

use crate::row::Row;
use std::collections::HashSet;

pub fn rows() -> Vec<Row> {
    let rows = [
        tokens::rows(),
        proofs::rows(),
        sources::rows(),
        order::rows(),
        schemes::rows(),
        guards::rows(),
        resources::rows(),
        standings::rows(),
        failing::rows(),
        slow::rows(),
        cross_origin::rows(),
        websocket::rows(),
        layers::rows(),
        routing::rows(),
        rendered::rows(),
        bodies::rows(),
        returned::rows(),
        gates::rows(),
    ]
    .concat();
    let mut names = HashSet::new();
    rows.iter().for_each(|row| assert!(names.insert(&row.name), "two rows are called {:?}", row.name));
    rows
}
