//! Who a resource is to Prometheus: `job` and `instance`.

use spandrel_proto::otlp::common::KeyValue;
use spandrel_span_aggregation::value_text;

use crate::prometheus::family::Labels;

/// The job and the instance of a resource; empty when it does not say.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    job: String,
    instance: String,
}

impl Owner {
    /// The attributes that say it.
    pub(super) const KEYS: [&'static str; 3] =
        ["service.name", "service.namespace", "service.instance.id"];

    pub(super) fn of(attributes: &[KeyValue]) -> Self {
        let [name, namespace, instance] = Self::KEYS.map(|key| {
            let pair = attributes.iter().rfind(|pair| pair.key == key);
            pair.and_then(|pair| pair.value.as_ref()).map(value_text).unwrap_or_default()
        });
        let job = match (name.is_empty(), namespace.is_empty()) {
            (false, false) => format!("{namespace}/{name}"),
            _ => name,
        };
        Self { job, instance }
    }

    pub(super) fn is_nobody(&self) -> bool {
        self.job.is_empty() && self.instance.is_empty()
    }

    /// Adds the labels that there are.
    pub(super) fn add_to(&self, labels: &mut Labels) {
        for (name, value) in [("job", &self.job), ("instance", &self.instance)] {
            if !value.is_empty() {
                labels.insert(name.to_owned(), value.clone());
            }
        }
    }
}
