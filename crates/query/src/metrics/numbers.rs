//! What is measured of each row.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_buffer::{BooleanBuffer, ScalarBuffer};
use spandrel_traceql::Static;

use super::codes::one_of;
use crate::filter::{LeafColumn, Meaning};

/// The numbers of a column.
pub(super) enum Numbers {
    /// Nothing is measured.
    None,
    /// Whole numbers, durations in nanoseconds; rows without one are not valid.
    Whole { values: ScalarBuffer<i64>, valid: Option<BooleanBuffer>, is_duration: bool },
    /// Floats.
    Float { values: ScalarBuffer<f64>, valid: Option<BooleanBuffer> },
    /// Several types or layers.
    Mixed(LeafColumn),
}

impl Numbers {
    /// The numbers of a column, in the simplest form.
    pub(super) fn of(column: LeafColumn) -> Self {
        let [layer] = column.layers.as_slice() else { return Self::Mixed(column) };
        if !layer.others.is_empty() {
            return Self::Mixed(column);
        }
        // Texts and the like are not measured, and a row has at most one value.
        let mut numbers = layer.arrays.iter().filter(|(meaning, _)| {
            matches!(meaning, Meaning::Int | Meaning::Duration | Meaning::Double)
        });
        let (Some((meaning, array)), None) = (numbers.next(), numbers.next()) else {
            return Self::Mixed(column);
        };
        let valid = array.nulls().filter(|nulls| nulls.null_count() > 0);
        let valid = valid.map(|nulls| nulls.inner().clone());
        if let Some(values) = array.as_primitive_opt::<Int64Type>() {
            let is_duration = *meaning == Meaning::Duration;
            return Self::Whole { values: values.values().clone(), valid, is_duration };
        }
        match array.as_primitive_opt::<Float64Type>() {
            Some(values) => Self::Float { values: values.values().clone(), valid },
            None => Self::Mixed(column),
        }
    }

    /// The value of a row.
    pub(super) fn value(&self, row: usize) -> Static {
        let is_valid = |valid: &Option<BooleanBuffer>| valid.as_ref().is_none_or(|v| v.value(row));
        match self {
            Self::None => Static::Nil,
            Self::Whole { values, valid, is_duration } if is_valid(valid) => match is_duration {
                true => Static::Duration(values[row]),
                false => Static::Int(values[row]),
            },
            Self::Float { values, valid } if is_valid(valid) => Static::Float(values[row]),
            Self::Whole { .. } | Self::Float { .. } => Static::Nil,
            Self::Mixed(column) => one_of(column.value(row)),
        }
    }
}
