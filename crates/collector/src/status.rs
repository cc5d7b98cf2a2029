//! What pages show of the pipelines that run.

use parking_lot::Mutex;
use spandrel_pipeline::{Account, Totals};
use tokio::sync::watch;

use crate::parts::Parts;
use crate::plan::Plan;

/// Where in its life a collector is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Components are being started.
    #[default]
    Starting,
    /// All of them run.
    Running,
    /// They are being stopped.
    Stopping,
    /// None runs.
    Stopped,
}

impl Phase {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

/// What runs now.
#[derive(Default)]
pub struct Status {
    inner: Mutex<Inner>,
    phase: watch::Sender<Phase>,
}

#[derive(Default)]
struct Inner {
    up_since_unix_nanos: Option<u64>,
    pipelines: Vec<(String, Account)>,
    extensions: Vec<String>,
}

/// A pipeline of traces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipelineStatus {
    /// Its id and its components: `traces/front: otlp -> batch -> debug`.
    pub description: String,
    /// What became of its spans.
    pub totals: Totals,
}

impl Status {
    pub(crate) fn running(&self, plan: &Plan, parts: &Parts, now_unix_nanos: u64) {
        let account = |pipeline: &crate::plan::PlannedPipeline| {
            let account = parts.pipelines.get(&pipeline.id)?.account.clone();
            Some((pipeline.describe(), account))
        };
        let mut inner = self.inner.lock();
        inner.up_since_unix_nanos.get_or_insert(now_unix_nanos);
        inner.pipelines = plan.pipelines.iter().filter_map(account).collect();
        inner.extensions = parts.extensions.keys().map(ToString::to_string).collect();
        drop(inner);
        self.set(Phase::Running);
    }

    pub(crate) fn set(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Where in its life it is.
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// The phase from now on. It is told again when other pipelines run.
    pub(crate) fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// When it began to run.
    pub fn up_since_unix_nanos(&self) -> Option<u64> {
        self.inner.lock().up_since_unix_nanos
    }

    /// The pipelines of traces, with their accounts.
    pub fn pipelines(&self) -> Vec<PipelineStatus> {
        let inner = self.inner.lock();
        let pipelines = inner.pipelines.iter();
        let status = pipelines.map(|(description, account)| PipelineStatus {
            description: description.clone(),
            totals: account.totals(),
        });
        status.collect()
    }

    /// Ids of the pipelines of traces.
    pub(crate) fn pipeline_ids(&self) -> Vec<String> {
        let inner = self.inner.lock();
        let ids =
            inner.pipelines.iter().filter_map(|(description, _)| description.split_once(": "));
        ids.map(|(id, _)| id.to_owned()).collect()
    }

    /// Ids of the extensions.
    pub fn extensions(&self) -> Vec<String> {
        self.inner.lock().extensions.clone()
    }
}

/// A time as people write it.
pub(crate) fn rfc3339(unix_nanos: u64) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(unix_nanos));
    time.map(|time| time.to_string()).unwrap_or_default()
}
