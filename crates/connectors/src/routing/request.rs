//! The `request` context: one header or metadata key compared with one text.

use spandrel_pipeline::Client;

/// `request["key"] == "value"`, or `!=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestCondition {
    key: String,
    value: String,
    equal: bool,
}

impl RequestCondition {
    /// Reads a condition.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = r#"condition must have the form request["<key>"] == "<value>", or !="#;
        let (left, right, equal) = match (text.split_once("=="), text.split_once("!=")) {
            (Some((left, right)), None) => (left, right, true),
            (None, Some((left, right))) => (left, right, false),
            (Some(_), Some(_)) => return Err("condition contains multiple comparators".to_owned()),
            (None, None) => return Err("condition does not contain a valid comparator".to_owned()),
        };
        if right.contains("==") || right.contains("!=") {
            return Err("condition contains multiple comparators".to_owned());
        }
        let key = left.trim().strip_prefix("request[\"").and_then(|key| key.strip_suffix("\"]"));
        let value = right.trim().strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let (Some(key), Some(value)) = (key, value) else { return Err(FORM.to_owned()) };
        Ok(Self { key: key.to_owned(), value: value.to_owned(), equal })
    }

    /// Whether any value of the key compares as the condition wants; never for a key without values.
    pub(super) fn matches(&self, client: &Client) -> bool {
        client.metadata(&self.key).iter().any(|value| (*value == self.value) == self.equal)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn conditions_are_read_as_the_collector_reads_them() {
        for (text, expected) in [
            (r#"request["X-Tenant"] == "acme""#, true),
            (r#"request["x-tenant"] == "acme""#, true),
            (r#" request["X-Tenant"]=="other" "#, false),
            (r#"request["X-Tenant"] != "acme""#, true),
            (r#"request["X-Other"] != "acme""#, false),
            (r#"request["X-Other"] == """#, false),
        ] {
            let metadata = vec!["acme".to_owned(), "second".to_owned()];
            let metadata = BTreeMap::from([("x-tenant".to_owned(), metadata)]);
            let client = Client { metadata, ..Client::default() };
            let condition = RequestCondition::parse(text).unwrap();
            assert_eq!(condition.matches(&client), expected, "{text}");
        }
        for wrong in [
            "",
            r#"request["a"]"#,
            r#"request["a"] == "b" == "c""#,
            r#"request["a"] == "b" != "c""#,
            r#"attributes["a"] == "b""#,
            r#"request["a"] == b"#,
        ] {
            assert!(RequestCondition::parse(wrong).is_err(), "{wrong}");
        }
    }
}
