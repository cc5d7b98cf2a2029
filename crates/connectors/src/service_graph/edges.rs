//! Spans into edges, and edges into series.

use std::sync::Arc;

use spandrel_base::memory::MemoryBudget;
use spandrel_otlp::{AttributesView, ProducerView, SpanView, SpanVisitor};
use spandrel_proto::otlp::common::KeyValue;
use spandrel_span_aggregation::{
    Connection, Edge, EdgeKey, EdgeStore, KeyWriter, Observation, Series, SeriesLabels,
    SeriesTable, Side, TableSettings, Temporality, adjusted_count, view_text,
};
use spandrel_telemetry::ServiceGraphCounters;

use super::ServiceGraphSettings;
use crate::data_points::{bool_label, text_label};

const SERVICE_NAME: &str = "service.name";
const FAILED: &str = "failed";
const KIND_SERVER: i32 = 2;
const KIND_CLIENT: i32 = 3;
const KIND_PRODUCER: i32 = 4;
const KIND_CONSUMER: i32 = 5;
const STATUS_ERROR: i32 = 2;
/// Who calls a service whose span has no parent.
const USER: &str = "user";
/// Who was called, when the client does not say.
const UNKNOWN: &str = "unknown";

/// The present, on both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) monotonic_nanos: u64,
    pub(super) unix_nanos: u64,
}

/// The service graph of one tenant.
#[derive(Debug)]
pub(super) struct Graph {
    settings: Arc<ServiceGraphSettings>,
    store: EdgeStore,
    pub(super) series: SeriesTable<Vec<KeyValue>>,
    key: KeyWriter,
}

/// Which end of an edge was not seen.
#[derive(Debug, Clone, Copy, PartialEq)]
enum VirtualNode {
    Neither,
    Client,
    Server,
}

impl Graph {
    /// Number of the histogram of what clients see.
    pub(super) const CLIENT: usize = 0;
    /// Number of the histogram of what servers see.
    pub(super) const SERVER: usize = 1;

