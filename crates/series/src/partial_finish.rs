//! From a partial to series.

use spandrel_traceql::ast::{MetricsAggregate, MetricsFunction};
use spandrel_traceql::{Attribute, Static};

use crate::cells::{Cells, Histogram, Sum};
use crate::function::unit;
use crate::labels::NAME;
use crate::partial::Group;
use crate::series::tidy;
use crate::window::Window;
use crate::{
    Amount, Exemplar, ExemplarSpan, Function, Labels, Partial, Series, bucket_of, bucket_size,
    quantile,
};

/// The label of a histogram's series: the upper bound of its bucket.
const BUCKET: &str = "__bucket";
/// The label of a quantile's series.
const QUANTILE: &str = "p";

impl Partial {
    /// The series of everything that was added, by labels.
    ///
    /// A count has a value in every interval of its series, and a query for one count has a series even when it found
    /// nothing; other functions have values only where there were any.
    pub fn finish(mut self, aggregate: &MetricsAggregate) -> Vec<Series> {
        if self.function == Function::Count && aggregate.by.is_empty() {
            self.group(&[]);
        }
        let finish = Finish {
            aggregate,
            unit: unit(aggregate),
            count: self.intervals.count(),
            seconds: self.intervals.step_seconds(),
        };
        let mut all = Vec::new();
        for Group { values, cells, exemplars } in self.into_groups() {
            let labels = finish.labels(&values);
            match cells {
                Cells::Counts(window) => {
                    all.push(finish.series(labels, &exemplars, finish.counts(&window)));
                }
                Cells::Extremes(window) => {
                    let value = |extreme: &Option<f64>| extreme.map(|value| value / finish.unit);
                    all.push(finish.series(labels, &exemplars, finish.values(&window, value)));
                }
                Cells::Sums(window) => {
                    let values = finish.values(&window, |sum| finish.sum(sum));
                    all.push(finish.series(labels, &exemplars, values));
                }
                Cells::Histograms(window) => match &aggregate.function {
                    MetricsFunction::QuantileOverTime { quantiles, .. } => {
                        all.extend(finish.quantiles(&labels, &exemplars, &window, quantiles));
                    }
                    _ => all.extend(finish.buckets(&labels, &exemplars, &window)),
                },
            }
        }
        tidy(all)
    }
}

struct Finish<'a> {
    aggregate: &'a MetricsAggregate,
    /// What values are divided by.
    unit: f64,
    /// Intervals.
    count: usize,
    /// Length of an interval.
    seconds: f64,
}

