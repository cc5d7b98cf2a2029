//! Jaeger's process: the producer of spans, in OTLP a resource.

use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::resource::Resource;
use spandrel_translate::{Attributes, string};

const SERVICE_NAME: &str = "service.name";
/// What a translation from OTLP calls a producer that names no service.
pub(crate) const NO_SERVICE_NAME: &str = "OTLPResourceNoServiceName";
const EXPORTER_VERSION: &str = "opencensus.exporterversion";

/// The resource of a process. `fill` puts the tags, which may also override the name.
pub(crate) fn resource(service_name: &str, tags: Attributes) -> Resource {
    let mut attributes = Attributes::new();
    if !service_name.is_empty() {
        attributes.put(SERVICE_NAME, string(service_name));
    }
    for tag in tags.into_list() {
        if let Some(value) = tag.value.and_then(|value| value.value) {
            attributes.put(tag.key, value);
        }
    }
    if attributes.get("host.name").is_none()
        && let Some(hostname) = attributes.remove("hostname")
    {
        attributes.put("host.name", hostname);
    }
    if attributes.get(EXPORTER_VERSION).is_none()
        && let Some(version) = attributes.remove("jaeger.version")
    {
        let version = match version {
            Value::StringValue(text) => text,
            _ => String::new(),
        };
        attributes.put(EXPORTER_VERSION, string(format!("Jaeger-{version}")));
    }
    Resource { attributes: attributes.into_list(), ..Resource::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_tags_have_other_names_in_otlp() {
        type Pairs = &'static [(&'static str, &'static str)];
        let cases: [(&str, Pairs, Pairs); 5] = [
            ("", &[], &[]),
            ("api", &[("a", "b")], &[("service.name", "api"), ("a", "b")]),
            ("api", &[("service.name", "other")], &[("service.name", "other")]),
            (
                "",
                &[("hostname", "h"), ("jaeger.version", "Go-2.30.0"), ("ip", "::1")],
                &[("ip", "::1"), ("host.name", "h"), (EXPORTER_VERSION, "Jaeger-Go-2.30.0")],
            ),
            (
                "",
                &[("hostname", "h"), ("host.name", "kept")],
                &[("hostname", "h"), ("host.name", "kept")],
            ),
        ];
        for (service_name, tags, expected) in cases {
            let list = |pairs: &[(&str, &str)]| {
                let mut attributes = Attributes::new();
                for (key, value) in pairs {
                    attributes.put(*key, string(*value));
                }
                attributes
            };
            let resource = resource(service_name, list(tags));
            assert_eq!(resource.attributes, list(expected).into_list(), "{tags:?}");
        }
    }
}
