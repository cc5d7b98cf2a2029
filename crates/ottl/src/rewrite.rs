//! Prefixes for the bare paths of texts whose context is given beside them.

use crate::ast::{Call, Expression, Segment, Tree};
use crate::context::Context;

/// Puts the name of `context` before bare paths; whether there were any.
pub(crate) fn call(call: &mut Call, context: Context) -> bool {
    Rewriter { context, locals: Vec::new() }.call(call)
}

/// Puts the name of `context` before bare paths; whether there were any.
pub(crate) fn tree(tree: &mut Tree, context: Context) -> bool {
    Rewriter { context, locals: Vec::new() }.tree(tree)
}

struct Rewriter {
    context: Context,
    locals: Vec<String>,
}

impl Rewriter {
    fn call(&mut self, call: &mut Call) -> bool {
        let mut changed = false;
        for argument in &mut call.arguments {
            changed |= self.tree(&mut argument.value);
        }
        self.all(&mut call.keys) | changed
    }

    fn all(&mut self, trees: &mut [Tree]) -> bool {
        let mut changed = false;
        for tree in trees {
            changed |= self.tree(tree);
        }
        changed
    }

    fn tree(&mut self, tree: &mut Tree) -> bool {
        match &mut tree.kind {
            Expression::Path(path) => {
                let mut changed = false;
                for segment in &mut path.segments {
                    changed |= self.all(&mut segment.keys);
                }
                let Some(first) = path.segments.first() else { return changed };
                let several = path.segments.len() > 1;
                let known = first.name == "otelcol" || Context::from_name(&first.name).is_some();
                let local = !several && self.locals.contains(&first.name);
                if (several && known) || local {
                    return changed;
                }
                let name = self.context.name().to_owned();
                path.segments.insert(0, Segment { name, keys: Vec::new() });
                true
            }
            Expression::Call(call) => self.call(call),
            Expression::List(members) | Expression::And(members) | Expression::Or(members) => {
                self.all(members)
            }
            Expression::Map(entries) => {
                let mut changed = false;
                for (_, value) in entries {
                    changed |= self.tree(value);
                }
                changed
            }
            Expression::Lambda { parameters, body } => {
                let outer = self.locals.len();
                self.locals.extend(parameters.iter().cloned());
                let changed = self.tree(body);
                self.locals.truncate(outer);
                changed
            }
            Expression::Negate(inner) | Expression::Not(inner) => self.tree(inner),
            Expression::Math(_, left, right) | Expression::Compare(_, left, right) => {
                self.tree(left) | self.tree(right)
            }
            Expression::Nil
            | Expression::Bool(_)
            | Expression::Int(_)
            | Expression::Double(_)
            | Expression::Bytes(_)
            | Expression::Text(_)
            | Expression::Name(_) => false,
        }
    }
}
