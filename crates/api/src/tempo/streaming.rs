//! `tempopb.StreamingQuerier`: Tempo's queries over gRPC, answered piece by piece, on the port of the HTTP API.
//!
//! Every message is a difference: it has what was not sent before, and the metrics of everything until now. What
//! all messages of an answer say together is the answer of the HTTP endpoint. A trace is sent when it is certain to
//! be in the answer, because Grafana keeps the first thing that it hears of it.
//!
//! A query runs as long as somebody reads its messages: when the client leaves, the stream is dropped, and the
//! query with it.

mod metrics;
mod names;
mod pace;
pub(crate) mod search;
mod segments;
mod values;
mod watched;

use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use spandrel_proto::tempo::streaming_querier_server::{StreamingQuerier, StreamingQuerierServer};
use spandrel_proto::tempo::{
    QueryInstantRequest, QueryInstantResponse, QueryRangeRequest, QueryRangeResponse,
    SearchRequest, SearchResponse, SearchTagValuesRequest, SearchTagValuesResponse,
    SearchTagValuesV2Response, SearchTagsRequest, SearchTagsResponse, SearchTagsV2Response,
};
use tonic::{Request, Response, Status};

use crate::ApiState;
use crate::error::ApiError;
use crate::grpc_status::status_of;
use crate::tenant::Tenants;

/// The path below which the methods of the service are.
pub(super) const PATH: &str = "/tempopb.StreamingQuerier/{method}";

/// Messages, or why there are no more.
pub(crate) type Messages<M> = BoxStream<'static, Result<M, ApiError>>;
/// The same, as gRPC sends them.
type Statuses<M> = BoxStream<'static, Result<M, Status>>;

/// The service.
pub(super) fn service(state: ApiState) -> StreamingQuerierServer<Querier> {
    StreamingQuerierServer::new(Querier { state })
}

/// Answers with the engine of its state.
pub(super) struct Querier {
    state: ApiState,
}

impl Querier {
    /// The tenants that a request is about, and the request.
    fn accept<T>(&self, request: Request<T>) -> Result<(Tenants, T), Status> {
        let (metadata, _, message) = request.into_parts();
        let tenants = Tenants::of(&metadata.into_headers(), &self.state);
        Ok((tenants.map_err(|error| status_of(&error))?, message))
    }
}

/// The answer to a request that could be read.
fn answer<M: 'static>(
    messages: Result<Messages<M>, ApiError>,
) -> Result<Response<Statuses<M>>, Status> {
    let messages = messages.map_err(|error| status_of(&error))?;
    Ok(Response::new(messages.map_err(|error| status_of(&error)).boxed()))
}

#[tonic::async_trait]
impl StreamingQuerier for Querier {
    type SearchStream = Statuses<SearchResponse>;
    type SearchTagsStream = Statuses<SearchTagsResponse>;
    type SearchTagsV2Stream = Statuses<SearchTagsV2Response>;
    type SearchTagValuesStream = Statuses<SearchTagValuesResponse>;
    type SearchTagValuesV2Stream = Statuses<SearchTagValuesV2Response>;
    type MetricsQueryRangeStream = Statuses<QueryRangeResponse>;
    type MetricsQueryInstantStream = Statuses<QueryInstantResponse>;

    async fn search(
        &self,
        request: Request<SearchRequest>,
    ) -> Result<Response<Self::SearchStream>, Status> {
        let (tenants, request) = self.accept(request)?;
        answer(search::messages(self.state.clone(), tenants, &request))
    }

    async fn search_tags(
        &self,
        request: Request<SearchTagsRequest>,
    ) -> Result<Response<Self::SearchTagsStream>, Status> {
        let (tenants, request) = self.accept(request)?;
        answer(names::v1(self.state.clone(), tenants, &request))
    }

    async fn search_tags_v2(
        &self,
        request: Request<SearchTagsRequest>,
    ) -> Result<Response<Self::SearchTagsV2Stream>, Status> {
        let (tenants, request) = self.accept(request)?;
        answer(names::v2(self.state.clone(), tenants, &request))
    }

    async fn search_tag_values(
        &self,
        request: Request<SearchTagValuesRequest>,
    ) -> Result<Response<Self::SearchTagValuesStream>, Status> {
        let (tenants, request) = self.accept(request)?;
        answer(values::v1(self.state.clone(), tenants, &request))
    }

    async fn search_tag_values_v2(
        &self,
        request: Request<SearchTagValuesRequest>,
    ) -> Result<Response<Self::SearchTagValuesV2Stream>, Status> {
        let (tenants, request) = self.accept(request)?;
        answer(values::v2(self.state.clone(), tenants, &request))
    }

    async fn metrics_query_range(
        &self,
        request: Request<QueryRangeRequest>,
    ) -> Result<Response<Self::MetricsQueryRangeStream>, Status> {
        let (tenants, request) = self.accept(request)?;
        answer(metrics::query_range(self.state.clone(), tenants, &request))
    }

    async fn metrics_query_instant(
        &self,
        request: Request<QueryInstantRequest>,
    ) -> Result<Response<Self::MetricsQueryInstantStream>, Status> {
        let (tenants, request) = self.accept(request)?;
        answer(metrics::query_instant(self.state.clone(), tenants, &request))
    }
}
