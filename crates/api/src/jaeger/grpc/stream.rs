//! Traces as messages, one trace after the other: no more are in memory than are being fetched.

use futures::stream::{self, BoxStream, StreamExt};
use spandrel_base::cpu;
use spandrel_query::{QueryError, TraceSpans};
use tonic::Status;

use super::super::find::Traces;
use crate::error::ApiError;
use crate::grpc_status::status_of;

/// Messages, or why there are no more.
pub(super) type Messages<M> = BoxStream<'static, Result<M, Status>>;

/// The messages that each trace becomes.
pub(super) fn messages<M, F>(traces: Traces, convert: F) -> Messages<M>
where
    M: Send + 'static,
    F: Fn(TraceSpans) -> Result<Vec<M>, QueryError> + Clone + Send + Sync + 'static,
{
    let converted = traces.then(move |trace| {
        let convert = convert.clone();
        async move {
            let trace = trace?;
            Ok::<_, ApiError>(cpu::run(move || convert(trace)).await??)
        }
    });
    let messages = converted.flat_map(|messages| match messages {
        Ok(messages) => stream::iter(messages).map(Ok).boxed(),
        Err(error) => stream::iter([Err(status_of(&error))]).boxed(),
    });
    messages.boxed()
}
