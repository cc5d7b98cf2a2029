//! `attr('http.route')` and its relatives: calls become references to columns before anything is planned. `||` becomes
//! a call, see [`crate::functions`].
//!
//! A column of an attribute is called as TraceQL calls the attribute (`.http.route`, `span.http.route`,
//! `resource.service.name`), and may be written so, in double quotes. Columns about the trace of a span
//! ([`crate::columns::OF_TRACES`]) exist as well where a query names them.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, ObjectNamePart, Value, VisitMut, VisitorMut,
};
use spandrel_traceql::{Attribute, Scope, parse_identifier};

use crate::SqlError;
use crate::columns::OF_TRACES;
use crate::functions::CONCAT_OPERATOR;

/// Columns that exist because a query names them.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct NamedColumns {
    /// Attributes, each once.
    pub(crate) attributes: Vec<Attribute>,
    /// Of [`OF_TRACES`], each once.
    pub(crate) of_traces: Vec<&'static str>,
}

impl NamedColumns {
    pub(crate) fn is_empty(&self) -> bool {
        self.attributes.is_empty() && self.of_traces.is_empty()
    }
}

/// More attributes than this are not read by one query.
const ATTRIBUTES_MAX: usize = 200;

/// Rewrites a query in place; returns the columns that it names.
pub(crate) fn rewrite(statement: &mut impl VisitMut) -> Result<NamedColumns, SqlError> {
    let mut found = NamedColumns::default();
    match statement.visit(&mut found) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(found),
    }
}

impl VisitorMut for NamedColumns {
    type Break = SqlError;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<SqlError> {
        match self.replace(expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl NamedColumns {
    fn replace(&mut self, expr: &mut Expr) -> Result<(), SqlError> {
        match expr {
            Expr::Function(function) => {
                if let Some(replaced) = self.call(function)? {
                    *expr = replaced;
                }
            }
            Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
                *expr = concat_texts(left, right);
            }
            Expr::Identifier(name) => self.named(name)?,
            Expr::CompoundIdentifier(names) => {
                if let Some(name) = names.last_mut() {
                    self.named(name)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The column that a call stands for, if it is one of ours.
    fn call(&mut self, function: &Function) -> Result<Option<Expr>, SqlError> {
        let names: Option<Vec<&Ident>> =
            function.name.0.iter().map(|part| part.as_ident()).collect();
        let Some((name, qualifiers)) = names.as_deref().and_then(|names| names.split_last()) else {
            return Ok(None);
        };
        let scope = match name.value.to_ascii_lowercase().as_str() {
            "attr" => Scope::None,
            "span_attr" => Scope::Span,
            "resource_attr" => Scope::Resource,
            _ => return Ok(None),
        };
        let Some(key) = only_text(&function.args).filter(|key| !key.is_empty()) else {
            let name = name.value.to_ascii_lowercase();
            return Err(SqlError::Invalid(format!(
                "{name} takes the key of an attribute as a text in single quotes: {name}('http.route')"
            )));
        };
        let column = self.attribute(Attribute::scoped(scope, key))?;
        Ok(Some(match qualifiers {
            [] => Expr::Identifier(column),
            qualifiers => {
                let names = qualifiers.iter().map(|name| (*name).clone());
                Expr::CompoundIdentifier(names.chain([column]).collect())
            }
        }))
    }

    /// A name that may be one of a column that exists only when it is named.
    fn named(&mut self, name: &mut Ident) -> Result<(), SqlError> {
        if name.quote_style == Some('"') && is_spelled_as_attribute(&name.value) {
            if let Ok(attribute) = parse_identifier(&name.value) {
                *name = self.attribute(attribute)?;
            }
            return Ok(());
        }
        let known = OF_TRACES.iter().find(|known| name.value.eq_ignore_ascii_case(known));
        if let Some(known) = known.filter(|known| !self.of_traces.contains(known)) {
            self.of_traces.push(known);
        }
        Ok(())
    }

    /// The name of an attribute's column.
    fn attribute(&mut self, attribute: Attribute) -> Result<Ident, SqlError> {
        let name = attribute.to_string();
        if !self.attributes.contains(&attribute) {
            self.attributes.push(attribute);
        }
        if self.attributes.len() > ATTRIBUTES_MAX {
            return Err(SqlError::Invalid(format!(
                "the query reads more than {ATTRIBUTES_MAX} attributes"
            )));
        }
        Ok(Ident::with_quote('"', name))
    }
}

/// `left || right` as a function, which bounds what it makes.
fn concat_texts(left: &Expr, right: &Expr) -> Expr {
    let argument = |side: &Expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(side.clone()));
    let arguments = FunctionArgumentList {
        duplicate_treatment: None,
        args: vec![argument(left), argument(right)],
        clauses: Vec::new(),
    };
    let name = Ident::new(CONCAT_OPERATOR);
    Expr::Function(Function {
        name: ObjectName(vec![ObjectNamePart::Identifier(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(arguments),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn is_spelled_as_attribute(name: &str) -> bool {
    ["span.", "resource.", "."].iter().any(|prefix| name.starts_with(prefix))
}

fn only_text(arguments: &FunctionArguments) -> Option<&str> {
    let FunctionArguments::List(list) = arguments else { return None };
    match list.args.as_slice() {
        [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value)))] => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn rewritten(query: &str) -> Result<(String, Vec<String>), String> {
        let mut statements = Parser::parse_sql(&GenericDialect {}, query).unwrap();
        let found = rewrite(&mut statements[0]).map_err(|error| error.to_string())?;
        let columns = found.attributes.iter().map(ToString::to_string);
        let columns = columns.chain(found.of_traces.iter().map(|&name| name.to_owned()));
        Ok((statements[0].to_string(), columns.collect()))
    }

    #[test]
    fn calls_become_columns() {
        for (query, expected, columns) in [
            ("SELECT name FROM spans", "SELECT name FROM spans", &[][..]),
            (
                "SELECT attr('a.b'), count(*) FROM spans GROUP BY ATTR('a.b')",
                "SELECT \".a.b\", count(*) FROM spans GROUP BY \".a.b\"",
                &[".a.b"],
            ),
            (
                "SELECT 1 FROM spans s WHERE s.span_attr('x') = lower(resource_attr('a b'))",
                "SELECT 1 FROM spans s WHERE s.\"span.x\" = lower(\"resource.\"\"a b\"\"\")",
                &["span.x", "resource.\"a b\""],
            ),
            (
                "SELECT \"resource.service.name\", root_name FROM spans",
                "SELECT \"resource.service.name\", root_name FROM spans",
                &["resource.service.name", "root_name"],
            ),
        ] {
            let columns = columns.iter().map(|&column| column.to_owned()).collect();
            assert_eq!(rewritten(query), Ok((expected.to_owned(), columns)), "{query}");
        }
    }

    #[test]
    fn a_key_is_a_text() {
        for query in
            ["SELECT attr(name)", "SELECT attr()", "SELECT attr('')", "SELECT attr('a', 'b')"]
        {
            let error = rewritten(query).unwrap_err();
            assert!(error.starts_with("attr takes the key of an attribute"), "{query}: {error}");
        }
    }
}
