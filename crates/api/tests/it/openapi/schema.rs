//! The part of JSON Schema that the description uses. A keyword that is not known here is a mistake, so nothing in the
//! description goes without being looked at.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Map, Value};
use spandrel_re2::Regex;

const PREFIX: &str = "#/components/";

/// A description, and which of its schemas something has passed.
pub(super) struct Schemas {
    pub(super) document: Value,
    passed: RefCell<BTreeSet<String>>,
}

impl Schemas {
    pub(super) fn new(document: Value) -> Self {
        Self { document, passed: RefCell::default() }
    }

    /// What a reference is to; what is none is itself.
    pub(super) fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return value };
        assert!(reference.starts_with(PREFIX), "{reference}");
        let found = self.document.pointer(&reference[1..]);
        found.unwrap_or_else(|| panic!("{reference} is not there"))
    }

    /// Schemas with a name that nothing has passed yet.
    pub(super) fn unused(&self) -> Vec<String> {
        let named = self.document["components"]["schemas"].as_object().unwrap();
        let passed = self.passed.borrow();
        named.keys().filter(|name| !passed.contains(*name)).cloned().collect()
    }

    /// Holds a value against the schema of a name.
    pub(super) fn check_named(&self, name: &str, value: &Value) -> Result<(), String> {
        let reference = serde_json::json!({"$ref": format!("{PREFIX}schemas/{name}")});
        self.check(&reference, value, name)
    }

    /// Holds a value against a schema; `at` is where the value is.
    pub(super) fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            self.check(self.resolved(schema), value, at)?;
            let name = reference.rsplit('/').next().unwrap_or_default();
            self.passed.borrow_mut().insert(name.to_owned());
            return Ok(());
        }
        let keywords = schema.as_object().ok_or_else(|| format!("{at}: {schema} is no schema"))?;
        for (keyword, argument) in keywords {
            self.check_keyword(keyword, argument, value, at)
                .map_err(|wrong| format!("{at}: {wrong}"))?;
        }
        self.check_members(keywords, value, at)
    }

    fn check_keyword(
        &self,
        keyword: &str,
        argument: &Value,
        value: &Value,
        at: &str,
    ) -> Result<(), String> {
        let is_kept = match keyword {
            "description" | "contentMediaType" => true,
            // With the members.
            "properties" | "additionalProperties" | "items" | "prefixItems" => true,
            "type" => {
                let types =
                    argument.as_array().map_or_else(|| vec![argument], |all| all.iter().collect());
                types.into_iter().any(|name| is_of(name.as_str().unwrap(), value))
            }
            "enum" => argument.as_array().unwrap().contains(value),
            "oneOf" => {
                let all = argument.as_array().unwrap();
                all.iter().filter(|schema| self.check(schema, value, at).is_ok()).count() == 1
            }
            "pattern" => {
                let pattern = Regex::new(argument.as_str().unwrap()).unwrap();
                value.as_str().is_none_or(|text| pattern.is_match(text))
            }
            "minimum" => value.as_f64().is_none_or(|number| number >= argument.as_f64().unwrap()),
            "minItems" => {
                value.as_array().is_none_or(|all| all.len() as u64 >= argument.as_u64().unwrap())
            }
            "maxItems" => {
                value.as_array().is_none_or(|all| all.len() as u64 <= argument.as_u64().unwrap())
            }
            "required" => {
                let names = argument.as_array().unwrap();
                let missing = |object: &Map<String, Value>| {
                    names.iter().all(|name| object.contains_key(name.as_str().unwrap()))
                };
                value.as_object().is_none_or(missing)
            }
            unknown => return Err(format!("keyword {unknown} is not known to the test")),
        };
        if is_kept { Ok(()) } else { Err(format!("{value} is against {keyword}: {argument}")) }
    }

    fn check_members(
        &self,
        keywords: &Map<String, Value>,
        value: &Value,
        at: &str,
    ) -> Result<(), String> {
        if let Value::Array(all) = value {
            let first = keywords.get("prefixItems").and_then(Value::as_array);
            for (i, value) in all.iter().enumerate() {
                let schema = first.and_then(|first| first.get(i)).or_else(|| keywords.get("items"));
                schema.map_or(Ok(()), |schema| self.check(schema, value, &format!("{at}[{i}]")))?;
            }
        }
        let Value::Object(members) = value else { return Ok(()) };
        for (name, value) in members {
            let at = format!("{at}.{name}");
            match keywords.get("properties").and_then(|known| known.get(name)) {
                Some(schema) => self.check(schema, value, &at)?,
                None => match keywords.get("additionalProperties") {
                    None | Some(Value::Bool(true)) => {}
                    Some(Value::Bool(false)) => return Err(format!("{at} is not described")),
                    Some(schema) => self.check(schema, value, &at)?,
                },
            }
        }
        Ok(())
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        unknown => panic!("type {unknown}"),
    }
}

#[test]
fn what_is_against_a_schema_is_found() {
    let schemas = Schemas::new(serde_json::json!({"components": {"schemas": {
        "A": {"type": "object", "required": ["a"], "additionalProperties": false,
            "properties": {"a": {"type": ["integer", "null"], "minimum": 0}, "b": {"type": "array", "items": {"$ref": "#/components/schemas/B"}}}},
        "B": {"type": "string", "pattern": "^x+$"},
    }}}));
    let check = |value: Value| schemas.check_named("A", &value);
    for wrong in [
        serde_json::json!({}),
        serde_json::json!([]),
        serde_json::json!({"a": -1}),
        serde_json::json!({"a": 1.5}),
        serde_json::json!({"a": 1, "c": 1}),
        serde_json::json!({"a": 1, "b": ["y"]}),
    ] {
        assert!(check(wrong.clone()).is_err(), "{wrong}");
    }
    assert_eq!(check(serde_json::json!({"a": null})), Ok(()));
    assert_eq!(schemas.unused(), ["B"]);
    assert_eq!(check(serde_json::json!({"a": 1, "b": ["x"]})), Ok(()));
    assert_eq!(schemas.unused(), [""; 0]);
}
