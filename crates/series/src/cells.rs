//! What is kept of one group of spans, by interval.

use std::collections::BTreeSet;

use crate::window::Window;
use crate::{Amount, ExactSum, Function};

/// A sum, and of how many values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sum {
    pub(crate) sum: ExactSum,
    pub(crate) values: Amount,
}

impl Sum {
    fn merge(&mut self, other: &Self) {
        self.sum.merge(&other.sum);
        self.values.merge(&other.values);
    }
}

/// Values by bucket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram(Vec<(u8, Amount)>);

impl Histogram {
    /// The amount of a bucket.
    pub fn bucket(&mut self, exponent: u8) -> &mut Amount {
        let index = match self.0.binary_search_by_key(&exponent, |bucket| bucket.0) {
            Ok(index) => index,
            Err(index) => {
                self.0.insert(index, (exponent, Amount::default()));
                index
            }
        };
        &mut self.0[index].1
    }

    /// Buckets that have a value, ascending.
    pub fn buckets(&self) -> impl Iterator<Item = (u8, &Amount)> {
        self.0.iter().map(|(exponent, amount)| (*exponent, amount))
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (exponent, amount) in other.buckets() {
            self.bucket(exponent).merge(amount);
        }
    }
}

/// What is kept of a group, by interval.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cells {
    Counts(Window<Amount>),
    /// The least or the greatest.
    Extremes(Window<Option<f64>>),
    Sums(Window<Sum>),
    Histograms(Window<Histogram>),
}

impl Cells {
    pub(crate) fn new(function: Function) -> Self {
        match function {
            Function::Count => Self::Counts(Window::default()),
            Function::Min | Function::Max => Self::Extremes(Window::default()),
            Function::Sum => Self::Sums(Window::default()),
            Function::Histogram => Self::Histograms(Window::default()),
        }
    }

    pub(crate) fn merge(&mut self, other: Self, function: Function) {
        match (self, other) {
            (Self::Counts(own), Self::Counts(other)) => own.merge(other, |a, b| a.merge(&b)),
            (Self::Extremes(own), Self::Extremes(other)) => {
                own.merge(other, |a, b| *a = extreme(function, *a, b));
            }
            (Self::Sums(own), Self::Sums(other)) => own.merge(other, |a, b| a.merge(&b)),
            (Self::Histograms(own), Self::Histograms(other)) => {
                own.merge(other, |a, b| a.merge(&b));
            }
            // Partials of different queries have nothing in common.
            _ => {}
        }
    }

    /// How many series it becomes; `n_quantiles` if they are quantiles.
    pub(crate) fn n_series(&self, n_quantiles: Option<usize>) -> usize {
        match (self, n_quantiles) {
            (Self::Histograms(_), Some(n)) => n,
            (Self::Histograms(window), None) => {
                let histograms = window.iter().map(|(_, histogram)| histogram);
                let exponents =
                    histograms.flat_map(Histogram::buckets).map(|(exponent, _)| exponent);
                exponents.collect::<BTreeSet<u8>>().len()
            }
            _ => 1,
        }
    }

    /// About what it takes in memory.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Counts(window) => window.capacity() * size_of::<Amount>(),
            Self::Extremes(window) => window.capacity() * size_of::<Option<f64>>(),
            Self::Sums(window) => {
                let parts = window.iter().map(|(_, sum)| sum.sum.heap_bytes());
                window.capacity() * size_of::<Sum>() + parts.sum::<usize>()
            }
            Self::Histograms(window) => {
                let buckets = window.iter().map(|(_, histogram)| histogram.0.capacity());
                window.capacity() * size_of::<Histogram>()
                    + buckets.sum::<usize>() * size_of::<(u8, Amount)>()
            }
        }
    }
}

/// The least or the greatest of two values that may be missing. NaN is no value.
pub(crate) fn extreme(function: Function, a: Option<f64>, b: Option<f64>) -> Option<f64> {
    let pick = if function == Function::Min { f64::min } else { f64::max };
    match (a.filter(|a| !a.is_nan()), b.filter(|b| !b.is_nan())) {
        // A zero has no sign here: which of the two came first must not matter.
        (Some(a), Some(b)) => Some(pick(a, b) + 0.0),
        (a, b) => a.or(b).map(|only| only + 0.0),
    }
}
