//! The list of endpoints. Routing, the table of routes and the documentation are made of it.

use portcullis_core::policy::{self, Policy};

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
        match self.callers {
            Callers::Anyone => ANYONE,
            Callers::BeforeBaseline => BEFORE_BASELINE,
            Callers::SignedIn => SIGNED_IN,
        }
    }

    /// Whether the endpoint wants to know the caller. The others do not look at credentials of the request, which may have
    /// expired.
    #[must_use]
    pub fn wants_caller(&self) -> bool {
        !matches!(self.callers, Callers::Anyone) || self.name == Name::Confirm
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
    Keys "GET" "keys" SignedIn
    AddKey "POST" "keys" SignedIn
    WithdrawKey "DELETE" "keys/{id}" SignedIn
}
