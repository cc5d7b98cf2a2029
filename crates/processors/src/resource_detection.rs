//! `resource_detection`: adds to every resource what is known about the machine and the platform.
//!
//! Detectors run side by side when the processor starts, and again every `refresh_interval` if that is set. Of a
//! key that several detect, the detector that is listed first has it. One that fails, or does not answer in time,
//! is logged and adds nothing; what it found before stays.

mod attributes;
mod detectors;
mod http;
mod machine;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use parking_lot::Mutex;
use spandrel_base::task::TaskSet;
use spandrel_otlp::DecodeError;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch, TraceConsumer,
    Traces,
};

use crate::flow::Flow;
use crate::wire::{Pair, ResourceEditor, edit, key_value};
use attributes::Attribute;
use detectors::{Detector, Found};

pub use machine::Machine;
pub use settings::ResourceDetectionSettings;

/// How long the task may take to stop.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(5);

/// See the module.
pub struct ResourceDetectionProcessor {
    shared: Arc<Shared>,
    next: Arc<dyn TraceConsumer>,
    tasks: TaskSet,
}

struct Shared {
    settings: ResourceDetectionSettings,
    machine: Machine,
    context: ComponentContext,
    flow: Flow,
    /// What was detected, in the order of the configuration.
    detected: Mutex<Arc<Vec<Detected>>>,
}

/// An attribute as it is added.
struct Detected {
    key: String,
    /// The `KeyValue`.
    pair: Vec<u8>,
}

impl ResourceDetectionProcessor {
    /// # Errors
    /// None today.
    pub fn new(
        settings: ResourceDetectionSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Self::on_machine(settings, next, context, Machine::this())
    }

    /// As [`Self::new`], on another machine than this one.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    pub fn on_machine(
        settings: ResourceDetectionSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
        machine: Machine,
    ) -> Result<Self, ComponentError> {
        let flow = Flow::of(&context);
        let shared = Shared { settings, machine, context, flow, detected: Mutex::default() };
        Ok(Self { shared: Arc::new(shared), next, tasks: TaskSet::new() })
    }
}

impl Shared {
    /// Runs all detectors. Returns those that failed, with the reason.
    async fn detect(&self) -> Vec<String> {
        let detectors = self.settings.detectors.iter();
        let results = join_all(detectors.map(|detector| self.run(*detector))).await;
        let mut found: Vec<Attribute> = Vec::new();
        let mut failures = Vec::new();
        for (detector, result) in self.settings.detectors.iter().zip(results) {
            match result {
                Ok(attributes) => {
                    for attribute in attributes {
                        let is_new = found.iter().all(|before| before.key != attribute.key);
                        if is_new && self.settings.is_enabled(*detector, &attribute.key) {
                            found.push(attribute);
                        }
                    }
                }
                Err(error) => failures.push(format!("{}: {error}", detector.name())),
            }
        }
        let detected = found.into_iter().map(|Attribute { key, value }| {
            let pair = key_value(&key, value);
            Detected { key, pair }
        });
        let detected = Arc::new(detected.collect::<Vec<_>>());
        // After a failure, what was found before is better than less.
        let mut current = self.detected.lock();
        if failures.is_empty() || current.is_empty() {
            *current = detected;
        }
        failures
    }

    async fn run(&self, detector: Detector) -> Result<Found, String> {
        let clock = &self.context.clock;
        let started = clock.monotonic();
        let detection = detector.detect(&self.machine, &self.settings);
        let result = match tokio::time::timeout(self.settings.timeout, detection).await {
            Ok(result) => result,
            Err(_) => Err(format!("no answer within {:?}", self.settings.timeout)),
        };
        let outcome = match &result {
            Ok(found) if found.is_empty() => "absent",
            Ok(_) => "success",
            Err(_) => "failure",
        };
        let took = clock.monotonic().saturating_sub(started);
        self.flow.series.record_detection(detector.name(), outcome, took);
        result
    }

    fn log(&self, failures: &[String]) {
        let processor = &*self.context.id;
        for failure in failures {
            tracing::warn!(processor, failure, "a resource detector failed");
        }
        tracing::info!(
            processor,
            attributes = self.detected.lock().len(),
            "resource attributes were detected"
        );
    }

    fn add_to(&self, traces: Traces) -> Result<Traces, DecodeError> {
        let detected = Arc::clone(&self.detected.lock());
        if detected.is_empty() {
            return Ok(traces);
        }
        let replaces = self.settings.replaces;
        let otlp = traces.into_counted();
        let mut editor = ResourceEditor::new(|attributes| {
            for Detected { key, pair } in detected.iter() {
                if replaces || !attributes.contains(key) {
                    attributes.set_pair(Pair::read(pair)?);
                }
            }
            Ok(())
        });
        Ok(Traces::Otlp(edit(&otlp, &mut editor)?.request))
    }
}

#[async_trait::async_trait]
impl TraceConsumer for ResourceDetectionProcessor {
    async fn consume(&self, mut batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let flow = &self.shared.flow;
        let spans = flow.arrived(&batch.traces);
        batch.traces = self.shared.add_to(batch.traces)?;
        flow.hand_on(&*self.next, batch, spans).await
    }
}

#[async_trait::async_trait]
impl Component for ResourceDetectionProcessor {
    async fn start(&self) -> Result<(), ComponentError> {
        let failures = self.shared.detect().await;
        self.shared.log(&failures);
        if self.shared.settings.fail_on_missing_metadata && !failures.is_empty() {
            return Err(ComponentError::new(failures.join("; ")));
        }
        let interval = self.shared.settings.refresh_interval;
        if !interval.is_zero() {
            let (shared, token) = (Arc::clone(&self.shared), self.tasks.token());
            self.tasks.spawn("resource_detection", async move {
                loop {
                    tokio::select! {
                        () = token.cancelled() => return,
                        () = tokio::time::sleep(interval) => {}
                    }
                    let failures = shared.detect().await;
                    shared.log(&failures);
                }
            });
        }
        Ok(())
    }

    async fn shutdown(&self) {
        if let Err(timeout) = self.tasks.shutdown(SHUTDOWN_DEADLINE).await {
            tracing::warn!(error = %timeout, "a resource detector was given up");
        }
    }
}
