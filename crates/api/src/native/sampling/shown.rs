//! Settings and what is wrong with them, for whoever edits them.

use serde::ser::{Serialize, SerializeMap, Serializer};
use spandrel_config::{Problem, Value, ValueKind};

use super::read::policies_of;

/// A problem or a warning.
#[derive(Debug, PartialEq, serde::Serialize)]
pub(super) struct ProblemJson {
    /// From 1; null for the whole.
    line: Option<u32>,
    column: Option<u32>,
    /// The key with those above it, between double colons.
    path: String,
    message: String,
    advice: Option<String>,
}

impl From<Problem> for ProblemJson {
    fn from(problem: Problem) -> Self {
        let position = problem.position.as_ref();
        Self {
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
            path: problem.path,
            message: problem.message,
            advice: problem.advice,
        }
    }
}

/// Where a policy stands.
#[derive(Debug, PartialEq, serde::Serialize)]
pub(super) struct PolicyPlace {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    line: u32,
}

/// The policies of settings, wrong ones included.
pub(super) fn places(settings: &Value) -> Vec<PolicyPlace> {
    let place = |policy: &Value| {
        let text = |key| policy.member(key).and_then(Value::as_text).unwrap_or_default().to_owned();
        PolicyPlace { name: text("name"), kind: text("type"), line: policy.position.line }
    };
    policies_of(settings).iter().map(place).collect()
}

/// A value of settings as JSON. Numbers without an end, which JSON lacks, are texts.
#[derive(Debug)]
pub(super) struct Shown(pub(super) Value);

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Borrowed(&self.0).serialize(serializer)
    }
}

struct Borrowed<'v>(&'v Value);

impl Serialize for Borrowed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.kind {
            ValueKind::Null => serializer.serialize_unit(),
            ValueKind::Bool(flag) => serializer.serialize_bool(*flag),
            ValueKind::Int(number) => serializer.serialize_i64(*number),
            ValueKind::Float(number) if number.is_finite() => serializer.serialize_f64(*number),
            ValueKind::Float(number) => serializer.serialize_str(&number.to_string()),
            ValueKind::String(text) => serializer.serialize_str(text),
            ValueKind::List(values) => serializer.collect_seq(values.iter().map(Borrowed)),
            ValueKind::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(&*key.text, &Borrowed(value))?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_keep_their_order_and_policies_their_lines() {
        let text = "policies:\n- type: latency\n  name: slow\n  latency: {threshold_ms: 5}\n- {name: x}\nz: .inf\na: ~\n";
        let value = spandrel_config::yaml::parse(text, "").unwrap();
        let places = places(&value);
        assert_eq!(
            serde_json::to_string(&Shown(value)).unwrap(),
            r#"{"policies":[{"type":"latency","name":"slow","latency":{"threshold_ms":5}},{"name":"x"}],"z":"inf","a":null}"#
        );
        let place = |name: &str, kind: &str, line| PolicyPlace {
            name: name.to_owned(),
            kind: kind.to_owned(),
            line,
        };
        assert_eq!(places, [place("slow", "latency", 2), place("x", "", 5)]);
    }
}
