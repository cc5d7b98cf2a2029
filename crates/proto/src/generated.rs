//! The generated files, mounted where they expect each other.
//!
//! Generated code refers to other packages by relative paths (`super::super::super::common::v1`), so the
//! modules repeat the packages' nesting. The files are included rather than declared as modules, which
//! also keeps rustfmt away from them.

#![expect(
    missing_docs,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::missing_errors_doc,
    clippy::too_many_lines,
    reason = "generated code follows the generator's style; its documentation is in proto/"
)]

pub mod google {
    pub mod rpc {
        include!("generated/google.rpc.rs");
    }
}

pub mod grpc {
    pub mod health {
        pub mod v1 {
            include!("generated/grpc.health.v1.rs");
        }
    }
}

pub mod jaeger {
    pub mod api_v2 {
        include!("generated/jaeger.api_v2.rs");
    }
    pub mod api_v3 {
        include!("generated/jaeger.api_v3.rs");
    }
    pub mod expression {
        pub mod v1 {
            include!("generated/jaeger.expression.v1.rs");
        }
    }
    pub mod storage {
        pub mod v2 {
            include!("generated/jaeger.storage.v2.rs");
        }
    }
}

pub mod opentelemetry {
    pub mod proto {
        pub mod collector {
            pub mod metrics {
                pub mod v1 {
                    include!("generated/opentelemetry.proto.collector.metrics.v1.rs");
                }
            }
            pub mod trace {
                pub mod v1 {
                    include!("generated/opentelemetry.proto.collector.trace.v1.rs");
                }
            }
        }
        pub mod common {
            pub mod v1 {
                include!("generated/opentelemetry.proto.common.v1.rs");
            }
        }
        pub mod metrics {
            pub mod v1 {
                include!("generated/opentelemetry.proto.metrics.v1.rs");
            }
        }
        pub mod resource {
            pub mod v1 {
                include!("generated/opentelemetry.proto.resource.v1.rs");
            }
        }
        pub mod trace {
            pub mod v1 {
                include!("generated/opentelemetry.proto.trace.v1.rs");
            }
        }
    }
}

pub mod tempopb {
    include!("generated/tempopb.rs");
}

pub mod zipkin {
    pub mod proto3 {
        include!("generated/zipkin.proto3.rs");
    }
}
