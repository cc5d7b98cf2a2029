//! Values of a tag, for completion: texts (v1, by plain name) and typed values (v2, by TraceQL
//! name).

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use spandrel_proto::tempo::{
    SearchTagValuesResponse, SearchTagValuesV2Response, TagValue as TagValueMessage,
};
use spandrel_query::{TagValue, TagValues, TagValuesRequest};
use spandrel_traceql::{Attribute, Intrinsic, Static, parse_identifier};

use super::answer::{Failure, Format};
use super::legacy_tags::attribute_of_tag;
use super::percent::decode_again;
use super::tag_request::{TagRequest, metadata_metrics};
use super::{federated, llm};
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tenant::Tenants;

const STATUSES: [&str; 3] = ["error", "ok", "unset"];
const KINDS: [&str; 6] = ["client", "consumer", "internal", "producer", "server", "unspecified"];

/// What the path ends with, behind the name.
const VALUES: &str = "/values";

/// A request for values.
#[derive(Debug, Clone)]
pub(super) struct ValuesRequest {
    pub(super) attribute: Attribute,
    common: TagRequest,
}

impl ValuesRequest {
    /// By a plain name.
    ///
    /// # Errors
    /// [`ApiError`], which names the parameter at fault.
    pub(super) fn v1(tag: &str, params: &Params) -> Result<Self, ApiError> {
        let tag = not_empty(tag)?;
        Ok(Self { attribute: attribute_of_tag(tag), common: TagRequest::parse(params)? })
    }

    /// By a TraceQL name.
    ///
    /// # Errors
    /// [`ApiError`], which names the parameter at fault.
    pub(super) fn v2(name: &str, params: &Params) -> Result<Self, ApiError> {
        let failed = |source| ApiError::TagName { name: name.to_owned(), source };
        let attribute = parse_identifier(not_empty(name)?).map_err(failed)?;
        Ok(Self { attribute, common: TagRequest::parse(params)? })
    }

    /// What the engine is asked.
    pub(super) fn for_engine(&self) -> TagValuesRequest<'_> {
        TagValuesRequest {
            attribute: &self.attribute,
            filter: self.common.filter.as_ref(),
            range: self.common.range,
            limits: self.common.limits,
        }
    }

    /// The values, when they are the same for all data: every word of the language, and none for durations and ids, of
    /// which no two are alike.
    pub(super) fn fixed(&self) -> Option<TagValues> {
        let words: &[&'static str] = match self.attribute {
            Attribute::Intrinsic(Intrinsic::Status) => &STATUSES,
            Attribute::Intrinsic(Intrinsic::Kind) => &KINDS,
            Attribute::Intrinsic(
                Intrinsic::Duration
                | Intrinsic::TraceDuration
                | Intrinsic::TraceId
                | Intrinsic::SpanId
                | Intrinsic::SpanParentId
                | Intrinsic::Parent
                | Intrinsic::LinkTraceId
                | Intrinsic::LinkSpanId,
            ) => &[],
            _ => return None,
        };
        let values = words.iter().copied().map(TagValue::Keyword).collect();
        Some(TagValues { values, ..TagValues::default() })
    }
}

fn not_empty(name: &str) -> Result<&str, ApiError> {
    match name {
        "" => Err(ApiError::Contradiction("please provide a non-empty tagName")),
        name => Ok(name),
    }
}

/// `GET /api/search/tag/{tag}/values`.
pub(super) async fn values_v1(
    State(state): State<ApiState>,
    Path(path): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let Some(tag) = name_in(&path) else { return Ok(Failure::no_page()) };
    let request = ValuesRequest::v1(&decode_again(tag), &params)?;
    let tenants = Tenants::of(&headers, &state)?;
    let values = federated::tag_values(&state, &tenants, &request).await?;
    Ok(Format::accepted_by(&headers).message(&v1_response(&values)))
}

/// `GET /api/v2/search/tag/{ident}/values`.
pub(super) async fn values_v2(
    State(state): State<ApiState>,
    Path(path): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let Some(name) = name_in(&path) else { return Ok(Failure::no_page()) };
    // Grafana encodes it twice, others once.
    let request = ValuesRequest::v2(&decode_again(name), &params)?;
    let tenants = Tenants::of(&headers, &state)?;
    let values = federated::tag_values(&state, &tenants, &request).await?;
    let message = v2_response(&values);
    let format = Format::accepted_by(&headers);
    Ok(match format {
        Format::Llm => format.response(llm::tag_values(&message)),
        _ => format.message(&message),
    })
}

