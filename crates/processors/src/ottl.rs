//! What `filter` and `transform` share: lists of OTTL texts as the configuration writes them.

use spandrel_config::{Section, Setting, Value, ValueKind};
use spandrel_ottl::{Client, Context, ErrorMode, EvalError, Functions, Kind, parse_syntax};
use spandrel_pipeline::ConsumeError;

/// The words of `error_mode`.
pub(crate) const ERROR_MODES: [(&str, ErrorMode); 4] = [
    ("ignore", ErrorMode::Ignore),
    ("silent", ErrorMode::Silent),
    ("propagate", ErrorMode::Propagate),
    ("", ErrorMode::Ignore),
];

/// A member of `trace_conditions` or `trace_statements`: a text, or a group of them.
#[derive(Debug, Clone)]
pub(crate) enum Member {
    Text(String),
    Group(Group),
}

/// Texts with a context of their own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    /// To be inferred when it is not given.
    pub(crate) context: Option<Context>,
    pub(crate) conditions: Vec<String>,
    pub(crate) statements: Vec<String>,
    pub(crate) error_mode: Option<ErrorMode>,
}

impl Setting for Member {
    fn from_value(value: &Value) -> Result<Self, String> {
        if let Some(text) = value.as_text() {
            return Ok(Self::Text(text.to_owned()));
        }
        let ValueKind::Map(entries) = &value.kind else {
            return Err(format!("must be a text or a map, not {}", value.describe()));
        };
        let mut group = Group::default();
        for (key, value) in entries.iter().filter(|(_, value)| !value.is_null()) {
            match &*key.text {
                "context" => {
                    let name = String::from_value(value)?;
                    if !name.is_empty() {
                        group.context = Some(context(&name)?);
                    }
                }
                "conditions" => group.conditions = Vec::from_value(value)?,
                "statements" => group.statements = Vec::from_value(value)?,
                "error_mode" => {
                    let name = String::from_value(value)?;
                    group.error_mode = Some(
                        ErrorMode::from_name(&name.to_ascii_lowercase())
                            .ok_or("error_mode must be ignore, silent or propagate")?,
                    );
                }
                "shared_cache" => {}
                other => {
                    return Err(format!(
                        "unknown key `{other}`; keys here: context, conditions, statements, error_mode"
                    ));
                }
            }
        }
        Ok(Self::Group(group))
    }
}

fn context(name: &str) -> Result<Context, String> {
    Context::from_name(name)
        .ok_or_else(|| format!("context must be resource, scope, span or spanevent, not `{name}`"))
}

/// Checks texts about other signals, which spans never see: grammar and names of functions.
pub(crate) fn check_others(
    section: &mut Section<'_>,
    key: &'static str,
    kind: Kind,
    functions: &Functions,
) {
    for member in section.or::<Vec<OtherMember>>(key, Vec::new()) {
        for (kind, text) in member.texts(kind) {
            if let Err(error) = parse_syntax(kind, text, functions) {
                section.problem(Some(key), format!("`{text}`: {error}"));
            }
        }
    }
}

/// As [`Member`], with any context.
struct OtherMember(Vec<(Option<&'static str>, String)>);

impl Setting for OtherMember {
    fn from_value(value: &Value) -> Result<Self, String> {
        if let Some(text) = value.as_text() {
            return Ok(Self(vec![(None, text.to_owned())]));
        }
        let list = |key: &'static str| -> Result<Vec<(Option<&'static str>, String)>, String> {
            let Some(value) = value.member(key).filter(|value| !value.is_null()) else {
                return Ok(Vec::new());
            };
            let texts: Vec<String> = Vec::from_value(value)?;
            Ok(texts.into_iter().map(|text| (Some(key), text)).collect())
        };
        let mut texts = list("conditions")?;
        texts.extend(list("statements")?);
        Ok(Self(texts))
    }
}

impl OtherMember {
    fn texts(&self, kind: Kind) -> impl Iterator<Item = (Kind, &str)> {
        self.0.iter().map(move |(key, text)| match key {
            Some("conditions") => (Kind::Condition, text.as_str()),
            Some(_) => (Kind::Statement, text.as_str()),
            None => (kind, text.as_str()),
        })
    }
}

/// The sender of a batch, as OTTL asks for it.
pub(crate) fn client(client: &spandrel_pipeline::Client) -> Client<'_> {
    Client { address: client.address, metadata: Some(&client.metadata), auth: Some(&client.auth) }
}

/// The answer to a batch of `spans` when an error is to be propagated.
pub(crate) fn rejected(error: &EvalError, spans: u64) -> ConsumeError {
    ConsumeError::Permanent { message: error.to_string(), spans }
}
