//! Azure: virtual machines and Kubernetes.

use super::super::http;
use super::super::machine::Machine;
use super::{Found, member, parse, texts};

async fn compute(machine: &Machine) -> Result<serde_json::Value, String> {
    let base = &machine.link_local;
    let url = format!("{base}/metadata/instance/compute?api-version=2020-09-01&format=json");
    parse(&http::get(&url, &[("Metadata", "True")]).await?)
}

/// A virtual machine.
pub(super) async fn azure(machine: &Machine) -> Result<Found, String> {
    let compute = compute(machine).await?;
    let of_os = compute.get("osProfile").and_then(|profile| member(profile, "computerName"));
    Ok(texts([
        ("cloud.provider", Some("azure")),
        ("cloud.platform", Some("azure_vm")),
        ("cloud.region", member(&compute, "location")),
        ("cloud.account.id", member(&compute, "subscriptionId")),
        ("cloud.availability_zone", member(&compute, "zone")),
        ("host.id", member(&compute, "vmId")),
        ("host.name", of_os.or(member(&compute, "name"))),
        ("azure.vm.name", member(&compute, "name")),
        ("azure.vm.size", member(&compute, "vmSize")),
        ("azure.vm.scaleset.name", member(&compute, "vmScaleSetName")),
        ("azure.resourcegroup.name", member(&compute, "resourceGroupName")),
    ]))
}

/// A node of a cluster. Its resource group is `MC_<group>_<cluster>_<region>`, which names the cluster when none of
/// the parts has an underscore of its own.
pub(super) async fn aks(machine: &Machine) -> Result<Found, String> {
    if machine.variable("KUBERNETES_SERVICE_HOST").is_none() {
        return Ok(Vec::new());
    }
    let compute = compute(machine).await?;
    let group = member(&compute, "resourceGroupName").unwrap_or_default();
    let parts: Vec<&str> = group.split('_').collect();
    let cluster = match parts[..] {
        [mc, _, cluster, _] if mc.eq_ignore_ascii_case("mc") => cluster,
        _ => group,
    };
    Ok(texts([
        ("cloud.provider", Some("azure")),
        ("cloud.platform", Some("azure_aks")),
        ("k8s.cluster.name", Some(cluster)),
    ]))
}
