//! Requests to SpiceDB.

use crate::{
    builder::{SpiceDbBuilder, Subjects},
    freshness::{Freshness, ZedToken},
    membership::SpiceDbMembership,
    messages::{
        CHECK, CheckItem, CheckOutcome, CheckRequest, CheckResponse, LOOKUP, LookupPermissionship, LookupRequest,
        LookupResponse, ObjectReference, Permissionship, WRITE, WriteRequest, WriteResponse,
    },
    names::{ObjectId, Subject, Update, checked_relation, checked_type, misconfigured},
};
use http::uri::PathAndQuery;
use portcullis_core::{Error, ErrorKind, Principal};
use prost::Message;
use std::{collections::HashMap, fmt, future::Future, io, sync::Arc, time::Duration};
use tonic::{Code, Request, Status, client::Grpc, metadata::AsciiMetadataValue, transport::Channel};
use tonic_prost::ProstCodec;

/// A SpiceDB, which knows who has which role on what.
///
/// Clones share the connection and the token of the last write.
///
/// Each request has a time limit. No answer is [`ErrorKind::Unavailable`], which a gate answers with 503. What SpiceDB refuses is
/// [`ErrorKind::Misconfigured`], such as an unknown type or a wrong key.
#[derive(Clone)]
pub struct SpiceDb(Arc<Settings>);

pub(crate) struct Settings {
    pub(crate) channel: Channel,
    pub(crate) authorization: Option<AsciiMetadataValue>,
    pub(crate) subjects: Subjects,
    pub(crate) time_limit: Duration,
    pub(crate) max_resources: usize,
    pub(crate) freshness: Freshness,
}

