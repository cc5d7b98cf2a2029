//! What the receivers share: connections, bodies within their limits, delivery, and the wording of failures.
//!
//! # Path of a request
//! `listen` accepts connections and speaks HTTP/1.1 and HTTP/2; `auth` turns away who may not send; `body` reads within limits and `compression`
//! inflates; `unary` understands calls of gRPC and `plain` requests of HTTP; `translate` turns other formats
//! into OTLP; `intake` hands the bytes to the consumer and keeps the accounts; `status` words the answer.

pub(crate) mod auth;
pub(crate) mod bind;
pub(crate) mod body;
pub(crate) mod compression;
pub(crate) mod cors;
pub(crate) mod intake;
pub(crate) mod listen;
pub(crate) mod options;
pub(crate) mod plain;
pub(crate) mod reply;
pub(crate) mod running;
pub(crate) mod sender;
pub(crate) mod settings;
pub(crate) mod status;
pub(crate) mod tls;
pub(crate) mod translate;
pub(crate) mod unary;
