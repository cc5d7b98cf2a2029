//! Client and server spans into edges, and edges into the series of a service graph.

use std::borrow::Cow;
use std::sync::Arc;

use spandrel_otlp::SpanView;
use spandrel_span_aggregation::{Connection, Edge, EdgeKey, Exemplar, Observation, Side, lossy};
use spandrel_telemetry::GeneratorSeries;

use crate::counting::{Counting, Now, labels, once};
use crate::plan::Plan;
use crate::state::State;

const KIND_SERVER: i32 = 2;
const KIND_CLIENT: i32 = 3;
const KIND_PRODUCER: i32 = 4;
const KIND_CONSUMER: i32 = 5;
const STATUS_ERROR: i32 = 2;
/// Who calls a service whose span has no parent.
const USER: &str = "user";
/// What a database is called by, before its own attributes.
const DATABASE_NAMES: [&str; 3] = ["peer.service", "server.address", "network.peer.address"];
const DATABASE_PORT: &str = "network.peer.port";

impl<'a> Counting<'_, 'a> {
    /// Enters a span into the edge that it is an end of.
    pub(crate) fn pair(&mut self, span: &SpanView<'a>) {
        let is_client = match span.kind {
            KIND_CLIENT | KIND_PRODUCER => true,
            KIND_SERVER | KIND_CONSUMER => false,
            _ => return,
        };
        let plan = self.plan;
        let settings = &plan.settings.service_graphs;
        let Some(service) = self.service_name() else { return };
        if !self.passes(&settings.filter_policies, span) {
            return;
        }
        let id = if is_client { span.span_id } else { span.parent_span_id };
        let Some(key) = EdgeKey::new(span.trace_id, id) else { return };
        let dimension = |key: &String| self.attribute(key, span).map(|value| lossy(&value));
        let side = Side {
            service,
            seconds: span.duration_nanos() as f64 / 1e9,
            start_unix_nanos: span.start_unix_nanos,
            end_unix_nanos: span.end_unix_nanos,
            dimensions: settings.dimensions.iter().map(dimension).collect(),
        };
        let multiplier_key = settings.span_multiplier_key.as_str();
        let adjusted_count =
            self.multiplier(multiplier_key, settings.enable_tracestate_span_multiplier, span);
        let database = if is_client { self.database(span) } else { None };
        // An edge with a database has both its ends.
        let asks_peer = is_client && database.is_none();
        let peers = if asks_peer { settings.peer_attributes.as_slice() } else { &[] };
        let peer = peers.iter().find_map(|key| span.attributes.get(key));
        let peer = peer.map(|value| lossy(&crate::label::text(&value)));
        let failed = span.status_code == STATUS_ERROR;
        let messaging = matches!(span.kind, KIND_PRODUCER | KIND_CONSUMER);
        let update = |edge: &mut Edge| {
            if messaging {
                edge.connection = Connection::Messaging;
            }
            if let Some(service) = database {
                // A database makes no span of its own.
                edge.connection = Connection::Database;
                let seconds = side.seconds;
                edge.server = Some(Side { seconds, ..Side::unseen(service) });
            }
            edge.failed |= failed;
            edge.adjust(adjusted_count);
            if is_client {
                (edge.client, edge.peer) = (Some(side), peer);
            } else {
                edge.server = Some(side);
            }
        };
        self.enter(key, update);
    }

    /// The service of the resource, made once for all of its spans; `None` when it has no name.
    fn service_name(&mut self) -> Option<Arc<str>> {
        if self.shared_service.is_none() {
            let name = self.service.as_deref().filter(|name| !name.is_empty())?;
            self.shared_service = Some(lossy(name).into());
        }
        self.shared_service.clone()
    }

    fn enter(&mut self, key: EdgeKey, update: impl FnOnce(&mut Edge)) {
        let (plan, now, counts) = (self.plan, self.now, self.counts);
        let mut expired = None;
        let store = &mut self.state.store;
        let upsert = store.upsert(key, now.monotonic_nanos, update, |edge| expired = Some(edge));
        if let Some(edge) = expired {
            self.state.give_up(edge, plan, (now, counts));
        }
        match upsert {
            Ok(upsert) => {
                self.counts.edges.add(u64::from(upsert.is_new));
                if let Some(edge) = upsert.completed {
                    self.state.count_edge(&edge, plan, (now, ""));
                }
            }
            Err(_) => {
                self.counts.dropped_spans.inc();
                self.state.dropped.record(b"", &once(now), Vec::new);
            }
        }
    }

    /// What a database is called, if the span is a call of one.
    fn database(&self, span: &SpanView<'a>) -> Option<String> {
        let settings = &self.plan.settings.service_graphs;
        let find = |key: &str| self.attribute(key, span).filter(|value| !value.is_empty());
        let own = settings.database_name_attributes.iter().find_map(|key| find(key))?;
        let named = DATABASE_NAMES.iter().find_map(|key| Some((*key, find(key)?)));
        let Some((key, name)) = named else { return Some(lossy(&own)) };
        let is_address = DATABASE_NAMES.last() == Some(&key);
        match find(DATABASE_PORT).filter(|_| is_address) {
            Some(port) => Some(format!("{}:{}", lossy(&name), lossy(&port))),
            None => Some(lossy(&name)),
        }
    }
}