impl SpiceDb {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(Arc::new(settings))
    }

    /// The SpiceDB at the other end of this channel. The application decides on TLS and on when to connect.
    pub fn builder(channel: Channel) -> SpiceDbBuilder {
        SpiceDbBuilder::new(channel)
    }

    /// A membership of the objects of this type, for a gate. The roles are the names of relations or permissions of the type,
    /// from the strongest to the weakest. A caller has the first one that SpiceDB allows.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] for names that SpiceDB does not allow.
    pub fn membership<'a>(
        &self,
        object_type: &str,
        roles: impl IntoIterator<Item = &'a str>,
    ) -> Result<SpiceDbMembership, Error> {
        SpiceDbMembership::new(self.clone(), object_type, roles)
    }

    /// The subject that this principal is in SpiceDB, such as for a [`Relationship`](crate::Relationship); `None` for a
    /// stranger.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if SpiceDB does not allow its subject as an id.
    pub fn subject(&self, who: &Principal) -> Result<Option<Subject>, Error> {
        (self.0.subjects)(who)
    }

    /// Writes all of these changes or none. Later checks see them; the token is for other processes.
    ///
    /// After an error the changes may have been made nevertheless, unless SpiceDB has refused them. They can be written again.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] if SpiceDB does not answer in time, and [`ErrorKind::Misconfigured`] if it refuses: its
    /// schema has no such relation, or there are too many changes.
    pub async fn write(&self, updates: impl IntoIterator<Item = Update>) -> Result<ZedToken, Error> {
        let updates = updates.into_iter().map(Update::message).collect();
        let write = self.0.freshness.write();
        let answer: WriteResponse = self.ask(WRITE, WriteRequest { updates }).await?;
        let token = ZedToken::new(answer.written_at.ok_or_else(incomplete)?.token);
        write.saw(token.clone());
        Ok(token)
    }

    /// Later checks see a write of another process, whose token it has stored or sent.
    ///
    /// A token that SpiceDB does not know is an error of the next check. The one after it is fully consistent.
    pub fn saw(&self, token: ZedToken) {
        self.0.freshness.saw(token);
    }

    /// The ids of all objects of this type on which the principal has this relation or permission, in order.
    ///
    /// A resource on which it depends on a caveat is left out.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if there are more than [`max_resources`](SpiceDbBuilder::max_resources), and as for
    /// [`write`](Self::write).
    pub async fn resources(
        &self,
        object_type: &str,
        permission: &str,
        who: &Principal,
    ) -> Result<Vec<ObjectId>, Error> {
        let (resource_object_type, permission) = (checked_type(object_type)?, checked_relation(permission)?);
        let Some(subject) = self.subject(who)? else { return Ok(Vec::new()) };
        let (consistency, _) = self.0.freshness.needed(false);
        let (consistency, subject) = (Some(consistency), Some(subject.message()));
        let request = LookupRequest { consistency, resource_object_type, permission, subject };
        let mut found = Vec::new();
        let looked_up = self.within_limit(async {
            let path = PathAndQuery::from_static(LOOKUP);
            let codec = ProstCodec::<_, LookupResponse>::default();
            let answer = self.grpc().await?.server_streaming(self.request(request), path, codec).await;
            let mut answers = answer.map_err(|status| failed(&status))?.into_inner();
            while let Some(answer) = answers.message().await.map_err(|status| failed(&status))? {
                if answer.permissionship() != LookupPermissionship::Has {
                    log_conditional(object_type);
                    continue;
                }
                if found.len() == self.0.max_resources {
                    return Err(misconfigured(
                        "SpiceDB finds more resources than `max_resources`; raise it, or read a page of resources and ask for \
                         the standings on them",
                    ));
                }
                found.push(answer.resource_object_id.parse()?);
            }
            Ok(())
        });
        looked_up.await.inspect_err(|_| self.0.freshness.doubt())?;
        found.sort();
        Ok(found)
    }

    /// Whether the subject has each of these permissions on each of these objects.
    pub(crate) async fn check<'a>(
        &self,
        object_type: &str,
        permissions: impl Iterator<Item = &'a str> + Clone,
        ids: &[ObjectId],
        subject: Subject,
        is_fresh: bool,
    ) -> Result<Checked, Error> {
        let subject = subject.message();
        let item = |id: &ObjectId, permission: &str| CheckItem {
            resource: Some(ObjectReference { object_type: object_type.to_owned(), object_id: id.as_str().to_owned() }),
            permission: permission.to_owned(),
            subject: Some(subject.clone()),
        };
        let of = |id| permissions.clone().map(move |permission| (id, permission));
        let items = ids.iter().flat_map(of).map(|(id, permission)| item(id, permission)).collect();
        let (consistency, count) = self.0.freshness.needed(is_fresh);
        let answer = self.ask(CHECK, CheckRequest { consistency: Some(consistency), items }).await;
        let answer: CheckResponse = answer.inspect_err(|_| self.0.freshness.doubt())?;
        let mut checked = Checked::default();
        for pair in answer.pairs {
            let (Some(asked), Some(outcome)) = (pair.request, pair.outcome) else { return Err(incomplete()) };
            let resource = asked.resource.ok_or_else(incomplete)?;
            let permissionship = match outcome {
                CheckOutcome::Item(answer) => answer.permissionship(),
                CheckOutcome::Error(error) => return Err(failed(&Status::new(error.code.into(), error.message))),
            };
            if permissionship == Permissionship::Conditional {
                log_conditional(object_type);
            }
            let is_allowed = permissionship == Permissionship::Has;
            checked.0.entry(resource.object_id).or_default().insert(asked.permission, is_allowed);
        }
        self.0.freshness.checked(count, answer.checked_at);
        Ok(checked)
    }

    /// One request and its one answer.
    async fn ask<Q, A>(&self, path: &'static str, message: Q) -> Result<A, Error>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        self.within_limit(async {
            let path = PathAndQuery::from_static(path);
            let answer = self.grpc().await?.unary(self.request(message), path, ProstCodec::<Q, A>::default()).await;
            Ok(answer.map_err(|status| failed(&status))?.into_inner())
        })
        .await
    }

    async fn within_limit<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let late = |_| Error::new(ErrorKind::Unavailable, "SpiceDB did not answer within the time limit");
        tokio::time::timeout(self.0.time_limit, answer).await.map_err(late)?
    }

    async fn grpc(&self) -> Result<Grpc<Channel>, Error> {
        let mut grpc = Grpc::new(self.0.channel.clone());
        grpc.ready().await.map_err(|error| failed(&Status::from_error(error.into())))?;
        Ok(grpc)
    }

    fn request<Q>(&self, message: Q) -> Request<Q> {
        let mut request = Request::new(message);
        request.set_timeout(self.0.time_limit);
        if let Some(authorization) = &self.0.authorization {
            request.metadata_mut().insert("authorization", authorization.clone());
        }
        request
    }
}

/// The answers to checks, by object and permission: nothing says that they come in order.
#[derive(Default)]
pub(crate) struct Checked(HashMap<String, HashMap<String, bool>>);

impl Checked {
    pub(crate) fn allows(&self, id: &ObjectId, permission: &str) -> Result<bool, Error> {
        self.0.get(id.as_str()).and_then(|answers| answers.get(permission)).copied().ok_or_else(incomplete)
    }
}

/// Shows neither the token nor what is asked.
impl fmt::Debug for SpiceDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpiceDb").field("time_limit", &self.0.time_limit).finish_non_exhaustive()
    }
}

fn failed(status: &Status) -> Error {
    let cause = io::Error::other(format!("{:?}: {}", status.code(), status.message()));
    match status.code() {
        Code::InvalidArgument
        | Code::FailedPrecondition
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::Unimplemented => {
            misconfigured("SpiceDB refuses the request; compare its schema and its key with the settings")
        }
        _ => Error::new(ErrorKind::Unavailable, "SpiceDB did not answer"),
    }
    .with_cause(cause)
}

pub(crate) fn incomplete() -> Error {
    Error::new(ErrorKind::Unavailable, "the answer of SpiceDB is not complete")
}

fn log_conditional(object_type: &str) {
    tracing::debug!(target: "portcullis", object_type, "a permission depends on a caveat without a context and counts as none");
}
