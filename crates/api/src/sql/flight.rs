//! Arrow Flight SQL: what ADBC and JDBC drivers speak, as a gRPC service on the port of the HTTP API.
//!
//! The server keeps nothing between calls. A ticket, and the handle of a prepared statement, is the text of the query;
//! its plan is made once for the types and once more for the rows, each over the spans of that moment. The tenant is
//! in the metadata of every call, `x-scope-orgid`, as elsewhere.
//!
//! There is no authentication yet: who shakes hands with a name and a password gets a token that means nothing, because
//! drivers insist on one.

mod catalog;

use std::pin::Pin;

use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::sql::server::FlightSqlService;
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, CommandGetCatalogs, CommandGetDbSchemas,
    CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandPreparedStatementQuery,
    CommandStatementQuery, ProstMessageExt, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{
    Action, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, HandshakeResponse,
    Ticket,
};
use axum::routing::{MethodFilter, on_service};
use futures::stream::{Stream, StreamExt, TryStreamExt, iter, once};
use http::HeaderMap;
use prost::Message;
use prost::bytes::Bytes;
use spandrel_query::TimeRange;
use spandrel_sql::{RecordBatch, SchemaRef, SqlError};
use spandrel_telemetry::Api;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::ApiState;
use crate::error::ApiError;
use crate::routes::Routes;
use crate::tenant::Tenants;

/// The path below which the methods of the service are.
const PATH: &str = "/arrow.flight.protocol.FlightService/{method}";

type Rows = Response<<Flight as FlightService>::DoGetStream>;
type Handshakes = Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>;

/// Adds the service, which answers with the engine of the routes' state.
pub(super) fn with_flight(routes: Routes) -> Routes {
    let service = FlightServiceServer::new(Flight { state: routes.state().clone() });
    routes.route_of(Api::Native, PATH, "flight_sql", on_service(MethodFilter::POST, service))
}

/// The service.
pub(super) struct Flight {
    state: ApiState,
}

impl Flight {
    fn headers<T>(request: Request<T>) -> (HeaderMap, T) {
        let (metadata, _, message) = request.into_parts();
        (metadata.into_headers(), message)
    }

    /// Where the rows of a query are.
    async fn info(
        &self,
        query: &str,
        ticket: &impl ProstMessageExt,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let (headers, descriptor) = Self::headers(request);
        let schema = self.schema(&headers, query).await?;
        info(&schema, ticket, descriptor)
    }

    async fn schema(&self, headers: &HeaderMap, query: &str) -> Result<SchemaRef, Status> {
        let tenants = Tenants::of(headers, &self.state).map_err(status)?;
        let schema = self.state.sql.schema(tenants.only().map_err(status)?, query, TimeRange::ALL);
        schema.await.map_err(|error| status(error.into()))
    }

    /// The rows of a query, as they come.
    async fn rows(&self, query: &str, request: Request<Ticket>) -> Result<Rows, Status> {
        let (headers, _) = Self::headers(request);
        let tenants = Tenants::of(&headers, &self.state).map_err(status)?;
        let tenant = tenants.only().map_err(status)?;
        let answer = self.state.sql.query(tenant, query, TimeRange::ALL).await;
        let answer = answer.map_err(|error| status(error.into()))?;
        let schema = answer.schema();
        let failed = |error: SqlError| FlightError::Tonic(Box::new(status(error.into())));
        let batches = answer.into_stream().map_err(failed);
        let messages = FlightDataEncoderBuilder::new().with_schema(schema).build(batches);
        Ok(Response::new(messages.map_err(Status::from).boxed()))
    }
}

/// Where rows are that have these columns: behind the ticket, on this connection.
fn info(
    schema: &SchemaRef,
    ticket: &impl ProstMessageExt,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    let ticket = Ticket { ticket: ticket.as_any().encode_to_vec().into() };
    let info = FlightInfo::new().try_with_schema(schema).map_err(internal)?;
    let endpoint = FlightEndpoint::new().with_ticket(ticket);
    Ok(Response::new(info.with_endpoint(endpoint).with_descriptor(descriptor)))
}

