//! What has been counted for one tenant, and the metrics that are made of it.

use std::sync::Arc;

use spandrel_base::memory::MemoryBudget;
use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::metrics::Metric;
use spandrel_span_aggregation::{EdgeLimits, EdgeStore, KeyWriter, Series, SeriesTable};
use spandrel_telemetry::GeneratorSeries;

use crate::plan::Plan;
use crate::points::{Moment, Points, Row};
use crate::span_name::SpanNames;

/// Labels of a series.
pub(crate) type Labels = Vec<KeyValue>;
/// Series that are counted alike.
pub(crate) type Table = SeriesTable<Labels>;

/// The metrics of one tenant.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) plan: Arc<Plan>,
    pub(crate) spans: Table,
    pub(crate) targets: Table,
    pub(crate) hosts: Table,
    pub(crate) edges: Table,
    pub(crate) messages: Table,
    pub(crate) unpaired: Table,
    pub(crate) dropped: Table,
    pub(crate) store: EdgeStore,
    pub(crate) key: KeyWriter,
    pub(crate) names: SpanNames,
    pub(crate) values: crate::counting::ValueLimits,
    /// When metrics were written last, and when on the monotonic clock they are due.
    pub(crate) collected_unix_nanos: u64,
    pub(crate) due_nanos: u64,
    active: u64,
    overflowed: u64,
}

/// What of a table has ended.
#[derive(Debug, Default)]
struct Ended {
    spans: Vec<Labels>,
    targets: Vec<Labels>,
    hosts: Vec<Labels>,
    edges: Vec<Labels>,
    messages: Vec<Labels>,
    unpaired: Vec<Labels>,
    dropped: Vec<Labels>,
}

impl Ended {
    /// How many of each table, in the order of [`State::tables_mut`].
    fn sizes(&self) -> [usize; 7] {
        let Self { spans, targets, hosts, edges, messages, unpaired, dropped } = self;
        [spans, targets, hosts, edges, messages, unpaired, dropped].map(Vec::len)
    }
}

impl State {
    pub(crate) fn new(plan: Arc<Plan>, memory: &MemoryBudget) -> Self {
        let counters = || Table::new(Arc::clone(&plan.counters), memory);
        let graphs = &plan.settings.service_graphs;
        let ttl_nanos = u64::try_from(graphs.wait.as_nanos()).unwrap_or(u64::MAX);
        let limits = EdgeLimits { max_items: graphs.max_items, ttl_nanos };
        Self {
            spans: Table::new(Arc::clone(&plan.spans), memory),
            targets: counters(),
            hosts: counters(),
            edges: Table::new(Arc::clone(&plan.edges), memory),
            messages: Table::new(Arc::clone(&plan.messages), memory),
            unpaired: counters(),
            dropped: counters(),
            store: EdgeStore::new(limits, memory),
            key: KeyWriter::default(),
            names: SpanNames::default(),
            values: crate::counting::ValueLimits::default(),
            collected_unix_nanos: 0,
            due_nanos: 0,
            active: 0,
            overflowed: 0,
            plan,
        }
    }

    /// Everything as it is now.
    pub(crate) fn shown(&self, unix_nanos: u64) -> Vec<Metric> {
        let moment = Moment { unix_nanos, since_unix_nanos: u64::MAX };
        self.metrics(moment, &Ended::default())
    }

    /// Everything for the next write: series that are new with their zero, series that have ended with their end.
    pub(crate) fn collect(&mut self, unix_nanos: u64, counts: &GeneratorSeries) -> Vec<Metric> {
        let stale = &self.plan.settings.stale_duration;
        let stale = u64::try_from(stale.as_nanos()).unwrap_or(u64::MAX);
        let ended = Ended {
            spans: self.spans.take_expired(unix_nanos, stale),
            targets: self.targets.take_expired(unix_nanos, stale),
            hosts: self.hosts.take_expired(unix_nanos, stale),
            edges: self.edges.take_expired(unix_nanos, stale),
            messages: self.messages.take_expired(unix_nanos, stale),
            unpaired: self.unpaired.take_expired(unix_nanos, stale),
            dropped: self.dropped.take_expired(unix_nanos, stale),
        };
        let moment = Moment { unix_nanos, since_unix_nanos: self.collected_unix_nanos };
        let metrics = self.metrics(moment, &ended);
        self.account(&ended, counts);
        for table in self.tables_mut() {
            table.end_interval(unix_nanos);
        }
        self.collected_unix_nanos = unix_nanos;
        metrics
    }

