//! What a place of a query has to offer.

use super::place::Place;
use super::{Candidate, TextKind};
use crate::ast::BinaryOp;
use crate::attribute::{Attribute, Intrinsic, Scope};
use crate::token::TokenKind;
use crate::value::{Kind, Static, StaticType, Status};

const COMPARISONS: [&str; 8] = ["=", "!=", "=~", "!~", "<", "<=", ">", ">="];

const ARITHMETIC: [&str; 6] = ["+", "-", "*", "/", "%", "^"];

/// From the most to the least used.
const SPANSET_OPERATORS: [&str; 17] = [
    "&&", "||", ">>", ">", "<<", "<", "~", "!>>", "!>", "!<<", "!<", "!~", "&>>", "&>", "&<<",
    "&<", "&~",
];

const AGGREGATES: [&str; 5] = ["count()", "avg(", "min(", "max(", "sum("];

const STAGES: [&str; 3] = ["by(", "select(", "coalesce()"];

const METRICS: [&str; 9] = [
    "rate()",
    "count_over_time()",
    "quantile_over_time(",
    "histogram_over_time(",
    "avg_over_time(",
    "min_over_time(",
    "max_over_time(",
    "sum_over_time(",
    "compare(",
];

const HINTS: [&str; 6] =
    ["most_recent", "exemplars", "sample", "span_sample", "trace_sample", "extrapolate"];

/// The names of a scope, of the parent span's with the scopes that nest.
pub(super) fn names(scope: Scope, parent: bool, typed: &str) -> Vec<Candidate> {
    let mut offer = Offer { typed, candidates: Vec::new() };
    offer.candidates.push(Candidate::AttributeNames { scope, parent, prefixed: true });
    if parent && scope == Scope::None {
        offer.texts(TextKind::Scope, &[Scope::Span.prefix(), Scope::Resource.prefix()]);
    }
    offer.candidates
}

/// The values that a place asks for, when a string is being typed there.
pub(super) fn values(place: &Place) -> Vec<Candidate> {
    let Place::Value { attribute, op } = place else { return Vec::new() };
    vec![Candidate::AttributeValues { attribute: attribute.clone(), op: *op }]
}

/// All that can stand at `place` and begins with `typed`.
pub(super) fn at(place: &Place, typed: &str) -> Vec<Candidate> {
    let mut offer = Offer { typed, candidates: Vec::new() };
    match place {
        Place::Query { in_parentheses } => {
            offer.texts(TextKind::Bracket, &["{", "("]);
            offer.texts(TextKind::Function, &AGGREGATES);
            offer.texts(TextKind::Function, &["by(", "select("]);
            if *in_parentheses {
                offer.texts(TextKind::Bracket, &[")"]);
            }
        }
        Place::Spanset => offer.texts(TextKind::Bracket, &["{", "("]),
        Place::AfterSpanset => {
            offer.texts(TextKind::Bracket, &["|"]);
            offer.texts(TextKind::Operator, &SPANSET_OPERATORS);
            offer.texts(TextKind::Function, &["with("]);
        }
        Place::Stage => {
            offer.texts(TextKind::Function, &AGGREGATES);
            offer.texts(TextKind::Function, &STAGES);
            offer.texts(TextKind::Function, &METRICS);
            offer.texts(TextKind::Bracket, &["{", "("]);
        }
        Place::AfterStage => {
            offer.texts(TextKind::Bracket, &["|"]);
            offer.texts(TextKind::Function, &["with("]);
        }
        Place::AfterAggregate => {
            offer.texts(TextKind::Operator, &[">", ">=", "<", "<=", "=", "!="]);
            offer.texts(TextKind::Operator, &ARITHMETIC);
        }
        Place::Scalar => offer.texts(TextKind::Function, &AGGREGATES),
        Place::AfterMetrics { by } => {
            offer.texts(TextKind::Function, if *by { &["by("] } else { &[] });
            offer.texts(TextKind::Bracket, &["|"]);
            offer.texts(TextKind::Operator, &[">", ">=", "<", "<=", "=", "!="]);
            offer.texts(TextKind::Function, &["with("]);
        }
        Place::SecondStage => offer.texts(TextKind::Function, &["topk(", "bottomk("]),
        Place::Operand => {
            offer.attributes();
            offer.texts(TextKind::Operator, &["!"]);
            offer.texts(TextKind::Bracket, &["("]);
        }
        Place::Listed => offer.attributes(),
        Place::AfterListed => offer.texts(TextKind::Bracket, &[",", ")"]),
        Place::AfterOperand { attribute, bracket } => {
            offer.operators(attribute.as_ref());
            offer.texts(TextKind::Operator, &["&&", "||"]);
            offer.closing(*bracket);
        }
        Place::Value { attribute, op } => offer.values(attribute, *op),
        Place::AfterCondition { bracket } => {
            offer.texts(TextKind::Operator, &["&&", "||"]);
            offer.closing(*bracket);
        }
        Place::Hint => offer.texts(TextKind::Hint, &HINTS),
        Place::AfterHint => offer.texts(TextKind::Operator, &["="]),
        Place::HintValue(_) => offer.texts(TextKind::Keyword, &["true", "false"]),
        Place::AfterHintValue => offer.texts(TextKind::Bracket, &[")", ","]),
        Place::Unknown => {}
    }
    offer.candidates
}

