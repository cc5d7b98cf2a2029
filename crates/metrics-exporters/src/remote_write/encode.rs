//! Series as requests of either version, each for one consumer and not larger than it may be.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message;

use super::proto::{BucketSpan, Histogram, v1, v2};
use super::series::{Family, Key, NativeSample, STALE, Series};
use super::settings::ProtobufMessage;
use crate::prometheus::exponential::Side;
use crate::prometheus::point::PointExemplar;

/// What a series takes in a request besides its own bytes, at most: its tag and its length.
const FRAME_BYTES: usize = 6;

/// A request that is ready to be compressed and sent.
#[derive(Debug, PartialEq)]
pub(super) struct Encoded {
    /// The number of the consumer whose turn it is.
    pub(super) lane: usize,
    pub(super) body: Bytes,
    /// Samples in it.
    pub(super) samples: u64,
}

/// How requests are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) message: ProtobufMessage,
    pub(super) lanes: usize,
    pub(super) bytes_max: usize,
    pub(super) send_metadata: bool,
}

/// The requests that carry these series. A series goes to the same consumer in every batch, so that its samples
/// stay in order.
pub(super) fn encode(series: BTreeMap<Key, Series>, shape: Shape) -> Vec<Encoded> {
    let mut lanes: Vec<Vec<(Key, Series)>> = Vec::new();
    lanes.resize_with(shape.lanes.max(1), Vec::new);
    let mut families: BTreeMap<String, Arc<Family>> = BTreeMap::new();
    for (key, series) in series {
        if shape.send_metadata && !families.contains_key(&series.family.name) {
            families.insert(series.family.name.clone(), Arc::clone(&series.family));
        }
        let number = lane_of(&key, lanes.len());
        if let Some(lane) = lanes.get_mut(number) {
            lane.push((key, series));
        }
    }
    let mut encoded = Vec::new();
    for (lane, series) in lanes.into_iter().enumerate() {
        match shape.message {
            ProtobufMessage::V1 => encode_v1(series, lane, shape.bytes_max, &mut encoded),
            ProtobufMessage::V2 => encode_v2(series, lane, shape.bytes_max, &mut encoded),
        }
    }
    if shape.message == ProtobufMessage::V1 && !families.is_empty() {
        let metadata = families.into_values().map(|family| v1::MetricMetadata {
            kind: family.kind as i32,
            metric_family_name: family.name.clone(),
            help: family.help.clone(),
            unit: family.unit.clone(),
        });
        let request = v1::WriteRequest { metadata: metadata.collect(), timeseries: Vec::new() };
        encoded.push(Encoded { lane: 0, body: request.encode_to_vec().into(), samples: 0 });
    }
    encoded
}

/// The same for equal labels, also in another process that finds the queue of this one on disk.
fn lane_of(key: &Key, lanes: usize) -> usize {
    (foldhash::fast::FixedState::default().hash_one(key) % lanes as u64) as usize
}

fn encode_v1(all: Vec<(Key, Series)>, lane: usize, bytes_max: usize, encoded: &mut Vec<Encoded>) {
    let mut request = v1::WriteRequest::default();
    let (mut bytes, mut samples) = (0, 0);
    let mut finish = |request: &mut v1::WriteRequest, samples: &mut u64| {
        if !request.timeseries.is_empty() {
            let body = std::mem::take(request).encode_to_vec().into();
            encoded.push(Encoded { lane, body, samples: std::mem::take(samples) });
        }
    };
    for (key, mut series) in all {
        let in_series = series.in_order();
        let label = |(name, value): (String, String)| v1::Label { name, value };
        let exemplar = |exemplar: PointExemplar| v1::Exemplar {
            value: exemplar.value,
            timestamp: millis(exemplar.unix_nanos),
            labels: exemplar.labels.into_iter().map(label).collect(),
        };
        let series = v1::TimeSeries {
            labels: key.into_iter().map(label).collect(),
            samples: series
                .samples
                .iter()
                .map(|s| v1::Sample { value: s.value, timestamp: s.millis })
                .collect(),
            exemplars: series.exemplars.into_iter().map(exemplar).collect(),
            histograms: series.histograms.iter().map(|sample| native(sample, false)).collect(),
        };
        let more = series.encoded_len() + FRAME_BYTES;
        if bytes + more > bytes_max {
            finish(&mut request, &mut samples);
            bytes = 0;
        }
        bytes += more;
        samples += in_series;
        request.timeseries.push(series);
    }
    finish(&mut request, &mut samples);
}

/// Texts by their number in a request.
struct Symbols {
    numbers: BTreeMap<String, u32>,
    texts: Vec<String>,
    bytes: usize,
}

impl Symbols {
    fn new() -> Self {
        // The first is empty, so that what is not set refers to nothing.
        let numbers = BTreeMap::from([(String::new(), 0)]);
        Self { numbers, texts: vec![String::new()], bytes: 2 }
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        self.numbers.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        self.bytes += text.len() + FRAME_BYTES;
        number
    }

    fn numbers<'t>(&mut self, pairs: impl Iterator<Item = &'t (String, String)>) -> Vec<u32> {
        pairs.flat_map(|(name, value)| [self.number(name), self.number(value)]).collect()
    }
}

