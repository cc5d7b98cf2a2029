//! The running instances of every service, and the resource each reports.

use spandrel_proto::otlp::common::{InstrumentationScope, KeyValue};
use spandrel_proto::otlp::resource::Resource;

use crate::attribute::{attribute, uuid};
use crate::random::Random;
use crate::service::{Library, PROFILES, Profile, Service};

/// The semantic conventions the shop's instrumentation follows.
pub(crate) const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.40.0";

const REGION: &str = "eu-central-1";
const ZONES: [&str; 3] = ["eu-central-1a", "eu-central-1b", "eu-central-1c"];

/// Position of an instance in [`Fleet::instances`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstanceIndex(u16);

impl InstanceIndex {
    /// The position as a number, below the number of instances.
    pub fn get(self) -> usize {
        usize::from(self.0)
    }
}

/// One running copy of a service.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Whose copy it is.
    pub service: Service,
    /// What it says of itself in every export.
    pub resource: Resource,
    /// Its address inside the cluster.
    pub address: String,
}

/// All instances of all services; the same for the whole life of a shop.
#[derive(Debug, Clone)]
pub struct Fleet {
    instances: Vec<Instance>,
    /// Each service's first instance, by position in `PROFILES`.
    first: Vec<u16>,
}

impl Fleet {
    pub(crate) fn new(random: &mut Random) -> Self {
        let mut fleet = Self { instances: Vec::new(), first: Vec::new() };
        for profile in &PROFILES {
            fleet.first.push(fleet.instances.len() as u16);
            let replica_set = random.next_u64() & 0xffff_ffff;
            for _ in 0..profile.instances {
                fleet.instances.push(instance(profile, replica_set, random));
            }
        }
        fleet
    }

    /// Every instance; an [`InstanceIndex`] is a position here.
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// The instance at a position this fleet gave out.
    pub fn instance(&self, index: InstanceIndex) -> &Instance {
        &self.instances[index.get()]
    }

    /// The positions in order.
    pub fn indexes(&self) -> impl Iterator<Item = InstanceIndex> + use<> {
        (0..self.instances.len() as u16).map(InstanceIndex)
    }

    /// The instrumentation scope of an instance's spans made by a kind of library.
    pub fn scope(&self, index: InstanceIndex, library: Library) -> InstrumentationScope {
        let (name, version) = self.instance(index).service.language().scope(library);
        InstrumentationScope {
            name: name.to_owned(),
            version: version.to_owned(),
            ..InstrumentationScope::default()
        }
    }

    /// What a load balancer does: any instance of the service.
    pub(crate) fn choose(&self, service: Service, random: &mut Random) -> InstanceIndex {
        let replica = random.below(u64::from(service.profile().instances)) as u16;
        InstanceIndex(self.first[service as usize] + replica)
    }
}

fn instance(profile: &Profile, replica_set: u64, random: &mut Random) -> Instance {
    let pod = format!("{}-{replica_set:08x}-{:05x}", profile.name, random.next_u64() & 0xf_ffff);
    let node = random.below(12);
    let address = format!("10.{}.{}.{}", 40 + node, random.below(16), random.between(2, 254));
    Instance {
        service: profile.service,
        resource: Resource {
            attributes: resource_attributes(profile, pod, node, random),
            ..Resource::default()
        },
        address,
    }
}

fn resource_attributes(
    profile: &Profile,
    pod: String,
    node: u64,
    random: &mut Random,
) -> Vec<KeyValue> {
    let (sdk_language, sdk_version) = profile.language.sdk();
    let (runtime, runtime_version) = profile.language.runtime();
    let host = format!("ip-10-{}-0-{}.{REGION}.compute.internal", 40 + node, 17 + node);
    vec![
        attribute("service.name", profile.name),
        attribute("service.namespace", profile.namespace),
        attribute("service.version", profile.version),
        attribute("service.instance.id", uuid(random.next_u64(), random.next_u64())),
        attribute("deployment.environment.name", "production"),
        attribute("telemetry.sdk.name", "opentelemetry"),
        attribute("telemetry.sdk.language", sdk_language),
        attribute("telemetry.sdk.version", sdk_version),
        attribute("process.runtime.name", runtime),
        attribute("process.runtime.version", runtime_version),
        attribute("host.name", host.clone()),
        attribute("k8s.cluster.name", "shop-prod-1"),
        attribute("k8s.namespace.name", profile.namespace),
        attribute("k8s.deployment.name", profile.name),
        attribute("k8s.pod.name", pod),
        attribute("k8s.node.name", host),
        attribute("cloud.region", REGION),
        attribute("cloud.availability_zone", ZONES[(node % 3) as usize]),
    ]
}
