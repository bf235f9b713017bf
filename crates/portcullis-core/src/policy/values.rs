//! The types of policies, for constants and signatures.
//!
//! ```
//! use portcullis_core::policy::{role, path, values::OnResource};
//!
//! const READ: OnResource = role("viewer").on("project", path("project_id"));
//! ```

pub use super::{
    account::OfAccount,
    basic::{AnyPrincipal, Anyone, RequirePermission, RequireRole, RequireScope, Staff},
    claim::RequireClaim,
    combine::{All, Any, HiddenPolicy, Not, PolicyList},
    describe::{Description, On},
    engine::{OfEngine, OfEngineOn},
    locate::{IdValue, Locate, ResourceId},
    modify::{Fresh, Visitors, WithoutBaseline},
    resource::{OnResource, OnRow},
    shadow::Shadow,
    signed::Signed,
    step_up::{Factor, SignedInWithin},
    ways::{AlsoVia, Via},
    when::{Holds, When},
};
