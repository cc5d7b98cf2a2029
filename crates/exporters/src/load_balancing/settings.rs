//! Settings of `load_balancing`.

use std::time::Duration;

use spandrel_config::Section;
use spandrel_config::blocks::{Queue, Retry};

#[cfg(feature = "kubernetes")]
use super::k8s::K8sResolver;
use super::resolver::{DnsResolver, Resolver};
use super::routing::Routing;
use crate::otlp_grpc::OtlpGrpcSettings;
use crate::sending::SendingSettings;

/// Settings of the exporter `load_balancing`.
#[derive(Debug, Clone)]
pub struct LoadBalancingSettings {
    pub(super) routing: Routing,
    pub(super) resolver: Resolver,
    /// The exporters of the backends, without their endpoint.
    pub(super) protocol: OtlpGrpcSettings,
    /// A queue and retries before the backends; neither unless asked for.
    pub(super) sending: SendingSettings,
}

impl LoadBalancingSettings {
    /// Reads and checks the settings. `None` when there is a problem with the resolver.
    pub fn read(section: &mut Section<'_>) -> Option<Self> {
        let routing = read_routing(section);
        let resolver = section.section("resolver", read_resolver);
        if resolver.is_none() {
            section.problem(Some("resolver"), "no resolver is specified; use static, dns or k8s");
        }
        let protocol = section.section("protocol", |section| {
            let otlp = section.section("otlp", |section| {
                let otlp = OtlpGrpcSettings::read_without_endpoint(section);
                if otlp.sending.queue.as_ref().is_some_and(|queue| queue.storage.is_some()) {
                    let message = "storage would keep the queue of a backend that is gone; put it into the sending_queue of load_balancing";
                    section.problem(Some("sending_queue"), message);
                }
                if !otlp.client.endpoint.is_empty() {
                    section.warn(Some("endpoint"), "is replaced by those of the resolver");
                }
                otlp
            });
            otlp.unwrap_or_else(|| {
                section.problem(Some("otlp"), "is the only protocol, and is required");
                OtlpGrpcSettings::read_without_endpoint(section)
            })
        });
        if protocol.is_none() {
            section.problem(Some("protocol"), "is required; write `protocol: {otlp: {}}`");
        }
        let timeout: Option<Duration> = section.get("timeout");
        let retry = section.optional("retry_on_failure", Retry::read);
        let queue = section.optional("sending_queue", Queue::read);
        // The exporters of the backends have limits of their own; one around them would cut off their retries.
        let timeout = timeout.unwrap_or_default();
        let sending = SendingSettings { timeout, retry, queue };
        Some(Self { routing, resolver: resolver??, protocol: protocol?, sending })
    }
}

fn read_routing(section: &mut Section<'_>) -> Routing {
    let key: String = section.or("routing_key", String::new());
    let attributes: Vec<String> = section.or("routing_attributes", Vec::new());
    let routing = match key.as_str() {
        "" | "traceID" => Routing::TraceId,
        "service" => Routing::Attributes(vec!["service.name".to_owned()]),
        "attributes" if attributes.is_empty() => {
            section.problem(Some("routing_attributes"), "is required with routing_key: attributes");
            Routing::TraceId
        }
        "attributes" => return Routing::Attributes(attributes),
        other => {
            let message = format!(
                "unsupported routing_key {other:?} for traces; use traceID, service or attributes"
            );
            section.problem(Some("routing_key"), message);
            Routing::TraceId
        }
    };
    if !attributes.is_empty() && key != "attributes" {
        section.warn(Some("routing_attributes"), "only matters with routing_key: attributes");
    }
    routing
}

fn read_resolver(section: &mut Section<'_>) -> Option<Resolver> {
    let fixed = section.section("static", |section| {
        let hostnames: Vec<String> = section.or("hostnames", Vec::new());
        if hostnames.is_empty() {
            section.problem(Some("hostnames"), "needs at least one host");
        }
        Resolver::fixed(hostnames)
    });
    let dns = section.section("dns", |section| {
        let hostname: String = section.required("hostname").unwrap_or_default();
        let port: String = section.or("port", "4317".to_owned());
        let port = port.parse().unwrap_or_else(|_| {
            section.problem(Some("port"), "must be the number of a port");
            4317
        });
        Resolver::Dns(DnsResolver {
            hostname,
            port,
            interval: section.or("interval", Duration::from_secs(5)),
            timeout: section.or("timeout", Duration::from_secs(1)),
        })
    });
    let k8s = section.section("k8s", read_k8s);
    let cloud_map = section.section("aws_cloud_map", read_cloud_map).is_some();
    let n_given = [fixed.is_some(), dns.is_some(), k8s.is_some(), cloud_map]
        .iter()
        .filter(|given| **given)
        .count();
    if n_given > 1 {
        section.problem(None, "only one resolver should be specified");
    } else if n_given == 0 {
        section.problem(None, "no resolver is specified; use static, dns or k8s");
    }
    fixed.or(dns).or(k8s.flatten())
}

#[cfg(feature = "kubernetes")]
fn read_k8s(section: &mut Section<'_>) -> Option<Resolver> {
    read_service(section).map(Resolver::K8s)
}

/// The keys are checked, so that what is said about the section is only what matters.
#[cfg(not(feature = "kubernetes"))]
fn read_k8s(section: &mut Section<'_>) -> Option<Resolver> {
    section.required::<String>("service");
    section.get::<Vec<u16>>("ports");
    section.get::<Duration>("timeout");
    section.get::<bool>("return_hostnames");
    let message = "this program was built without a client of Kubernetes (cargo feature `kubernetes`), so endpoints are \
                   not looked up; use dns with the name of a headless service";
    section.problem(None, message);
    None
}

#[cfg(feature = "kubernetes")]
fn read_service(section: &mut Section<'_>) -> Option<K8sResolver> {
    let service: Option<String> = section.required("service");
    let resolver = K8sResolver {
        service: String::new(),
        namespace: None,
        ports: section.or("ports", vec![4317]),
        timeout: section.or("timeout", Duration::from_secs(60)),
        return_hostnames: section.or("return_hostnames", false),
    };
    let service = service?;
    let (name, namespace) = match service.split_once('.') {
        Some((name, namespace)) => (name, Some(namespace)),
        None => (service.as_str(), None),
    };
    if name.is_empty() || namespace.is_some_and(|name| name.is_empty() || name.contains('.')) {
        let message = format!("{service:?} is no service; write its name, or `name.namespace`");
        section.problem(Some("service"), message);
        return None;
    }
    let namespace = namespace.map(str::to_owned);
    Some(K8sResolver { service: name.to_owned(), namespace, ..resolver })
}

fn read_cloud_map(section: &mut Section<'_>) {
    for key in ["namespace", "service_name", "health_status", "owner_account"] {
        section.get::<String>(key);
    }
    section.get::<u16>("port");
    section.get::<Duration>("interval");
    section.get::<Duration>("timeout");
    section.problem(None, "AWS Cloud Map is not supported; use dns or static");
}
