//! Types that a setting's value can be read as.
//!
//! As in the Collector, nothing is converted silently: the number 1 is no text and the text "1" no number. The
//! exception is a value that came out of `${...}`, which has both forms.

mod duration;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;
use crate::value::{Value, ValueKind};

pub use duration::{parse_duration, print_duration};

/// A type that a setting can have.
pub trait Setting: Sized {
    /// Whether the value is not to be printed.
    const SECRET: bool = false;

    /// Reads the value.
    ///
    /// # Errors
    /// What the value must be, and is not, for a message that has the place and key already.
    fn from_value(value: &Value) -> Result<Self, String>;

    /// What its author should know about a value that can be read.
    fn warning(_value: &Value) -> Option<String> {
        None
    }
}

impl Setting for Value {
    fn from_value(value: &Value) -> Result<Self, String> {
        Ok(value.clone())
    }
}

impl Setting for bool {
    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::Bool(flag) => Ok(*flag),
            ValueKind::String(text) if value.raw.is_none() && is_truth_text(text) => {
                Err(format!("must be true or false, not the text `{text}`"))
            }
            _ => Err(format!("must be true or false, not {}", value.describe())),
        }
    }
}

/// What other dialects of YAML take for true and false.
fn is_truth_text(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    matches!(lower.as_str(), "yes" | "no" | "on" | "off" | "true" | "false")
}

impl Setting for i64 {
    fn from_value(value: &Value) -> Result<Self, String> {
        match value.kind {
            ValueKind::Int(number) => Ok(number),
            // The largest numbers in which every whole one can be told from the next.
            ValueKind::Float(number) if number.fract() == 0.0 && number.abs() <= 9.0e15 => {
                Ok(number as i64)
            }
            _ => Err(format!("must be a whole number, not {}", value.describe())),
        }
    }
}

macro_rules! whole_numbers {
    ($($type:ty),*) => {$(
        impl Setting for $type {
            fn from_value(value: &Value) -> Result<Self, String> {
                let number = i64::from_value(value)?;
                Self::try_from(number).map_err(|_| {
                    let most = i128::from(i64::MAX).min(<$type>::MAX as i128);
                    format!("must be from {} to {most}, not {number}", <$type>::MIN)
                })
            }
        }
    )*};
}

whole_numbers!(u64, u32, u16, usize, i32);

impl Setting for f64 {
    fn from_value(value: &Value) -> Result<Self, String> {
        match value.kind {
            ValueKind::Int(number) => Ok(number as f64),
            ValueKind::Float(number) if number.is_nan() => {
                Err("must be a number, not .nan".to_owned())
            }
            ValueKind::Float(number) => Ok(number),
            _ => Err(format!("must be a number, not {}", value.describe())),
        }
    }
}

impl Setting for f32 {
    fn from_value(value: &Value) -> Result<Self, String> {
        f64::from_value(value).map(|number| number as f32)
    }
}

impl Setting for String {
    fn from_value(value: &Value) -> Result<Self, String> {
        match value.as_text() {
            Some(text) => Ok(text.to_owned()),
            // As an element of a list or map, where there is no default.
            None if value.is_null() => Ok(String::new()),
            None => {
                let quoted = matches!(
                    value.kind,
                    ValueKind::Int(_) | ValueKind::Float(_) | ValueKind::Bool(_)
                );
                let advice = if quoted { "; write it in quotes" } else { "" };
                Err(format!("must be a text, not {}{advice}", value.describe()))
            }
        }
    }
}

impl Setting for Secret {
    const SECRET: bool = true;

    fn from_value(value: &Value) -> Result<Self, String> {
        match value.as_text() {
            Some(text) => Ok(text.into()),
            None if value.is_null() => Ok(Self::default()),
            // Without the value: a password of digits is one too.
            None => {
                Err(format!("must be a text, not {}; write it in quotes", value.kind.type_name()))
            }
        }
    }
}

impl Setting for PathBuf {
    fn from_value(value: &Value) -> Result<Self, String> {
        String::from_value(value).map(Self::from)
    }
}

/// A duration in Go's notation; a bare whole number is nanoseconds.
impl Setting for Duration {
    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::Int(nanos) => u64::try_from(*nanos)
                .map(Self::from_nanos)
                .map_err(|_| format!("must not be negative, and is {nanos}")),
            ValueKind::String(text) => parse_duration(text).map_err(|message| {
                if value.raw.is_some() {
                    return format!("must be a duration like `1m30s`, not {}", value.describe());
                }
                message
            }),
            _ => Err(format!("must be a duration like `1m30s`, not {}", value.describe())),
        }
    }

    fn warning(value: &Value) -> Option<String> {
        match value.kind {
            ValueKind::Int(nanos) if nanos != 0 => Some(format!(
                "a number without a unit is nanoseconds, so this is {nanos} ns; write `{nanos}s` if seconds are meant"
            )),
            _ => None,
        }
    }
}

/// A list. A text is split on commas, and nothing is an empty list.
impl<T: Setting> Setting for Vec<T> {
    const SECRET: bool = T::SECRET;

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::List(values) => values.iter().enumerate().map(element).collect(),
            ValueKind::Null => Ok(Self::new()),
            ValueKind::String(text) if text.is_empty() => Ok(Self::new()),
            ValueKind::String(text) => {
                text.split(',').map(|part| part_of(value, part)).enumerate().map(owned).collect()
            }
            _ => Err(format!("must be a list, not {}", value.describe())),
        }
    }
}

fn part_of(whole: &Value, part: &str) -> Value {
    Value {
        kind: ValueKind::String(part.to_owned()),
        position: whole.position.clone(),
        raw: whole.raw.as_ref().map(|_| part.into()),
    }
}

fn element<T: Setting>((i, value): (usize, &Value)) -> Result<T, String> {
    T::from_value(value).map_err(|message| format!("[{i}]: {message}"))
}

fn owned<T: Setting>((i, value): (usize, Value)) -> Result<T, String> {
    element((i, &value))
}

/// A map with keys of the user's choice.
impl<T: Setting> Setting for BTreeMap<String, T> {
    const SECRET: bool = T::SECRET;

    fn from_value(value: &Value) -> Result<Self, String> {
        match &value.kind {
            ValueKind::Null => Ok(Self::new()),
            ValueKind::Map(entries) => entries
                .iter()
                .map(|(key, value)| match T::from_value(value) {
                    Ok(value) => Ok((key.text.to_string(), value)),
                    Err(message) => Err(format!("`{}`: {message}", key.text)),
                })
                .collect(),
            _ => Err(format!("must be a map, not {}", value.describe())),
        }
    }
}
