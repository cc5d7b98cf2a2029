//! Names of Datadog and those of the semantic conventions.

use std::borrow::Cow;

use crate::span::Text;

const NAMES: [(&str, &str); 53] = [
    ("aws.operation", "rpc.method"),
    ("aws.response.request_id", "aws.request_id"),
    ("aws.s3.bucket_name", "aws.s3.bucket"),
    ("aws.service", "rpc.service"),
    ("cloud_provider", "cloud.provider"),
    ("container_id", "container.id"),
    ("container_name", "container.name"),
    ("db.instance", "db.namespace"),
    ("db.operation", "db.operation.name"),
    ("db.pool.name", "db.client.connection.pool.name"),
    ("db.sql.table", "db.collection.name"),
    ("db.statement", "db.query.text"),
    ("db.type", "db.system.name"),
    ("ecs_cluster_name", "aws.ecs.cluster.arn"),
    ("ecs_container_name", "aws.ecs.container.arn"),
    ("env", "deployment.environment.name"),
    ("http.client_ip", "client.address"),
    ("http.method", "http.request.method"),
    ("http.referer", "http.request.header.referer"),
    ("http.request.content_length", "http.request.body.size"),
    ("http.response.content_length", "http.response.body.size"),
    ("http.server_name", "server.address"),
    ("http.status_code", "http.response.status_code"),
    ("http.url", "url.full"),
    ("http.useragent", "user_agent.original"),
    ("http.version", "network.protocol.version"),
    ("image_name", "container.image.name"),
    ("image_tag", "container.image.tags"),
    ("kube_app_component", "app.kubernetes.io/component"),
    ("kube_app_instance", "app.kubernetes.io/instance"),
    ("kube_app_managed_by", "app.kubernetes.io/managed-by"),
    ("kube_app_name", "app.kubernetes.io/name"),
    ("kube_app_part_of", "app.kubernetes.io/part-of"),
    ("kube_app_version", "app.kubernetes.io/version"),
    ("kube_cluster_name", "k8s.cluster.name"),
    ("kube_container_name", "k8s.container.name"),
    ("kube_cronjob", "k8s.cronjob.name"),
    ("kube_daemon_set", "k8s.daemonset.name"),
    ("kube_deployment", "k8s.deployment.name"),
    ("kube_job", "k8s.job.name"),
    ("kube_namespace", "k8s.namespace.name"),
    ("kube_replica_set", "k8s.replicaset.name"),
    ("kube_stateful_set", "k8s.statefulset.name"),
    ("pod_name", "k8s.pod.name"),
    ("process_id", "process.pid"),
    ("region", "cloud.region"),
    ("runtime", "container.runtime.name"),
    ("service", "service.name"),
    ("task_arn", "aws.ecs.task.arn"),
    ("task_family", "aws.ecs.task.family"),
    ("task_version", "aws.ecs.task.revision"),
    ("version", "service.version"),
    ("zone", "cloud.availability_zone"),
];

/// Attributes that are integers whatever they are sent as.
const INTEGERS: [&str; 4] = [
    "http.response.status_code",
    "http.response.body.size",
    "http.request.body.size",
    "process.pid",
];

/// The name that an attribute has in OTLP.
pub(crate) fn translated<'a>(name: &Text<'a>) -> Text<'a> {
    if let Some((_, known)) = NAMES.iter().find(|(old, _)| name.eq_ignore_ascii_case(old)) {
        return Cow::Borrowed(known);
    }
    for (old, new) in [
        ("http.response.headers.", "http.response.header."),
        ("http.request.headers.", "http.request.header."),
    ] {
        if let Some(header) = name.strip_prefix(old) {
            return Cow::Owned(format!("{new}{header}"));
        }
    }
    name.clone()
}

/// Whether an attribute is an integer by the semantic conventions.
pub(crate) fn is_integer(name: &str) -> bool {
    INTEGERS.contains(&name)
}
