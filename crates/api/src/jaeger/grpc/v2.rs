//! `jaeger.api_v2.QueryService`, which Kiali and older clients use.

use std::collections::BTreeSet;

use prost::bytes::Bytes;
use spandrel_model::TraceId;
use spandrel_proto::jaeger::query_service_server::QueryService;
use spandrel_proto::jaeger::{
    ArchiveTraceRequest, ArchiveTraceResponse, DependencyLink, FindTracesRequest,
    GetDependenciesRequest, GetDependenciesResponse, GetOperationsRequest, GetOperationsResponse,
    GetServicesRequest, GetServicesResponse, GetTraceRequest, Operation, SpansResponseChunk,
    TraceQueryParameters,
};
use spandrel_query::{QueryError, TraceSpans};
use tonic::{Request, Response, Status};

use super::super::adjust::Shown;
use super::super::services::kind_name;
use super::super::span_query::SpanQuery;
use super::super::{find, trace_id};
use super::message::{depth, duration, given, range, v2_messages};
use super::stream::{Messages, messages};
use super::{accept, invalid, operations, services};
use crate::ApiState;
use crate::error::ApiError;
use crate::grpc_status::status_of;

/// Answers with the engine of its state.
pub(super) struct QueryV2 {
    pub(super) state: ApiState,
}

fn id_of(bytes: &Bytes) -> Result<TraceId, Status> {
    let id = trace_id::of_bytes(bytes).filter(|id| !id.is_zero());
    id.ok_or_else(|| invalid("uninitialized TraceID is not allowed"))
}

/// Messages of traces in Jaeger's model.
fn spans(raw: bool) -> impl Fn(TraceSpans) -> Result<Vec<SpansResponseChunk>, QueryError> + Clone {
    move |trace| Ok(v2_messages(&Shown::new(trace.to_trace()?, raw)))
}

fn query(query: TraceQueryParameters) -> SpanQuery {
    SpanQuery {
        duration_min: duration(query.duration_min.as_ref()),
        duration_max: duration(query.duration_max.as_ref()),
        range: range(query.start_time_min.as_ref(), query.start_time_max.as_ref()),
        traces_max: depth(query.search_depth),
        service: given(query.service_name),
        operation: given(query.operation_name),
        tags: query.tags,
        filter: None,
    }
}

#[tonic::async_trait]
impl QueryService for QueryV2 {
    type GetTraceStream = Messages<SpansResponseChunk>;
    type FindTracesStream = Messages<SpansResponseChunk>;

    async fn get_trace(
        &self,
        request: Request<GetTraceRequest>,
    ) -> Result<Response<Self::GetTraceStream>, Status> {
        let (tenant, request) = accept(request)?;
        let id = id_of(&request.trace_id)?;
        let found = find::by_ids(&self.state, &tenant, &[id]).await;
        let found = found.map_err(|error| status_of(&error))?.into_iter().flatten().next();
        let found = found.ok_or_else(|| status_of(&ApiError::TraceNotFound))?;
        Ok(Response::new(messages(find::one(found), spans(request.raw_traces))))
    }

    async fn archive_trace(
        &self,
        request: Request<ArchiveTraceRequest>,
    ) -> Result<Response<ArchiveTraceResponse>, Status> {
        let (_, request) = accept(request)?;
        id_of(&request.trace_id)?;
        Err(Status::internal(format!("failed to archive trace: {}", ApiError::NoArchive)))
    }

    async fn find_traces(
        &self,
        request: Request<FindTracesRequest>,
    ) -> Result<Response<Self::FindTracesStream>, Status> {
        let (tenant, request) = accept(request)?;
        let parameters = request.query.ok_or_else(|| invalid("missing query"))?;
        let raw = parameters.raw_traces;
        let query = query(parameters);
        super::storage::check(&query).map_err(|error| status_of(&error))?;
        let found = find::search(&self.state, &tenant, query).await;
        let found = found.map_err(|error| status_of(&error))?;
        let traces = find::stream(self.state.clone(), tenant, found);
        Ok(Response::new(messages(traces, spans(raw))))
    }

    async fn get_services(
        &self,
        request: Request<GetServicesRequest>,
    ) -> Result<Response<GetServicesResponse>, Status> {
        let (tenant, _) = accept(request)?;
        let services = services(&self.state, &tenant).await?;
        Ok(Response::new(GetServicesResponse { services }))
    }

    async fn get_operations(
        &self,
        request: Request<GetOperationsRequest>,
    ) -> Result<Response<GetOperationsResponse>, Status> {
        let (tenant, request) = accept(request)?;
        let GetOperationsRequest { service, span_kind } = request;
        let operations = operations(&self.state, &tenant, &service, span_kind).await?;
        let names: BTreeSet<String> =
            operations.iter().map(|operation| operation.name.clone()).collect();
        let operations = operations.into_iter().map(|operation| Operation {
            span_kind: kind_name(operation.kind).to_owned(),
            name: operation.name,
        });
        Ok(Response::new(GetOperationsResponse {
            operations: operations.collect(),
            operation_names: names.into_iter().collect(),
        }))
    }

    async fn get_dependencies(
        &self,
        request: Request<GetDependenciesRequest>,
    ) -> Result<Response<GetDependenciesResponse>, Status> {
        let (tenant, request) = accept(request)?;
        if request.start_time.is_none() || request.end_time.is_none() {
            return Err(invalid("StartTime and EndTime must be initialized."));
        }
        let range = range(request.start_time.as_ref(), request.end_time.as_ref());
        let links = self.state.engine.jaeger_dependencies(&tenant, range).await;
        let links = links.map_err(|error| status_of(&error.into()))?;
        let dependencies = links.into_iter().map(|link| DependencyLink {
            parent: link.parent.to_string(),
            child: link.child.to_string(),
            call_count: link.calls,
            source: String::new(),
        });
        Ok(Response::new(GetDependenciesResponse { dependencies: dependencies.collect() }))
    }
}
