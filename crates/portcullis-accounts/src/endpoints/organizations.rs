//! Endpoints of organizations. Their guards have found that the caller may do it; what a role may not do to a higher one is
//! decided where it is done.

use super::{
    Call, Endpoints,
    answer::{self, created, mail_sent, no_content, ok},
};
use crate::{
    error::Error,
    id::{OrganizationId, UserId},
    organization::{By, Invitation, Organization, OrganizationChange, Organizations, gate::KIND},
    secret::Label,
};
use bytes::Bytes;
use http::Response;
use portcullis_core::{Error as CoreError, PrincipalKind};
use serde::{Deserialize, Deserializer};
use serde_json::json;

type Answered = Result<Response<Bytes>, Error>;

impl Endpoints {
    fn all(&self) -> Result<&Organizations, Error> {
        self.0.accounts.organizations()
    }

    /// The user who calls. API keys change nothing, and see no other organization than the one that they name.
    fn person(&self, call: &Call) -> Result<UserId, Error> {
        let who = call.caller()?;
        if who.kind() == PrincipalKind::Key {
            return Err(CoreError::denied("not_for_keys").into());
        }
        self.0.accounts.user_id(who)
    }

    pub(super) async fn organizations(&self, call: &Call) -> Answered {
        let (user, active) = (self.person(call)?, call.caller()?.organization());
        let all = self.all()?.of(&user).await?;
        let shown =
            all.iter().map(|(one, role)| answer::organization(one, Some(role), active == Some(one.id.as_str())));
        Ok(ok(&json!({ "organizations": shown.collect::<Vec<_>>() })))
    }

    pub(super) async fn create_organization(&self, call: &Call) -> Answered {
        self.person(call)?;
        let NewBody { name, slug } = call.json()?;
        let organization = self.0.accounts.create_organization(call.caller()?, &name, &slug).await?;
        let role = self.all()?.owner_role();
        Ok(created(&json!({ "organization": answer::organization(&organization, Some(role), false) })))
    }

    pub(super) async fn set_organization(&self, call: &Call) -> Answered {
        self.person(call)?;
        let organization = call.json::<ActiveBody>()?.organization.map(OrganizationId::new);
        let access = self.0.accounts.set_organization(call.caller()?, organization.as_ref()).await?;
        Ok(self.with_access(call, &access))
    }

    pub(super) async fn accept_invitation(&self, call: &Call) -> Answered {
        self.person(call)?;
        let member = self.0.accounts.accept_invitation(call.caller()?, &call.json::<TokenBody>()?.token).await?;
        Ok(created(&json!({ "organization": member.organization.as_str(), "member": answer::member(&member) })))
    }

    pub(super) async fn organization(&self, call: &Call) -> Answered {
        let found = self.all()?.find(&organization(call)?).await?.ok_or(Error::NotFound)?;
        self.shown(call, &found).await
    }

    pub(super) async fn change_organization(&self, call: &Call) -> Answered {
        self.person(call)?;
        let ChangeBody { name, slug } = call.json()?;
        if name.is_none() && slug.is_none() {
            return Err(Error::InvalidRequest);
        }
        let change = OrganizationChange { name, slug, extra: None };
        let changed = self.all()?.change(&organization(call)?, change).await?;
        self.shown(call, &changed).await
    }

    /// With the role of the caller, if they are a member.
    async fn shown(&self, call: &Call, organization: &Organization) -> Answered {
        let (all, who) = (self.all()?, call.caller()?);
        let member = match all.user(who) {
            Some(user) => all.member(&organization.id, &user).await?,
            None => None,
        };
        let role = member.as_ref().map(|member| member.role.as_str());
        let is_active = who.organization() == Some(organization.id.as_str());
        Ok(ok(&json!({ "organization": answer::organization(organization, role, is_active) })))
    }

    pub(super) async fn remove_organization(&self, call: &Call) -> Answered {
        self.person(call)?;
        self.all()?.remove(&organization(call)?).await?;
        Ok(no_content())
    }

    pub(super) async fn members(&self, call: &Call) -> Answered {
        let members = self.all()?.members(&organization(call)?).await?;
        Ok(ok(&json!({ "members": members.iter().map(answer::member).collect::<Vec<_>>() })))
    }

