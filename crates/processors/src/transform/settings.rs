//! The settings of `transform`.

use spandrel_config::Section;
use spandrel_ottl::{Conditions, ErrorMode, Functions, Kind, Statements, infer_statements};

use crate::ottl::{ERROR_MODES, Group, Member, check_others};

/// The list about spans.
const KEY: &str = "trace_statements";

/// Settings of `transform`.
#[derive(Debug, Clone)]
pub struct TransformSettings {
    pub(super) groups: Vec<Statements>,
}

impl TransformSettings {
    /// Reads and checks them; the parts about other signals too.
    pub fn read(section: &mut Section<'_>) -> Self {
        let functions = Functions::standard();
        let mode = section.choice("error_mode", &ERROR_MODES).unwrap_or(ErrorMode::Ignore);
        let groups = groups(section);
        let groups = groups.into_iter().filter_map(|group| {
            let compiled = compile(&group, mode, &functions);
            compiled.map_err(|message| section.problem(Some(KEY), message)).ok()
        });
        let groups = groups.collect();
        for key in ["metric_statements", "log_statements", "profile_statements"] {
            check_others(section, key, Kind::Statement, &functions);
        }
        let _: Option<bool> = section.get("flatten_data");
        Self { groups }
    }
}

/// The groups; texts without a group are one, since they share a context.
fn groups(section: &mut Section<'_>) -> Vec<Group> {
    let (mut groups, mut texts) = (Vec::new(), Vec::new());
    for member in section.or::<Vec<Member>>(KEY, Vec::new()) {
        match member {
            Member::Text(text) => texts.push(text),
            Member::Group(group) => groups.push(group),
        }
    }
    if !texts.is_empty() {
        if !groups.is_empty() {
            section.problem(
                Some(KEY),
                "has both statements and groups of statements; use one of them",
            );
        }
        groups.push(Group { statements: texts, ..Group::default() });
    }
    groups
}

fn compile(group: &Group, mode: ErrorMode, functions: &Functions) -> Result<Statements, String> {
    let Group { context, conditions, statements, error_mode } = group;
    let mode = error_mode.unwrap_or(mode);
    let context = match context {
        Some(context) => *context,
        None => infer_statements(statements, conditions, functions)
            .map_err(|error| error.to_string())?,
    };
    // One by one first, so that the message can say which it is.
    for text in statements {
        Statements::compile(&[text], context, functions, mode)
            .map_err(|error| format!("`{text}`: {error}"))?;
    }
    for text in conditions {
        Conditions::compile(&[text], context, functions, mode)
            .map_err(|error| format!("`{text}`: {error}"))?;
    }
    let compiled = Statements::compile(statements, context, functions, mode);
    let conditions = Conditions::compile(conditions, context, functions, mode);
    let error = |error: spandrel_ottl::OttlError| error.to_string();
    Ok(compiled.map_err(error)?.when(conditions.map_err(error)?))
}
