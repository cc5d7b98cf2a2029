//! How spans are written in a record.

/// How spans are written in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// An `ExportTraceServiceRequest` in protobuf.
    OtlpProto,
    /// The same in JSON.
    OtlpJson,
    /// One span of Jaeger's model in protobuf.
    JaegerProto,
    /// The same in JSON.
    JaegerJson,
    /// A list of spans of Zipkin's version 2 in protobuf.
    ZipkinProto,
    /// The same in JSON.
    ZipkinJson,
    /// A list of spans of Zipkin's version 1 in Thrift; only received.
    ZipkinThrift,
}

/// Names, as the Collector has them.
const NAMES: [(&str, Encoding); 7] = [
    ("otlp_proto", Encoding::OtlpProto),
    ("otlp_json", Encoding::OtlpJson),
    ("jaeger_proto", Encoding::JaegerProto),
    ("jaeger_json", Encoding::JaegerJson),
    ("zipkin_proto", Encoding::ZipkinProto),
    ("zipkin_json", Encoding::ZipkinJson),
    ("zipkin_thrift", Encoding::ZipkinThrift),
];

impl Encoding {
    /// The encoding of this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, encoding)| *encoding)
    }

    /// Why there is no encoding of this name, and which there are.
    pub(crate) fn unknown(name: &str) -> String {
        let names: Vec<_> = NAMES.iter().map(|(known, _)| format!("`{known}`")).collect();
        let names = names.join(", ");
        format!("the encoding `{name}` is none of spans that is known here; there are {names}")
    }
}
