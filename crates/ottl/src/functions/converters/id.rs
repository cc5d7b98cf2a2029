//! Ids.

use super::super::{Args, Function, Kind, converter, needs};
use crate::error::EvalError;
use crate::value::Value;

type Evaluated<'v> = Result<Value<'v>, EvalError>;

pub(super) const FUNCTIONS: [Function; 5] = [
    converter("ProfileID", &[needs("bytes", Kind::Octets)], profile_id),
    converter("SpanID", &[needs("bytes", Kind::Octets)], span_id),
    converter("TraceID", &[needs("bytes", Kind::Octets)], trace_id),
    converter("UUID", &[], uuid_v4),
    converter("UUIDv7", &[], uuid_v7),
];

/// An id of its bytes, or of a text of twice as many hexadecimal digits.
fn id<const N: usize>(args: &Args<'_, '_>) -> Result<[u8; N], EvalError> {
    let bytes = match args.value(0)? {
        Value::TraceId(id) => id.to_vec(),
        Value::SpanId(id) => id.to_vec(),
        _ => args.octets(0)?.into_owned(),
    };
    let decoded = match bytes.len() == N * 2 {
        true => std::str::from_utf8(&bytes).ok().and_then(crate::hex::decode),
        false => Some(bytes),
    };
    let id = decoded.and_then(|bytes| bytes.try_into().ok());
    id.ok_or_else(|| args.refused(format_args!("an id has {N} bytes or {} digits", N * 2)))
}

fn trace_id<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    id(args).map(Value::TraceId)
}

fn span_id<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    id(args).map(Value::SpanId)
}

fn profile_id<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    id::<16>(args).map(|id| Value::Bytes(id.to_vec().into()))
}

fn uuid_v4<'v>(_: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::owned(uuid::Uuid::new_v4().to_string()))
}

fn uuid_v7<'v>(_: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::owned(uuid::Uuid::now_v7().to_string()))
}