    pub(super) fn new(settings: &Arc<ServiceGraphSettings>, memory: &MemoryBudget) -> Self {
        let table = TableSettings {
            histograms: vec![settings.buckets.clone(), settings.buckets.clone()],
            cardinality_limit: 0,
            exemplars_max: 0,
            temporality: Temporality::Cumulative,
            expiration_nanos: 0,
        };
        Self {
            settings: Arc::clone(settings),
            store: EdgeStore::new(settings.store, memory),
            series: SeriesTable::new(Arc::new(table), memory),
            key: KeyWriter::default(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.store.is_empty() && self.series.is_empty()
    }

    /// Series of requests without success.
    pub(super) fn failed(
        &self,
    ) -> impl Iterator<Item = (SeriesLabels<'_, Vec<KeyValue>>, &Series)> {
        let failed = bool_label(FAILED, true);
        self.series.iter().filter(move |(labels, _)| match labels {
            SeriesLabels::Own(labels) => labels.contains(&failed),
            SeriesLabels::Overflow => false,
        })
    }

    pub(super) fn expire_edges(&mut self, now: Now, counters: &ServiceGraphCounters) {
        while let Some(edge) = self.store.pop_expired(now.monotonic_nanos) {
            self.expired(edge, now, counters);
        }
    }

    /// Counts half an edge, if what is missing can be named.
    fn expired(&mut self, mut edge: Edge, now: Now, counters: &ServiceGraphCounters) {
        counters.expired_edges.inc();
        if self.settings.virtual_node_peer_attributes.is_empty() {
            return;
        }
        edge.connection = Connection::VirtualNode;
        if edge.server.is_none() {
            let service = edge.peer.take().unwrap_or_else(|| UNKNOWN.to_owned());
            edge.server = Some(Side::unseen(service));
            self.count(&edge, VirtualNode::Server, now);
        } else if edge.client.is_none() && edge.key.is_root() {
            edge.client = Some(Side::unseen(USER));
            self.count(&edge, VirtualNode::Client, now);
        }
    }

    fn count(&mut self, edge: &Edge, virtual_node: VirtualNode, now: Now) {
        let (Some(client), Some(server)) = (&edge.client, &edge.server) else { return };
        let extra = self.settings.virtual_node_extra_label.then_some(virtual_node);
        let key = &mut self.key;
        key.clear();
        key.text(client.service.as_bytes());
        key.text(server.service.as_bytes());
        key.text(edge.connection.as_str().as_bytes());
        key.number(i32::from(edge.failed));
        key.number(extra.map_or(-1, |node| node as i32));
        for side in [client, server] {
            // An end that was not seen has no dimensions at all.
            for number in 0..self.settings.dimensions.len() {
                match side.dimensions.get(number) {
                    Some(Some(value)) => key.text(value.as_bytes()),
                    _ => key.absent(),
                }
            }
        }
        let observation = Observation {
            values: &[client.seconds, server.seconds],
            adjusted_count: edge.adjusted_count,
            amount: 0,
            exemplar: None,
            unix_nanos: now.unix_nanos,
        };
        let dimensions = &self.settings.dimensions;
        self.series.record(key.as_bytes(), &observation, || labels(edge, dimensions, extra));
    }
}

fn labels(edge: &Edge, dimensions: &[String], extra: Option<VirtualNode>) -> Vec<KeyValue> {
    let service = |side: &Option<Side>| {
        side.as_ref().map(|side| side.service.to_string()).unwrap_or_default()
    };
    let mut labels = vec![
        text_label("client", service(&edge.client)),
        text_label("server", service(&edge.server)),
        text_label("connection_type", edge.connection.as_str()),
        bool_label(FAILED, edge.failed),
    ];
    for (prefix, side) in [("client", &edge.client), ("server", &edge.server)] {
        let values = side.iter().flat_map(|side| &side.dimensions);
        for (name, value) in dimensions.iter().zip(values) {
            if let Some(value) = value {
                labels.push(text_label(&format!("{prefix}_{name}"), value.as_str()));
            }
        }
    }
    if let Some(node) = extra {
        let end = match node {
            VirtualNode::Neither => "",
            VirtualNode::Client => "client",
            VirtualNode::Server => "server",
        };
        labels.push(text_label("virtual_node", end));
    }
    labels
}

/// Enters the spans of one request into the graph of its tenant.
pub(super) struct Pairing<'s, 'a> {
    graph: &'s mut Graph,
    now: Now,
    counters: &'s ServiceGraphCounters,
    resource: ProducerView<'a>,
    service: Option<Arc<str>>,
    n_spans: u64,
}

impl<'s> Pairing<'s, '_> {
    pub(super) fn new(graph: &'s mut Graph, now: Now, counters: &'s ServiceGraphCounters) -> Self {
        let resource = ProducerView::default();
        Self { graph, now, counters, resource, service: None, n_spans: 0 }
    }

    /// How many spans were seen.
    pub(super) fn n_spans(&self) -> u64 {
        self.n_spans
    }

    fn side(&self, span: &SpanView<'_>, service: &Arc<str>) -> Side {
        let places = [&self.resource.attributes, &span.attributes];
        let dimension = |name: &String| first_text(std::slice::from_ref(name), &places);
        Side {
            service: Arc::clone(service),
            seconds: span.duration_nanos() as f64 / 1e9,
            start_unix_nanos: span.start_unix_nanos,
            end_unix_nanos: span.end_unix_nanos,
            dimensions: self.graph.settings.dimensions.iter().map(dimension).collect(),
        }
    }

    fn enter(&mut self, key: EdgeKey, update: impl FnOnce(&mut Edge)) {
        let mut expired = None;
        let now = self.now;
        let upsert =
            self.graph.store.upsert(key, now.monotonic_nanos, update, |edge| expired = Some(edge));
        if let Some(edge) = expired {
            self.graph.expired(edge, now, self.counters);
        }
        match upsert {
            Ok(upsert) => {
                self.counters.total_edges.add(u64::from(upsert.is_new));
                if let Some(edge) = upsert.completed {
                    self.graph.count(&edge, VirtualNode::Neither, now);
                }
            }
            Err(_) => self.counters.dropped_spans.inc(),
        }
    }

    fn enter_client(&mut self, span: &SpanView<'_>, service: &Arc<str>) {
        let Some(key) = EdgeKey::new(span.trace_id, span.span_id) else { return };
        let side = self.side(span, service);
        let settings = &self.graph.settings;
        let places = [&self.resource.attributes, &span.attributes];
        let database = first_text(&settings.database_name_attributes, &places);
        let peer = first_text(&settings.virtual_node_peer_attributes, &[&span.attributes]);
        let failed = span.status_code == STATUS_ERROR;
        let messaging = span.kind == KIND_PRODUCER;
        let adjusted_count = adjusted_count(span.trace_state);
        self.enter(key, |edge| {
            if messaging {
                edge.connection = Connection::Messaging;
            }
            if let Some(service) = database {
                // A database makes no span of its own.
                edge.connection = Connection::Database;
                edge.server = Some(Side { seconds: side.seconds, ..Side::unseen(service) });
            }
            edge.client = Some(side);
            edge.peer = peer;
            edge.failed |= failed;
            edge.adjust(adjusted_count);
        });
    }

    fn enter_server(&mut self, span: &SpanView<'_>, service: &Arc<str>) {
        let Some(key) = EdgeKey::new(span.trace_id, span.parent_span_id) else { return };
        let side = self.side(span, service);
        let failed = span.status_code == STATUS_ERROR;
        let messaging = span.kind == KIND_CONSUMER;
        let adjusted_count = adjusted_count(span.trace_state);
        self.enter(key, |edge| {
            if messaging {
                edge.connection = Connection::Messaging;
            }
            edge.server = Some(side);
            edge.failed |= failed;
            edge.adjust(adjusted_count);
        });
    }
}

impl<'a> SpanVisitor<'a> for Pairing<'_, 'a> {
    const SEES_SCOPES: bool = false;

    fn resource(&mut self, resource: &ProducerView<'a>) -> bool {
        self.resource.clone_from(resource);
        let name = resource.attributes.get(SERVICE_NAME).map(|name| view_text(&name));
        self.service = name.filter(|name| !name.is_empty()).map(Arc::from);
        true
    }

    fn span(&mut self, span: &SpanView<'a>) {
        self.n_spans += 1;
        // Spans of nobody are no end of an edge.
        let Some(service) = self.service.take() else { return };
        match span.kind {
            KIND_CLIENT | KIND_PRODUCER => self.enter_client(span, &service),
            KIND_SERVER | KIND_CONSUMER => self.enter_server(span, &service),
            _ => {}
        }
        self.service = Some(service);
    }
}

/// The text of the first of these attributes that any of the places has; earlier keys are better than earlier
/// places.
fn first_text(keys: &[String], places: &[&AttributesView<'_>]) -> Option<String> {
    let found = keys.iter().find_map(|key| places.iter().find_map(|place| place.get(key)));
    found.map(|value| view_text(&value))
}
