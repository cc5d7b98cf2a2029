//! `jaeger.api_v3.QueryService`.

use spandrel_proto::jaeger_v3::query_service_server::QueryService;
use spandrel_proto::jaeger_v3::{
    DependenciesResponse, Dependency, FindTraceSummariesRequest, FindTraceSummariesResponse,
    FindTracesRequest, GetDependenciesRequest, GetOperationsRequest, GetOperationsResponse,
    GetServicesRequest, GetServicesResponse, GetTraceRequest, Operation, ServiceSummary,
    TraceQueryParameters, TraceSummary,
};
use spandrel_proto::otlp::trace::TracesData;
use spandrel_query::TraceSpans;
use tonic::{Request, Response, Status};

use super::super::adjust::Shown;
use super::super::filter::Filter;
use super::super::services::kind_name;
use super::super::span_query::SpanQuery;
use super::super::summary::{ServiceSummary as OfService, Summary};
use super::super::{find, trace_id, v3};
use super::message::{depth, duration, given, otlp_messages, range};
use super::stream::{Messages, messages};
use super::{accept, invalid, operations, services};
use crate::ApiState;
use crate::error::ApiError;
use crate::grpc_status::status_of;

/// Answers with the engine of its state.
pub(super) struct QueryV3 {
    pub(super) state: ApiState,
}

fn query(query: Option<TraceQueryParameters>) -> Result<(SpanQuery, bool), Status> {
    let query = query.ok_or_else(|| invalid("missing query"))?;
    if query.start_time_min.is_none() || query.start_time_max.is_none() {
        return Err(invalid("start time min and max are required parameters"));
    }
    let filter = query.filter.as_ref().map(Filter::from_call).transpose().map_err(invalid)?;
    let raw = query.raw_traces;
    let query = SpanQuery {
        duration_min: duration(query.duration_min.as_ref()),
        duration_max: duration(query.duration_max.as_ref()),
        range: range(query.start_time_min.as_ref(), query.start_time_max.as_ref()),
        traces_max: depth(query.search_depth),
        service: given(query.service_name),
        operation: given(query.operation_name),
        tags: query.attributes,
        filter,
    };
    super::storage::check(&query).map_err(|error| status_of(&error))?;
    Ok((query, raw))
}

/// Messages of traces in OTLP.
fn otlp(
    raw: bool,
) -> impl Fn(TraceSpans) -> Result<Vec<TracesData>, spandrel_query::QueryError> + Clone {
    move |trace| Ok(otlp_messages(Shown::new(trace.to_trace()?, raw).into_trace()))
}

#[tonic::async_trait]
impl QueryService for QueryV3 {
    type GetTraceStream = Messages<TracesData>;
    type FindTracesStream = Messages<TracesData>;
    type FindTraceSummariesStream = Messages<FindTraceSummariesResponse>;

    async fn get_trace(
        &self,
        request: Request<GetTraceRequest>,
    ) -> Result<Response<Self::GetTraceStream>, Status> {
        let (tenant, request) = accept(request)?;
        let id = trace_id::parse(&request.trace_id);
        let id = id.map_err(|error| invalid(format!("malform trace ID: {error}")))?;
        let found = find::by_ids(&self.state, &tenant, &[id]).await;
        let found = found.map_err(|error| status_of(&error))?.into_iter().flatten().next();
        let found = found.ok_or_else(|| status_of(&ApiError::TraceNotFound))?;
        Ok(Response::new(messages(find::one(found), otlp(request.raw_traces))))
    }

    async fn find_traces(
        &self,
        request: Request<FindTracesRequest>,
    ) -> Result<Response<Self::FindTracesStream>, Status> {
        let (tenant, request) = accept(request)?;
        let (query, raw) = query(request.query)?;
        let found = find::search(&self.state, &tenant, query).await;
        let found = found.map_err(|error| status_of(&error))?;
        let traces = find::stream(self.state.clone(), tenant, found);
        Ok(Response::new(messages(traces, otlp(raw))))
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
        let operations = operations.into_iter().map(|operation| Operation {
            span_kind: kind_name(operation.kind).to_owned(),
            name: operation.name,
        });
        Ok(Response::new(GetOperationsResponse { operations: operations.collect() }))
    }

    async fn get_dependencies(
        &self,
        request: Request<GetDependenciesRequest>,
    ) -> Result<Response<DependenciesResponse>, Status> {
        let (tenant, request) = accept(request)?;
        let (start, end) = (request.start_time.as_ref(), request.end_time.as_ref());
        let required = |name: &str| invalid(format!("{name} is required"));
        start.ok_or_else(|| required("start_time"))?;
        end.ok_or_else(|| required("end_time"))?;
        let range = range(start, end);
        if range.end_unix_nanos <= range.start_unix_nanos {
            return Err(invalid("end_time must be after start_time"));
        }
        let links = self.state.engine.jaeger_dependencies(&tenant, range).await;
        let links = links.map_err(|error| status_of(&error.into()))?;
        let dependencies = links.into_iter().map(|link| Dependency {
            parent: link.parent.to_string(),
            child: link.child.to_string(),
            call_count: link.calls,
        });
        Ok(Response::new(DependenciesResponse { dependencies: dependencies.collect() }))
    }

    async fn find_trace_summaries(
        &self,
        request: Request<FindTraceSummariesRequest>,
    ) -> Result<Response<Self::FindTraceSummariesStream>, Status> {
        let (tenant, request) = accept(request)?;
        let (query, _) = query(request.query)?;
        let found = find::search(&self.state, &tenant, query).await;
        let found = found.map_err(|error| status_of(&error))?;
        let traces = find::stream(self.state.clone(), tenant, found);
        let summary = |trace: TraceSpans| {
            let summaries = vec![message(v3::summary(&trace)?)];
            Ok(vec![FindTraceSummariesResponse { summaries }])
        };
        Ok(Response::new(messages(traces, summary)))
    }
}

fn message(summary: Summary) -> TraceSummary {
    let service = |service: OfService| ServiceSummary {
        name: service.name,
        span_count: service.span_count,
        error_span_count: service.error_span_count,
    };
    TraceSummary {
        trace_id: summary.trace_id.to_string(),
        root_service_name: summary.root_service_name,
        root_operation_name: summary.root_operation_name,
        min_start_time_unix_nano: summary.min_start_time_unix_nano,
        max_end_time_unix_nano: summary.max_end_time_unix_nano,
        span_count: summary.span_count,
        error_span_count: summary.error_span_count,
        orphan_span_count: summary.orphan_span_count,
        services: summary.services.into_iter().map(service).collect(),
    }
}
