//! What callers are to resources: one SELECT each.

use crate::store::{Store, User};
use portcullis::{Error, Membership, Principal, Standing};
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct Teams(pub(crate) Store);

impl Membership for Teams {
    type Id = Uuid;

    async fn standing(&self, who: &Principal, id: &Uuid) -> Result<Standing, Error> {
        Ok(self.0.team_role(*id, who.account::<User>()?.id).await?.into())
    }
}

#[derive(Debug)]
pub(crate) struct Projects(pub(crate) Store);

impl Membership for Projects {
    type Id = Uuid;

    async fn standing(&self, who: &Principal, id: &Uuid) -> Result<Standing, Error> {
        Ok(match self.0.project(*id, who.account::<User>()?.id).await? {
            None => Standing::missing(),
            Some((project, role)) => Standing::from(role).under_each("team", project.team).with(project),
        })
    }
}

#[derive(Debug)]
pub(crate) struct Flights(pub(crate) Store);

impl Membership for Flights {
    type Id = Uuid;

    async fn standing(&self, _: &Principal, id: &Uuid) -> Result<Standing, Error> {
        Ok(match self.0.flight(*id).await? {
            None => Standing::missing(),
            Some(flight) => Standing::stranger().under("project", flight.project).with(flight),
        })
    }
}

#[derive(Debug)]
pub(crate) struct DataProducts(pub(crate) Store);

impl Membership for DataProducts {
    type Id = Uuid;

    async fn standing(&self, _: &Principal, id: &Uuid) -> Result<Standing, Error> {
        Ok(match self.0.data_product(*id).await? {
            None => Standing::missing(),
            Some(product) => Standing::stranger().under("flight", product.flight).with(product),
        })
    }

    /// Public ones are read by everybody.
    async fn visitor(&self, id: &Uuid) -> Result<Standing, Error> {
        Ok(match self.0.data_product(*id).await? {
            None => Standing::missing(),
            Some(product) => {
                let role = product.is_public.then_some("viewer");
                Standing::from(role).under("flight", product.flight).with(product)
            }
        })
    }
}

#[derive(Debug)]
pub(crate) struct IndoorProjects(pub(crate) Store);

impl Membership for IndoorProjects {
    type Id = Uuid;

    async fn standing(&self, who: &Principal, id: &Uuid) -> Result<Standing, Error> {
        let role = self.0.indoor_project(*id, who.account::<User>()?.id).await?;
        Ok(role.map_or_else(Standing::missing, Standing::from))
    }
}
