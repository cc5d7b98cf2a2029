//! Segment documents of AWS X-Ray into OTLP, by the rules of the OpenTelemetry Collector's receiver. No I/O.
//!
//! [`datagram`] takes what an SDK sends to the X-Ray daemon: a header in JSON, the end of a line, and a segment with
//! the subsegments in it.
//!
//! # Rules
//! - A segment is a resource: its name is the service, with what it says about AWS and the SDK. It and its
//!   subsegments are spans, with the names and ids that they have.
//! - A segment is of the kind server, a subsegment with a namespace client, any other internal.
//! - `http`, `aws`, `sql`, `user` are attributes; so are `annotations` (with their keys in `aws.xray.annotations`) and
//!   `metadata` (in JSON, below `aws.xray.metadata.`).
//! - `cause` is an error with events `exception`; `error`, `fault` and `throttle` are an error as well, and so is a
//!   status of HTTP from 400 on for a client and from 500 on for a server.

mod document;
mod error;
mod to_otlp;

pub use error::XrayError;
pub use to_otlp::datagram;
