//! A query that runs while its stream is read.

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use tokio::sync::mpsc;

use super::Messages;
use crate::error::ApiError;

/// Reports that wait while a message is on its way.
pub(super) const REPORTS_WAITING_MAX: usize = 4;

/// Turns the reports of a query, and at last its answer, into messages.
pub(super) trait Teller: Send + 'static {
    type Report: Send + 'static;
    type Answer: Send + 'static;
    type Message: Send + 'static;

    /// Messages with what is new in a report; none when there is nothing to say yet.
    fn report(&mut self, report: Self::Report) -> Vec<Self::Message>;

    /// Messages with what no report had; at least one.
    fn answer(&mut self, answer: Self::Answer) -> Vec<Self::Message>;
}

struct Running<T: Teller> {
    query: BoxFuture<'static, Result<T::Answer, ApiError>>,
    reports: mpsc::Receiver<T::Report>,
    teller: T,
}

/// The messages of a query. Nobody else polls it: dropped with the stream, it ends.
pub(super) fn messages<T: Teller>(
    query: BoxFuture<'static, Result<T::Answer, ApiError>>,
    reports: mpsc::Receiver<T::Report>,
    teller: T,
) -> Messages<T::Message> {
    let running = Some(Running { query, reports, teller });
    let groups = stream::unfold(running, |running| async move {
        let (group, rest) = next_group(running?).await;
        Some((stream::iter(group), rest))
    });
    groups.flatten().boxed()
}

/// Messages that are sent together, and what is left; none when the query has ended.
async fn next_group<T: Teller>(
    mut running: Running<T>,
) -> (Vec<Result<T::Message, ApiError>>, Option<Running<T>>) {
    loop {
        let group = tokio::select! {
            // What was reported comes before the answer, which leaves it out.
            biased;
            Some(report) = running.reports.recv() => running.teller.report(report),
            answer = &mut running.query => {
                let mut group = Vec::new();
                while let Ok(report) = running.reports.try_recv() {
                    group.extend(running.teller.report(report).into_iter().map(Ok));
                }
                match answer {
                    Ok(answer) => group.extend(running.teller.answer(answer).into_iter().map(Ok)),
                    Err(error) => group.push(Err(error)),
                }
                return (group, None);
            }
        };
        if !group.is_empty() {
            return (group.into_iter().map(Ok).collect(), Some(running));
        }
    }
}