/// The name in the rest of a path, which may hold slashes.
fn name_in(path: &str) -> Option<&str> {
    path.strip_suffix(VALUES)
}

pub(super) fn v1_response(values: &TagValues) -> SearchTagValuesResponse {
    let metrics = metadata_metrics(&values.inspected, values.truncated);
    SearchTagValuesResponse { tag_values: texts(&values.values), metrics: Some(metrics) }
}

pub(super) fn v2_response(values: &TagValues) -> SearchTagValuesV2Response {
    let metrics = metadata_metrics(&values.inspected, values.truncated);
    SearchTagValuesV2Response { tag_values: messages(&values.values), metrics: Some(metrics) }
}

/// Values without their types.
pub(super) fn texts(values: &[TagValue]) -> Vec<String> {
    values.iter().map(text).collect()
}

/// Values with their types.
pub(super) fn messages(values: &[TagValue]) -> Vec<TagValueMessage> {
    let message =
        |value| TagValueMessage { r#type: type_name(value).to_owned(), value: text(value) };
    values.iter().map(message).collect()
}

fn type_name(value: &TagValue) -> &'static str {
    match value {
        TagValue::String(_) => "string",
        TagValue::Int(_) => "int",
        TagValue::Float(_) => "float",
        TagValue::Bool(_) => "bool",
        TagValue::Duration(_) => "duration",
        TagValue::Keyword(_) => "keyword",
    }
}

/// As the language writes it, without the quotes of a text.
fn text(value: &TagValue) -> String {
    match value {
        TagValue::String(text) => text.clone(),
        TagValue::Int(number) => number.to_string(),
        TagValue::Float(number) => Static::Float(*number).to_string(),
        TagValue::Bool(truth) => truth.to_string(),
        TagValue::Duration(nanos) => Static::Duration(*nanos).to_string(),
        TagValue::Keyword(word) => (*word).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use spandrel_query::{Jobs, TagsInspected};

    use super::*;
    use crate::tempo::jsonpb::to_json;

    #[test]
    fn values_keep_their_types() {
        let values = TagValues {
            values: vec![
                TagValue::String(String::new()),
                TagValue::String("a \"b\"".to_owned()),
                TagValue::Int(-5),
                TagValue::Float(0.5),
                TagValue::Bool(false),
                TagValue::Duration(1_500_000_000),
                TagValue::Keyword("error"),
            ],
            truncated: false,
            inspected: TagsInspected {
                jobs: Jobs { done: 2, total: 2 },
                blocks: 1,
                block_bytes: 1000,
                bytes: 7,
            },
        };
        assert_eq!(
            String::from_utf8(to_json(&v2_response(&values))).unwrap(),
            concat!(
                r#"{"tagValues":[{"type":"string"},{"type":"string","value":"a \"b\""},"#,
                r#"{"type":"int","value":"-5"},{"type":"float","value":"0.5"},"#,
                r#"{"type":"bool","value":"false"},{"type":"duration","value":"1.5s"},"#,
                r#"{"type":"keyword","value":"error"}],"metrics":{"inspectedBytes":"7","#,
                r#""totalJobs":2,"completedJobs":2,"totalBlocks":1,"totalBlockBytes":"1000"}}"#,
            )
        );
    }

    #[test]
    fn names_may_be_encoded_once_or_twice() {
        // The router has decoded once already.
        for (name, attribute) in [
            ("span.http.method", "span.http.method"),
            ("span:status", "status"),
            (".\"a b\"", ".\"a b\""),
            (".%22a%20b%22", ".\"a b\""),
            ("resource.k8s%2Fpod", "resource.k8s/pod"),
        ] {
            let request = ValuesRequest::v2(&decode_again(name), &Params::parse("")).unwrap();
            assert_eq!(request.attribute.to_string(), attribute, "{name}");
        }
        let error = ValuesRequest::v2("foo", &Params::parse("")).unwrap_err();
        assert!(
            error.to_string().starts_with("unable to parse tag name 'foo': parse error at"),
            "{error}"
        );
    }
}
