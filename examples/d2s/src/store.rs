//! A database in memory, in place of a real one. It counts what it is asked.
#![expect(clippy::exhaustive_structs, reason = "rows, which tests put together")]

use portcullis::{Error, ErrorKind};
use serde::Serialize;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use uuid::Uuid;

/// A row of `projects`.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// Its name.
    pub title: String,
    /// Whether it was deactivated.
    pub is_inactive: bool,
    /// The team that it belongs to.
    pub team: Option<Uuid>,
    /// Who made it.
    pub creator: Uuid,
}

/// A row of `flights`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Flight {
    /// Its name.
    pub name: String,
    /// The project that it belongs to.
    pub project: Uuid,
    /// Whether it was deactivated.
    pub is_inactive: bool,
    /// Whether its files are being worked on.
    pub is_locked: bool,
}

/// A row of `data_products`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DataProduct {
    /// Its name.
    pub name: String,
    /// The flight that it was made from.
    pub flight: Uuid,
    /// The project of that flight.
    pub project: Uuid,
    /// Whether it was deactivated.
    pub is_inactive: bool,
    /// Whether everybody may read it.
    pub is_public: bool,
}

/// A row of `indoor_projects`.
#[derive(Debug, Clone, Default)]
pub struct IndoorProject {
    /// Who made it.
    pub owner: Uuid,
    /// Whether it was deactivated.
    pub is_inactive: bool,
}

/// The tables. Members are keyed by what they are members of and who they are.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "a table each")]
pub struct Tables {
    /// Who made them.
    pub teams: HashMap<Uuid, Uuid>,
    pub projects: HashMap<Uuid, Project>,
    pub flights: HashMap<Uuid, Flight>,
    pub data_products: HashMap<Uuid, DataProduct>,
    pub indoor_projects: HashMap<Uuid, IndoorProject>,
    pub members: HashMap<(Uuid, Uuid), &'static str>,
    /// What was asked since it was last looked at, by the name of the table.
    pub selects: Vec<&'static str>,
    /// Whether the database is out of reach.
    pub is_down: bool,
}

/// A handle of the database.
#[derive(Debug, Clone, Default)]
pub struct Store(Arc<Mutex<Tables>>);

impl Store {
    /// Works on the tables directly.
    pub fn with<T>(&self, work: impl FnOnce(&mut Tables) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn select<T>(&self, table: &'static str, find: impl FnOnce(&Tables) -> T) -> Result<T, Error> {
        self.with(|tables| {
            tables.selects.push(table);
            let down = || Error::new(ErrorKind::Unavailable, "the database is out of reach");
            if tables.is_down { Err(down()) } else { Ok(find(tables)) }
        })
    }

    /// `SELECT … FROM projects LEFT JOIN members …`: the project, and the role in it if there is one.
    pub(crate) async fn project(&self, id: Uuid, who: Uuid) -> Result<Option<(Project, Option<&'static str>)>, Error> {
        self.select("projects", |tables| {
            let project = tables.projects.get(&id).filter(|project| !project.is_inactive)?;
            Some((project.clone(), tables.members.get(&(id, who)).copied()))
        })
    }

    pub(crate) async fn flight(&self, id: Uuid) -> Result<Option<Flight>, Error> {
        self.select("flights", |tables| tables.flights.get(&id).filter(|flight| !flight.is_inactive).cloned())
    }

    pub(crate) async fn data_product(&self, id: Uuid) -> Result<Option<DataProduct>, Error> {
        self.select("data_products", |tables| {
            tables.data_products.get(&id).filter(|product| !product.is_inactive).cloned()
        })
    }

    pub(crate) async fn team_role(&self, id: Uuid, who: Uuid) -> Result<Option<&'static str>, Error> {
        self.select("team_members", |tables| tables.members.get(&(id, who)).copied())
    }

    /// The indoor project, and the role in it: that of its row in `members`, or `owner` for who made it.
    pub(crate) async fn indoor_project(&self, id: Uuid, who: Uuid) -> Result<Option<Option<&'static str>>, Error> {
        self.select("indoor_projects", |tables| {
            let project = tables.indoor_projects.get(&id).filter(|project| !project.is_inactive)?;
            Some(if project.owner == who { Some("owner") } else { tables.members.get(&(id, who)).copied() })
        })
    }
}
