//! Queries without what is variable in them: literals become `?`.

use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::common::any_value::Value;

/// Attributes that hold queries, when the configuration names none.
const QUERY_KEYS: [&str; 2] = ["db.query.text", "db.statement"];
/// What says which database it is.
const SYSTEM_KEYS: [&str; 2] = ["db.system.name", "db.system"];
/// Systems that are asked in SQL; also what ends in `sql`.
const SQL_SYSTEMS: [&str; 10] = [
    "clickhouse",
    "cockroachdb",
    "db2",
    "hive",
    "mariadb",
    "mssql",
    "oracle.db",
    "oracle",
    "sqlite",
    "trino",
];

/// How queries of a kind of database are sanitized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sanitizer {
    Sql,
    /// A word and its arguments, of these systems.
    Command(&'static [&'static str]),
    /// JSON, of these systems.
    Json(&'static [&'static str]),
}

/// The sanitizers that are on, each with the attributes that it is for.
#[derive(Debug, Clone, Default)]
pub(super) struct Databases {
    pub(super) sanitizers: Vec<(Sanitizer, Vec<String>)>,
    pub(super) sanitizes_names: bool,
}

/// Which database a span is about.
pub(super) fn system_of(attributes: &[KeyValue]) -> Option<&str> {
    let pair =
        SYSTEM_KEYS.iter().find_map(|key| attributes.iter().find(|pair| pair.key == *key))?;
    match pair.value.as_ref()?.value.as_ref()? {
        Value::StringValue(system) => Some(system),
        _ => None,
    }
}

impl Databases {
    /// The value of an attribute, when it holds queries of a sanitizer that is on. Without a system, attributes
    /// that the configuration names are sanitized.
    pub(super) fn attribute(&self, key: &str, text: &str, system: Option<&str>) -> Option<String> {
        let (sanitizer, _) = self.sanitizers.iter().find(|(sanitizer, keys)| {
            let is_named = keys.iter().any(|named| named == key);
            match system {
                Some(system) if sanitizer.is_of(system) => {
                    is_named || (keys.is_empty() && QUERY_KEYS.contains(&key))
                }
                Some(_) => false,
                None => is_named,
            }
        })?;
        Some(sanitizer.sanitize(text))
    }

    /// The name of a span of that system.
    pub(super) fn name(&self, name: &str, system: &str) -> Option<String> {
        let mut sanitizers = self.sanitizers.iter().filter(|_| self.sanitizes_names);
        let (sanitizer, _) = sanitizers.find(|(sanitizer, _)| sanitizer.is_of(system))?;
        Some(sanitizer.sanitize(name))
    }
}

impl Sanitizer {
    fn is_of(self, system: &str) -> bool {
        match self {
            Self::Sql => {
                SQL_SYSTEMS.contains(&system)
                    || system.ends_with("sql")
                    || system.ends_with("sql_server")
            }
            Self::Command(systems) | Self::Json(systems) => systems.contains(&system),
        }
    }

    fn sanitize(self, text: &str) -> String {
        match self {
            Self::Sql => sql(text),
            Self::Command(_) => command(text),
            Self::Json(_) => json(text),
        }
    }
}

/// SQL with `?` for texts and numbers, and without comments.
fn sql(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_word = false;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '\'' => quoted(rest, '\''),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '0'..='9' if !in_word => {
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len())
            }
            _ => {
                in_word = c.is_alphanumeric() || c == '_' || c == '$' || c == '@';
                out.push(c);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
                continue;
            }
        };
        if c == '\'' || c.is_ascii_digit() {
            out.push('?');
        }
        in_word = false;
        rest = rest.get(skipped..).unwrap_or_default();
    }
    out.trim().to_owned()
}

/// The length of a quoted text at the start of `text`; a doubled or escaped quote does not end it.
fn quoted(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            if chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
            } else {
                return at + 1;
            }
        }
    }
    text.len()
}

/// Lines of a word and arguments, with `?` for the arguments.
fn command(text: &str) -> String {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let arguments = words.map(|_| " ?").collect::<String>();
        format!("{name}{arguments}")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// JSON with `?` for texts, numbers and truth values; what is no JSON is `?` as a whole.
fn json(text: &str) -> String {
    let one = |text: &str| -> Option<String> {
        let mut value: serde_json::Value = serde_json::from_str(text).ok()?;
        hide(&mut value);
        Some(value.to_string())
    };
    // Bulk requests are a value per line.
    one(text)
        .or_else(|| text.lines().map(one).collect::<Option<Vec<_>>>().map(|lines| lines.join("\n")))
        .unwrap_or_else(|| "?".to_owned())
}

/// The depth is bounded by the parser.
fn hide(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Array(values) => values.iter_mut().for_each(hide),
        serde_json::Value::Object(members) => members.values_mut().for_each(hide),
        _ => *value = serde_json::Value::String("?".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_become_question_marks() {
        for (sanitizer, query, sanitized) in [
            (
                Sanitizer::Sql,
                "SELECT a1 FROM t2 WHERE x = 'it''s' AND y IN (1, 2.5, 0xff) -- secret",
                "SELECT a1 FROM t2 WHERE x = ? AND y IN (?, ?, ?)",
            ),
            (Sanitizer::Sql, "a = 'x\\'y' /* 12 */ or b = 'open", "a = ?  or b = ?"),
            (Sanitizer::Command(&[]), "SET key value\nGET key", "SET ? ?\nGET ?"),
            (
                Sanitizer::Json(&[]),
                r#"{"a": [1, "x"], "b": {"c": true}}"#,
                r#"{"a":["?","?"],"b":{"c":"?"}}"#,
            ),
            (Sanitizer::Json(&[]), "{\"a\":1}\n{\"b\":2}", "{\"a\":\"?\"}\n{\"b\":\"?\"}"),
            (Sanitizer::Json(&[]), "no json", "?"),
        ] {
            assert_eq!(sanitizer.sanitize(query), sanitized);
        }
    }

    #[test]
    fn the_system_decides_which_sanitizer_it_is() {
        let sanitizers = vec![
            (Sanitizer::Sql, vec!["q".to_owned()]),
            (Sanitizer::Command(&["redis"]), Vec::new()),
        ];
        let databases = Databases { sanitizers, sanitizes_names: true };
        let of = |key, system| databases.attribute(key, "GET 1", system);
        assert_eq!(of("q", Some("postgresql")), Some("GET ?".to_owned()));
        assert_eq!(of("q", Some("redis")), None);
        assert_eq!(of("q", None), Some("GET ?".to_owned()));
        assert_eq!(of("db.statement", Some("redis")), Some("GET ?".to_owned()));
        assert_eq!(of("db.statement", Some("mysql")), None);
        assert_eq!(databases.name("GET 1", "redis"), Some("GET ?".to_owned()));
        assert_eq!(databases.name("GET 1", "kafka"), None);
    }
}
