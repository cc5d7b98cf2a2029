//! Requests to the object store, and the cache in front of it.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;

use crate::instrument::{Buckets, CounterFamily, DurationFamily, Registrar};
use crate::label::label_enum;
use crate::{Counter, Gauge};

label_enum! {
    /// What an object store is asked for.
    pub enum ObjectOperation("operation") {
        /// An object or ranges of it.
        Get = "get",
        /// Size and date of an object.
        Head = "head",
        /// A whole object is written.
        Put = "put",
        /// A part of an object is written, or the parts are put together or given up.
        PutPart = "put_part",
        /// Names below a prefix.
        List = "list",
        /// Objects are deleted.
        Delete = "delete",
        /// An object is copied.
        Copy = "copy",
    }
}

label_enum! {
    /// How a request to an object store ended.
    pub enum ObjectOutcome("outcome") {
        /// As asked.
        Ok = "ok",
        /// There is no such object.
        NotFound = "not_found",
        /// A condition did not hold: the object exists, or it changed.
        Conflict = "conflict",
        /// The store does not know the caller, or does not let it.
        Denied = "denied",
        /// It took too long.
        Timeout = "timeout",
        /// Nobody waited for it any longer.
        Canceled = "canceled",
        /// Anything else.
        Error = "error",
    }
}

label_enum! {
    /// How one HTTP exchange with a remote store ended. All but the first two are tried again, within limits.
    pub enum AttemptOutcome("outcome") {
        /// The store did it.
        Ok = "ok",
        /// The store will not do it.
        Rejected = "rejected",
        /// The store wants fewer requests.
        Throttled = "throttled",
        /// The store failed.
        ServerError = "server_error",
        /// There was no answer in time.
        Timeout = "timeout",
        /// There was no connection, or it broke.
        Connection = "connection",
    }
}

label_enum! {
    /// What became of the second request for bytes that are late.
    pub enum HedgeOutcome("outcome") {
        /// It was sent, and answered first.
        Won = "won",
        /// It was sent in vain.
        Lost = "lost",
        /// It was not sent, there had been too many.
        Withheld = "withheld",
    }
}

label_enum! {
    /// What the cache on the local disk knew.
    pub enum CacheResult("result") {
        /// The bytes.
        Hit = "hit",
        /// Nothing.
        Miss = "miss",
        /// Something that its checksum does not match; as good as nothing.
        Damaged = "damaged",
    }
}

/// Series of requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: ObjectOperation,
    outcome: ObjectOutcome,
}

/// Instruments of the object store.
#[derive(Debug, Clone)]
pub struct ObjectsMetrics {
    requests: CounterFamily<RequestLabels>,
    request_duration: DurationFamily<ObjectOperation>,
    /// Bytes of objects that were received.
    pub read_bytes: Counter,
    /// Bytes of objects that were sent.
    pub written_bytes: Counter,
    /// HTTP exchanges with a remote store, repetitions included.
    pub attempts: CounterFamily<AttemptOutcome>,
    /// Second requests for bytes that were late.
    pub hedges: CounterFamily<HedgeOutcome>,
    /// The cache on the local disk.
    pub cache: ObjectCacheMetrics,
}

/// Instruments of the cache on the local disk.
#[derive(Debug, Clone)]
pub struct ObjectCacheMetrics {
    /// Chunks that were looked for.
    pub lookups: CounterFamily<CacheResult>,
    /// Bytes that were read from it.
    pub hit_bytes: Counter,
    /// Its size.
    pub bytes: Gauge,
    /// Chunks that made room for others.
    pub evicted: Counter,
    /// Chunks that were not kept: the disk is full or too slow.
    pub not_kept: Counter,
}

impl ObjectsMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        Self {
            requests: registrar.counters(
                "spandrel_objects_requests",
                "Requests to the object store by outcome",
                &[],
            ),
            request_duration: registrar.durations(
                "spandrel_objects_request_duration_seconds",
                "From a request to the object store to the last byte of the answer",
                Buckets::REQUEST,
            ),
            read_bytes: registrar
                .counter("spandrel_objects_read_bytes", "Bytes received from the object store"),
            written_bytes: registrar
                .counter("spandrel_objects_written_bytes", "Bytes sent to the object store"),
            attempts: registrar.counters(
                "spandrel_objects_attempts",
                "HTTP exchanges with a remote object store, repetitions included",
                AttemptOutcome::ALL,
            ),
            hedges: registrar.counters(
                "spandrel_objects_hedges",
                "Second requests to the object store for bytes that were late",
                HedgeOutcome::ALL,
            ),
            cache: ObjectCacheMetrics {
                lookups: registrar.counters(
                    "spandrel_objects_cache_lookups",
                    "Chunks looked for in the cache on the local disk",
                    CacheResult::ALL,
                ),
                hit_bytes: registrar.counter(
                    "spandrel_objects_cache_hit_bytes",
                    "Bytes read from the cache on the local disk",
                ),
                bytes: registrar
                    .gauge("spandrel_objects_cache_bytes", "Size of the cache on the local disk"),
                evicted: registrar.counter(
                    "spandrel_objects_cache_evicted_chunks",
                    "Chunks that left the cache on the local disk to make room",
                ),
                not_kept: registrar.counter(
                    "spandrel_objects_cache_not_kept_chunks",
                    "Chunks that the cache on the local disk could not take",
                ),
            },
        }
    }

    /// Counts one request that has ended.
    pub fn record_request(
        &self,
        operation: ObjectOperation,
        outcome: ObjectOutcome,
        duration: Duration,
    ) {
        self.requests.inc(&RequestLabels { operation, outcome });
        self.request_duration.observe(&operation, duration);
    }

    /// Requests that have ended so.
    pub fn requests(&self, operation: ObjectOperation, outcome: ObjectOutcome) -> u64 {
        self.requests.get(&RequestLabels { operation, outcome })
    }
}
