//! Whether a call makes sense, and what it then is. What is refused here is refused before anything is searched.

use spandrel_proto::jaeger_expression::{Call, Expression, List, expression::Term};

use super::constant::{Constant, Domain};
use super::field::Field;
use super::pattern::Pattern;
use super::{Comparison, Level, Node, Operand, Reference};
use crate::value_match::TAGS_MAX;

/// Calls within calls.
const DEPTH_MAX: usize = 20;
/// Calls and constants of a filter. They bound the depth of the TraceQL that is made of it.
const TERMS_MAX: usize = TAGS_MAX;

/// The condition that a call is.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(call: &Call) -> Result<Node, String> {
    Checker::default().call(call)
}

#[derive(Default)]
struct Checker {
    depth: usize,
    terms: usize,
    /// The levels of `some` around.
    bound: Vec<Level>,
}

impl Checker {
    fn call(&mut self, call: &Call) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(format!("filter nests deeper than {DEPTH_MAX} calls"));
        }
        self.count(1)?;
        let node = self.node(call)?;
        self.depth -= 1;
        Ok(node)
    }

    fn count(&mut self, terms: usize) -> Result<(), String> {
        self.terms = self.terms.saturating_add(terms);
        match self.terms > TERMS_MAX {
            true => Err(format!("filter has more than {TERMS_MAX} calls and list values")),
            false => Ok(()),
        }
    }

    fn node(&mut self, call: &Call) -> Result<Node, String> {
        let (op, args) = (call.op.as_str(), call.args.as_slice());
        let comparison = match op {
            "and" => return self.several(op, args).map(Node::All),
            "or" => return self.several(op, args).map(Node::AnyOf),
            "not" => {
                let [arg] = args else { return Err(arity(op, "one argument", args)) };
                return Ok(Node::Not(Box::new(self.predicate(op, arg)?)));
            }
            "exists" => {
                let [arg] = args else { return Err(arity(op, "one argument", args)) };
                return reference(op, arg).map(Node::Exists);
            }
            "regex" => return matches(args),
            "in" => return self.among(op, args, false),
            "not_in" => return self.among(op, args, true),
            "some" => return self.some(args),
            "eq" => Comparison::Equal,
            "ne" => Comparison::NotEqual,
            "gt" => Comparison::Greater,
            "lt" => Comparison::Less,
            "gte" => Comparison::GreaterEqual,
            "lte" => Comparison::LessEqual,
            "" => return Err("filter call has no operator".to_owned()),
            other => return Err(format!("unknown filter operator {other:?}")),
        };
        let [left, right] = args else { return Err(arity(op, "two arguments", args)) };
        compare(op, comparison, operand(op, left)?, operand(op, right)?)
    }

    fn several(&mut self, op: &str, args: &[Expression]) -> Result<Vec<Node>, String> {
        if args.len() < 2 {
            return Err(arity(op, "two or more arguments", args));
        }
        args.iter().map(|arg| self.predicate(op, arg)).collect()
    }

    fn predicate(&mut self, op: &str, arg: &Expression) -> Result<Node, String> {
        match term(arg)? {
            Term::Call(call) => self.call(call),
            _ => Err(format!("an argument of filter operator {op:?} has to be a call")),
        }
    }

    fn some(&mut self, args: &[Expression]) -> Result<Node, String> {
        let [collection, condition] = args else {
            return Err(arity("some", "two arguments", args));
        };
        let level = match term(collection)? {
            Term::Nested(nested) => Level::of(&nested.level),
            _ => None,
        };
        let level = level.filter(|level| matches!(level, Level::Event | Level::Link));
        let level =
            level.ok_or("the first argument of \"some\" has to be nested events or links")?;
        if self.bound.contains(&level) {
            return Err("\"some\" within \"some\" of the same level is not supported".to_owned());
        }
        self.bound.push(level);
        let condition = Box::new(self.predicate("some", condition)?);
        self.bound.pop();
        Ok(Node::Some { level, condition })
    }

    fn among(&mut self, op: &str, args: &[Expression], negated: bool) -> Result<Node, String> {
        let [subject, list] = args else { return Err(arity(op, "two arguments", args)) };
        let subject = reference(op, subject)?;
        let Term::List(List { values, r#type: kind }) = term(list)? else {
            return Err(format!("the second argument of filter operator {op:?} has to be a list"));
        };
        if values.is_empty() {
            return Err(format!("the list of filter operator {op:?} is empty"));
        }
        self.count(values.len())?;
        let domain = domain(&subject);
        if kind.is_empty() && domain.is_none() {
            return Err(format!("the list of filter operator {op:?} has to declare its type"));
        }
        let constants = values.iter().map(|value| {
            let constant = Constant::typed(value, kind)?;
            against(op, constant, domain)
        });
        let values = constants.collect::<Result<_, _>>()?;
        Ok(Node::Among { subject, values, negated })
    }
}