    pub(super) async fn change_member(&self, call: &Call) -> Answered {
        let (by, role) = (self.person(call)?, call.json::<RoleBody>()?.role);
        self.all()?.set_role(&organization(call)?, &member(call)?, &role, By::Member(&by)).await?;
        Ok(no_content())
    }

    pub(super) async fn remove_member(&self, call: &Call) -> Answered {
        let (by, user) = (self.person(call)?, member(call)?);
        match self.all()?.remove_member(&organization(call)?, &user, By::Member(&by)).await {
            Ok(()) => Ok(no_content()),
            // The guard has not asked whether the caller is a member. A stranger gets what it gives strangers.
            Err(Error::NotFound) if user == by => Err(CoreError::missing(KIND).into()),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn invitations(&self, call: &Call) -> Answered {
        let invitations = self.all()?.invitations(&organization(call)?).await?;
        let shown = invitations.iter().map(|one| answer::invitation(one, &self.invitation_id(one)));
        Ok(ok(&json!({ "invitations": shown.collect::<Vec<_>>() })))
    }

    pub(super) async fn invite(&self, call: &Call) -> Answered {
        self.person(call)?;
        let InvitationBody { email, role } = call.json()?;
        self.0.accounts.invite(call.caller()?, &organization(call)?, &email, &role).await?;
        Ok(mail_sent())
    }

    pub(super) async fn withdraw_invitation(&self, call: &Call) -> Answered {
        self.person(call)?;
        let (all, organization, id) = (self.all()?, organization(call)?, call.id("invitation")?);
        let invitations = all.invitations(&organization).await?;
        let found = invitations.iter().find(|one| self.invitation_id(one) == id).ok_or(Error::NotFound)?;
        all.withdraw(&organization, &found.email).await?;
        Ok(no_content())
    }

    /// Paths are in logs, so an invitation is not named by its address. The hash is keyed, or the address could be guessed.
    fn invitation_id(&self, invitation: &Invitation) -> String {
        let parts = [invitation.organization.as_str().as_bytes(), invitation.email.as_str().as_bytes()];
        let hash = self.0.accounts.0.secret.mac(Label::Invitation, &parts);
        hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) async fn roles(&self, call: &Call) -> Answered {
        let roles = self.all()?.roles(&organization(call)?).await?;
        let shown = roles.iter().map(|(name, permissions)| json!({ "name": name, "permissions": permissions }));
        Ok(ok(&json!({ "roles": shown.collect::<Vec<_>>() })))
    }

    pub(super) async fn define_role(&self, call: &Call) -> Answered {
        self.person(call)?;
        let permissions = call.json::<PermissionsBody>()?.permissions;
        self.all()?.define_role(&organization(call)?, call.id("role")?, permissions).await?;
        Ok(no_content())
    }

    pub(super) async fn remove_role(&self, call: &Call) -> Answered {
        self.person(call)?;
        self.all()?.remove_role(&organization(call)?, call.id("role")?).await?;
        Ok(no_content())
    }
}

fn organization(call: &Call) -> Result<OrganizationId, Error> {
    call.id("id").map(OrganizationId::new)
}

fn member(call: &Call) -> Result<UserId, Error> {
    call.id("user").map(UserId::new)
}

#[derive(Deserialize)]
struct NewBody {
    name: String,
    slug: String,
}

#[derive(Deserialize)]
struct ChangeBody {
    name: Option<String>,
    slug: Option<String>,
}

#[derive(Deserialize)]
struct ActiveBody {
    /// `null` for none. A body without it says nothing.
    #[serde(deserialize_with = "nullable")]
    organization: Option<String>,
}

fn nullable<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(input)
}

#[derive(Deserialize)]
struct RoleBody {
    role: String,
}

#[derive(Deserialize)]
struct InvitationBody {
    email: String,
    role: String,
}

#[derive(Deserialize)]
struct TokenBody {
    token: String,
}

#[derive(Deserialize)]
struct PermissionsBody {
    permissions: Vec<String>,
}
