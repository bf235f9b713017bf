//! The engine.

use crate::entities::{Naming, attributes, wrong};
use cedar_policy::{Authorizer, Decision, PolicySet, Schema, ValidationMode, Validator};
use portcullis_core::{Engine, EngineRequest, EngineResource, Error, ErrorKind, Principal};
use serde::Serialize;
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

/// Asks policies of Cedar. See the [crate's documentation](crate).
///
/// Clones share the policies: keep one to [`replace`](Self::replace) them while the service runs.
#[derive(Clone)]
pub struct Cedar {
    policies: Arc<RwLock<Arc<PolicySet>>>,
    schema: Option<Arc<Schema>>,
    naming: Naming,
}

impl Cedar {
    /// An engine with these policies, in Cedar's syntax.
    ///
    /// ```
    /// # use portcullis_cedar::Cedar;
    /// assert!(Cedar::new("permit (principal in Role::\"admin\", action, resource);").is_ok());
    /// assert!(Cedar::new("permit (principal in Role::admin, action, resource);").is_err());
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] with what Cedar says, if they cannot be parsed. So are a text without a policy and one
    /// with a template, since nothing links it.
    pub fn new(policies: &str) -> Result<Self, Error> {
        let policies = Arc::new(RwLock::new(Arc::new(parsed(policies)?)));
        Ok(Self { policies, schema: None, naming: Naming::default() })
    }

    /// Checks policies, questions and entities by this schema, in Cedar's syntax.
    ///
    /// It has to declare the types in the table of the [crate](crate#what-cedar-gets) that occur: roles as parents of users, and
    /// `context: { role?: String }` for actions on a resource. What the validator warns about is logged. Clones from before share no
    /// policies with this one.
    ///
    /// ```
    /// # use portcullis_cedar::Cedar;
    /// let schema = r#"
    ///     entity Role;
    ///     entity User in [Role];
    ///     entity Photo;
    ///     action edit appliesTo { principal: User, resource: Photo, context: { role?: String } };
    /// "#;
    /// let with = |condition: &str| {
    ///     let policy = format!("permit (principal, action, resource) when {{ {condition} }};");
    ///     Cedar::new(&policy)?.schema(schema)
    /// };
    /// assert!(with(r#"context has role && context.role == "owner""#).is_ok());
    /// assert!(with(r#"context.roles == "owner""#).is_err());
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] with what Cedar says, if it cannot be parsed or the policies do not fit it.
    pub fn schema(mut self, schema: &str) -> Result<Self, Error> {
        let (schema, warnings) = Schema::from_cedarschema_str(schema)
            .map_err(|cause| wrong(&format!("the schema of Cedar: {cause}"), cause))?;
        warnings.for_each(|warning| tracing::warn!(target: "portcullis", %warning, "the schema of Cedar"));
        let policies = self.policies();
        validate(&schema, &policies)?;
        // A clone without this schema could replace them unchecked.
        self.policies = Arc::new(RwLock::new(policies));
        self.schema = Some(Arc::new(schema));
        Ok(self)
    }

    /// Puts all types and actions into this namespace: `Gallery::User`, `Gallery::Action::"edit"`.
    ///
    /// A text that is no namespace makes each question an error (500).
    #[must_use]
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.naming.namespace = format!("{namespace}::");
        self
    }

    /// Adds attributes of the caller. The function returns an object, such as one of `serde_json::json!`.
    ///
    /// Cedar has no fractions and no `null`. An object `{"__extn": {"fn": "ip", "arg": "10.0.0.1"}}` is a value of that function,
    /// and `{"__entity": {"type": "Team", "id": "1"}}` an entity: take no objects over from clients. An error of the function is
    /// one of the request, and never a denial. A later call replaces the function.
    ///
    /// ```
    /// # use portcullis_cedar::Cedar;
    /// # use serde_json::json;
    /// struct User {
    ///     department: String,
    /// }
    ///
    /// /// Accounts are those of the gate's directory.
    /// fn with_department(cedar: Cedar) -> Cedar {
    ///     cedar.principal_attr(|who| {
    ///         Ok(json!({ "department": who.account::<User>()?.department }))
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn principal_attr<A: Serialize>(
        mut self,
        attr: impl Fn(&Principal) -> Result<A, Error> + Send + Sync + 'static,
    ) -> Self {
        self.naming.of_principal = attributes(attr);
        self
    }

    /// Adds attributes of the resource. Otherwise as [`principal_attr`](Self::principal_attr).
    ///
    /// It is called for each resource, and not where the policy names none. All that it needs is at hand: the identifier, and the
    /// row that the membership found.
    ///
    /// ```
    /// # use portcullis_cedar::Cedar;
    /// # use serde_json::json;
    /// struct Photo {
    ///     is_private: bool,
    /// }
    ///
    /// fn with_privacy(cedar: Cedar) -> Cedar {
    ///     cedar.resource_attr(|on| {
    ///         let row = on.standing().and_then(|standing| standing.row::<Photo>());
    ///         Ok(json!({ "is_private": row.is_none_or(|photo| photo.is_private) }))
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn resource_attr<A: Serialize>(
        mut self,
        attr: impl Fn(&EngineResource) -> Result<A, Error> + Send + Sync + 'static,
    ) -> Self {
        self.naming.of_resource = attributes(attr);
        self
    }

    /// Replaces the policies, in all clones. A question is answered by the old ones or by the new ones, never by some of both.
    ///
    /// # Errors
    /// As [`new`](Self::new) and [`schema`](Self::schema). The old policies stay then.
    pub fn replace(&self, policies: &str) -> Result<(), Error> {
        let policies = parsed(policies)?;
        if let Some(schema) = &self.schema {
            validate(schema, &policies)?;
        }
        *self.policies.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policies);
        Ok(())
    }

    fn policies(&self) -> Arc<PolicySet> {
        self.policies.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn decide(&self, asked: &EngineRequest) -> Result<bool, Error> {
        let (request, entities) = self.naming.ask(asked, self.schema.as_deref())?;
        let answer = Authorizer::new().is_authorized(&request, &self.policies(), &entities);
        if let Some(error) = answer.diagnostics().errors().next() {
            return Err(wrong("a policy of Cedar failed, so its decision does not count", error.clone()));
        }
        if answer.decision() == Decision::Allow {
            return Ok(true);
        }
        let forbidden_by: Vec<_> = answer.diagnostics().reason().collect();
        tracing::debug!(target: "portcullis", action = asked.action(), ?forbidden_by, "Cedar denies");
        Ok(false)
    }
}

