//! What a policy answers callers with exactly one right, worked out from its description, without a request.
//!
//! Each part gets the set of its possible outcomes. A part that reads what only a request or a database knows can allow and can
//! deny, and its words are kept. `all`, `any` and `not` combine these sets as they combine decisions.

use super::{Description, On, Plan};
use crate::{
    Gate,
    rights::{Rights, Role, RoleHierarchy},
    scheme::SchemeSet,
};
use std::{collections::BTreeSet, fmt};

/// A caller with exactly one right, for a [`Forecast`].
///
/// `Display` writes it like the parts of a policy: `role viewer on project`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Holder {
    /// No caller: a request without a credential.
    Visitor,
    /// An authenticated caller without any role or permission, that is not staff.
    Caller,
    /// A caller that is only staff.
    Staff,
    /// A caller with only this role.
    Role {
        /// The name of the role.
        role: String,
        /// Where it has the role: on each resource of this kind that the request names, or everywhere.
        on: Option<String>,
    },
    /// A caller with only this permission.
    Permission {
        /// The name of the permission.
        permission: String,
        /// Where it has the permission: on each resource of this kind that the request names, or everywhere.
        on: Option<String>,
    },
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = match self {
            Self::Visitor => return f.write_str("without credential"),
            Self::Caller => return f.write_str("authenticated"),
            Self::Staff => return f.write_str("staff"),
            Self::Role { role, on } => {
                write!(f, "role {role}")?;
                on
            }
            Self::Permission { permission, on } => {
                write!(f, "permission {permission}")?;
                on
            }
        };
        on.as_ref().map_or(Ok(()), |kind| write!(f, " on {kind}"))
    }
}

/// What a policy answers all callers with exactly one right.
///
/// It takes for granted that the resources of the request exist, that credentials are valid, and that the caller's membership
/// is not suspended. What a [`Membership`](crate::Membership) permits or gives beyond the gate's roles is not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a fourth answer would have to break every match")]
pub enum Forecast {
    /// All of them are allowed.
    Allow,
    /// All of them are denied.
    Deny,
    /// It depends on more than the right: on these parts of the policy, in words.
    Depends(Vec<String>),
}

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow => f.write_str("yes"),
            Self::Deny => f.write_str("no"),
            Self::Depends(on) => write!(f, "depends: {}", on.join("; ")),
        }
    }
}

impl Plan {
    /// What the policy answers callers with exactly this right. The gate's baseline is not part of it: see [`Gate::forecast`].
    ///
    /// ```
    /// # mod kit { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/doc/kit.rs")); } use kit::*;
    /// # fn main() -> Result<(), Error> {
    /// use portcullis_core::{Forecast, Holder};
    ///
    /// let gate = builder()?.build()?; // viewer, manager and owner
    /// let holder = |role: &str| Holder::Role { role: role.to_owned(), on: None };
    ///
    /// let plan = gate.plan(role("manager"))?;
    /// assert_eq!(plan.forecast(&holder("owner")), Forecast::Allow);
    /// assert_eq!(plan.forecast(&holder("viewer")), Forecast::Deny);
    ///
    /// let plan = gate.plan(all((role("manager"), claim("mfa"))))?;
    /// let depends = Forecast::Depends(vec!["claim mfa".to_owned()]);
    /// assert_eq!(plan.forecast(&holder("owner")), depends);
    /// assert_eq!(plan.forecast(&holder("viewer")), Forecast::Deny);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn forecast(&self, holder: &Holder) -> Forecast {
        forecast(None, self, holder)
    }
}

impl Gate {
    /// What the baseline and the policy together answer callers with exactly this right.
    #[must_use]
    pub fn forecast(&self, plan: &Plan, holder: &Holder) -> Forecast {
        forecast(self.baseline_of(plan), plan, holder)
    }
}

fn forecast(baseline: Option<&Plan>, plan: &Plan, holder: &Holder) -> Forecast {
    if plan.is_public() {
        return Forecast::Allow;
    }
    let rights = plan.rights();
    if *holder == Holder::Visitor || plan.reads_nothing() {
        let place =
            Place { rights, holder, scheme: None, accepted: plan.unnamed(), visitors: false, as_superuser: false };
        return if plan.asks_visitors() { place.outcomes(plan.description()).into() } else { Forecast::Deny };
    }
    let accepted = plan.sources().schemes;
    let places = (0..rights.schemes.len()).filter(|place| accepted.has(*place));
    let by_scheme = places.map(|scheme| {
        let place = Place {
            rights,
            holder,
            scheme: Some(scheme),
            accepted: plan.unnamed(),
            visitors: false,
            as_superuser: false,
        };
        let own = place.outcomes(plan.description());
        let own = match plan.superuser() {
            // Asked about callers of all schemes that the route accepts.
            Some(superuser) => {
                let is_superuser = Place { accepted: SchemeSet::ALL, ..place }.outcomes(superuser);
                own.unless(is_superuser.and(Place { as_superuser: true, ..place }.outcomes(plan.description())))
            }
            None => own,
        };
        let whole = match baseline {
            Some(baseline) => Place { accepted: baseline.unnamed(), ..place }.outcomes(baseline.description()).and(own),
            None => own,
        };
        (scheme, whole)
    });
    let by_scheme: Vec<(usize, Outcomes)> = by_scheme.collect();
    let can = by_scheme.iter().filter(|(_, outcomes)| outcomes.allow);
    let name = |place: usize| rights.schemes.get(place).copied().flatten().unwrap_or("a scheme without a name");
    let by: BTreeSet<&str> = can.clone().map(|(place, _)| name(*place)).collect();
    // Callers of some schemes can be allowed, and those of others cannot.
    let decides = can.count() < by_scheme.len();
    let mut whole = by_scheme.into_iter().map(|(_, outcomes)| outcomes).fold(Outcomes::default(), Outcomes::or_else);
    if decides {
        whole.on.push(format!("by {}", by.into_iter().collect::<Vec<_>>().join(" or ")));
    }
    whole.into()
}

