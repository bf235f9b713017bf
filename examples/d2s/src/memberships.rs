//! What callers are to resources: one SELECT each.

use crate::{store::Store, user_id};
use portcullis::{Error, Membership, Principal, Standing};
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct Teams(pub(crate) Store);

impl Membership for Teams {
    type Id = Uuid;

    async fn standing(&self, who: &Principal, id: &Uuid) -> Result<Standing, Error> {
        Ok(self.0.team_role(*id, user_id(who)?).await?.into())
    }
}

#[derive(Debug)]
pub(crate) struct Projects(pub(crate) Store);

impl Membership for Projects {
    type Id = Uuid;

    async fn standing(&self, who: &Principal, id: &Uuid) -> Result<Standing, Error> {
        Ok(match self.0.project(*id, user_id(who)?).await? {
            None => Standing::missing(),
            Some((project, role)) => Standing::from(role).with(project),
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

impl DataProducts {
    async fn find(&self, id: Uuid, role_on_public: Option<&'static str>) -> Result<Standing, Error> {
        let Some(product) = self.0.data_product(id).await? else { return Ok(Standing::missing()) };
        let standing = Standing::from(role_on_public.filter(|_| product.is_public));
        Ok(standing.under("flight", product.flight).under("project", product.project).with(product))
    }
}

impl Membership for DataProducts {
    type Id = Uuid;

    async fn standing(&self, _: &Principal, id: &Uuid) -> Result<Standing, Error> {
        self.find(*id, None).await
    }

    async fn visitor(&self, id: &Uuid) -> Result<Standing, Error> {
        self.find(*id, Some("viewer")).await
    }
}

#[derive(Debug)]
pub(crate) struct IndoorProjects(pub(crate) Store);

impl Membership for IndoorProjects {
    type Id = Uuid;

    async fn standing(&self, who: &Principal, id: &Uuid) -> Result<Standing, Error> {
        let role = self.0.indoor_project(*id, user_id(who)?).await?;
        Ok(role.map_or_else(Standing::missing, Standing::from))
    }
}
