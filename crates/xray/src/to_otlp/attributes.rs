//! What a segment says about itself, as attributes.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_translate::{Attributes, string};

use crate::document::{Http, Segment};

/// Members of `aws`, with the names that they have on a resource.
const OF_RESOURCE: [(&[&str], &str); 17] = [
    (&["account_id"], "cloud.account.id"),
    (&["ec2", "availability_zone"], "cloud.availability_zone"),
    (&["ec2", "instance_id"], "host.id"),
    (&["ec2", "instance_size"], "host.type"),
    (&["ec2", "ami_id"], "host.image.id"),
    (&["ecs", "container"], "container.name"),
    (&["ecs", "availability_zone"], "cloud.availability_zone"),
    (&["ecs", "container_id"], "container.id"),
    (&["elastic_beanstalk", "environment_name"], "service.namespace"),
    (&["elastic_beanstalk", "deployment_id"], "service.instance.id"),
    (&["elastic_beanstalk", "version_label"], "service.version"),
    (&["eks", "container_id"], "container.id"),
    (&["eks", "cluster_name"], "k8s.cluster.name"),
    (&["eks", "pod"], "k8s.pod.name"),
    (&["xray", "sdk"], "telemetry.sdk.name"),
    (&["xray", "sdk_version"], "telemetry.sdk.version"),
    (&["xray", "auto_instrumentation"], "telemetry.auto.version"),
];

/// Members of `aws`, with the names that they have on a span.
const OF_SPAN: [(&str, &str); 7] = [
    ("account_id", "aws.account_id"),
    ("operation", "aws.operation"),
    ("region", "aws.region"),
    ("request_id", "aws.request_id"),
    ("queue_url", "aws.queue_url"),
    ("table_name", "aws.table_name"),
    ("retries", "aws.xray.retries"),
];

/// Members of `sql`, with the names that they have on a span.
const OF_SQL: [(&str, &str); 4] = [
    ("url", "db.connection_string"),
    ("database_type", "db.system"),
    ("user", "db.user"),
    ("sanitized_query", "db.statement"),
];

pub(super) fn resource(segment: &Segment) -> Resource {
    let mut attributes = Attributes::new();
    if let Some(name) = &segment.name {
        attributes.put("service.name", string(name.as_str()));
    }
    match &segment.aws {
        None => attributes.put("cloud.provider", string("unknown")),
        Some(aws) => {
            attributes.put("cloud.provider", string("aws"));
            for (path, key) in OF_RESOURCE {
                let (first, rest) = path.split_first().unwrap_or((&"", &[]));
                let found = rest.iter().try_fold(aws.get(*first), |found, member| {
                    found.map(|value| value.get(*member))
                });
                if let Some(text) = found.flatten().and_then(as_text) {
                    attributes.put(key, string(text));
                }
            }
        }
    }
    let version = segment.service.as_ref().and_then(|service| service.version.as_ref());
    let texts = [
        ("service.version", version),
        ("aws.xray.resource_arn", segment.resource_arn.as_ref()),
        ("aws.xray.origin", segment.origin.as_ref()),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            attributes.put(key, string(text.as_str()));
        }
    }
    Resource { attributes: attributes.into_list(), ..Resource::default() }
}

pub(super) fn span_attributes(segment: &Segment) -> Attributes {
    let mut attributes = Attributes::new();
    if segment.namespace.as_deref() == Some("aws")
        && let Some(name) = &segment.name
    {
        attributes.put("aws.service", string(name.as_str()));
    }
    let flags = [("aws.xray.inprogress", segment.in_progress), ("aws.xray.traced", segment.traced)];
    for (key, flag) in flags {
        if let Some(flag) = flag {
            attributes.put(key, Value::BoolValue(flag));
        }
    }
    if let Some(user) = &segment.user {
        attributes.put("enduser.id", string(user.as_str()));
    }
    if let Some(http) = &segment.http {
        put_http(http, &mut attributes);
    }
    for (members, names) in [(&segment.aws, &OF_SPAN[..]), (&segment.sql, &OF_SQL[..])] {
        for (member, key) in names {
            let value = members.as_ref().and_then(|members| members.get(*member));
            if let Some(value) = value.and_then(scalar) {
                attributes.put(*key, value);
            }
        }
    }
    put_annotations(segment.annotations.as_ref(), &mut attributes);
    for (namespace, value) in segment.metadata.iter().flatten() {
        attributes.put(format!("aws.xray.metadata.{namespace}"), string(value.to_string()));
    }
    attributes
}

fn put_http(http: &Http, attributes: &mut Attributes) {
    if let Some(request) = &http.request {
        let texts = [
            ("http.method", &request.method),
            ("http.client_ip", &request.client_ip),
            ("http.user_agent", &request.user_agent),
            ("http.url", &request.url),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                attributes.put(key, string(text.as_str()));
            }
        }
        if let Some(is_forwarded) = request.x_forwarded_for {
            attributes.put("aws.xray.x_forwarded_for", Value::BoolValue(is_forwarded));
        }
    }
    if let Some(response) = &http.response {
        if let Some(status) = response.status {
            attributes.put("http.status_code", Value::IntValue(status));
        }
        let length = response.content_length.as_ref().and_then(scalar);
        if let Some(length @ Value::IntValue(_)) = length {
            attributes.put("http.response_content_length", length);
        }
    }
}

/// Annotations keep their keys, which are listed so that they can be told from other attributes.
fn put_annotations(annotations: Option<&BTreeMap<String, Json>>, attributes: &mut Attributes) {
    let mut keys = Vec::new();
    for (key, value) in annotations.into_iter().flatten() {
        if let Some(value) = scalar(value) {
            attributes.put(key.as_str(), value);
            keys.push(AnyValue { value: Some(string(key.as_str())) });
        }
    }
    if !keys.is_empty() {
        attributes.put("aws.xray.annotations", Value::ArrayValue(ArrayValue { values: keys }));
    }
}

fn scalar(value: &Json) -> Option<Value> {
    Some(match value {
        Json::String(text) => string(text.as_str()),
        Json::Bool(value) => Value::BoolValue(*value),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::IntValue(number),
            None => Value::DoubleValue(number.as_f64()?),
        },
        Json::Null | Json::Array(_) | Json::Object(_) => return None,
    })
}

fn as_text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
