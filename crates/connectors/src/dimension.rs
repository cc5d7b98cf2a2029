//! Dimensions: the attributes that become labels of a series.

use regex::bytes::Regex;
use spandrel_config::Section;
use spandrel_otlp::{AttributesView, ValueView};
use spandrel_proto::otlp::common::KeyValue;
use spandrel_span_aggregation::{KeyWriter, lossy, owned_value};

use crate::data_points::text_label;

/// An attribute, or all whose key matches a pattern, that is looked up in the span and then in its resource.
#[derive(Debug, Clone)]
pub enum Dimension {
    /// One attribute.
    Name {
        /// Its key, and the name of the label.
        name: String,
        /// The value of a span that has none; without it, such a span has no such label.
        default: Option<String>,
    },
    /// All attributes whose key matches.
    Glob(Regex),
}

impl Dimension {
    /// Reads the list of dimensions under `key`.
    pub fn read_list(section: &mut Section<'_>, key: &'static str) -> Vec<Self> {
        let read = |section: &mut Section<'_>| {
            let name: Option<String> = section.get("name");
            let default: Option<String> = section.get("default");
            let glob: Option<String> = section.get("glob");
            match (name, glob) {
                (Some(name), None) if !name.is_empty() => Some(Self::Name { name, default }),
                (None, Some(glob)) if default.is_none() => match glob_regex(&glob) {
                    Ok(regex) => Some(Self::Glob(regex)),
                    Err(message) => {
                        section.problem(Some("glob"), message);
                        None
                    }
                },
                (None, Some(_)) => {
                    section.problem(Some("default"), "a glob has no default");
                    None
                }
                _ => {
                    section.problem(None, "a dimension has either a name or a glob");
                    None
                }
            }
        };
        section.sections(key, read).into_iter().flatten().collect()
    }

    /// The name, unless it is a pattern.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Name { name, .. } => Some(name),
            Self::Glob(_) => None,
        }
    }

    /// Appends what the dimension is in these places, the first of which that has it counts.
    pub(crate) fn write_key(&self, places: &[&AttributesView<'_>], key: &mut KeyWriter) {
        match self {
            Self::Name { name, default } => match (find(name, places), default) {
                (Some(value), _) => key.value(&value),
                (None, Some(default)) => key.text(default.as_bytes()),
                (None, None) => key.absent(),
            },
            Self::Glob(regex) => {
                let found = matches(regex, places);
                key.number(found.len() as i32);
                for (name, value) in found {
                    key.text(name);
                    key.value(&value);
                }
            }
        }
    }

    /// Appends the label or labels that the dimension has in these places.
    pub(crate) fn push_labels(&self, places: &[&AttributesView<'_>], labels: &mut Vec<KeyValue>) {
        match self {
            Self::Name { name, default } => match (find(name, places), default) {
                (Some(value), _) => labels.push(value_label(name.clone(), &value)),
                (None, Some(default)) => labels.push(text_label(name, default.clone())),
                (None, None) => {}
            },
            Self::Glob(regex) => {
                for (name, value) in matches(regex, places) {
                    labels.push(value_label(lossy(name), &value));
                }
            }
        }
    }
}

fn find<'a>(name: &str, places: &[&AttributesView<'a>]) -> Option<ValueView<'a>> {
    places.iter().find_map(|attributes| attributes.get(name))
}

/// Attributes with a matching key, by key; of those with the same key, the one in the first place.
fn matches<'a>(regex: &Regex, places: &[&AttributesView<'a>]) -> Vec<(&'a [u8], ValueView<'a>)> {
    let mut found: Vec<(&[u8], ValueView<'_>)> = Vec::new();
    for attributes in places {
        let here = found.len();
        for attribute in attributes.iter().filter(|attribute| regex.is_match(attribute.key)) {
            match found.iter().position(|(key, _)| *key == attribute.key) {
                // A repeated key: the last one counts.
                Some(position) if position >= here => {
                    if let Some(entry) = found.get_mut(position) {
                        entry.1 = attribute.value;
                    }
                }
                Some(_) => {}
                None => found.push((attribute.key, attribute.value)),
            }
        }
    }
    found.sort_by_key(|(key, _)| *key);
    found
}

fn value_label(key: String, value: &ValueView<'_>) -> KeyValue {
    KeyValue { key, value: Some(owned_value(value)) }
}

/// A glob as a regex: `*` and `?` for any characters, `[...]` for some, `{a,b}` for alternatives.
fn glob_regex(glob: &str) -> Result<Regex, String> {
    if glob.is_empty() {
        return Err("an empty glob matches nothing".to_owned());
    }
    let mut pattern = String::from("(?s-u)^");
    let mut depth = 0_usize;
    let mut characters = glob.chars();
    while let Some(character) = characters.next() {
        match character {
            '*' => pattern.push_str(".*"),
            '?' => pattern.push('.'),
            '{' => {
                depth += 1;
                pattern.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                pattern.push(')');
            }
            ',' if depth > 0 => pattern.push('|'),
            '[' => {
                pattern.push('[');
                let inside: String = characters.by_ref().take_while(|c| *c != ']').collect();
                let (not, members) = match inside.strip_prefix('!') {
                    Some(members) => ("^", members),
                    None => ("", inside.as_str()),
                };
                pattern.push_str(not);
                for member in members.chars() {
                    if member != '-' && !member.is_ascii_alphanumeric() {
                        pattern.push('\\');
                    }
                    pattern.push(member);
                }
                pattern.push(']');
            }
            '\\' => {
                let literal = characters.next().unwrap_or('\\');
                pattern.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
            }
            other => pattern.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    pattern.push('$');
    Regex::new(&pattern).map_err(|_| format!("`{glob}` is no glob"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_keys() {
        for (glob, key, expected) in [
            ("http.*", "http.method", true),
            ("http.*", "xhttp.method", false),
            ("http.*", "httpXmethod", false),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("{db,http}.*", "db.name", true),
            ("{db,http}.*", "rpc.name", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("a(b", "a(b", true),
        ] {
            let regex = glob_regex(glob).unwrap();
            assert_eq!(regex.is_match(key.as_bytes()), expected, "{glob} on {key}");
        }
        assert!(glob_regex("").is_err() && glob_regex("{a").is_err() && glob_regex("[]").is_err());
    }
}
