//! Which tags are about the producer of a span rather than about the span.

use std::collections::BTreeMap;

use spandrel_translate::{Attributes, string};

pub(crate) const SERVICE_NAME: &str = "service.name";
/// What a translation from OTLP calls a producer that names no service.
pub(crate) const NO_SERVICE_NAME: &str = "OTLPResourceNoServiceName";
/// Which attribute the service's name has come from.
pub(crate) const SERVICE_NAME_SOURCE: &str = "otlp.service.name.source";
/// Attributes that name the producer, if there is no `service.name`; the first one counts.
pub(crate) const NAME_SOURCES: [&str; 3] =
    ["faas.name", "k8s.deployment.name", "process.executable.name"];

/// Attributes of resources by the semantic conventions, sorted.
const KEYS: [&str; 84] = [
    "aws.ecs.cluster.arn",
    "aws.ecs.container.arn",
    "aws.ecs.launchtype",
    "aws.ecs.task.arn",
    "aws.ecs.task.family",
    "aws.ecs.task.revision",
    "aws.eks.cluster.arn",
    "aws.log.group.arns",
    "aws.log.group.names",
    "aws.log.stream.arns",
    "aws.log.stream.names",
    "cloud.account.id",
    "cloud.availability_zone",
    "cloud.platform",
    "cloud.provider",
    "cloud.region",
    "container.id",
    "container.image.name",
    "container.image.tag",
    "container.name",
    "container.runtime",
    "deployment.environment",
    "device.id",
    "device.manufacturer",
    "device.model.identifier",
    "device.model.name",
    "faas.id",
    "faas.instance",
    "faas.max_memory",
    "faas.name",
    "faas.version",
    "host.arch",
    "host.id",
    "host.image.id",
    "host.image.name",
    "host.image.version",
    "host.name",
    "host.type",
    "k8s.cluster.name",
    "k8s.container.name",
    "k8s.container.restart_count",
    "k8s.cronjob.name",
    "k8s.cronjob.uid",
    "k8s.daemonset.name",
    "k8s.daemonset.uid",
    "k8s.deployment.name",
    "k8s.deployment.uid",
    "k8s.job.name",
    "k8s.job.uid",
    "k8s.namespace.name",
    "k8s.node.name",
    "k8s.node.uid",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.replicaset.name",
    "k8s.replicaset.uid",
    "k8s.statefulset.name",
    "k8s.statefulset.uid",
    "opencensus.exporterversion",
    "opencensus.resourcetype",
    "opencensus.starttime",
    "os.description",
    "os.name",
    "os.type",
    "os.version",
    "process.command",
    "process.command_args",
    "process.command_line",
    "process.executable.name",
    "process.executable.path",
    "process.owner",
    "process.pid",
    "process.runtime.description",
    "process.runtime.name",
    "process.runtime.version",
    "service.instance.id",
    "service.name",
    "service.namespace",
    "service.version",
    "telemetry.auto.version",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
    "webengine.description",
];
/// The last ones, which would not fit into a table of one screen.
const MORE_KEYS: [&str; 2] = ["webengine.name", "webengine.version"];

/// Takes the tags of the resource. `service` is the name of the local endpoint, empty if there is none.
pub(crate) fn take_resource(tags: &mut BTreeMap<String, String>, service: &str) -> Attributes {
    let mut resource = Attributes::new();
    let source = tags.remove(SERVICE_NAME_SOURCE).filter(|source| !source.is_empty());
    if !service.is_empty() && service != NO_SERVICE_NAME {
        let key = source.as_deref().unwrap_or(SERVICE_NAME);
        resource.put(key, string(service));
    }
    let keys: Vec<String> = tags.keys().filter(|key| is_resource_key(key)).cloned().collect();
    for key in keys {
        if let Some(value) = tags.remove(&key) {
            resource.put(key, string(value));
        }
    }
    resource
}

fn is_resource_key(key: &str) -> bool {
    KEYS.binary_search(&key).is_ok() || MORE_KEYS.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(KEYS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn tags_of_the_resource_are_taken() {
        let pairs = [("host.name", "h"), ("http.method", "GET"), ("webengine.name", "w")];
        let mut tags: BTreeMap<_, _> =
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let resource = take_resource(&mut tags, "api");
        let keys: Vec<_> = resource.into_list().into_iter().map(|pair| pair.key).collect();
        assert_eq!(keys, ["service.name", "host.name", "webengine.name"]);
        assert_eq!(tags.into_keys().collect::<Vec<_>>(), ["http.method"]);

        let mut tags = BTreeMap::from([(SERVICE_NAME_SOURCE.to_owned(), "faas.name".to_owned())]);
        let resource = take_resource(&mut tags, "fn");
        assert_eq!((resource.text("faas.name"), resource.len(), tags.len()), (Some("fn"), 1, 0));
        assert!(take_resource(&mut tags, NO_SERVICE_NAME).is_empty());
    }
}
