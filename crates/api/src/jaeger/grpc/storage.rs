//! `jaeger.storage.v2`: what Jaeger asks of a remote storage. Traces are told as they were stored; Jaeger adjusts
//! them itself.

use std::collections::BTreeMap;

use prost::bytes::Bytes;
use spandrel_model::{AttributeValue, TenantId, TraceId};
use spandrel_otlp::decode_any_value;
use spandrel_proto::jaeger_storage::capabilities_server::Capabilities;
use spandrel_proto::jaeger_storage::dependency_reader_server::DependencyReader;
use spandrel_proto::jaeger_storage::trace_reader_server::TraceReader;
use spandrel_proto::jaeger_storage::{
    AnyValue, Dependency, FilterCapabilities, FindTraceIDsRequest, FindTraceIDsResponse,
    FindTraceSummariesRequest, FindTraceSummariesResponse, FindTracesRequest, FoundTraceId,
    GetCapabilitiesRequest, GetCapabilitiesResponse, GetDependenciesRequest,
    GetDependenciesResponse, GetOperationsRequest, GetOperationsResponse, GetServicesRequest,
    GetServicesResponse, GetTracesRequest, KeyValue, Operation, SearchCapabilities, ServiceSummary,
    TraceQueryParameters, TraceSummary,
};
use spandrel_proto::otlp::trace::TracesData;
use spandrel_query::{QueryError, TraceSpans};
use tonic::{Request, Response, Status};

use super::super::filter::{Filter, LEVELS, OPERATORS};
use super::super::find::{self, Found};
use super::super::printed::printed;
use super::super::services::kind_name;
use super::super::span_query::SpanQuery;
use super::super::summary::{ServiceSummary as OfService, Summary};
use super::super::{trace_id, v3};
use super::message::{depth, duration, given, otlp_messages, range, timestamp};
use super::stream::{Messages, messages};
use super::{accept, invalid, operations, services};
use crate::ApiState;
use crate::error::ApiError;
use crate::grpc_status::status_of;
use crate::params::malformed;
use crate::value_match::TAGS_MAX;

/// Answers with the engine of its state.
#[derive(Clone)]
pub(super) struct Storage {
    pub(super) state: ApiState,
}

/// What a search may not be.
///
/// # Errors
/// [`ApiError`] when it has too many attributes, or conditions besides a filter.
pub(super) fn check(query: &SpanQuery) -> Result<(), ApiError> {
    if query.tags.len() > TAGS_MAX {
        let found = format!("{} attributes", query.tags.len());
        return Err(malformed("attributes", format!("at most {TAGS_MAX} attributes"), &found));
    }
    v3::check_alone(query)
}

fn query(query: Option<TraceQueryParameters>) -> Result<SpanQuery, Status> {
    let query = query.ok_or_else(|| invalid("missing query"))?;
    let filter = query.filter.as_ref().map(Filter::from_call).transpose().map_err(invalid)?;
    let query = SpanQuery {
        duration_min: duration(query.duration_min.as_ref()),
        duration_max: duration(query.duration_max.as_ref()),
        range: range(query.start_time_min.as_ref(), query.start_time_max.as_ref()),
        traces_max: depth(query.search_depth),
        service: given(query.service_name),
        operation: given(query.operation_name),
        tags: tags(query.attributes)?,
        filter,
    };
    check(&query).map_err(|error| status_of(&error))?;
    Ok(query)
}

/// Attributes by the text that they print as.
fn tags(attributes: Vec<KeyValue>) -> Result<BTreeMap<String, String>, Status> {
    let pairs = attributes.into_iter().map(|KeyValue { key, value }| {
        let value = value.map_or(Ok(AttributeValue::Empty), |value| model_value(&value))?;
        Ok((key, printed(&value).into_owned()))
    });
    pairs.collect()
}

/// The message is OTLP's under another name.
fn model_value(value: &AnyValue) -> Result<AttributeValue, Status> {
    let bytes = prost::Message::encode_to_vec(value);
    decode_any_value(&bytes).map_err(|error| invalid(error.to_string()))
}

fn otlp(trace: TraceSpans) -> Result<Vec<TracesData>, QueryError> {
    Ok(otlp_messages(trace.to_trace()?))
}

impl Storage {
    async fn search(
        &self,
        parameters: Option<TraceQueryParameters>,
        tenant: &TenantId,
    ) -> Result<Vec<Found>, Status> {
        let found = find::search(&self.state, tenant, query(parameters)?).await;
        found.map_err(|error| status_of(&error))
    }
}