/// What can come of a part of a policy.
#[derive(Debug, Clone, Default)]
struct Outcomes {
    allow: bool,
    deny: bool,
    /// A denial that `not` does not invert.
    firm: bool,
    /// What decides among them.
    on: Vec<String>,
}

impl Outcomes {
    fn known(allow: bool) -> Self {
        Self { allow, deny: !allow, ..Self::default() }
    }

    fn firm() -> Self {
        Self { firm: true, ..Self::default() }
    }

    fn depends(on: impl ToString) -> Self {
        Self { allow: true, deny: true, firm: false, on: vec![on.to_string()] }
    }

    fn can_deny(&self) -> bool {
        self.deny || self.firm
    }

    /// With the words of the other one, as long as they decide something.
    fn beside(mut self, one: Vec<String>, other: Vec<String>) -> Self {
        if u8::from(self.allow) + u8::from(self.deny) + u8::from(self.firm) > 1 {
            self.on = one;
            for words in other {
                if !self.on.contains(&words) {
                    self.on.push(words);
                }
            }
        }
        self
    }

    /// Either of both, and which one is not known.
    fn or_else(self, other: Self) -> Self {
        let (allow, deny) = (self.allow || other.allow, self.deny || other.deny);
        Self { allow, deny, firm: self.firm || other.firm, on: Vec::new() }.beside(self.on, other.on)
    }

    /// `all`: the other one is asked where this one allows.
    fn and(self, other: Self) -> Self {
        if !self.allow {
            return self;
        }
        let (deny, firm) = (self.deny || other.deny, self.firm || other.firm);
        Self { allow: other.allow, deny, firm, on: Vec::new() }.beside(self.on, other.on)
    }

    /// `any`: the other one is asked where this one denies. A denial is firm if one of both is.
    fn or(self, other: Self) -> Self {
        if !self.can_deny() {
            return self;
        }
        let deny = self.deny && other.deny;
        let firm = self.firm && other.can_deny() || self.deny && other.firm;
        Self { allow: self.allow || other.allow, deny, firm, on: Vec::new() }.beside(self.on, other.on)
    }

    /// The other one replaces a denial only where it allows.
    fn unless(self, other: Self) -> Self {
        if !self.can_deny() {
            return self;
        }
        let stays = other.can_deny();
        let (allow, deny, firm) = (self.allow || other.allow, self.deny && stays, self.firm && stays);
        Self { allow, deny, firm, on: Vec::new() }.beside(self.on, other.on)
    }

    fn not(self) -> Self {
        Self { allow: self.deny, deny: self.allow, ..self }
    }
}

impl From<Outcomes> for Forecast {
    fn from(outcomes: Outcomes) -> Self {
        match outcomes.allow {
            false => Self::Deny,
            true if outcomes.can_deny() => Self::Depends(outcomes.on),
            true => Self::Allow,
        }
    }
}

/// Who is asked about, and at which place of a policy: the part of a [`Question`](super::Question) that is known in advance.
#[derive(Clone, Copy)]
struct Place<'a> {
    rights: &'a Rights,
    holder: &'a Holder,
    /// `None` without a credential.
    scheme: Option<usize>,
    accepted: SchemeSet,
    visitors: bool,
    as_superuser: bool,
}

