//! The resources of a tenant, each with the tables of its series; the least recently used make room.
//!
//! A resource that made room is shown once more. When too many did so within one interval, and when there is no
//! memory, what is new counts for one resource that stands for all others: no count is lost.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use spandrel_base::memory::{MemoryBudget, Reservation};
use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::metrics::{Metric, ResourceMetrics};
use spandrel_span_aggregation::SeriesTable;

use super::aggregate::{Plan, Shows};
use crate::data_points::{Moment, Points, overflow_label, resource_metrics};

const SCOPE: &str = "spanmetricsconnector";
/// What a resource takes beside its key and attributes.
const RESOURCE_BYTES: usize = 1024;

/// The resources of one tenant.
#[derive(Debug)]
pub(super) struct Resources {
    by_key: HashMap<Arc<[u8]>, Resource>,
    /// Keys by last use.
    order: BTreeMap<u64, Arc<[u8]>>,
    next_use: u64,
    evicted: Vec<Resource>,
    overflow: Option<Resource>,
    cache_size: usize,
    memory: MemoryBudget,
}

/// One resource, or the one that stands for others.
#[derive(Debug)]
pub(super) struct Resource {
    attributes: Vec<KeyValue>,
    /// In the order of the plan.
    pub(super) tables: Vec<SeriesTable<Vec<KeyValue>>>,
    used: u64,
    seen_unix_nanos: u64,
    _reservation: Reservation,
}

impl Resources {
    pub(super) fn new(plan: &Plan, memory: &MemoryBudget) -> Self {
        Self {
            by_key: HashMap::new(),
            order: BTreeMap::new(),
            next_use: 0,
            evicted: Vec::new(),
            overflow: None,
            cache_size: plan.settings.resource_metrics_cache_size,
            memory: memory.clone(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty() && self.evicted.is_empty() && self.overflow.is_none()
    }

    /// Takes a resource out to work on it, with its key unless it is the one that stands for others.
    pub(super) fn take(
        &mut self,
        plan: &Plan,
        key: &[u8],
        attributes: impl FnOnce() -> Vec<KeyValue>,
    ) -> (Option<Arc<[u8]>>, Resource) {
        if let Some((key, resource)) = self.by_key.remove_entry(key) {
            self.order.remove(&resource.used);
            return (Some(key), resource);
        }
        let fits = self.by_key.len() < self.cache_size || self.evict();
        let reservation = fits.then(|| self.memory.try_reserve(RESOURCE_BYTES + 4 * key.len()));
        if let Some(Ok(reservation)) = reservation {
            return (
                Some(key.into()),
                Resource::new(plan, attributes(), reservation, &self.memory),
            );
        }
        let overflow = self.overflow.take().unwrap_or_else(|| {
            let reservation = self.memory.reservation();
            Resource::new(plan, vec![overflow_label()], reservation, &self.memory)
        });
        (None, overflow)
    }

    /// Puts back what was taken.
    pub(super) fn put_back(
        &mut self,
        key: Option<Arc<[u8]>>,
        mut resource: Resource,
        unix_nanos: u64,
    ) {
        resource.seen_unix_nanos = unix_nanos;
        resource.used = self.next_use;
        let Some(key) = key else {
            self.overflow = Some(resource);
            return;
        };
        self.next_use += 1;
        self.order.insert(resource.used, Arc::clone(&key));
        self.by_key.insert(key, resource);
    }

    /// Makes room for another resource; not when too many have made room in this interval.
    fn evict(&mut self) -> bool {
        if self.evicted.len() >= self.cache_size {
            return false;
        }
        let Some((_, key)) = self.order.pop_first() else { return true };
        self.evicted.extend(self.by_key.remove(&key));
        true
    }

    /// What has been counted; begins the next interval.
    pub(super) fn take_metrics(&mut self, plan: &Plan, moment: Moment) -> Vec<ResourceMetrics> {
        let evicted = std::mem::take(&mut self.evicted);
        let mut shown: Vec<_> =
            evicted.iter().filter_map(|resource| resource.metrics(plan, moment)).collect();
        for resource in self.by_key.values_mut().chain(&mut self.overflow) {
            shown.extend(resource.metrics(plan, moment));
            for table in &mut resource.tables {
                table.end_interval(moment.unix_nanos);
            }
        }
        self.expire(plan, moment.unix_nanos);
        shown
    }

    fn expire(&mut self, plan: &Plan, unix_nanos: u64) {
        let expiration = plan.settings.metrics_expiration.as_nanos();
        if expiration == 0 {
            return;
        }
        let order = &mut self.order;
        self.by_key.retain(|_, resource| {
            let idle = u128::from(unix_nanos.saturating_sub(resource.seen_unix_nanos));
            let kept = idle < expiration;
            if !kept {
                order.remove(&resource.used);
            }
            kept
        });
    }
}

impl Resource {
    fn new(
        plan: &Plan,
        attributes: Vec<KeyValue>,
        reservation: Reservation,
        memory: &MemoryBudget,
    ) -> Self {
        let table =
            |plan: &super::aggregate::TablePlan| SeriesTable::new(plan.settings.clone(), memory);
        let tables = plan.tables.iter().map(table).collect();
        Self { attributes, tables, used: 0, seen_unix_nanos: 0, _reservation: reservation }
    }

    /// What its series have counted; `None` when there is nothing.
    fn metrics(&self, plan: &Plan, moment: Moment) -> Option<ResourceMetrics> {
        let metrics: Vec<Metric> = plan
            .tables
            .iter()
            .zip(&self.tables)
            .filter(|(_, table)| !table.is_empty())
            .flat_map(|(plan_of_table, table)| {
                let points = Points { series: table.iter().collect(), moment };
                let show = |shows: &Shows| match *shows {
                    Shows::Counter(what) => points.counter(plan.metric_name(what)),
                    Shows::Histogram(what, unit) => {
                        points.histogram(plan.metric_name(what), unit.as_str(), 0)
                    }
                };
                plan_of_table.shows.iter().map(show).collect::<Vec<_>>()
            })
            .collect();
        (!metrics.is_empty()).then(|| resource_metrics(self.attributes.clone(), SCOPE, metrics))
    }
}