#[tonic::async_trait]
impl TraceReader for Storage {
    type GetTracesStream = Messages<TracesData>;
    type FindTracesStream = Messages<TracesData>;
    type FindTraceSummariesStream = Messages<FindTraceSummariesResponse>;

    async fn get_traces(
        &self,
        request: Request<GetTracesRequest>,
    ) -> Result<Response<Self::GetTracesStream>, Status> {
        let (tenant, request) = accept(request)?;
        let id = |bytes: &Bytes| {
            trace_id::of_bytes(bytes).ok_or_else(|| invalid("trace_id has to have 16 bytes"))
        };
        let ids = request.query.iter().map(|params| id(&params.trace_id));
        let ids: Vec<TraceId> = ids.collect::<Result<_, _>>()?;
        let traces = find::stream_ids(self.state.clone(), tenant, ids);
        Ok(Response::new(messages(traces, otlp)))
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

    async fn find_traces(
        &self,
        request: Request<FindTracesRequest>,
    ) -> Result<Response<Self::FindTracesStream>, Status> {
        let (tenant, request) = accept(request)?;
        let found = self.search(request.query, &tenant).await?;
        let traces = find::stream(self.state.clone(), tenant, found);
        Ok(Response::new(messages(traces, otlp)))
    }

    async fn find_trace_i_ds(
        &self,
        request: Request<FindTraceIDsRequest>,
    ) -> Result<Response<FindTraceIDsResponse>, Status> {
        let (tenant, request) = accept(request)?;
        let found = self.search(request.query, &tenant).await?;
        let trace_ids = found.into_iter().map(|Found { matched, .. }| {
            let end = matched.start_unix_nanos.saturating_add(matched.duration_nanos);
            FoundTraceId {
                trace_id: Bytes::copy_from_slice(&matched.trace_id.0),
                start: Some(timestamp(matched.start_unix_nanos.max(0).cast_unsigned())),
                end: Some(timestamp(end.max(0).cast_unsigned())),
            }
        });
        Ok(Response::new(FindTraceIDsResponse { trace_ids: trace_ids.collect() }))
    }

    async fn find_trace_summaries(
        &self,
        request: Request<FindTraceSummariesRequest>,
    ) -> Result<Response<Self::FindTraceSummariesStream>, Status> {
        let (tenant, request) = accept(request)?;
        let found = self.search(request.query, &tenant).await?;
        let traces = find::stream(self.state.clone(), tenant, found);
        let summary = |trace: TraceSpans| {
            let summaries = vec![message(v3::summary(&trace)?)];
            Ok(vec![FindTraceSummariesResponse { summaries }])
        };
        Ok(Response::new(messages(traces, summary)))
    }
}

#[tonic::async_trait]
impl DependencyReader for Storage {
    async fn get_dependencies(
        &self,
        request: Request<GetDependenciesRequest>,
    ) -> Result<Response<GetDependenciesResponse>, Status> {
        let (tenant, request) = accept(request)?;
        let range = range(request.start_time.as_ref(), request.end_time.as_ref());
        let links = self.state.engine.jaeger_dependencies(&tenant, range).await;
        let links = links.map_err(|error| status_of(&error.into()))?;
        let dependencies = links.into_iter().map(|link| Dependency {
            parent: link.parent.to_string(),
            child: link.child.to_string(),
            call_count: link.calls,
            source: String::new(),
        });
        Ok(Response::new(GetDependenciesResponse { dependencies: dependencies.collect() }))
    }
}

#[tonic::async_trait]
impl Capabilities for Storage {
    async fn get_capabilities(
        &self,
        _request: Request<GetCapabilitiesRequest>,
    ) -> Result<Response<GetCapabilitiesResponse>, Status> {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let filter = FilterCapabilities { levels: texts(&LEVELS), operators: texts(&OPERATORS) };
        let search = SearchCapabilities {
            without_service_name: true,
            same_span_conjunction: true,
            filter: Some(filter),
        };
        Ok(Response::new(GetCapabilitiesResponse { search: Some(search) }))
    }
}

fn message(summary: Summary) -> TraceSummary {
    let service = |service: OfService| ServiceSummary {
        name: service.name,
        span_count: service.span_count,
        error_span_count: service.error_span_count,
    };
    TraceSummary {
        trace_id: Bytes::copy_from_slice(&summary.trace_id.0),
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
