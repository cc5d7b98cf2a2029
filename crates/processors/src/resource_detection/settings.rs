//! The settings of `resource_detection`.

use std::collections::BTreeMap;
use std::time::Duration;

use spandrel_config::Section;
use spandrel_re2::Regex;

use super::attributes::known;
use super::detectors::{Detector, UNSUPPORTED};
use crate::pattern;

/// Settings of `resource_detection`.
#[derive(Debug, Clone)]
pub struct ResourceDetectionSettings {
    pub(super) detectors: Vec<Detector>,
    /// `override`: whether detected attributes replace those that a resource has.
    pub(super) replaces: bool,
    pub(super) timeout: Duration,
    pub(super) refresh_interval: Duration,
    pub(super) fail_on_missing_metadata: bool,
    /// `resource_attributes`: which attributes are on or off, by section of the detector.
    switches: BTreeMap<(&'static str, String), bool>,
    /// Of `system`.
    pub(super) hostname_sources: Vec<HostnameSource>,
    /// Of `ec2`: which tags are added.
    pub(super) ec2_tags: Vec<Regex>,
    /// The variable that names the node, of `k8snode`.
    pub(super) node_variable: String,
}

/// Where the name of the machine comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HostnameSource {
    Dns,
    Os,
    Cname,
    Lookup,
}

const HOSTNAME_SOURCES: [(&str, HostnameSource); 4] = [
    ("dns", HostnameSource::Dns),
    ("os", HostnameSource::Os),
    ("cname", HostnameSource::Cname),
    ("lookup", HostnameSource::Lookup),
];

impl ResourceDetectionSettings {
    /// Reads and checks them.
    pub fn read(section: &mut Section<'_>) -> Self {
        let names: Vec<String> = section.or("detectors", vec!["env".to_owned()]);
        let mut detectors = Vec::new();
        for name in &names {
            match Detector::named(name) {
                Some(detector @ Detector::Unsupported(_)) => {
                    section.warn(
                        Some("detectors"),
                        format!("`{name}` is not implemented and detects nothing"),
                    );
                    detectors.push(detector);
                }
                Some(detector) => detectors.push(detector),
                None => section.problem(Some("detectors"), format!("knows no detector `{name}`")),
            }
        }
        section.ignore(&["attributes"], "use resource_attributes of the detector instead");
        let mut settings = Self {
            detectors,
            replaces: section.or("override", true),
            timeout: section.or("timeout", Duration::from_secs(5)),
            refresh_interval: section.or("refresh_interval", Duration::ZERO),
            fail_on_missing_metadata: section.or("fail_on_missing_metadata", false),
            switches: BTreeMap::new(),
            hostname_sources: vec![HostnameSource::Dns, HostnameSource::Os],
            ec2_tags: Vec::new(),
            node_variable: "K8S_NODE_NAME".to_owned(),
        };
        for detector in Detector::ALL.into_iter().filter(|detector| *detector != Detector::Env) {
            let key = detector.section();
            section.section(key, |section| settings.read_detector(section, detector));
        }
        // The same detector under its older name.
        section.section("k8snode", |section| settings.read_detector(section, Detector::K8sNode));
        for key in UNSUPPORTED {
            // Their settings are not ours to judge.
            let _ = section.value(key);
        }
        settings
    }

    /// The section of a detector.
    fn read_detector(&mut self, section: &mut Section<'_>, detector: Detector) {
        let (on, off) = known(detector);
        let switches = section.named_sections("resource_attributes", |name, section| {
            if !on.contains(&name) && !off.contains(&name) {
                let all = [on, off].concat().join(", ");
                section.problem(None, format!("is no attribute of this detector; they are: {all}"));
            }
            section.or("enabled", true)
        });
        let switches =
            switches.into_iter().map(|(name, enabled)| ((detector.section(), name), enabled));
        self.switches.extend(switches);
        match detector {
            Detector::System => self.read_hostname_sources(section),
            Detector::Ec2 => {
                self.ec2_tags = pattern::read_list(section, "tags");
                let _: Option<u32> = section.get("max_attempts");
                let _: Option<Duration> = section.get("max_backoff");
                if let Some(fail) = section.get::<bool>("fail_on_missing_metadata") {
                    self.fail_on_missing_metadata |= fail;
                }
            }
            Detector::Eks => {
                let _: Option<String> = section.get("node_from_env_var");
                if let Some(fail) = section.get::<bool>("fail_on_missing_metadata") {
                    self.fail_on_missing_metadata |= fail;
                }
            }
            Detector::Azure => {
                let tags: Vec<String> = section.or("tags", Vec::new());
                if !tags.is_empty() {
                    section.warn(Some("tags"), "is not implemented and adds nothing");
                }
            }
            Detector::Gcp => {
                let labels: Vec<String> = section.or("labels", Vec::new());
                if !labels.is_empty() {
                    section.warn(Some("labels"), "is not implemented and adds nothing");
                }
            }
            Detector::K8sNode => {
                let _: Option<String> = section.get("auth_type");
                let _: Option<String> = section.get("context");
                let _: Option<f64> = section.get("kube_api_qps");
                let _: Option<u32> = section.get("kube_api_burst");
                self.node_variable = section.or("node_from_env_var", self.node_variable.clone());
            }
            _ => {}
        }
    }

    fn read_hostname_sources(&mut self, section: &mut Section<'_>) {
        let names: Option<Vec<String>> = section.get("hostname_sources");
        let Some(names) = names else { return };
        self.hostname_sources.clear();
        for name in names {
            match HOSTNAME_SOURCES.iter().find(|(known, _)| *known == name) {
                Some((_, source)) => self.hostname_sources.push(*source),
                None => section.problem(
                    Some("hostname_sources"),
                    format!("must be of dns, os, cname and lookup, not `{name}`"),
                ),
            }
        }
    }

    /// Whether what a detector found is added.
    pub(super) fn is_enabled(&self, detector: Detector, key: &str) -> bool {
        let switch = self.switches.get(&(detector.section(), key.to_owned()));
        let (_, off) = known(detector);
        switch.copied().unwrap_or(!off.contains(&key))
    }
}
