//! A server that answers as a test says. Its messages are the generated ones.

use futures_util::stream::{self, BoxStream};
use portcullis_spicedb::{SpiceDb, SpiceDbBuilder};
use spicedb_grpc_tonic::v1::{
    CheckBulkPermissionsPair, CheckBulkPermissionsRequest, CheckBulkPermissionsRequestItem,
    CheckBulkPermissionsResponse, CheckBulkPermissionsResponseItem, Consistency, LookupPermissionship,
    LookupResourcesRequest, LookupResourcesResponse, SubjectReference, WriteRelationshipsRequest,
    WriteRelationshipsResponse, ZedToken, check_bulk_permissions_pair, check_permission_response::Permissionship,
    consistency::Requirement,
};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::{Future, pending},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
    time::Duration,
};
use tonic::{
    Code, Request, Response, Status,
    body::Body,
    server::{Grpc, NamedService},
    transport::{Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

/// What it does and what it was asked.
#[derive(Default)]
pub struct Script {
    /// By `project:1#viewer@user:alice`.
    pub permissions: BTreeMap<&'static str, Permissionship>,
    pub resources: Vec<(String, LookupPermissionship)>,
    /// Refuses everything with this.
    pub refusal: Option<Code>,
    /// Refuses one check of several with this.
    pub item_refusal: Option<(&'static str, Code)>,
    /// Takes requests and never answers, after it has done what they ask.
    pub hangs: bool,
    pub reverses_answers: bool,
    pub loses_an_answer: bool,
    pub checks: Vec<Vec<String>>,
    pub consistencies: Vec<String>,
    pub writes: Vec<WriteRelationshipsRequest>,
    pub keys: Vec<String>,
    tokens: usize,
}

#[derive(Clone, Default)]
pub struct StandIn(Arc<Mutex<Script>>);

impl StandIn {
    /// Starts it in the background, and whom it is to be asked by.
    pub fn start() -> (Self, SpiceDbBuilder) {
        let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let url = format!("http://{}", incoming.local_addr().unwrap());
        let stand_in = Self::default();
        let server = Server::builder().add_service(stand_in.clone()).serve_with_incoming(incoming);
        tokio::spawn(server);
        let builder = SpiceDb::builder(Endpoint::from_shared(url).unwrap().connect_lazy());
        (stand_in, builder.issuer(super::gate::ISSUER).time_limit(Duration::from_secs(20)))
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap()
    }

    /// Has this permission from now on.
    pub fn allow(&self, written: &'static str) {
        self.script().permissions.insert(written, Permissionship::HasPermission);
    }

    async fn received(&self, key: Option<String>) -> Result<String, Status> {
        let (hangs, token) = {
            let mut script = self.script();
            script.keys.extend(key);
            if let Some(code) = script.refusal {
                return Err(Status::new(code, "the script says so"));
            }
            script.tokens += 1;
            (script.hangs, script.tokens.to_string())
        };
        if hangs { pending().await } else { Ok(token) }
    }

    async fn check(
        self,
        request: Request<CheckBulkPermissionsRequest>,
    ) -> Result<Response<CheckBulkPermissionsResponse>, Status> {
        let token = self.received(key(&request)).await?;
        let CheckBulkPermissionsRequest { items, consistency, .. } = request.into_inner();
        let mut script = self.script();
        script.checks.push(items.iter().map(written).collect());
        script.consistencies.push(required(consistency));
        let mut pairs: Vec<_> = items.into_iter().map(|item| answered(&script, item)).collect();
        if script.reverses_answers {
            pairs.reverse();
        }
        if script.loses_an_answer {
            pairs.pop();
        }
        Ok(Response::new(CheckBulkPermissionsResponse {
            checked_at: Some(ZedToken { token: format!("c{token}") }),
            pairs,
        }))
    }

    async fn write(
        self,
        request: Request<WriteRelationshipsRequest>,
    ) -> Result<Response<WriteRelationshipsResponse>, Status> {
        let key = key(&request);
        self.script().writes.push(request.into_inner());
        let token = format!("w{}", self.received(key).await?);
        Ok(Response::new(WriteRelationshipsResponse { written_at: Some(ZedToken { token }) }))
    }

    async fn lookup(
        self,
        request: Request<LookupResourcesRequest>,
    ) -> Result<Response<BoxStream<'static, Result<LookupResourcesResponse, Status>>>, Status> {
        self.received(key(&request)).await?;
        let LookupResourcesRequest { resource_object_type, permission, subject, consistency, .. } =
            request.into_inner();
        let mut script = self.script();
        script.checks.push(vec![format!("{resource_object_type}#{permission}@{}", subject_of(&subject.unwrap()))]);
        script.consistencies.push(required(consistency));
        let found = script.resources.clone().into_iter().map(|(resource_object_id, permissionship)| {
            let permissionship = permissionship.into();
            Ok(LookupResourcesResponse { resource_object_id, permissionship, ..LookupResourcesResponse::default() })
        });
        Ok(Response::new(Box::pin(stream::iter(found.collect::<Vec<_>>()))))
    }
}

fn key<T>(request: &Request<T>) -> Option<String> {
    Some(request.metadata().get("authorization")?.to_str().unwrap().to_owned())
}

fn subject_of(subject: &SubjectReference) -> String {
    let object = subject.object.as_ref().unwrap();
    assert_eq!(subject.optional_relation, "");
    format!("{}:{}", object.object_type, object.object_id)
}

fn written(item: &CheckBulkPermissionsRequestItem) -> String {
    let resource = item.resource.as_ref().unwrap();
    let subject = subject_of(item.subject.as_ref().unwrap());
    format!("{}:{}#{}@{subject}", resource.object_type, resource.object_id, item.permission)
}

fn required(consistency: Option<Consistency>) -> String {
    match consistency.and_then(|consistency| consistency.requirement) {
        None => "nothing".to_owned(),
        Some(Requirement::MinimizeLatency(true)) => "minimize latency".to_owned(),
        Some(Requirement::FullyConsistent(true)) => "full".to_owned(),
        Some(Requirement::AtLeastAsFresh(ZedToken { token })) => token,
        Some(other) => panic!("{other:?}"),
    }
}

fn answered(script: &Script, item: CheckBulkPermissionsRequestItem) -> CheckBulkPermissionsPair {
    use check_bulk_permissions_pair::Response;
    let asked = written(&item);
    let response = match script.item_refusal {
        Some((refused, code)) if refused == asked => {
            let mut response = Response::Error(Default::default()); // a type that cannot be named
            if let Response::Error(status) = &mut response {
                (status.code, status.message) = (code.into(), "the script says so".to_owned());
            }
            response
        }
        _ => {
            let permissionship = script.permissions.get(&*asked).copied().unwrap_or(Permissionship::NoPermission);
            let permissionship = permissionship.into();
            Response::Item(CheckBulkPermissionsResponseItem {
                permissionship,
                ..CheckBulkPermissionsResponseItem::default()
            })
        }
    };
    CheckBulkPermissionsPair { request: Some(item), response: Some(response) }
}

impl NamedService for StandIn {
    const NAME: &'static str = "authzed.api.v1.PermissionsService";
}

impl Service<http::Request<Body>> for StandIn {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let stand_in = self.clone();
        Box::pin(async move {
            Ok(match request.uri().path().rsplit('/').next().unwrap() {
                "CheckBulkPermissions" => {
                    let check = service_fn(move |request| stand_in.clone().check(request));
                    Grpc::new(ProstCodec::default()).unary(check, request).await
                }
                "WriteRelationships" => {
                    let write = service_fn(move |request| stand_in.clone().write(request));
                    Grpc::new(ProstCodec::default()).unary(write, request).await
                }
                "LookupResources" => {
                    let lookup = service_fn(move |request| stand_in.clone().lookup(request));
                    Grpc::new(ProstCodec::default()).server_streaming(lookup, request).await
                }
                other => panic!("{other}"),
            })
        })
    }
}
