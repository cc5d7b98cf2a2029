//! Values of a tag, for completion: texts (v1, by plain name) and typed values (v2, by TraceQL
//! name).

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use spandrel_proto::tempo::{
    SearchTagValuesResponse, SearchTagValuesV2Response, TagValue as TagValueMessage,
};
use spandrel_query::{TagValue, TagValues, TagValuesRequest};
use spandrel_traceql::{Attribute, Intrinsic, Query, compile, parse_identifier};

use super::answer::{Failure, Format};
use super::legacy_tags::attribute_of_tag;
use super::percent::decode_again;
use super::tags::metadata_metrics;
use super::time_range::time_range;
use crate::ApiState;
use crate::error::ApiError;
use crate::params::Params;
use crate::tenant::tenant_of;

/// Values in an answer when nobody says how many; Grafana asks for half as many.
const VALUES_DEFAULT: usize = 10_000;
const VALUES_MAX: usize = 1_000_000;

const STATUSES: [&str; 3] = ["error", "ok", "unset"];
const KINDS: [&str; 6] = ["client", "consumer", "internal", "producer", "server", "unspecified"];

/// `GET /api/search/tag/{tag}/values`.
pub(super) async fn values_v1(
    State(state): State<ApiState>,
    Path(tag): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let values = values(&state, &attribute_of_tag(&tag), &headers, &params).await?;
    let message = SearchTagValuesResponse {
        tag_values: values.values.iter().map(text).collect(),
        metrics: Some(metadata_metrics()),
    };
    Ok(Format::accepted_by(&headers).message(&message))
}

/// `GET /api/v2/search/tag/{ident}/values`.
pub(super) async fn values_v2(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Failure> {
    let values = values(&state, &attribute_of_name(&name)?, &headers, &params).await?;
    Ok(Format::accepted_by(&headers).message(&v2_response(&values)))
}

async fn values(
    state: &ApiState,
    attribute: &Attribute,
    headers: &HeaderMap,
    params: &Params,
) -> Result<TagValues, ApiError> {
    let tenant = tenant_of(headers)?;
    let query = filter(params);
    let limit = params.number("limit", 0..=VALUES_MAX)?.unwrap_or(0);
    let request = TagValuesRequest {
        attribute,
        filter: query.as_ref().and_then(Query::spanset_filter),
        range: time_range(params)?,
        values_max: if limit == 0 { VALUES_DEFAULT } else { limit },
    };
    if let Some(values) = fixed_values(attribute) {
        return Ok(TagValues { values, truncated: false });
    }
    Ok(state.engine.tag_values(&tenant, &request).await?)
}

/// The values of what is the same for all data: every word of the language, and none for durations,
/// of which no two are alike.
fn fixed_values(attribute: &Attribute) -> Option<Vec<TagValue>> {
    let words: &[&'static str] = match attribute {
        Attribute::Intrinsic(Intrinsic::Status) => &STATUSES,
        Attribute::Intrinsic(Intrinsic::Kind) => &KINDS,
        Attribute::Intrinsic(Intrinsic::Duration | Intrinsic::TraceDuration) => &[],
        _ => return None,
    };
    Some(words.iter().copied().map(TagValue::Keyword).collect())
}

/// The query to filter with. Completion sends queries that their author has not finished, so one
/// that is not valid yet is ignored: more values than necessary beat none.
fn filter(params: &Params) -> Option<Query> {
    params.get("q").and_then(|q| compile(q).ok())
}

/// The attribute that a path element names. Grafana encodes it twice, others once.
fn attribute_of_name(name: &str) -> Result<Attribute, ApiError> {
    let decoded = decode_again(name);
    parse_identifier(&decoded)
        .map_err(|source| ApiError::TagName { name: decoded.into_owned(), source })
}

fn v2_response(values: &TagValues) -> SearchTagValuesV2Response {
    let message =
        |value| TagValueMessage { r#type: type_name(value).to_owned(), value: text(value) };
    SearchTagValuesV2Response {
        tag_values: values.values.iter().map(message).collect(),
        metrics: Some(metadata_metrics()),
    }
}

fn type_name(value: &TagValue) -> &'static str {
    match value {
        TagValue::String(_) => "string",
        TagValue::Int(_) => "int",
        TagValue::Float(_) => "float",
        TagValue::Bool(_) => "bool",
        TagValue::Keyword(_) => "keyword",
    }
}

fn text(value: &TagValue) -> String {
    match value {
        TagValue::String(text) => text.clone(),
        TagValue::Int(number) => number.to_string(),
        TagValue::Float(number) => number.to_string(),
        TagValue::Bool(truth) => truth.to_string(),
        TagValue::Keyword(word) => (*word).to_owned(),
    }
}

#[cfg(test)]
mod tests {
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
                TagValue::Keyword("error"),
            ],
            truncated: false,
        };
        assert_eq!(
            String::from_utf8(to_json(&v2_response(&values))).unwrap(),
            concat!(
                r#"{"tagValues":[{"type":"string"},{"type":"string","value":"a \"b\""},"#,
                r#"{"type":"int","value":"-5"},{"type":"float","value":"0.5"},"#,
                r#"{"type":"bool","value":"false"},{"type":"keyword","value":"error"}],"#,
                r#""metrics":{"totalJobs":1,"completedJobs":1}}"#,
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
            assert_eq!(attribute_of_name(name).unwrap().to_string(), attribute, "{name}");
        }
        let error = attribute_of_name("foo").unwrap_err();
        assert!(
            error.to_string().starts_with("unable to parse tag name 'foo': parse error at"),
            "{error}"
        );
    }

    #[test]
    fn a_filter_that_is_not_finished_is_ignored() {
        let filter_text = |query: &str| {
            let query = filter(&Params::parse(query))?;
            query.spanset_filter().map(ToString::to_string)
        };
        assert_eq!(filter_text("q=%7B.a%3D1%7D").as_deref(), Some(".a = 1"));
        assert_eq!(filter_text("q=%7B.a%3D%7D"), None);
        assert_eq!(filter_text("q=%7B.a%3D1%7D+%3E+%7B%7D"), None);
        assert_eq!(filter_text(""), None);
    }
}
