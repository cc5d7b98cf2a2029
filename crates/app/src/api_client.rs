//! HTTP to Spandrel's (or Tempo's) query API.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, Uri, header, request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prost::Message;
use spandrel_model::TenantId;
use spandrel_proto::tempo::{SearchResponse, TraceByIdResponse};

use crate::storage::parse_tenant;

/// How long an answer may take; the server's own deadline is shorter.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Names the tenant, as in Tempo, Mimir and Loki.
pub(crate) const TENANT_HEADER: &str = "x-scope-orgid";
/// Says where an answer can be continued.
const NEXT_CURSOR_HEADER: &str = "x-spandrel-next-cursor";
pub(crate) const JSON: &str = "application/json";
pub(crate) const PROTOBUF: &str = "application/protobuf";

/// Where to send queries.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct EndpointArgs {
    /// Where Spandrel's HTTP port is
    #[arg(
        long,
        env = "SPANDREL_ENDPOINT",
        value_name = "URL",
        default_value = "http://127.0.0.1:3200"
    )]
    pub(crate) endpoint: String,

    /// Whose traces [default: those that were sent without a tenant]
    #[arg(long, value_parser = parse_tenant)]
    pub(crate) tenant: Option<TenantId>,
}

/// A client of one server.
#[derive(Debug, Clone)]
pub(crate) struct ApiClient {
    base: String,
    tenant: Option<TenantId>,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// An answer that is not a success.
#[derive(Debug, thiserror::Error)]
#[error("the server answered {status}: {message}")]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl ApiClient {
    pub(crate) fn new(args: &EndpointArgs) -> anyhow::Result<Self> {
        let base = args.endpoint.trim_end_matches('/').to_owned();
        check_endpoint(&base)?;
        let http = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { base, tenant: args.tenant.clone(), http })
    }

    /// The body of a successful `GET`; [`Refused`] for another status.
    pub(crate) async fn get(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        accept: &str,
    ) -> anyhow::Result<Bytes> {
        Ok(self.get_with_headers(path, parameters, accept).await?.1)
    }

    /// As [`ApiClient::get`], with the headers of the answer.
    pub(crate) async fn get_with_headers(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        accept: &str,
    ) -> anyhow::Result<(HeaderMap, Bytes)> {
        let uri = self.uri(path, parameters);
        let request = Request::get(&uri).header(header::ACCEPT, accept);
        self.send(request, Bytes::new()).await
    }

    /// The body of the answer to a `POST` of text; [`Refused`] for a status that is no success.
    pub(crate) async fn post(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        accept: &str,
        text: Bytes,
    ) -> anyhow::Result<Bytes> {
        let request = Request::post(self.uri(path, parameters)).header(header::ACCEPT, accept);
        let request = request.header(header::CONTENT_TYPE, "text/plain; charset=utf-8");
        Ok(self.send(request, text).await?.1)
    }

    fn uri(&self, path: &str, parameters: &[(&str, String)]) -> String {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let separator = if query.is_empty() { "" } else { "?" };
        format!("{}{path}{separator}{query}", self.base)
    }

    async fn send(
        &self,
        mut request: request::Builder,
        body: Bytes,
    ) -> anyhow::Result<(HeaderMap, Bytes)> {
        if let Some(tenant) = &self.tenant {
            request = request.header(TENANT_HEADER, tenant.as_str());
        }
        let request = request.body(Full::new(body)).context("the request cannot be made")?;
        let answer = async {
            let response =
                self.http.request(request).await.map_err(|error| self.unreachable(error))?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.context("the answer broke off")?;
            anyhow::Ok((parts.status, parts.headers, body.to_bytes()))
        };
        let answer = tokio::time::timeout(TIMEOUT, answer).await;
        let (status, headers, body) = answer
            .with_context(|| format!("{} did not answer within {TIMEOUT:?}", self.base))??;
        if status.is_success() {
            return Ok((headers, body));
        }
        let message = String::from_utf8_lossy(&body).trim().to_owned();
        Err(Refused { status, message }.into())
    }

    /// A trace by its id in hexadecimal; one without spans when there is none.
    pub(crate) async fn trace(&self, id: &str) -> anyhow::Result<TraceByIdResponse> {
        let body = self.get(&format!("/api/v2/traces/{id}"), &[], PROTOBUF).await?;
        TraceByIdResponse::decode(body).context("the answer is no trace")
    }

    /// A search.
    pub(crate) async fn search(
        &self,
        parameters: &[(&str, String)],
    ) -> anyhow::Result<SearchResponse> {
        Ok(self.search_page(parameters).await?.0)
    }

    /// A search, and the cursor of what comes behind its answer, if anything may.
    pub(crate) async fn search_page(
        &self,
        parameters: &[(&str, String)],
    ) -> anyhow::Result<(SearchResponse, Option<String>)> {
        let (headers, body) = self.get_with_headers("/api/search", parameters, PROTOBUF).await?;
        let found = SearchResponse::decode(body).context("the answer is no search result")?;
        Ok((found, next_cursor(&headers)))
    }

    fn unreachable(&self, error: hyper_util::client::legacy::Error) -> anyhow::Error {
        let base = &self.base;
        if error.is_connect() {
            return anyhow::anyhow!(
                "nothing answers at {base}; start `spandrel` there or name another place"
            );
        }
        anyhow::Error::new(error).context(format!("{base} did not answer"))
    }
}

/// Where to go on behind an answer. Tempo does not say.
pub(crate) fn next_cursor(headers: &HeaderMap) -> Option<String> {
    headers.get(NEXT_CURSOR_HEADER)?.to_str().ok().map(str::to_owned)
}

/// Host and port of an endpoint, or what is wrong with it.
pub(crate) fn check_endpoint(endpoint: &str) -> anyhow::Result<Uri> {
    let uri: Uri = endpoint.parse().with_context(|| format!("`{endpoint}` is not a URL"))?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http"), Some(_)) => Ok(uri),
        (Some("https"), _) => bail!("https is not supported yet, use http:// in --endpoint"),
        _ => bail!("an endpoint is a URL such as http://127.0.0.1:3200, not `{endpoint}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_http_urls() {
        let new = |endpoint: &str| {
            ApiClient::new(&EndpointArgs { endpoint: endpoint.to_owned(), tenant: None })
        };
        assert!(new("http://127.0.0.1:3200/").is_ok());
        assert!(new("http://host:3200/tempo").is_ok());
        for wrong in ["127.0.0.1:3200", "ftp://x", "https://x", "", "http://"] {
            assert!(new(wrong).is_err(), "{wrong}");
        }
    }
}
