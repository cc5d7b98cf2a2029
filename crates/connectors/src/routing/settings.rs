//! The settings of `routing`.

use std::collections::BTreeSet;

use spandrel_config::Section;
pub use spandrel_ottl::ErrorMode;
use spandrel_ottl::{
    Condition, Context, Functions, Kind, OttlError, Statement, infer_condition, infer_statements,
    parse_syntax,
};

use super::RequestCondition;

/// All settings.
#[derive(Debug, Clone)]
pub struct RoutingSettings {
    /// The routes, in the order in which they are tried.
    pub table: Vec<Route>,
    /// Pipelines of what no route takes; there may be none.
    pub default_pipelines: Vec<String>,
    /// What a condition that cannot be evaluated means.
    pub error_mode: ErrorMode,
}

/// One route.
#[derive(Debug, Clone)]
pub struct Route {
    /// What it takes.
    pub test: Test,
    /// Where it leads.
    pub pipelines: Vec<String>,
    /// Whether later routes see what it took.
    pub action: Action,
}

/// Whether later routes see what a route took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// They do not.
    Move,
    /// They do.
    Copy,
}

/// What a route takes.
#[derive(Debug, Clone)]
pub enum Test {
    /// Resources, with all their spans, for which a condition holds.
    Resource(Condition),
    /// Resources for which the condition of a statement holds, after the statement was executed.
    ResourceStatement(Statement),
    /// Spans for which a condition holds.
    Span(Condition),
    /// Spans for which the condition of a statement holds, after the statement was executed.
    SpanStatement(Statement),
    /// Everything of a request.
    Request(RequestCondition),
    /// Leads to pipelines of another signal; only its syntax is known.
    OtherSignal,
}

impl RoutingSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        if section.get::<bool>("match_once") == Some(false) {
            let message =
                "was removed: a route takes what it matches; `action: copy` leaves it to others";
            section.problem(Some("match_once"), message);
        } else if section.has("match_once") {
            section.warn(Some("match_once"), "has no effect any more");
        }
        let error_mode = section.or("error_mode", "ignore".to_owned());
        let error_mode = ErrorMode::from_name(&error_mode).unwrap_or_else(|| {
            let message = format!("`{error_mode}` is not one of ignore, silent, propagate");
            section.problem(Some("error_mode"), message);
            ErrorMode::Ignore
        });
        let mut seen = BTreeSet::new();
        let table = section.sections("table", |section| read_route(section, &mut seen));
        if table.is_empty() {
            section.problem(Some("table"), "invalid routing table: the routing table is empty");
        }
        let default_pipelines = section.or("default_pipelines", Vec::new());
        Self { table: table.into_iter().flatten().collect(), default_pipelines, error_mode }
    }
}

/// A route, unless it has a mistake or is there already.
fn read_route(section: &mut Section<'_>, seen: &mut BTreeSet<(String, String)>) -> Option<Route> {
    let context = section.or("context", String::new());
    let condition = section.or("condition", String::new());
    let statement = section.or("statement", String::new());
    let pipelines: Vec<String> = section.or("pipelines", Vec::new());
    let action = match section.or("action", "move".to_owned()).as_str() {
        "" | "move" => Action::Move,
        "copy" => Action::Copy,
        other => {
            section.problem(Some("action"), format!("`{other}` is not one of move, copy"));
            Action::Move
        }
    };
    if pipelines.is_empty() {
        section.problem(Some("pipelines"), "invalid route: no pipelines defined");
    }
    let (key, text) = match (condition.is_empty(), statement.is_empty()) {
        (false, true) => ("condition", condition),
        (true, false) => ("statement", statement),
        (true, true) => {
            section.problem(None, "invalid route: no condition or statement provided");
            return None;
        }
        (false, false) => {
            section.problem(None, "invalid route: both condition and statement provided");
            return None;
        }
    };
    if !seen.insert((context.clone(), text.clone())) {
        let message = "is in the routing table already; the route is ignored";
        section.warn(Some(key), message);
        return None;
    }
    let of_traces = pipelines.iter().any(|id| id == "traces" || id.starts_with("traces/"));
    let source = Source { text: &text, is_condition: key == "condition" };
    let test = match context.as_str() {
        "request" if key == "statement" => {
            section.problem(None, "the request context requires a `condition`");
            return None;
        }
        "request" => {
            let message = "the request context is deprecated; use otelcol.client.metadata[\"key\"]";
            section.warn(Some("context"), message);
            RequestCondition::parse(&text).map(Test::Request)
        }
        "metric" | "datapoint" | "log" | "" if !of_traces && !pipelines.is_empty() => {
            source.check_syntax()
        }
        // What is known of the request is known in every context.
        "resource" | "otelcol" => source.compile(Context::Resource),
        "span" => source.compile(Context::Span),
        "" => source.compile(source.infer()),
        other => {
            section.problem(Some("context"), format!("invalid context: {other}"));
            return None;
        }
    };
    match test {
        Ok(test) => Some(Route { test, pipelines, action }),
        Err(message) => {
            section.problem(Some(key), message);
            None
        }
    }
}

/// The text of a route's test.
struct Source<'t> {
    text: &'t str,
    is_condition: bool,
}

impl Source<'_> {
    /// The context that the paths name; that of resources when they name none.
    fn infer(&self) -> Context {
        let functions = functions();
        let no_conditions: [&str; 0] = [];
        let inferred = if self.is_condition {
            infer_condition(self.text, &functions)
        } else {
            infer_statements(&[self.text], &no_conditions, &functions)
        };
        match inferred {
            // There are no routes of scopes; all spans of one go the same way.
            Ok(Context::Scope) => Context::Span,
            Ok(context) => context,
            Err(_) => Context::Resource,
        }
    }

    fn compile(&self, context: Context) -> Result<Test, String> {
        let functions = functions();
        let text = |error: OttlError| error.to_string();
        match (context, self.is_condition) {
            (Context::Resource, true) => {
                Condition::compile(self.text, context, &functions).map(Test::Resource).map_err(text)
            }
            (Context::Resource, false) => Statement::compile(self.text, context, &functions)
                .map(Test::ResourceStatement)
                .map_err(text),
            (Context::Span, true) => {
                Condition::compile(self.text, context, &functions).map(Test::Span).map_err(text)
            }
            (Context::Span, false) => Statement::compile(self.text, context, &functions)
                .map(Test::SpanStatement)
                .map_err(text),
            (Context::Scope | Context::SpanEvent, _) => {
                Err(format!("routes are of resources or spans, not of the context {context}"))
            }
        }
    }

    fn check_syntax(&self) -> Result<Test, String> {
        let kind = if self.is_condition { Kind::Condition } else { Kind::Statement };
        parse_syntax(kind, self.text, &functions()).map_err(|error| error.to_string())?;
        Ok(Test::OtherSignal)
    }
}

fn functions() -> Functions {
    Functions::standard().with_editor("route")
}
