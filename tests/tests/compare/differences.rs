//! Where two values differ.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

/// Characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 160;
/// Sums of floats are rounded in another order.
const TOLERANCE: f64 = 1e-9;

/// One difference.
#[derive(Debug)]
pub(crate) struct Difference {
    /// Its place: names of members, joined by slashes.
    pub(crate) at: String,
    ours: Option<Value>,
    theirs: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [ours, theirs] = [&self.ours, &self.theirs].map(|value| shown(value.as_ref()));
        write!(f, "{}: ours {ours}, Tempo's {theirs}", self.at)
    }
}

fn shown(value: Option<&Value>) -> String {
    let text = value.map_or("nothing".to_owned(), Value::to_string);
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Every place at which two values differ.
pub(crate) fn between(ours: &Value, theirs: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), Some(ours), Some(theirs), &mut found);
    found
}

fn compare(at: String, ours: Option<&Value>, theirs: Option<&Value>, found: &mut Vec<Difference>) {
    match (ours, theirs) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                compare(format!("{at}/{name}"), a.get(name), b.get(name), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for i in 0..a.len().max(b.len()) {
                compare(format!("{at}/{i}"), a.get(i), b.get(i), found);
            }
        }
        (Some(Value::Number(a)), Some(Value::Number(b))) if is_close(a.as_f64(), b.as_f64()) => {}
        (ours, theirs) if ours == theirs => {}
        (ours, theirs) => {
            found.push(Difference { at, ours: ours.cloned(), theirs: theirs.cloned() });
        }
    }
}

fn is_close(a: Option<f64>, b: Option<f64>) -> bool {
    a.zip(b).is_some_and(|(a, b)| (a - b).abs() <= TOLERANCE * b.abs())
}

#[test]
fn differences_have_places() {
    let ours = serde_json::json!({ "a": [1, { "b": "x" }], "c": 1.000_000_000_000_1 });
    let theirs = serde_json::json!({ "a": [1, { "b": "y" }, 2], "c": 1, "d": null });
    let found: Vec<String> = between(&ours, &theirs).iter().map(ToString::to_string).collect();
    let wanted = [
        "/a/1/b: ours \"x\", Tempo's \"y\"",
        "/a/2: ours nothing, Tempo's 2",
        "/d: ours nothing, Tempo's null",
    ];
    assert_eq!(found, wanted);
}