    fn account(&mut self, ended: &Ended, counts: &GeneratorSeries) {
        let weights = self.plan.weights;
        let sizes = ended.sizes();
        let removed: u64 = sizes.iter().zip(weights).map(|(n, weight)| *n as u64 * weight).sum();
        let mut active = 0;
        let mut overflowed = 0;
        for (table, weight) in self.tables_mut().into_iter().zip(weights) {
            active += table.len() as u64 * weight;
            overflowed += table.overflow_count();
        }
        counts.series_removed.add(removed);
        counts.series_added.add((active + removed).saturating_sub(self.active));
        counts.active_series.set(active);
        counts.max_active_series.set(self.plan.settings.max_active_series);
        counts.series_limited.add(overflowed.saturating_sub(self.overflowed));
        (self.active, self.overflowed) = (active, overflowed);
    }

    fn tables_mut(&mut self) -> [&mut Table; 7] {
        [
            &mut self.spans,
            &mut self.targets,
            &mut self.hosts,
            &mut self.edges,
            &mut self.messages,
            &mut self.unpaired,
            &mut self.dropped,
        ]
    }

    fn metrics(&self, moment: Moment, ended: &Ended) -> Vec<Metric> {
        let plan = &*self.plan;
        let processors = plan.settings.processors;
        let points = Points { plan, moment };
        let mut metrics = Vec::new();
        let spans = points.rows(&self.spans, &ended.spans);
        if processors.calls {
            metrics.push(points.counter("traces_spanmetrics_calls_total", &spans, calls));
        }
        if processors.latency {
            metrics.extend(points.histograms(
                "traces_spanmetrics_latency",
                &spans,
                (&plan.spans.histograms, 0),
            ));
        }
        if processors.size {
            metrics.push(points.counter("traces_spanmetrics_size_total", &spans, amount));
        }
        let edges = points.rows(&self.edges, &ended.edges);
        if processors.requests {
            metrics.push(points.counter("traces_service_graph_request_total", &edges, calls));
            let name = "traces_service_graph_request_failed_total";
            metrics.push(points.counter(name, &edges, amount));
        }
        if processors.request_latency {
            let name = |end: &str| format!("traces_service_graph_request_{end}_seconds");
            let kinds = &plan.edges.histograms[..];
            metrics.extend(points.histograms(&name("server"), &edges, (kinds, 0)));
            metrics.extend(points.histograms(&name("client"), &edges, (kinds, plan.copies)));
            let messages = points.rows(&self.messages, &ended.messages);
            metrics.extend(points.histograms(
                &name("messaging_system"),
                &messages,
                (&plan.messages.histograms, 0),
            ));
        }
        let counters: [(&str, &Table, &Vec<Labels>); 2] = [
            ("traces_service_graph_unpaired_spans_total", &self.unpaired, &ended.unpaired),
            ("traces_service_graph_dropped_spans_total", &self.dropped, &ended.dropped),
        ];
        for (name, table, ended) in counters {
            metrics.push(points.counter(name, &points.rows(table, ended), calls));
        }
        let hosts = plan.settings.host_info.metric_name.as_str();
        let gauges: [(&str, &Table, &Vec<Labels>); 2] = [
            ("traces_target_info", &self.targets, &ended.targets),
            (hosts, &self.hosts, &ended.hosts),
        ];
        for (name, table, ended) in gauges {
            let rows: Vec<Row<'_>> = points.rows(table, ended);
            metrics.push(points.info(name, &rows));
        }
        metrics.retain(|metric| metric.data.is_some());
        metrics
    }
}

fn calls(series: &Series) -> u64 {
    series.count
}

fn amount(series: &Series) -> u64 {
    series.amount
}
