//! The list of endpoints. Routing, the table of routes and the documentation are made of it.

use crate::organization::gate::{KIND, MANAGE, OWN, READ};
use portcullis_core::{
    Error, PrincipalKind, Question,
    policy::{self, Policy, values::OnResource},
};

/// An endpoint, for adapters.
#[derive(Debug, Clone, Copy)]
pub struct Endpoint {
    method: &'static str,
    path: &'static str,
    callers: Callers,
    pub(super) name: Name,
}

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy)]
enum Callers {
    /// Everybody: a token or a password in the body decides.
    Anyone,
    /// Signed-in users, also those that the gate's baseline refuses.
    BeforeBaseline,
    /// Signed-in users whom the gate's baseline accepts.
    SignedIn,
    /// Members of the organization in the path. Strangers get 404.
    Members,
    /// Members who manage it.
    Managers,
    /// Members who manage it, and the member in the path.
    ManagersAndSelf,
    /// Its owners.
    Owners,
}

/// Whether the member in the path is the caller. Whether they are one is found out when they are removed.
fn is_self(question: &Question<'_>) -> Result<bool, Error> {
    let who = question.principal();
    Ok(who.kind() == PrincipalKind::User && question.param("user")? == who.id().subject())
}

const fn may(permission: &'static str) -> OnResource {
    policy::permission(permission).on(KIND, policy::path("id")).hidden()
}

impl Name {
    /// Whether it is about sign-in at providers.
    pub(super) fn is_of_provider(self) -> bool {
        use Name::{BeginLink, BeginSignIn, FinishSignIn, Identities, Unlink};
        matches!(self, BeginSignIn | FinishSignIn | BeginLink | Identities | Unlink)
    }
}

impl Endpoint {
    /// The method.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The path below the mount point, without a leading slash.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// The policy of its route.
    #[must_use]
    pub fn policy(&self) -> &'static dyn Policy {
        const ANYONE: &dyn Policy = &policy::anyone();
        const BEFORE_BASELINE: &dyn Policy = &policy::without_baseline(policy::authenticated());
        const SIGNED_IN: &dyn Policy = &policy::authenticated();
        const MEMBERS: &dyn Policy = &may(READ);
        const MANAGERS: &dyn Policy = &may(MANAGE);
        const MANAGERS_AND_SELF: &dyn Policy = &policy::any((policy::when("own_membership", is_self), may(MANAGE)));
        const OWNERS: &dyn Policy = &may(OWN);
        match self.callers {
            Callers::Anyone => ANYONE,
            Callers::BeforeBaseline => BEFORE_BASELINE,
            Callers::SignedIn => SIGNED_IN,
            Callers::Members => MEMBERS,
            Callers::Managers => MANAGERS,
            Callers::ManagersAndSelf => MANAGERS_AND_SELF,
            Callers::Owners => OWNERS,
        }
    }

    /// Whether the endpoint wants to know the caller. The others do not look at credentials of the request, which may have
    /// expired.
    #[must_use]
    pub fn wants_caller(&self) -> bool {
        !matches!(self.callers, Callers::Anyone) || matches!(self.name, Name::Confirm | Name::FinishSignIn)
    }

    pub(super) fn is_about_organizations(&self) -> bool {
        self.path.starts_with("organizations") || self.path.starts_with("invitations")
    }

    pub(super) fn is_about_roles(&self) -> bool {
        matches!(self.name, Name::Roles | Name::DefineRole | Name::RemoveRole)
    }
}

macro_rules! endpoints {
    ($($name:ident $method:literal $path:literal $callers:ident)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Name { $($name),+ }

        pub(super) const ENDPOINTS: &[Endpoint] =
            &[$(Endpoint { method: $method, path: $path, callers: Callers::$callers, name: Name::$name }),+];
    };
}

endpoints! {
    SignUp "POST" "sign-up" Anyone
    SignIn "POST" "sign-in" Anyone
    SecondFactor "POST" "second-factor" Anyone
    Refresh "POST" "refresh" Anyone
    SignOut "POST" "sign-out" Anyone
    SignOutEverywhere "POST" "sign-out-everywhere" BeforeBaseline
    Me "GET" "me" SignedIn
    Sessions "GET" "sessions" SignedIn
    EndSession "DELETE" "sessions/{id}" SignedIn
    Confirm "POST" "confirm" Anyone
    ResendConfirmation "POST" "confirm/resend" Anyone
    RequestReset "POST" "reset/request" Anyone
    Reset "POST" "reset" Anyone
    ChangePassword "POST" "password" SignedIn
    RequestEmailChange "POST" "email" SignedIn
    ConfirmEmailChange "POST" "email/confirm" Anyone
    Totp "GET" "totp" SignedIn
    EnrolTotp "POST" "totp" SignedIn
    ConfirmTotp "POST" "totp/confirm" SignedIn
    RenewRecoveryCodes "POST" "totp/recovery-codes" SignedIn
    RemoveTotp "POST" "totp/remove" SignedIn
    SendMagicLink "POST" "magic-link/request" Anyone
    MagicLink "POST" "magic-link" Anyone
    BeginSignIn "GET" "oauth/{provider}" Anyone
    FinishSignIn "GET" "oauth/{provider}/callback" Anyone
    BeginLink "POST" "oauth/{provider}/link" SignedIn
    Identities "GET" "identities" SignedIn
    Unlink "DELETE" "identities/{provider}" SignedIn
    Keys "GET" "keys" SignedIn
    AddKey "POST" "keys" SignedIn
    WithdrawKey "DELETE" "keys/{id}" SignedIn
    Organizations "GET" "organizations" SignedIn
    CreateOrganization "POST" "organizations" SignedIn
    SetOrganization "POST" "organizations/active" SignedIn
    AcceptInvitation "POST" "invitations/accept" SignedIn
    Organization "GET" "organizations/{id}" Members
    ChangeOrganization "PATCH" "organizations/{id}" Managers
    RemoveOrganization "DELETE" "organizations/{id}" Owners
    Members "GET" "organizations/{id}/members" Members
    ChangeMember "PATCH" "organizations/{id}/members/{user}" Managers
    RemoveMember "DELETE" "organizations/{id}/members/{user}" ManagersAndSelf
    Invitations "GET" "organizations/{id}/invitations" Managers
    Invite "POST" "organizations/{id}/invitations" Managers
    WithdrawInvitation "DELETE" "organizations/{id}/invitations/{invitation}" Managers
    Roles "GET" "organizations/{id}/roles" Members
    DefineRole "PUT" "organizations/{id}/roles/{role}" Owners
    RemoveRole "DELETE" "organizations/{id}/roles/{role}" Owners
}
