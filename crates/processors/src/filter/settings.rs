//! The settings of `filter`: three shapes, of which one is used.

use spandrel_config::Section;
use spandrel_ottl::{Conditions, Context, ErrorMode, Functions, Kind, Reads, infer_condition};

use crate::matching::Selection;
use crate::ottl::{ERROR_MODES, Member, check_others};

/// Settings of `filter`.
#[derive(Debug, Clone)]
pub struct FilterSettings {
    pub(super) shape: Shape,
}

/// How it is said what goes.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// Not at all: the settings are about other signals.
    Nothing,
    /// What is not selected goes.
    Selection(Box<Selection>),
    /// What a condition holds for goes.
    Rules(Rules),
}

/// Conditions by context; each list has an error mode.
#[derive(Debug, Clone, Default)]
pub(super) struct Rules {
    pub(super) resource: Vec<Conditions>,
    pub(super) scope: Vec<Conditions>,
    pub(super) span: Vec<Conditions>,
    pub(super) span_event: Vec<Conditions>,
    /// What of spans the conditions look at.
    pub(super) reads: Reads,
}

impl FilterSettings {
    /// Reads and checks them; the parts about other signals too.
    pub fn read(section: &mut Section<'_>) -> Self {
        let functions = Functions::standard();
        let mode = section.choice("error_mode", &ERROR_MODES).unwrap_or(ErrorMode::Ignore);
        let mut rules = Rules::default();
        rules.read_flat(section, mode, &functions);
        let has_flat = !rules.is_empty();
        section.section("traces", |section| rules.read_traces(section, mode, &functions));
        let has_rules = !rules.is_empty();
        let selection = section.section("spans", Selection::read);
        let selection = selection.filter(|selection| !selection.is_everything());
        if has_flat && (section.has("traces") || selection.is_some()) {
            section
                .problem(Some("trace_conditions"), "cannot be used together with traces or spans");
        } else if has_rules && selection.is_some() {
            section.problem(Some("spans"), "cannot be used together with traces");
        }
        read_others(section, &functions);
        let shape = match selection {
            Some(selection) => Shape::Selection(Box::new(selection)),
            None if rules.is_empty() => Shape::Nothing,
            None => Shape::Rules(rules),
        };
        Self { shape }
    }
}

impl Rules {
    fn is_empty(&self) -> bool {
        [&self.resource, &self.scope, &self.span, &self.span_event]
            .iter()
            .all(|conditions| conditions.is_empty())
    }

    /// Whether there are conditions about spans or their events.
    pub(super) fn looks_at_spans(&self) -> bool {
        !self.span.is_empty() || !self.span_event.is_empty()
    }

    /// `trace_conditions`.
    fn read_flat(&mut self, section: &mut Section<'_>, mode: ErrorMode, functions: &Functions) {
        const KEY: &str = "trace_conditions";
        for member in section.or::<Vec<Member>>(KEY, Vec::new()) {
            let (context, texts, mode) = match member {
                Member::Text(text) => (None, vec![text], mode),
                Member::Group(group) => {
                    if !group.statements.is_empty() {
                        section.problem(Some(KEY), "has statements; a filter has only conditions");
                    }
                    (group.context, group.conditions, group.error_mode.unwrap_or(mode))
                }
            };
            for text in texts {
                let context = match context {
                    Some(context) => Ok(context),
                    None => infer_condition(&text, functions),
                };
                match context {
                    Ok(context) => self.add(section, KEY, (context, &[text]), (mode, functions)),
                    Err(error) => section.problem(Some(KEY), format!("`{text}`: {error}")),
                }
            }
        }
    }

    /// `traces`.
    fn read_traces(&mut self, section: &mut Section<'_>, mode: ErrorMode, functions: &Functions) {
        for (key, context) in [
            ("resource", Context::Resource),
            ("scope", Context::Scope),
            ("span", Context::Span),
            ("spanevent", Context::SpanEvent),
        ] {
            let texts: Vec<String> = section.or(key, Vec::new());
            self.add(section, key, (context, &texts), (mode, functions));
        }
    }

    fn add(
        &mut self,
        section: &mut Section<'_>,
        key: &'static str,
        (context, texts): (Context, &[String]),
        (mode, functions): (ErrorMode, &Functions),
    ) {
        // One by one, so that the message can say which it is.
        for text in texts {
            match Conditions::compile(&[text], context, functions, mode) {
                Ok(conditions) => {
                    self.reads.add(&conditions.reads());
                    self.of(context).push(conditions);
                }
                Err(error) => section.problem(Some(key), format!("`{text}`: {error}")),
            }
        }
    }

    fn of(&mut self, context: Context) -> &mut Vec<Conditions> {
        match context {
            Context::Resource => &mut self.resource,
            Context::Scope => &mut self.scope,
            Context::Span => &mut self.span,
            Context::SpanEvent => &mut self.span_event,
        }
    }
}

/// The settings about metrics, logs and profiles. Nothing of them is used; what can be checked without knowing
/// those signals is checked.
fn read_others(section: &mut Section<'_>, functions: &Functions) {
    for key in ["metric_conditions", "log_conditions", "profile_conditions"] {
        check_others(section, key, Kind::Condition, functions);
    }
    for (key, contexts) in [
        ("metrics", &["resource", "scope", "metric", "datapoint"][..]),
        ("logs", &["resource", "scope", "log_record"]),
        ("profiles", &["resource", "scope", "profile"]),
    ] {
        section.section(key, |section| {
            for context in contexts {
                check_others(section, context, Kind::Condition, functions);
            }
            section.section("regexp", read_cache);
            for side in ["include", "exclude"] {
                section.section(side, read_other_selection);
            }
        });
    }
}

fn read_cache(section: &mut Section<'_>) {
    let _: Option<bool> = section.get("cacheenabled");
    let _: Option<u64> = section.get("cachemaxnumentries");
}

fn read_other_selection(section: &mut Section<'_>) {
    let match_type: String = section.or("match_type", String::new());
    for key in ["metric_names", "bodies", "severity_texts", "expressions"] {
        let texts: Vec<String> = section.or(key, Vec::new());
        if match_type == "regexp" {
            for text in &texts {
                let _ = crate::pattern::read(section, key, text);
            }
        }
    }
    section.section("regexp", read_cache);
    for key in ["resource_attributes", "record_attributes"] {
        section.sections(key, |section| {
            let _: Option<String> = section.get("key");
            let _ = section.value("value");
        });
    }
    section.section("severity_number", |section| {
        let _: Option<String> = section.get("min");
        let _: Option<bool> = section.get("match_undefined");
    });
}
