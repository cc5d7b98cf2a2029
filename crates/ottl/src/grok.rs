//! Grok: regular expressions with named parts, such as `%{WORD:method} %{NUMBER:bytes:int}`.
//!
//! `%{NAME}` is a pattern that has a name, `%{NAME:field}` what it matches becomes a field, and `%{NAME:field:type}` of
//! that type. The patterns that have names are those of [`library`]; definitions add more. What is not in this form is
//! a regular expression in RE2's syntax, whose own named groups are fields too.

mod library;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use spandrel_re2::Regex;

use library::PATTERNS;

/// How deep patterns may lie in each other; more is a pattern that has itself in it.
const DEPTH_MAX: usize = 16;
/// How long a pattern may become.
const EXPANDED_BYTES_MAX: usize = 64 << 10;
/// Compiled patterns that are kept. Patterns come from the configuration, rarely from spans.
const COMPILED_MAX: usize = 64;
/// Names of groups that stand for fields: group names may not have dots in them.
const GROUP_PREFIX: &str = "grok_";

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Int,
    Double,
    Bool,
    /// One that nobody knows, which fails when there is a value for it, as in the Collector.
    Unknown,
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field {
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// True or false.
    Bool(bool),
}

/// A pattern that was read.
#[derive(Debug)]
pub(crate) struct Grok {
    regex: Regex,
    /// The fields that groups with a number stand for.
    fields: Vec<(String, Type)>,
}

/// What makes a pattern: its text, definitions `NAME=pattern`, and whether only fields with names of their own count.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Recipe {
    pub(crate) pattern: String,
    pub(crate) definitions: Vec<String>,
    pub(crate) named_only: bool,
}

static COMPILED: LazyLock<Mutex<BTreeMap<Recipe, Arc<Grok>>>> = LazyLock::new(Mutex::default);

impl Grok {
    /// Compiles a pattern, or finds it among those that were compiled before.
    pub(crate) fn of(recipe: Recipe) -> Result<Arc<Self>, String> {
        let mut compiled = COMPILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(grok) = compiled.get(&recipe) {
            return Ok(Arc::clone(grok));
        }
        let grok = Arc::new(Self::compile(&recipe)?);
        if compiled.len() >= COMPILED_MAX {
            compiled.clear();
        }
        compiled.insert(recipe, Arc::clone(&grok));
        Ok(grok)
    }

    fn compile(recipe: &Recipe) -> Result<Self, String> {
        let mut own = BTreeMap::new();
        for definition in &recipe.definitions {
            let parts = definition.split_once('=').filter(|(name, _)| !name.contains(':'));
            let Some((name, pattern)) = parts else {
                return Err(format!("{definition:?} is no `NAME=pattern`"));
            };
            own.insert(name, pattern);
        }
        let mut expansion = Expansion {
            own,
            named_only: recipe.named_only,
            out: String::new(),
            fields: Vec::new(),
        };
        expansion.expand(&recipe.pattern, 0)?;
        let regex = Regex::new(&expansion.out).map_err(|error| error.to_string())?;
        if recipe.named_only && !regex.group_names().any(|name| name.is_some()) {
            return Err("the pattern names no field".to_owned());
        }
        Ok(Self { regex, fields: expansion.fields })
    }

    /// The fields of the first match; nothing when nothing matches. What matched nothing is left out.
    pub(crate) fn fields(&self, text: &str) -> Result<Vec<(String, Field)>, String> {
        let Some(groups) = self.regex.groups(text) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for (name, group) in self.regex.group_names().zip(groups) {
            let matched = group.and_then(|group| text.get(group)).filter(|text| !text.is_empty());
            let (Some(name), Some(matched)) = (name, matched) else { continue };
            let number = name.strip_prefix(GROUP_PREFIX).and_then(|n| n.parse::<usize>().ok());
            let (name, kind) = match number.and_then(|number| self.fields.get(number)) {
                Some((name, kind)) => (name.as_str(), *kind),
                None => (name, Type::Text),
            };
            found.push((name.to_owned(), kind.read(name, matched)?));
        }
        Ok(found)
    }
}

impl Type {
    fn of(name: &str) -> Self {
        match name {
            "" | "string" => Self::Text,
            "int" | "long" => Self::Int,
            "float" | "double" => Self::Double,
            "bool" | "boolean" => Self::Bool,
            _ => Self::Unknown,
        }
    }

    fn read(self, name: &str, text: &str) -> Result<Field, String> {
        let wrong = |what: &str| format!("{name}: {text:?} is no {what}");
        match self {
            Self::Text => Ok(Field::Text(text.to_owned())),
            Self::Int => text.parse().map(Field::Int).map_err(|_| wrong("int")),
            Self::Double => text.parse().map(Field::Double).map_err(|_| wrong("float")),
            Self::Bool => match text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Field::Bool(true)),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Field::Bool(false)),
                _ => Err(wrong("bool")),
            },
            Self::Unknown => Err(format!("{name} is of a type that does not exist")),
        }
    }
}

/// A pattern becomes a regular expression.
struct Expansion<'r> {
    own: BTreeMap<&'r str, &'r str>,
    named_only: bool,
    out: String,
    fields: Vec<(String, Type)>,
}

/// One `%{...}`.
struct Reference<'t> {
    name: &'t str,
    field: &'t str,
    kind: &'t str,
}

impl<'t> Reference<'t> {
    /// What stands between the braces; nothing when it is in another form, and then it is a regular expression.
    fn read(inside: &'t str) -> Option<Self> {
        let mut parts = inside.split(':');
        let reference = Self {
            name: parts.next()?,
            field: parts.next().unwrap_or_default(),
            kind: parts.next().unwrap_or_default(),
        };
        let is_word = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let is_field = |text: &str| text.split('.').all(is_word);
        let is_right = !reference.name.is_empty()
            && is_word(reference.name)
            && is_field(reference.field)
            && is_word(reference.kind)
            && parts.next().is_none();
        is_right.then_some(reference)
    }
}

impl Expansion<'_> {
    fn expand(&mut self, pattern: &str, depth: usize) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err("patterns have themselves in them".to_owned());
        }
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("%{") {
            self.out.push_str(before);
            let parts = after.split_once('}');
            match parts.and_then(|(inside, after)| Some((Reference::read(inside)?, after))) {
                Some((reference, after)) => {
                    self.refer(&reference, depth)?;
                    rest = after;
                }
                None => {
                    self.out.push_str("%{");
                    rest = after;
                }
            }
            if self.out.len() > EXPANDED_BYTES_MAX {
                return Err("the pattern is too long".to_owned());
            }
        }
        self.out.push_str(rest);
        Ok(())
    }

    fn refer(&mut self, reference: &Reference<'_>, depth: usize) -> Result<(), String> {
        let known = |name| PATTERNS.iter().find(|(known, _)| *known == name).map(|(_, is)| *is);
        let name = reference.name;
        let pattern = self.own.get(name).copied().or_else(|| known(name));
        let pattern = pattern.ok_or_else(|| format!("there is no pattern {name}"))?.to_owned();
        let field = match (reference.field, self.named_only) {
            ("", true) => None,
            ("", false) => Some(name),
            (field, _) => Some(field),
        };
        match field {
            Some(field) => {
                let group = format!("(?P<{GROUP_PREFIX}{}>", self.fields.len());
                self.out.push_str(&group);
                self.fields.push((field.to_owned(), Type::of(reference.kind)));
            }
            None => self.out.push_str("(?:"),
        }
        self.expand(&pattern, depth + 1)?;
        self.out.push(')');
        Ok(())
    }
}