fn encode_v2(all: Vec<(Key, Series)>, lane: usize, bytes_max: usize, encoded: &mut Vec<Encoded>) {
    let mut symbols = Symbols::new();
    let mut timeseries = Vec::new();
    let (mut bytes, mut samples) = (0, 0);
    for (key, mut series) in all {
        let in_series = series.in_order();
        let written = timeseries_v2(&key, &series, &mut symbols);
        bytes += written.encoded_len() + FRAME_BYTES;
        samples += in_series;
        timeseries.push(written);
        // The last one may make it a little larger than asked for.
        if bytes + symbols.bytes >= bytes_max {
            let (symbols, timeseries) = (
                std::mem::replace(&mut symbols, Symbols::new()).texts,
                std::mem::take(&mut timeseries),
            );
            let body = v2::Request { symbols, timeseries }.encode_to_vec().into();
            encoded.push(Encoded { lane, body, samples: std::mem::take(&mut samples) });
            bytes = 0;
        }
    }
    if !timeseries.is_empty() {
        let body = v2::Request { symbols: symbols.texts, timeseries }.encode_to_vec().into();
        encoded.push(Encoded { lane, body, samples });
    }
}

fn timeseries_v2(key: &Key, series: &Series, symbols: &mut Symbols) -> v2::TimeSeries {
    let starts = series.samples.iter().map(|sample| sample.start_millis);
    let created = starts.chain(series.histograms.iter().map(|sample| sample.start_millis)).max();
    let exemplars = series.exemplars.iter().map(|exemplar| v2::Exemplar {
        labels_refs: symbols.numbers(exemplar.labels.iter()),
        value: exemplar.value,
        timestamp: millis(exemplar.unix_nanos),
    });
    let exemplars = exemplars.collect();
    v2::TimeSeries {
        labels_refs: symbols.numbers(key.iter()),
        samples: series
            .samples
            .iter()
            .map(|sample| v2::Sample {
                value: sample.value,
                timestamp: sample.millis,
                start_timestamp: sample.start_millis,
            })
            .collect(),
        histograms: series.histograms.iter().map(|sample| native(sample, true)).collect(),
        exemplars,
        metadata: Some(v2::Metadata {
            kind: series.family.kind as i32,
            help_ref: symbols.number(&series.family.help),
            unit_ref: symbols.number(&series.family.unit),
        }),
        created_timestamp: created.unwrap_or(0),
    }
}

impl Series {
    /// Puts everything in the order of time; returns how many samples there are.
    fn in_order(&mut self) -> u64 {
        self.samples.sort_by_key(|sample| sample.millis);
        self.histograms.sort_by_key(|sample| sample.millis);
        self.exemplars.sort_by_key(|exemplar| exemplar.unix_nanos);
        (self.samples.len() + self.histograms.len()) as u64
    }
}

/// A native histogram. One that ends its series has nothing but a sum that says so.
fn native(sample: &NativeSample, with_start: bool) -> Histogram {
    let mut native = Histogram {
        count_int: Some(0),
        sum: STALE,
        zero_count_int: Some(0),
        timestamp: sample.millis,
        ..Histogram::default()
    };
    let Some(histogram) = &sample.histogram else { return native };
    native.count_int = Some(histogram.count);
    native.sum = histogram.sum;
    native.schema = histogram.scale;
    native.zero_threshold = histogram.zero_threshold;
    native.zero_count_int = Some(histogram.zeros);
    (native.positive_spans, native.positive_deltas) = spans_and_deltas(&histogram.positive);
    (native.negative_spans, native.negative_deltas) = spans_and_deltas(&histogram.negative);
    if with_start {
        native.start_timestamp = sample.start_millis;
    }
    native
}

/// Prometheus numbers a bucket by its upper bound, OTLP by its lower one.
fn spans_and_deltas(side: &Side) -> (Vec<BucketSpan>, Vec<i64>) {
    let (mut spans, mut deltas) = (Vec::<BucketSpan>::new(), Vec::new());
    let (mut before, mut gap) = (0_i64, side.offset.saturating_add(1));
    let mut in_gap = true;
    for count in &side.counts {
        if *count == 0 {
            gap = if in_gap { gap.saturating_add(1) } else { 1 };
            in_gap = true;
            continue;
        }
        match spans.last_mut() {
            Some(span) if !in_gap => span.length += 1,
            _ => spans.push(BucketSpan { offset: gap, length: 1 }),
        }
        (in_gap, gap) = (false, 0);
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        deltas.push(count - before);
        before = count;
    }
    (spans, deltas)
}

fn millis(unix_nanos: u64) -> i64 {
    i64::try_from(unix_nanos / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(offset: i32, counts: &[u64]) -> Side {
        Side { offset, counts: counts.to_vec() }
    }

    #[test]
    fn buckets_are_numbered_by_their_upper_bounds_and_gaps_left_out() {
        let span = |offset, length| BucketSpan { offset, length };
        for (counts, spans, deltas) in [
            (&[][..], vec![], vec![]),
            (&[3, 5], vec![span(-1, 2)], vec![3, 2]),
            (&[3, 0, 0, 5, 4], vec![span(-1, 1), span(2, 2)], vec![3, 2, -1]),
            (&[0, 7, 0], vec![span(0, 1)], vec![7]),
        ] {
            assert_eq!(spans_and_deltas(&side(-2, counts)), (spans, deltas), "{counts:?}");
        }
    }
}