fn parsed(policies: &str) -> Result<PolicySet, Error> {
    let wrong_with = |detail: &str| Error::new(ErrorKind::Misconfigured, detail.to_owned());
    let policies: PolicySet =
        policies.parse().map_err(|cause| wrong(&format!("the policies of Cedar: {cause}"), cause))?;
    if policies.num_of_templates() > 0 {
        return Err(wrong_with("the policies of Cedar have a template, and nothing links it"));
    }
    if policies.is_empty() {
        return Err(wrong_with("no policy of Cedar: nobody would be allowed anything"));
    }
    Ok(policies)
}

fn validate(schema: &Schema, policies: &PolicySet) -> Result<(), Error> {
    let result = Validator::new(schema.clone()).validate(policies, ValidationMode::Strict);
    for warning in result.validation_warnings() {
        tracing::warn!(target: "portcullis", %warning, "policies of Cedar");
    }
    let errors: Vec<String> = result.validation_errors().map(ToString::to_string).collect();
    if errors.is_empty() {
        return Ok(());
    }
    let detail = format!("policies of Cedar do not fit the schema: {}", errors.join("; "));
    Err(Error::new(ErrorKind::Misconfigured, detail))
}

impl Engine for Cedar {
    async fn allows(&self, request: &EngineRequest) -> Result<bool, Error> {
        self.decide(request)
    }
}

impl fmt::Debug for Cedar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Cedar");
        debug.field("policies", &self.policies().num_of_policies()).field("has_schema", &self.schema.is_some());
        debug.finish_non_exhaustive()
    }
}
