//! What detectors find, and which of it is added unless the configuration says otherwise.

use spandrel_proto::otlp::common::any_value::Value;

use super::detectors::Detector;

/// An attribute of a resource.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attribute {
    pub(super) key: String,
    pub(super) value: Value,
}

impl Attribute {
    /// With a text.
    pub(super) fn text(key: &str, text: impl Into<String>) -> Self {
        Self { key: key.to_owned(), value: Value::StringValue(text.into()) }
    }
}

/// The attributes that a detector can be told to add or not, with those that it does not add by itself last.
pub(super) fn known(detector: Detector) -> (&'static [&'static str], &'static [&'static str]) {
    let found = KNOWN.iter().find(|(known, ..)| *known == detector);
    found.map_or((&[], &[]), |(_, on, off)| (*on, *off))
}

/// A detector, what it adds, and what it adds when it is told to.
type Known = (Detector, &'static [&'static str], &'static [&'static str]);

const KNOWN: &[Known] = &[
    (
        Detector::System,
        &["host.name", "os.type"],
        &[
            "host.arch",
            "host.id",
            "host.ip",
            "host.mac",
            "host.interface",
            "host.cpu.vendor.id",
            "host.cpu.family",
            "host.cpu.model.id",
            "host.cpu.model.name",
            "host.cpu.stepping",
            "host.cpu.cache.l2.size",
            "os.description",
            "os.name",
            "os.version",
            "os.build.id",
        ],
    ),
    (Detector::Docker, &["host.name", "os.type"], &["container.name", "container.image.name"]),
    (
        Detector::Ec2,
        &[
            "cloud.provider",
            "cloud.platform",
            "cloud.account.id",
            "cloud.region",
            "cloud.availability_zone",
            "host.id",
            "host.image.id",
            "host.name",
            "host.type",
        ],
        &[],
    ),
    (
        Detector::Ecs,
        &[
            "cloud.provider",
            "cloud.platform",
            "cloud.account.id",
            "cloud.region",
            "cloud.availability_zone",
            "aws.ecs.cluster.arn",
            "aws.ecs.launchtype",
            "aws.ecs.task.arn",
            "aws.ecs.task.family",
            "aws.ecs.task.id",
            "aws.ecs.task.revision",
            "aws.log.group.arns",
            "aws.log.group.names",
            "aws.log.stream.arns",
            "aws.log.stream.names",
        ],
        &[],
    ),
    (
        Detector::Eks,
        &["cloud.provider", "cloud.platform"],
        &[
            "k8s.cluster.name",
            "cloud.account.id",
            "cloud.region",
            "cloud.availability_zone",
            "host.id",
            "host.image.id",
            "host.name",
            "host.type",
        ],
    ),
    (
        Detector::ElasticBeanstalk,
        &[
            "cloud.provider",
            "cloud.platform",
            "deployment.environment",
            "service.instance.id",
            "service.version",
        ],
        &[],
    ),
    (
        Detector::Lambda,
        &[
            "cloud.provider",
            "cloud.platform",
            "cloud.region",
            "aws.log.group.names",
            "aws.log.stream.names",
            "faas.instance",
            "faas.max_memory",
            "faas.name",
            "faas.version",
        ],
        &[],
    ),
    (
        Detector::Gcp,
        &[
            "cloud.provider",
            "cloud.platform",
            "cloud.account.id",
            "cloud.region",
            "cloud.availability_zone",
            "host.id",
            "host.name",
            "host.type",
            "k8s.cluster.name",
            "faas.id",
            "faas.instance",
            "faas.name",
            "faas.version",
            "gcp.cloud_run.job.execution",
            "gcp.cloud_run.job.task_index",
        ],
        &[
            "gcp.gce.instance.hostname",
            "gcp.gce.instance.name",
            "gcp.gce.instance_group_manager.name",
            "gcp.gce.instance_group_manager.region",
            "gcp.gce.instance_group_manager.zone",
        ],
    ),
    (
        Detector::Azure,
        &[
            "cloud.provider",
            "cloud.platform",
            "cloud.account.id",
            "cloud.region",
            "azure.resourcegroup.name",
            "azure.vm.name",
            "azure.vm.scaleset.name",
            "azure.vm.size",
            "host.id",
            "host.name",
        ],
        &["cloud.availability_zone"],
    ),
    (Detector::Aks, &["cloud.provider", "cloud.platform"], &["k8s.cluster.name"]),
    (
        Detector::Heroku,
        &[
            "cloud.provider",
            "heroku.app.id",
            "heroku.dyno.id",
            "heroku.release.commit",
            "heroku.release.creation_timestamp",
            "service.instance.id",
            "service.name",
            "service.version",
        ],
        &[],
    ),
    (Detector::K8sNode, &["k8s.node.name", "k8s.node.uid"], &[]),
];
