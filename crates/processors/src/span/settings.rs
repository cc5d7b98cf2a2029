//! The settings of `span`.

use spandrel_config::Section;
use spandrel_proto::otlp::trace::status::StatusCode;
use spandrel_re2::Regex;

use crate::matching::Selection;
use crate::pattern;

/// Settings of `span`.
#[derive(Debug, Clone)]
pub struct SpanSettings {
    pub(super) selection: Selection,
    pub(super) from_attributes: Option<FromAttributes>,
    pub(super) to_attributes: Option<ToAttributes>,
    /// The encoded status.
    pub(super) status: Option<Vec<u8>>,
}

/// A name made of attributes.
#[derive(Debug, Clone)]
pub(super) struct FromAttributes {
    pub(super) keys: Vec<String>,
    pub(super) separator: String,
}

/// Attributes made of a name.
#[derive(Debug, Clone)]
pub(super) struct ToAttributes {
    pub(super) rules: Vec<Rule>,
    pub(super) break_after_match: bool,
    pub(super) keep_original_name: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) pattern: Regex,
    /// The names of its groups.
    pub(super) keys: Vec<String>,
}

const CODES: [(&str, StatusCode); 3] =
    [("Ok", StatusCode::Ok), ("Error", StatusCode::Error), ("Unset", StatusCode::Unset)];

impl SpanSettings {
    /// Reads and checks them.
    pub fn read(section: &mut Section<'_>) -> Self {
        let selection = Selection::read(section);
        let name = section.section("name", |section| {
            let keys: Vec<String> = section.or("from_attributes", Vec::new());
            let separator = section.or("separator", String::new());
            let from = (!keys.is_empty()).then_some(FromAttributes { keys, separator });
            (from, section.section("to_attributes", ToAttributes::read))
        });
        let (from_attributes, to_attributes) = name.unwrap_or_default();
        let status = section.section("status", read_status);
        if from_attributes.is_none() && to_attributes.is_none() && status.is_none() {
            section.problem(
                None,
                "does nothing: needs name::from_attributes, name::to_attributes or status",
            );
        }
        Self { selection, from_attributes, to_attributes, status }
    }
}

impl ToAttributes {
    fn read(section: &mut Section<'_>) -> Self {
        let patterns = pattern::read_list(section, "rules");
        if !section.has("rules") {
            section.problem(None, "rules is required: at least one pattern");
        }
        let rule = |pattern: Regex| {
            let keys = pattern::named_groups(section, "rules", &pattern);
            Rule { pattern, keys }
        };
        Self {
            rules: patterns.into_iter().map(rule).collect(),
            break_after_match: section.or("break_after_match", false),
            keep_original_name: section.or("keep_original_name", false),
        }
    }
}

fn read_status(section: &mut Section<'_>) -> Vec<u8> {
    if !section.has("code") {
        section.problem(None, "code is required: Ok, Error or Unset");
    }
    let code = section.choice("code", &CODES).unwrap_or(StatusCode::Unset);
    let description = section.or("description", String::new());
    if !description.is_empty() && code != StatusCode::Error {
        section.problem(Some("description"), "can only be given with the code Error");
    }
    super::status(code, &description)
}
