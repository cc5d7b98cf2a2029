//! The detectors by name.

mod amazon;
mod azure;
mod google;
mod platform;
mod system;

use super::attributes::Attribute;
use super::machine::Machine;
use super::settings::ResourceDetectionSettings;

/// What a detector found; nothing when it is about another platform than this.
pub(super) type Found = Vec<Attribute>;

/// A source of attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detector {
    Env,
    System,
    Docker,
    Ec2,
    Ecs,
    Eks,
    ElasticBeanstalk,
    Lambda,
    Gcp,
    Azure,
    Aks,
    Heroku,
    K8sNode,
    /// The Collector has it, and we do not.
    Unsupported(&'static str),
}

/// Detectors that the Collector has and we do not; their sections have these names too.
pub(super) const UNSUPPORTED: [&str; 15] = [
    "akamai",
    "alibaba_ecs",
    "consul",
    "digitalocean",
    "dynatrace",
    "hetzner",
    "ibmcloud",
    "kubeadm",
    "nova",
    "openshift",
    "oraclecloud",
    "scaleway",
    "tencent_cvm",
    "upcloud",
    "vultr",
];

impl Detector {
    /// Those that we have.
    pub(super) const ALL: [Self; 13] = [
        Self::Env,
        Self::System,
        Self::Docker,
        Self::Ec2,
        Self::Ecs,
        Self::Eks,
        Self::ElasticBeanstalk,
        Self::Lambda,
        Self::Gcp,
        Self::Azure,
        Self::Aks,
        Self::Heroku,
        Self::K8sNode,
    ];

    /// By the name in `detectors`; some have several.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "gce" | "gke" => return Some(Self::Gcp),
            "k8snode" => return Some(Self::K8sNode),
            _ => {}
        }
        let ours = Self::ALL.into_iter().find(|detector| detector.name() == name);
        ours.or_else(|| {
            UNSUPPORTED.into_iter().find(|unsupported| *unsupported == name).map(Self::Unsupported)
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::System => "system",
            Self::Docker => "docker",
            Self::Ec2 => "ec2",
            Self::Ecs => "ecs",
            Self::Eks => "eks",
            Self::ElasticBeanstalk => "elastic_beanstalk",
            Self::Lambda => "lambda",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
            Self::Aks => "aks",
            Self::Heroku => "heroku",
            Self::K8sNode => "k8s_api",
            Self::Unsupported(name) => name,
        }
    }

    /// The key of its settings.
    pub(super) fn section(self) -> &'static str {
        match self {
            Self::ElasticBeanstalk => "elasticbeanstalk",
            other => other.name(),
        }
    }

    /// Looks. The caller bounds the time.
    pub(super) async fn detect(
        self,
        machine: &Machine,
        settings: &ResourceDetectionSettings,
    ) -> Result<Found, String> {
        match self {
            Self::Env => platform::env(machine),
            Self::System => system::system(machine, &settings.hostname_sources).await,
            Self::Docker => platform::docker(machine).await,
            Self::Ec2 => amazon::ec2(machine, &settings.ec2_tags).await,
            Self::Ecs => amazon::ecs(machine).await,
            Self::Eks => amazon::eks(machine).await,
            Self::ElasticBeanstalk => amazon::elastic_beanstalk(machine),
            Self::Lambda => Ok(amazon::lambda(machine)),
            Self::Gcp => google::gcp(machine).await,
            Self::Azure => azure::azure(machine).await,
            Self::Aks => azure::aks(machine).await,
            Self::Heroku => Ok(platform::heroku(machine)),
            Self::K8sNode => platform::k8s_node(machine, &settings.node_variable),
            Self::Unsupported(_) => Ok(Vec::new()),
        }
    }
}

/// The text of a member of JSON.
fn member<'j>(json: &'j serde_json::Value, name: &str) -> Option<&'j str> {
    json.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// Attributes with the values that are there.
fn texts<'t>(pairs: impl IntoIterator<Item = (&'static str, Option<&'t str>)>) -> Found {
    let present = pairs.into_iter().filter_map(|(key, text)| Some((key, text?)));
    present.map(|(key, text)| Attribute::text(key, text)).collect()
}

/// JSON out of an answer.
fn parse(answer: &str) -> Result<serde_json::Value, String> {
    serde_json::from_str(answer).map_err(|error| format!("not the JSON that was expected: {error}"))
}
