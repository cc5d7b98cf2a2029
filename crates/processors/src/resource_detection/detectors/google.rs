//! Google: Compute Engine, Kubernetes Engine, Cloud Run and Cloud Functions.

use super::super::attributes::Attribute;
use super::super::http;
use super::super::machine::Machine;
use super::{Found, texts};

/// Asks the metadata service.
async fn get(machine: &Machine, path: &str) -> Result<String, String> {
    let url = format!("{}/computeMetadata/v1/{path}", machine.google);
    http::get(&url, &[("Metadata-Flavor", "Google")]).await
}

/// The platform, which environment variables and the metadata of a cluster tell apart.
pub(super) async fn gcp(machine: &Machine) -> Result<Found, String> {
    let project = get(machine, "project/project-id").await?;
    let mut found =
        texts([("cloud.provider", Some("gcp")), ("cloud.account.id", Some(project.as_str()))]);
    if machine.variable("KUBERNETES_SERVICE_HOST").is_some() {
        found.extend(kubernetes(machine).await?);
    } else if let Some(name) = machine.variable("K_SERVICE").or(machine.variable("CLOUD_RUN_JOB")) {
        found.extend(serverless(machine, name).await?);
    } else {
        found.extend(instance(machine).await?);
    }
    Ok(found)
}

async fn kubernetes(machine: &Machine) -> Result<Found, String> {
    let cluster = get(machine, "instance/attributes/cluster-name").await?;
    let location = get(machine, "instance/attributes/cluster-location").await?;
    let id = get(machine, "instance/id").await.ok();
    // A zone is a region and a letter.
    let is_zone = location.split('-').count() > 2;
    let place = if is_zone { "cloud.availability_zone" } else { "cloud.region" };
    Ok(texts([
        ("cloud.platform", Some("gcp_kubernetes_engine")),
        ("k8s.cluster.name", Some(cluster.as_str())),
        (place, Some(location.as_str())),
        ("host.id", id.as_deref()),
    ]))
}

async fn serverless(machine: &Machine, name: &str) -> Result<Found, String> {
    let id = get(machine, "instance/id").await?;
    // projects/123/regions/europe-west1
    let region = get(machine, "instance/region").await?;
    let region = region.rsplit('/').next();
    let is_function = machine.variable("FUNCTION_TARGET").is_some();
    let platform = if is_function { "gcp_cloud_functions" } else { "gcp_cloud_run" };
    Ok(texts([
        ("cloud.platform", Some(platform)),
        ("cloud.region", region),
        ("faas.name", Some(name)),
        ("faas.version", machine.variable("K_REVISION")),
        ("faas.instance", Some(id.as_str())),
        ("gcp.cloud_run.job.execution", machine.variable("CLOUD_RUN_EXECUTION")),
        ("gcp.cloud_run.job.task_index", machine.variable("CLOUD_RUN_TASK_INDEX")),
    ]))
}

async fn instance(machine: &Machine) -> Result<Found, String> {
    // projects/123/zones/europe-west1-b, and the type of the machine likewise
    let zone = get(machine, "instance/zone").await?;
    let zone = zone.rsplit('/').next().unwrap_or_default();
    let region = zone.rsplit_once('-').map(|(region, _)| region);
    let machine_type = get(machine, "instance/machine-type").await?;
    let id = get(machine, "instance/id").await?;
    let name = get(machine, "instance/name").await?;
    let mut found = texts([
        ("cloud.platform", Some("gcp_compute_engine")),
        ("cloud.availability_zone", Some(zone)),
        ("cloud.region", region),
        ("host.type", machine_type.rsplit('/').next()),
        ("host.id", Some(id.as_str())),
        ("host.name", Some(name.as_str())),
        ("gcp.gce.instance.name", Some(name.as_str())),
    ]);
    if let Ok(host) = get(machine, "instance/hostname").await {
        found.push(Attribute::text("gcp.gce.instance.hostname", host));
    }
    Ok(found)
}
