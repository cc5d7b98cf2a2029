//! By how much figures of calls are wrong.

use std::cmp::Ordering;

use crate::{Call, Durations, EdgeFigures, bucket_of};

/// What has to be added to figures of calls, or taken away from them. Adding and taking away the same is no change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EdgeChange {
    calls: i64,
    errors: i64,
    calls_beyond: i64,
    errors_beyond: i64,
    server_durations: DurationsChange,
    client_durations: DurationsChange,
}

/// The same for durations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct DurationsChange {
    /// Bucket and change other than zero, ascending by bucket.
    buckets: Vec<(u16, i64)>,
    sum: i128,
}

impl EdgeChange {
    /// Notes that a call has to be counted so many times more; less, when negative.
    pub fn record(&mut self, call: &Call, times: i64) {
        let beyond = times.saturating_mul(call.weight.beyond().cast_signed());
        self.calls = self.calls.saturating_add(times);
        self.calls_beyond = self.calls_beyond.saturating_add(beyond);
        if call.failed {
            self.errors = self.errors.saturating_add(times);
            self.errors_beyond = self.errors_beyond.saturating_add(beyond);
        }
        call.server_nanos.iter().for_each(|nanos| self.server_durations.record(*nanos, times));
        call.client_nanos.iter().for_each(|nanos| self.client_durations.record(*nanos, times));
    }

    /// Whether figures stay as they are.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Bytes of memory besides the value itself.
    pub fn heap_bytes(&self) -> usize {
        let buckets = [&self.server_durations, &self.client_durations];
        buckets.map(|change| size_of_val(&*change.buckets)).iter().sum()
    }
}

impl DurationsChange {
    fn record(&mut self, nanos: u64, times: i64) {
        let bucket = bucket_of(nanos);
        match self.buckets.binary_search_by_key(&bucket, |&(bucket, _)| bucket) {
            Err(at) => self.buckets.insert(at, (bucket, times)),
            Ok(at) => {
                self.buckets[at].1 = self.buckets[at].1.saturating_add(times);
                if self.buckets[at].1 == 0 {
                    self.buckets.remove(at);
                }
            }
        }
        self.sum = self.sum.saturating_add(i128::from(nanos) * i128::from(times));
    }

    fn applied_to(&self, durations: &Durations) -> Durations {
        let (mut left, mut right) = (durations.parts(), self.buckets.as_slice());
        let mut changed = Vec::with_capacity(left.len() + right.len());
        loop {
            let order = match (left.first(), right.first()) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((own, _)), Some((other, _))) => own.cmp(other),
            };
            let (mut bucket, mut count) = (0, 0_u64);
            if order != Ordering::Greater
                && let Some((&own, rest)) = left.split_first()
            {
                (bucket, count) = own;
                left = rest;
            }
            if order != Ordering::Less
                && let Some((&(own, times), rest)) = right.split_first()
            {
                (bucket, count) = (own, count.saturating_add_signed(times));
                right = rest;
            }
            if count > 0 {
                changed.push((bucket, count));
            }
        }
        let sum = durations.sum().saturating_add_signed(self.sum);
        Durations::from_parts(changed, sum)
    }
}

impl EdgeFigures {
    /// Makes a change.
    pub fn apply(&mut self, change: &EdgeChange) {
        let counts = &mut self.counts;
        for (count, by) in [
            (&mut counts.calls, change.calls),
            (&mut counts.errors, change.errors),
            (&mut counts.calls_beyond, change.calls_beyond),
            (&mut counts.errors_beyond, change.errors_beyond),
        ] {
            *count = count.saturating_add_signed(by);
        }
        self.server_durations = change.server_durations.applied_to(&self.server_durations);
        self.client_durations = change.client_durations.applied_to(&self.client_durations);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Connection, Weight};

    fn call(number: u64) -> Call {
        Call {
            at_unix_nanos: 0,
            client: 1,
            server: 2,
            system: 0,
            connection: Connection::Direct,
            failed: number.is_multiple_of(3),
            weight: Weight::of_spans(1.0 + (number % 4) as f64),
            server_nanos: (!number.is_multiple_of(5)).then_some(number * number),
            client_nanos: (!number.is_multiple_of(7)).then_some(number << (number % 30)),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_change_is_what_was_counted_and_taken_away(
            before in proptest::collection::vec(0..200_u64, 0..40),
            more in proptest::collection::vec(0..200_u64, 0..40),
            n_gone in 0..40_usize,
        ) {
            let gone = &before[..n_gone.min(before.len())];
            let (mut figures, mut change) = (EdgeFigures::default(), EdgeChange::default());
            before.iter().for_each(|number| figures.record(&call(*number)));
            let mut changed = figures.clone();
            more.iter().for_each(|number| change.record(&call(*number), 1));
            gone.iter().for_each(|number| change.record(&call(*number), -1));
            changed.apply(&change);
            more.iter().for_each(|number| figures.record(&call(*number)));
            gone.iter().for_each(|number| figures.unrecord(&call(*number)));
            prop_assert_eq!(changed, figures);
            more.iter().for_each(|number| change.record(&call(*number), -1));
            gone.iter().for_each(|number| change.record(&call(*number), 1));
            prop_assert!(change.is_none(), "{:?}", change);
        }
    }
}
