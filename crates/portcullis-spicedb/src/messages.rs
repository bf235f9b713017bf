//! What is sent and received: the parts of `authzed.api.v1` that are needed here, by the numbers of their fields.

use prost::{Enumeration, Message, Oneof};

pub(crate) const CHECK: &str = "/authzed.api.v1.PermissionsService/CheckBulkPermissions";
pub(crate) const WRITE: &str = "/authzed.api.v1.PermissionsService/WriteRelationships";
pub(crate) const LOOKUP: &str = "/authzed.api.v1.PermissionsService/LookupResources";

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ObjectReference {
    #[prost(string, tag = "1")]
    pub(crate) object_type: String,
    #[prost(string, tag = "2")]
    pub(crate) object_id: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct SubjectReference {
    #[prost(message, optional, tag = "1")]
    pub(crate) object: Option<ObjectReference>,
    #[prost(string, tag = "2")]
    pub(crate) optional_relation: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Token {
    #[prost(string, tag = "1")]
    pub(crate) token: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Consistency {
    #[prost(oneof = "Requirement", tags = "1, 2, 4")]
    pub(crate) requirement: Option<Requirement>,
}

#[derive(Clone, PartialEq, Eq, Oneof)]
pub(crate) enum Requirement {
    #[prost(bool, tag = "1")]
    MinimizeLatency(bool),
    #[prost(message, tag = "2")]
    AtLeastAsFresh(Token),
    #[prost(bool, tag = "4")]
    FullyConsistent(bool),
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CheckRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) consistency: Option<Consistency>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) items: Vec<CheckItem>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CheckItem {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<ObjectReference>,
    #[prost(string, tag = "2")]
    pub(crate) permission: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) subject: Option<SubjectReference>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) checked_at: Option<Token>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) pairs: Vec<CheckPair>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CheckPair {
    #[prost(message, optional, tag = "1")]
    pub(crate) request: Option<CheckItem>,
    #[prost(oneof = "CheckOutcome", tags = "2, 3")]
    pub(crate) outcome: Option<CheckOutcome>,
}

#[derive(Clone, PartialEq, Eq, Oneof)]
pub(crate) enum CheckOutcome {
    #[prost(message, tag = "2")]
    Item(CheckAnswer),
    #[prost(message, tag = "3")]
    Error(CheckError),
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CheckAnswer {
    #[prost(enumeration = "Permissionship", tag = "1")]
    pub(crate) permissionship: i32,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CheckError {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub(crate) enum Permissionship {
    Unspecified = 0,
    No = 1,
    Has = 2,
    Conditional = 3,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub(crate) updates: Vec<UpdateMessage>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct UpdateMessage {
    #[prost(enumeration = "Operation", tag = "1")]
    pub(crate) operation: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) relationship: Option<RelationshipMessage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub(crate) enum Operation {
    Unspecified = 0,
    Touch = 2,
    Delete = 3,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct RelationshipMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<ObjectReference>,
    #[prost(string, tag = "2")]
    pub(crate) relation: String,
    #[prost(message, optional, tag = "3")]
    pub(crate) subject: Option<SubjectReference>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct WriteResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) written_at: Option<Token>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct LookupRequest {
    #[prost(message, optional, tag = "1")]
    pub(crate) consistency: Option<Consistency>,
    #[prost(string, tag = "2")]
    pub(crate) resource_object_type: String,
    #[prost(string, tag = "3")]
    pub(crate) permission: String,
    #[prost(message, optional, tag = "4")]
    pub(crate) subject: Option<SubjectReference>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct LookupResponse {
    #[prost(string, tag = "2")]
    pub(crate) resource_object_id: String,
    #[prost(enumeration = "LookupPermissionship", tag = "3")]
    pub(crate) permissionship: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Enumeration)]
#[repr(i32)]
pub(crate) enum LookupPermissionship {
    Unspecified = 0,
    Has = 1,
    Conditional = 2,
}
