//! Metrics queries over gRPC. They are answered over HTTP only until the engine reports its progress on them.

use spandrel_proto::tempo::{
    QueryInstantRequest, QueryInstantResponse, QueryRangeRequest, QueryRangeResponse,
};
use tonic::{Response, Status};

use super::Messages;
use crate::ApiState;
use crate::tenant::Tenants;

const UNIMPLEMENTED: &str = "metrics queries are not answered over gRPC yet: turn streaming of \
    metrics queries off in the data source, or ask GET /api/metrics/query_range";

/// `MetricsQueryRange`.
pub(super) fn query_range(
    _state: ApiState,
    _tenants: Tenants,
    _request: QueryRangeRequest,
) -> Result<Response<Messages<QueryRangeResponse>>, Status> {
    Err(Status::unimplemented(UNIMPLEMENTED))
}

/// `MetricsQueryInstant`.
pub(super) fn query_instant(
    _state: ApiState,
    _tenants: Tenants,
    _request: QueryInstantRequest,
) -> Result<Response<Messages<QueryInstantResponse>>, Status> {
    Err(Status::unimplemented(UNIMPLEMENTED))
}