struct Offer<'a> {
    typed: &'a str,
    candidates: Vec<Candidate>,
}

impl Offer<'_> {
    fn texts(&mut self, kind: TextKind, texts: &[&str]) {
        let typed = self.typed;
        let begins = |text: &&&str| {
            text.get(..typed.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(typed))
        };
        let texts = texts.iter().filter(begins);
        self.candidates
            .extend(texts.map(|text| Candidate::Text { kind, text: (*text).to_owned() }));
    }

    /// Attributes and intrinsics. Behind a colon there are intrinsics only.
    fn attributes(&mut self) {
        let (scope, parent, prefixed) = (Scope::None, false, false);
        if !self.typed.contains(':') {
            self.candidates.push(Candidate::AttributeNames { scope, parent, prefixed });
        }
        let known = Intrinsic::ALL.into_iter().filter(|known| *known != Intrinsic::Parent);
        let known: Vec<&str> = known.map(Intrinsic::as_str).collect();
        self.texts(TextKind::Intrinsic, &known);
        self.texts(TextKind::Intrinsic, &SCOPED_SPELLINGS);
        let scopes = ["span.", "resource.", ".", "event.", "link.", "instrumentation.", "parent."];
        self.texts(TextKind::Scope, &scopes);
    }

    /// The operators that the type of an attribute takes.
    fn operators(&mut self, attribute: Option<&Attribute>) {
        let t = attribute.map_or(StaticType::Dynamic, Attribute::static_type);
        let takes = |spelling: &&str| {
            let op = crate::operator::of_text(spelling);
            op.is_some_and(|op| op.accepts_one(t))
        };
        for operators in [&COMPARISONS[..], &ARITHMETIC] {
            let operators: Vec<&str> = operators.iter().copied().filter(takes).collect();
            self.texts(TextKind::Operator, &operators);
        }
    }

    fn values(&mut self, attribute: &Attribute, op: BinaryOp) {
        let equality = matches!(op, BinaryOp::Equal | BinaryOp::NotEqual);
        let keywords = |values: &[Static]| values.iter().map(Static::to_string).collect();
        let words: Vec<String> = match attribute.static_type() {
            StaticType::Status => {
                let all = [Status::Error, Status::Ok, Status::Unset];
                keywords(&all.map(Static::Status))
            }
            StaticType::Kind => {
                use Kind as K;
                let all =
                    [K::Server, K::Client, K::Internal, K::Producer, K::Consumer, K::Unspecified];
                keywords(&all.map(Static::Kind))
            }
            StaticType::Dynamic if equality => ["true", "false", "nil"].map(str::to_owned).into(),
            _ => Vec::new(),
        };
        let asks_data = matches!(attribute.static_type(), StaticType::Dynamic | StaticType::String);
        if asks_data {
            self.candidates.push(Candidate::AttributeValues { attribute: attribute.clone(), op });
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.texts(TextKind::Keyword, &words);
    }

    fn closing(&mut self, bracket: TokenKind) {
        let closing = if bracket == TokenKind::OpenBrace { "}" } else { ")" };
        self.texts(TextKind::Bracket, &[closing]);
    }
}

/// Spellings of intrinsics besides the canonical ones.
const SCOPED_SPELLINGS: [&str; 8] = [
    "span:duration",
    "span:name",
    "span:status",
    "span:statusMessage",
    "span:kind",
    "trace:duration",
    "trace:rootName",
    "trace:rootService",
];