fn arity(op: &str, wanted: &str, args: &[Expression]) -> String {
    format!("filter operator {op:?} takes {wanted}, not {}", args.len())
}

fn term(arg: &Expression) -> Result<&Term, String> {
    arg.term.as_ref().ok_or_else(|| {
        "filter argument is empty: it has to be attr, field, nested, scalar, list or call"
            .to_owned()
    })
}

fn operand(op: &str, arg: &Expression) -> Result<Operand, String> {
    match term(arg)? {
        Term::Scalar(scalar) => Constant::of(scalar).map(Operand::Constant),
        _ => reference(op, arg).map(Operand::Reference),
    }
}

fn reference(op: &str, arg: &Expression) -> Result<Reference, String> {
    let level_of = |name: &str| Level::of(name).ok_or(format!("unknown filter level {name:?}"));
    match term(arg)? {
        Term::Attr(attr) if attr.key.is_empty() => Err("a filter attribute has no key".to_owned()),
        Term::Attr(attr) => {
            let level = match attr.level.as_str() {
                "" => None,
                level => Some(level_of(level)?),
            };
            Ok(Reference::Attribute { key: attr.key.clone(), level })
        }
        Term::Field(field) => {
            let known = Field::of(level_of(&field.level)?, &field.name);
            let unknown = || format!("unknown field {:?} of level {:?}", field.name, field.level);
            known.map(Reference::Field).ok_or_else(unknown)
        }
        _ => Err(format!("an argument of filter operator {op:?} has to be an attribute or field")),
    }
}

/// None for an attribute, whose values may be anything.
fn domain(reference: &Reference) -> Option<Domain> {
    match reference {
        Reference::Attribute { .. } => None,
        Reference::Field(field) => Some(field.domain()),
    }
}

/// A constant that is compared with values of a domain.
fn against(op: &str, constant: Constant, domain: Option<Domain>) -> Result<Constant, String> {
    let Some(domain) = domain else { return Ok(constant) };
    let constant = constant.resolved(domain)?;
    match constant.domain().is_none_or(|own| own.meets(domain)) {
        true => Ok(constant),
        false => Err(incomparable(op)),
    }
}

fn incomparable(op: &str) -> String {
    format!("filter operator {op:?} compares values of different kinds")
}

fn compare(
    op: &str,
    comparison: Comparison,
    left: Operand,
    right: Operand,
) -> Result<Node, String> {
    let (left, comparison, right) = match (left, right) {
        (Operand::Reference(left), right) => (left, comparison, right),
        (left, Operand::Reference(right)) => (right, comparison.reversed(), left),
        _ => return Err(format!("filter operator {op:?} compares two constants")),
    };
    let left_domain = domain(&left);
    let (right, right_domain) = match right {
        Operand::Constant(constant) => {
            let constant = against(op, constant, left_domain)?;
            let own = constant.domain();
            (Operand::Constant(constant), own)
        }
        Operand::Reference(right) => {
            let own = domain(&right);
            (Operand::Reference(right), own)
        }
    };
    let only_fields =
        |domain: Option<Domain>| matches!(domain, Some(Domain::Duration | Domain::Time));
    let meets = match (left_domain, right_domain) {
        (Some(left), Some(right)) => left.meets(right),
        (left, right) => !only_fields(left) && !only_fields(right),
    };
    if !meets {
        return Err(incomparable(op));
    }
    let is_ordering = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
    let unordered = |domain: Option<Domain>| domain.is_some_and(|domain| !domain.is_ordered());
    if is_ordering && (unordered(left_domain) || unordered(right_domain)) {
        return Err(format!("filter operator {op:?} needs values that have an order"));
    }
    Ok(Node::Compare { left, op: comparison, right })
}

fn matches(args: &[Expression]) -> Result<Node, String> {
    let [subject, pattern] = args else { return Err(arity("regex", "two arguments", args)) };
    let subject = reference("regex", subject)?;
    if domain(&subject).is_some_and(|domain| !domain.is_text()) {
        return Err("filter operator \"regex\" needs a text".to_owned());
    }
    match operand("regex", pattern)? {
        Operand::Constant(Constant::Any(source) | Constant::Text(source)) => {
            Ok(Node::Matches { subject, pattern: Pattern::new(&source)? })
        }
        _ => Err("the pattern of filter operator \"regex\" has to be a string".to_owned()),
    }
}
