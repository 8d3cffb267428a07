//! `GET` of one object.

use http::{Response, StatusCode};

use super::{
    call::{Call, ResourceCall},
    reply::{self, Body},
};
use crate::{cluster::Cluster, status::StatusError};

/// Answers `GET …/NAME` and `GET …/NAME/status`.
pub(super) fn answer(
    cluster: &Cluster,
    call: &Call,
    resource: &ResourceCall,
) -> Result<Response<Body>, StatusError> {
    let kind = &resource.kind;
    let stored = cluster.get(&kind.storage, resource.namespace(), resource.name())?;
    reply::object(StatusCode::OK, call, kind, &stored)
}
