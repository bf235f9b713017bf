//! Members of teams and of projects, and what becomes of them. Each change is one transaction.

use crate::store::{Project, Store, Tables};
use portcullis::{Caller, Error, ErrorKind, Role, policy::*};
use serde::Deserialize;
use uuid::Uuid;

/// The body of a request that makes a project.
#[derive(Debug, Deserialize)]
pub(crate) struct NewProject {
    title: String,
    team_id: Option<Uuid>,
}

/// The path of a member.
#[derive(Debug, Deserialize)]
pub(crate) struct MemberPath {
    #[serde(alias = "team_id", alias = "project_id")]
    of: String,
    user_id: String,
}

/// The body of a request that changes a role.
#[derive(Debug, Deserialize)]
pub(crate) struct NewRole {
    role: String,
}

impl MemberPath {
    fn ids(&self) -> Result<(Uuid, Uuid), Error> {
        let id = |text: &str| {
            text.parse().map_err(|_| Error::new(ErrorKind::Malformed, "an id is no UUID").with_code("invalid_id"))
        };
        Ok((id(&self.of)?, id(&self.user_id)?))
    }
}

impl NewRole {
    fn known(&self) -> Result<&'static str, Error> {
        let known = ["viewer", "manager", "owner"].into_iter().find(|known| *known == self.role);
        known.ok_or_else(|| Error::rejected(422, "unknown_role"))
    }
}

/// Makes a project. Managers of a team make projects of it. Its other members become members of the project, with their roles.
pub(crate) async fn create_project(store: &Store, caller: &Caller, new: NewProject) -> Result<Uuid, Error> {
    if let Some(team) = new.team_id {
        caller.require(role("manager").on("team", id(team))).await?;
    }
    let (id, creator) = (Uuid::new_v4(), crate::user_id(caller.principal())?);
    store.with(|Tables { projects, members, .. }| {
        let of_team = members.iter().filter(|((of, _), _)| Some(*of) == new.team_id);
        let of_team: Vec<_> = of_team.map(|((_, who), role)| ((id, *who), *role)).collect();
        members.extend(of_team);
        members.insert((id, creator), "owner");
        projects.insert(id, Project { title: new.title, team: new.team_id, creator, is_inactive: false });
    });
    Ok(id)
}

/// Changes the role of a member of a team. In projects of the team it changes too, except in those that the member made.
///
/// Managers neither make owners nor change them. Nobody changes who made the team.
pub(crate) fn set_team_role(store: &Store, path: &MemberPath, new: &NewRole, by: Option<&Role>) -> Result<(), Error> {
    let ((team, who), new) = (path.ids()?, new.known()?);
    store.with(|tables| {
        reaches(tables, team, who, new, by)?;
        let Tables { projects, members, .. } = tables;
        let projects = projects.iter().filter(|(_, project)| project.team == Some(team) && project.creator != who);
        for of in projects.map(|(id, _)| *id).chain([team]) {
            members.entry((of, who)).and_modify(|role| *role = new);
        }
        Ok(())
    })
}

/// Removes a member of a team, who stays a member of its projects. The rules are those of [`set_team_role`].
pub(crate) fn leave_team(store: &Store, path: &MemberPath, by: Option<&Role>) -> Result<(), Error> {
    let (team, who) = path.ids()?;
    store.with(|tables| {
        reaches(tables, team, who, "viewer", by)?;
        tables.members.remove(&(team, who));
        Ok(())
    })
}

fn reaches(tables: &Tables, team: Uuid, who: Uuid, new: &str, by: Option<&Role>) -> Result<(), Error> {
    let before = *tables.members.get(&(team, who)).ok_or_else(|| Error::rejected(404, "no_member"))?;
    let concerns_owners = before == "owner" || new == "owner";
    let is_owner = by.is_some_and(|by| by.as_str() == "owner");
    match tables.teams.get(&team) != Some(&who) && (is_owner || !concerns_owners) {
        true => Ok(()),
        false => Err(Error::rejected(403, "role_forbidden")),
    }
}

/// Changes the role of a member of a project. Who made it stays an owner, and so does the last one.
pub(crate) fn set_project_role(store: &Store, path: &MemberPath, new: &NewRole) -> Result<(), Error> {
    let ((project, who), new) = (path.ids()?, new.known()?);
    store.with(|Tables { projects, members, .. }| {
        let is_creator = projects.get(&project).is_some_and(|project| project.creator == who);
        let owners = members.iter().filter(|((of, _), role)| *of == project && **role == "owner").count();
        let role = members.get_mut(&(project, who)).ok_or_else(|| Error::rejected(404, "no_member"))?;
        match (*role, new) {
            ("owner", "owner") => {}
            _ if is_creator => return Err(Error::rejected(400, "creator")),
            ("owner", _) if owners == 1 => return Err(Error::rejected(400, "last_owner")),
            _ => *role = new,
        }
        Ok(())
    })
}
