//! Amazon: EC2, ECS, EKS, Elastic Beanstalk, Lambda.

use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue};
use spandrel_re2::Regex;

use super::super::attributes::Attribute;
use super::super::http;
use super::super::machine::Machine;
use super::{Found, member, parse, texts};

/// The metadata service of an instance, version 2: a token first.
struct Instance<'m> {
    base: &'m str,
    token: String,
}

impl<'m> Instance<'m> {
    async fn open(machine: &'m Machine) -> Result<Self, String> {
        let base = &machine.link_local;
        let lifetime = [("X-aws-ec2-metadata-token-ttl-seconds", "60")];
        let token = http::put(&format!("{base}/latest/api/token"), &lifetime).await?;
        Ok(Self { base, token })
    }

    async fn get(&self, path: &str) -> Result<String, String> {
        let headers = [("X-aws-ec2-metadata-token", self.token.as_str())];
        http::get(&format!("{}/latest/{path}", self.base), &headers).await
    }

    /// What the identity document says, and the name of the machine.
    async fn identity(&self, platform: &'static str) -> Result<Found, String> {
        let document = parse(&self.get("dynamic/instance-identity/document").await?)?;
        let name = self.get("meta-data/hostname").await.ok();
        Ok(texts([
            ("cloud.provider", Some("aws")),
            ("cloud.platform", Some(platform)),
            ("cloud.account.id", member(&document, "accountId")),
            ("cloud.region", member(&document, "region")),
            ("cloud.availability_zone", member(&document, "availabilityZone")),
            ("host.id", member(&document, "instanceId")),
            ("host.image.id", member(&document, "imageId")),
            ("host.type", member(&document, "instanceType")),
            ("host.name", name.as_deref()),
        ]))
    }
}

/// An instance. Its tags are read from the metadata service, which has them when the instance allows it.
pub(super) async fn ec2(machine: &Machine, tags: &[Regex]) -> Result<Found, String> {
    let instance = Instance::open(machine).await?;
    let mut found = instance.identity("aws_ec2").await?;
    if tags.is_empty() {
        return Ok(found);
    }
    let keys = instance.get("meta-data/tags/instance").await?;
    for key in keys.lines().filter(|key| tags.iter().any(|tag| tag.is_match(key))) {
        let value = instance.get(&format!("meta-data/tags/instance/{key}")).await?;
        found.push(Attribute::text(&format!("ec2.tag.{key}"), value));
    }
    Ok(found)
}

/// A node of a cluster: any pod has the address of the Kubernetes API in its environment.
pub(super) async fn eks(machine: &Machine) -> Result<Found, String> {
    if machine.variable("KUBERNETES_SERVICE_HOST").is_none() {
        return Ok(Vec::new());
    }
    Instance::open(machine).await?.identity("aws_eks").await
}

/// A task, whose metadata service has its address in the environment.
pub(super) async fn ecs(machine: &Machine) -> Result<Found, String> {
    let variables = ["ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI"];
    let Some(base) = variables.into_iter().find_map(|name| machine.variable(name)) else {
        return Ok(Vec::new());
    };
    let task = parse(&http::get(&format!("{base}/task"), &[]).await?)?;
    let container = parse(&http::get(base, &[]).await?)?;
    // arn:aws:ecs:region:account:task/cluster/id
    let arn = member(&task, "TaskARN").unwrap_or_default();
    let mut parts = arn.splitn(6, ':');
    let (region, account) = (parts.nth(3), parts.next());
    let id = parts.next().and_then(|resource| resource.rsplit('/').next());
    let cluster = member(&task, "Cluster").map(|cluster| match (region, account) {
        (Some(region), Some(account)) if !cluster.starts_with("arn:") => {
            format!("arn:aws:ecs:{region}:{account}:cluster/{cluster}")
        }
        _ => cluster.to_owned(),
    });
    let launch_type = member(&task, "LaunchType").map(str::to_lowercase);
    let mut found = texts([
        ("cloud.provider", Some("aws")),
        ("cloud.platform", Some("aws_ecs")),
        ("cloud.account.id", account),
        ("cloud.region", region),
        ("cloud.availability_zone", member(&task, "AvailabilityZone")),
        ("aws.ecs.cluster.arn", cluster.as_deref()),
        ("aws.ecs.task.arn", member(&task, "TaskARN")),
        ("aws.ecs.task.family", member(&task, "Family")),
        ("aws.ecs.task.revision", member(&task, "Revision")),
        ("aws.ecs.task.id", id),
        ("aws.ecs.launchtype", launch_type.as_deref()),
    ]);
    if member(&container, "LogDriver") == Some("awslogs")
        && let Some(options) = container.get("LogOptions")
    {
        let (group, stream) = (member(options, "awslogs-group"), member(options, "awslogs-stream"));
        found.extend(group.map(|group| list("aws.log.group.names", group)));
        found.extend(stream.map(|stream| list("aws.log.stream.names", stream)));
    }
    Ok(found)
}

/// An environment of Elastic Beanstalk, which has a file about it.
pub(super) fn elastic_beanstalk(machine: &Machine) -> Result<Found, String> {
    let Some(text) = machine.file("var/elasticbeanstalk/xray/environment.conf") else {
        return Ok(Vec::new());
    };
    let file = parse(&text)?;
    let instance = file.get("deployment_id").map(ToString::to_string);
    Ok(texts([
        ("cloud.provider", Some("aws")),
        ("cloud.platform", Some("aws_elastic_beanstalk")),
        ("deployment.environment", member(&file, "environment_name")),
        ("service.instance.id", instance.as_deref()),
        ("service.version", member(&file, "version_label")),
    ]))
}

/// A function.
pub(super) fn lambda(machine: &Machine) -> Found {
    let Some(name) = machine.variable("AWS_LAMBDA_FUNCTION_NAME") else { return Vec::new() };
    let mut found = texts([
        ("cloud.provider", Some("aws")),
        ("cloud.platform", Some("aws_lambda")),
        ("cloud.region", machine.variable("AWS_REGION")),
        ("faas.name", Some(name)),
        ("faas.version", machine.variable("AWS_LAMBDA_FUNCTION_VERSION")),
        ("faas.instance", machine.variable("AWS_LAMBDA_LOG_STREAM_NAME")),
    ]);
    let memory = machine.variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
    if let Some(mebibytes) = memory.and_then(|memory| memory.parse::<i64>().ok()) {
        let value = Value::IntValue(mebibytes.saturating_mul(1 << 20));
        found.push(Attribute { key: "faas.max_memory".to_owned(), value });
    }
    let (group, stream) = ("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME");
    found.extend(machine.variable(group).map(|group| list("aws.log.group.names", group)));
    found.extend(machine.variable(stream).map(|stream| list("aws.log.stream.names", stream)));
    found
}

fn list(key: &str, text: &str) -> Attribute {
    let values = vec![AnyValue { value: Some(Value::StringValue(text.to_owned())) }];
    Attribute { key: key.to_owned(), value: Value::ArrayValue(ArrayValue { values }) }
}