impl Place<'_> {
    fn outcomes(self, part: &Description) -> Outcomes {
        match part {
            Description::All(parts) => self.each(parts).reduce(Outcomes::and).unwrap_or_else(Outcomes::firm),
            Description::Any(parts) => self.each(parts).reduce(Outcomes::or).unwrap_or_else(Outcomes::firm),
            Description::Hidden(part)
            | Description::WithoutBaseline(part)
            | Description::Fresh { part, .. }
            | Description::Shadow { live: part, .. } => self.outcomes(part),
            Description::Via { scheme, part } => match self.rights.scheme(scheme) {
                Ok(place) if self.scheme.map_or(self.visitors, |own| own == place) => {
                    Self { accepted: SchemeSet::one(place), ..self }.outcomes(part)
                }
                _ if self.scheme.is_none() => Outcomes::firm(),
                _ => Outcomes::known(false),
            },
            Description::AlsoVia { scheme, part } => {
                let also = self.rights.scheme(scheme).map_or(SchemeSet::NONE, SchemeSet::one);
                Self { accepted: self.accepted.or(also), ..self }.outcomes(part)
            }
            Description::Visitors(part) => {
                let place = Self { visitors: true, ..self };
                let own = place.outcomes(part);
                if self.scheme.is_none() {
                    return own;
                }
                own.unless(Self { scheme: None, holder: &Holder::Visitor, ..place }.outcomes(part))
            }
            // The request alone decides, whoever makes it.
            Description::Signed { signer } if self.rights.signer(signer).is_ok_and(|it| !it.is_bound()) => {
                Outcomes::depends(part)
            }
            part if self.is_judged(part) => self.judged(part),
            _ => Outcomes::firm(),
        }
    }

    fn each(self, parts: &[Description]) -> impl Iterator<Item = Outcomes> {
        parts.iter().map(move |part| self.outcomes(part))
    }

    /// Whether a part that judges is asked about callers of this scheme.
    fn is_judged(&self, part: &Description) -> bool {
        match (self.scheme, part) {
            (Some(scheme), _) => self.accepted.has(scheme),
            (None, Description::Anyone) => true,
            (None, Description::Row { .. }) => self.visitors,
            (None, Description::Engine { .. }) => false,
            (None, part) => self.visitors && part.on().is_some(),
        }
    }

    fn judged(self, part: &Description) -> Outcomes {
        let replaces = || self.rights.superuser.as_ref().is_some_and(|superuser| superuser.replaces(part));
        if self.as_superuser && self.scheme.is_some() && replaces() {
            return Outcomes::known(true);
        }
        match part {
            Description::Anyone | Description::Authenticated => Outcomes::known(true),
            Description::Staff => Outcomes::known(*self.holder == Holder::Staff),
            Description::Role { on: Some(on), .. } | Description::Permission { on: Some(on), .. } => self.on(part, on),
            Description::Role { role: asked, on: None } => {
                let holder = self.holder;
                let has = matches!(holder, Holder::Role { role, on: None } if self.rights.roles.includes(role, asked));
                Outcomes::known(has)
            }
            Description::Permission { permission: asked, on: None } => Outcomes::known(match self.holder {
                Holder::Role { role, on: None } => permits(&self.rights.roles, role, asked),
                Holder::Permission { permission, on: None } => permission == asked,
                _ => false,
            }),
            Description::Scope(_)
            | Description::Claim { .. }
            | Description::SignedInWithin(_)
            | Description::Factor(_)
            | Description::When { .. }
            | Description::Engine { on: None, .. }
            | Description::Account { .. } => Outcomes::depends(part),
            Description::Row { code, part } => self.outcomes(part).and(Outcomes::depends(format!("unless {code}"))),
            Description::Not(part) => Self { as_superuser: false, ..self }.outcomes(part).not(),
            // A rule, and what this function does not know.
            other => Outcomes { firm: true, ..Outcomes::depends(other) },
        }
    }

    /// A right on a resource.
    fn on(&self, part: &Description, on: &On) -> Outcomes {
        let roles = self.rights.roles_on(on.kind);
        let is_enough = |role: &str| match part {
            Description::Role { role: asked, .. } => roles.includes(role, asked),
            Description::Permission { permission, .. } => permits(roles, role, permission),
            _ => false,
        };
        match self.holder {
            Holder::Visitor => {
                let on = format!("what visitors may do on the {}", on.kind);
                Outcomes { allow: true, firm: true, deny: false, on: vec![on] }
            }
            Holder::Role { role, on: Some(kind) } if kind == on.kind => Outcomes::known(is_enough(role)),
            Holder::Role { role, on: Some(kind) } => {
                let mut below = below(self.rights, kind, role).into_iter();
                match below.any(|(below, role)| below == on.kind && is_enough(role.as_str())) {
                    true => Outcomes::depends(format!("whether the {} belongs to the {kind}", on.kind)),
                    false => Outcomes::known(false),
                }
            }
            Holder::Permission { permission, on: Some(kind) } => {
                let is_asked = matches!(part, Description::Permission { permission: asked, .. } if permission == asked);
                Outcomes::known(kind == on.kind && is_asked)
            }
            _ => Outcomes::known(false),
        }
    }
}

fn permits(roles: &RoleHierarchy, role: &str, permission: &str) -> bool {
    roles.permitted(role).is_some_and(|permitted| permitted.holds(permission))
}

/// The roles that a role on a resource of this kind can give on those below it, whatever their kinds.
fn below<'r>(rights: &'r Rights, kind: &'r str, role: &str) -> BTreeSet<(&'r str, Role)> {
    let mut all = BTreeSet::from([(kind, Role::new(role.to_owned()))]);
    let mut waiting: Vec<(&str, Role)> = all.iter().cloned().collect();
    while let Some((above, role)) = waiting.pop() {
        for kind in rights.memberships.keys() {
            for given in rights.roles_on(kind).inherited_roles(above, &role, rights.roles_on(above)) {
                if all.insert((kind, given.clone())) {
                    waiting.push((kind, given));
                }
            }
        }
    }
    all
}