impl State {
    /// Gives up edges whose other half did not come in time.
    pub(crate) fn expire_edges(&mut self, plan: &Plan, now: Now, counts: &GeneratorSeries) {
        while let Some(edge) = self.store.pop_expired(now.monotonic_nanos) {
            self.give_up(edge, plan, (now, counts));
        }
    }

    /// Counts half an edge: as an edge, if what is missing can be named, and as unpaired in any case.
    fn give_up(&mut self, mut edge: Edge, plan: &Plan, (now, counts): (Now, &GeneratorSeries)) {
        counts.expired_edges.inc();
        self.count_unpaired(&edge, plan, now);
        if edge.server.is_none() {
            let Some(service) = edge.peer.take().filter(|peer| !peer.is_empty()) else { return };
            edge.connection = Connection::VirtualNode;
            edge.server = Some(Side::unseen(service));
            self.count_edge(&edge, plan, (now, "server"));
        } else if edge.client.is_none() && edge.key.is_root() {
            edge.connection = Connection::VirtualNode;
            edge.client = Some(Side::unseen(USER));
            self.count_edge(&edge, plan, (now, "client"));
        }
    }

    fn count_unpaired(&mut self, edge: &Edge, plan: &Plan, now: Now) {
        let service = |side: &Option<Side>| {
            let name = side.as_ref().map(|side| side.service.as_bytes().to_vec());
            Cow::<[u8]>::Owned(name.unwrap_or_default())
        };
        let (client, server) = (service(&edge.client), service(&edge.server));
        let connection = Cow::Borrowed(edge.connection.as_str().as_bytes());
        let pairs = [("client", &client), ("server", &server), ("connection_type", &connection)];
        self.key.clear();
        for (_, value) in pairs {
            self.key.text(value);
        }
        let cut = plan.settings.max_label_value_length;
        let Self { key, unpaired, .. } = self;
        unpaired.record(key.as_bytes(), &once(now), || labels(pairs.into_iter(), cut));
    }

    /// Counts an edge with both ends; `virtual_node` is the end that was not seen.
    fn count_edge(&mut self, edge: &Edge, plan: &Plan, (now, virtual_node): (Now, &'static str)) {
        let (Some(client), Some(server)) = (&edge.client, &edge.server) else { return };
        let settings = &plan.settings.service_graphs;
        let bytes = |text: &'static str| Cow::Borrowed(text.as_bytes());
        let mut pairs: Vec<(&str, Cow<'_, [u8]>)> = vec![
            ("client", Cow::Borrowed(client.service.as_bytes())),
            ("server", Cow::Borrowed(server.service.as_bytes())),
            ("connection_type", bytes(edge.connection.as_str())),
        ];
        for (number, [of_client, of_server]) in plan.graph_labels.iter().enumerate() {
            let value = |side: &'_ Side| side.dimensions.get(number).cloned().flatten();
            let (mine, other) = (value(client), value(server));
            let owned = |value: Option<String>| Cow::Owned(value.unwrap_or_default().into_bytes());
            if settings.enable_client_server_prefix {
                pairs.push((of_client, owned(mine)));
                pairs.push((of_server, owned(other)));
            } else {
                pairs.push((of_client, owned(other.or(mine))));
            }
        }
        if settings.enable_virtual_node_label {
            pairs.push(("virtual_node", bytes(virtual_node)));
        }
        let Self { key, edges, messages, .. } = self;
        key.clear();
        for (_, value) in &pairs {
            key.text(value);
        }
        let cut = plan.settings.max_label_value_length;
        let make = || labels(pairs.iter().map(|(name, value)| (*name, value)), cut);
        let exemplar = |value| Exemplar::new(&edge.key.trace_id, &[0; 8], value, now.unix_nanos);
        let (server_seconds, client_seconds) = (server.seconds, client.seconds);
        let both = [server_seconds, server_seconds, client_seconds, client_seconds];
        let each = [server_seconds, client_seconds];
        let observation = Observation {
            values: if plan.copies == 2 { &both } else { &each },
            adjusted_count: edge.adjusted_count,
            amount: if edge.failed {
                edge.adjusted_count.map_or(1, |n| n.round() as u64)
            } else {
                0
            },
            exemplar: exemplar(server_seconds),
            unix_nanos: now.unix_nanos,
        };
        edges.record(key.as_bytes(), &observation, make);
        let between = server.start_unix_nanos.saturating_sub(client.end_unix_nanos);
        let is_message = edge.connection == Connection::Messaging && client.end_unix_nanos > 0;
        if settings.enable_messaging_system_latency_histogram && is_message && between > 0 {
            let seconds = between as f64 / 1e9;
            let both = [seconds; 2];
            let values = both.get(..plan.copies).unwrap_or(&both);
            let exemplar = exemplar(seconds);
            let observation = Observation { values, amount: 0, exemplar, ..observation };
            messages.record(key.as_bytes(), &observation, make);
        }
    }
}