impl Finish<'_> {
    /// The labels of a group: those that have a value, or else the first one.
    fn labels(&self, values: &[Static]) -> Labels {
        let MetricsAggregate { function, by } = self.aggregate;
        let has_own = Function::of(function) == Some(Function::Histogram);
        let pairs = by.iter().map(Attribute::to_string).zip(values);
        let known = pairs.clone().filter(|(_, value)| !value.is_nil());
        let labels = known.fold(Labels::default(), |l, (name, value)| l.with(&name, value.clone()));
        if !labels.0.is_empty() || has_own {
            return labels;
        }
        match by.first() {
            Some(first) => labels.with(&first.to_string(), Static::Nil),
            None => labels.with(NAME, Static::String(name_of(function).to_owned())),
        }
    }

    fn values<T: Default>(
        &self,
        window: &Window<T>,
        value: impl Fn(&T) -> Option<f64>,
    ) -> Vec<f64> {
        let value = |interval| window.get(interval).and_then(&value).unwrap_or(f64::NAN);
        (0..self.count).map(value).collect()
    }

    fn counts(&self, window: &Window<Amount>) -> Vec<f64> {
        let divisor =
            if self.aggregate.function == MetricsFunction::Rate { self.seconds } else { 1.0 };
        let count = |interval| window.get(interval).map_or(0.0, Amount::value) / divisor;
        (0..self.count).map(count).collect()
    }

    fn sum(&self, sum: &Sum) -> Option<f64> {
        if sum.values.is_zero() {
            return None;
        }
        let total = sum.sum.value() / self.unit;
        match self.aggregate.function {
            MetricsFunction::AvgOverTime(_) => Some(total / sum.values.value()),
            _ => Some(total),
        }
    }

    fn series(
        &self,
        labels: Labels,
        exemplars: &[(usize, ExemplarSpan)],
        values: Vec<f64>,
    ) -> Series {
        let exemplars = exemplars.iter().map(|(interval, span)| Exemplar {
            span: *span,
            interval: *interval,
            value: match span.value {
                Some(value) => value / self.unit,
                None => values[*interval],
            },
        });
        Series { exemplars: exemplars.collect(), labels, values }
    }

    /// A series for each bucket that has a value.
    fn buckets(
        &self,
        labels: &Labels,
        exemplars: &[(usize, ExemplarSpan)],
        window: &Window<Histogram>,
    ) -> Vec<Series> {
        let mut all = Vec::new();
        let whole = whole(window);
        for (exponent, _) in whole.buckets() {
            let amount = |histogram: &Histogram| {
                let found = histogram.buckets().find(|(other, _)| *other == exponent);
                found.map_or(0.0, |(_, amount)| amount.value())
            };
            let value = |interval| window.get(interval).map_or(0.0, amount);
            let values: Vec<f64> = (0..self.count).map(value).collect();
            let bound = Static::Float(bucket_size(exponent) / self.unit);
            let own = exemplars.iter().filter(|(_, span)| bucket_of_span(span) == Some(exponent));
            let own: Vec<_> = own.copied().collect();
            let mut series = self.series(labels.clone().with(BUCKET, bound), &own, values);
            // The series counts; what it shows for a span is its count.
            for exemplar in &mut series.exemplars {
                exemplar.value = series.values[exemplar.interval];
            }
            all.push(series);
        }
        all
    }

    /// A series for each quantile; an exemplar goes to the one that it is nearest to.
    fn quantiles(
        &self,
        labels: &Labels,
        exemplars: &[(usize, ExemplarSpan)],
        window: &Window<Histogram>,
        quantiles: &[f64],
    ) -> Vec<Series> {
        let whole = whole(window);
        if whole.buckets().next().is_none() {
            return Vec::new();
        }
        let mut all = Vec::new();
        let of = |p: f64, histogram: &Histogram| {
            let bounds = histogram.buckets();
            let bounds = bounds.map(|(e, amount)| (bucket_size(e) / self.unit, amount.value()));
            quantile(p, &bounds.collect::<Vec<_>>())
        };
        let overall: Vec<f64> = quantiles.iter().map(|p| of(*p, &whole)).collect();
        for (index, p) in quantiles.iter().enumerate() {
            let value = |interval| window.get(interval).map_or(0.0, |histogram| of(*p, histogram));
            let values: Vec<f64> = (0..self.count).map(value).collect();
            let is_own = |span: &ExemplarSpan| {
                bucket_of_span(span).is_some()
                    && nearest(&overall, span.value.unwrap_or(0.0) / self.unit) == Some(index)
            };
            let own = exemplars.iter().filter(|(_, span)| is_own(span));
            let own: Vec<_> = own.copied().collect();
            let labels = labels.clone().with(QUANTILE, Static::Float(*p));
            all.push(self.series(labels, &own, values));
        }
        all
    }
}

/// All intervals together.
fn whole(window: &Window<Histogram>) -> Histogram {
    window.iter().fold(Histogram::default(), |mut whole, (_, histogram)| {
        whole.merge(histogram);
        whole
    })
}

/// Only whole numbers have a bucket.
#[expect(clippy::cast_possible_truncation, reason = "beyond the range it is the last bucket")]
fn bucket_of_span(span: &ExemplarSpan) -> Option<u8> {
    span.value.and_then(|value| bucket_of(value as i64))
}

fn nearest(all: &[f64], value: f64) -> Option<usize> {
    let distance = |i: &usize| (all[*i] - value).abs();
    (0..all.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

fn name_of(function: &MetricsFunction) -> &'static str {
    match function {
        MetricsFunction::Rate => "rate",
        MetricsFunction::CountOverTime => "count_over_time",
        MetricsFunction::MinOverTime(_) => "min_over_time",
        MetricsFunction::MaxOverTime(_) => "max_over_time",
        MetricsFunction::AvgOverTime(_) => "avg_over_time",
        MetricsFunction::SumOverTime(_) => "sum_over_time",
        MetricsFunction::QuantileOverTime { .. } => "quantile_over_time",
        MetricsFunction::HistogramOverTime(_) => "histogram_over_time",
        MetricsFunction::Compare { .. } => "compare",
    }
}
