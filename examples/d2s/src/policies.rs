//! What routes ask of their callers.

use crate::{is_demo, store::Flight};
use portcullis::{Requirement, accounts::User, policy::*};

/// Accounts for demonstrations are denied, whatever their role.
pub(crate) const fn no_demo<P: Policy>(policy: P) -> impl Policy {
    all((account("demo", |user: &User| !is_demo(user)), policy))
}

/// Nobody is told whether a team exists.
pub(crate) const fn on_team(least: &'static str) -> impl Policy {
    role(least).on("team", path("team_id"))
}

pub(crate) struct ManageTeam;
impl Requirement for ManageTeam {
    const POLICY: &'static dyn Policy = &no_demo(on_team("manager"));
}

pub(crate) const fn on_project(least: &'static str) -> impl Policy {
    role(least).on("project", path("project_id")).hidden()
}

/// Strangers are told that they are none.
pub(crate) const fn on_indoor_project(least: &'static str) -> impl Policy {
    role(least).on("indoor_project", path("indoor_project_id"))
}

/// Members, by their token or by an API key.
pub(crate) const fn by_key(least: &'static str) -> impl Policy {
    also_via("api-key", no_demo(on_project(least)))
}

pub(crate) fn delete_flight() -> impl Policy {
    all((WriteFlight::POLICY, on_project("owner")))
}

pub(crate) struct ReadProject;
impl Requirement for ReadProject {
    const POLICY: &'static dyn Policy = &on_project("viewer");
}

/// The project is asked first: whoever may not read it, is not told of its flights.
pub(crate) struct ReadFlight;
impl Requirement for ReadFlight {
    const POLICY: &'static dyn Policy =
        &all((on_project("viewer"), role("viewer").on("flight", path("flight_id")).of("project", path("project_id"))));
}

pub(crate) struct WriteFlight;
impl Requirement for WriteFlight {
    const POLICY: &'static dyn Policy = &no_demo(all((
        on_project("manager"),
        role("manager")
            .on("flight", path("flight_id"))
            .of("project", path("project_id"))
            .row("flight_locked", |flight: &Flight| !flight.is_locked),
    )));
}

pub(crate) struct ReadDataProduct;
impl Requirement for ReadDataProduct {
    const POLICY: &'static dyn Policy = &visitors(
        role("viewer")
            .on("data_product", path("data_product_id"))
            .of("flight", path("flight_id"))
            .of("project", path("project_id"))
            .hidden(),
    );
}