/// An answer of one batch that is there already.
fn batch(batch: Result<RecordBatch, impl std::fmt::Display>) -> Result<Rows, Status> {
    let batch = batch.map_err(internal)?;
    let encoder = FlightDataEncoderBuilder::new().with_schema(batch.schema());
    let messages = encoder.build(once(std::future::ready(Ok(batch))));
    Ok(Response::new(messages.map_err(Status::from).boxed()))
}

fn internal(error: impl std::fmt::Display) -> Status {
    Status::internal(error.to_string())
}

/// A failure as gRPC tells it; written to the log when the server is at fault.
fn status(error: ApiError) -> Status {
    error.log();
    let code = match &error {
        ApiError::Sql(error) => Code::from_i32(error.code().grpc_code()),
        ApiError::NoTenant => Code::Unauthenticated,
        _ => Code::InvalidArgument,
    };
    Status::new(code, error.to_string())
}

/// The query that a ticket or a handle is.
fn text(handle: &Bytes) -> Result<&str, Status> {
    let text = std::str::from_utf8(handle);
    text.map_err(|_| Status::invalid_argument("the handle is not one of this server"))
}

#[tonic::async_trait]
impl FlightSqlService for Flight {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Handshakes>, Status> {
        let answer = HandshakeResponse { protocol_version: 0, payload: Bytes::new() };
        let mut response: Response<Handshakes> = Response::new(iter([Ok(answer)]).boxed());
        let token = "Bearer anonymous".parse().map_err(internal)?;
        response.metadata_mut().insert("authorization", token);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let query = query.query;
        let ticket = TicketStatementQuery { statement_handle: query.clone().into() };
        self.info(&query, &ticket, request).await
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.info(text(&query.prepared_statement_handle)?, &query, request).await
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        info(&query.into_builder().schema(), &query, request.into_inner())
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        info(&query.clone().into_builder().schema(), &query, request.into_inner())
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        info(&query.clone().into_builder().schema(), &query, request.into_inner())
    }

    async fn get_flight_info_table_types(
        &self,
        query: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        info(&query.into_builder().schema(), &query, request.into_inner())
    }

    async fn get_flight_info_sql_info(
        &self,
        query: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let facts = catalog::facts().map_err(internal)?;
        info(&query.clone().into_builder(&facts).schema(), &query, request.into_inner())
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Rows, Status> {
        self.rows(text(&ticket.statement_handle)?, request).await
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Rows, Status> {
        self.rows(text(&query.prepared_statement_handle)?, request).await
    }

    async fn do_get_catalogs(
        &self,
        query: CommandGetCatalogs,
        _: Request<Ticket>,
    ) -> Result<Rows, Status> {
        batch(catalog::catalogs(query))
    }

    async fn do_get_schemas(
        &self,
        query: CommandGetDbSchemas,
        _: Request<Ticket>,
    ) -> Result<Rows, Status> {
        batch(catalog::schemas(query))
    }

    async fn do_get_tables(
        &self,
        query: CommandGetTables,
        _: Request<Ticket>,
    ) -> Result<Rows, Status> {
        batch(catalog::tables(query))
    }

    async fn do_get_table_types(
        &self,
        query: CommandGetTableTypes,
        _: Request<Ticket>,
    ) -> Result<Rows, Status> {
        batch(catalog::table_types(query))
    }

    async fn do_get_sql_info(
        &self,
        query: CommandGetSqlInfo,
        _: Request<Ticket>,
    ) -> Result<Rows, Status> {
        let facts = catalog::facts().map_err(internal)?;
        batch(query.into_builder(&facts).build())
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let (headers, _) = Self::headers(request);
        let schema = self.schema(&headers, &query.query).await?;
        let info = FlightInfo::new().try_with_schema(&schema).map_err(internal)?;
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: query.query.into(),
            dataset_schema: info.schema,
            parameter_schema: Bytes::new(),
        })
    }

    async fn do_action_close_prepared_statement(
        &self,
        _: ActionClosePreparedStatementRequest,
        _: Request<Action>,
    ) -> Result<(), Status> {
        Ok(())
    }

    async fn register_sql_info(&self, _: i32, _: &SqlInfo) {}
}
