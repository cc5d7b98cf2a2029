//! `*` of a query that names columns which exist only because it names them: it stands for the others.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, ObjectNamePart, Select, SelectItem, SelectItemQualifiedWildcardKind,
    TableFactor, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use crate::SqlError;
use crate::session::TABLE;

/// Writes `*` out as `fixed` columns wherever it stands for columns of the table of spans.
pub(crate) fn write_out(statement: &mut impl VisitMut, fixed: &[&str]) -> Result<(), SqlError> {
    match statement.visit(&mut Wildcards { fixed }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Wildcards<'a> {
    fixed: &'a [&'a str],
}

/// A relation of a `FROM`.
pub(crate) struct Relation {
    /// By what its columns are qualified; `None` when they cannot be.
    name: Option<Ident>,
    pub(crate) is_table: bool,
}

impl VisitorMut for Wildcards<'_> {
    type Break = SqlError;

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<SqlError> {
        let relations = relations_of(select);
        if !relations.iter().any(|relation| relation.is_table) {
            return ControlFlow::Continue(());
        }
        let mut projection = Vec::with_capacity(select.projection.len());
        for item in std::mem::take(&mut select.projection) {
            match self.item(item, &relations) {
                Ok(items) => projection.extend(items),
                Err(error) => return ControlFlow::Break(error),
            }
        }
        select.projection = projection;
        ControlFlow::Continue(())
    }
}

impl Wildcards<'_> {
    fn item(&self, item: SelectItem, relations: &[Relation]) -> Result<Vec<SelectItem>, SqlError> {
        match item {
            SelectItem::Wildcard(options) if options == WildcardAdditionalOptions::default() => {
                let mut items = Vec::new();
                for relation in relations {
                    let name = relation.name.as_ref().ok_or_else(not_written_out)?;
                    match relation.is_table {
                        true => items.extend(self.columns(name)),
                        false => items.push(all_of(name)),
                    }
                }
                Ok(items)
            }
            SelectItem::Wildcard(_) => Err(not_written_out()),
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(of),
                options,
            ) => {
                let table = relations.iter().filter(|relation| relation.is_table);
                let name = table.filter_map(|table| table.name.as_ref()).find(|name| {
                    matches!(of.0.as_slice(), [ObjectNamePart::Identifier(of)] if is_same(of, name))
                });
                Ok(match name {
                    Some(name) => self.columns(name).collect(),
                    None => {
                        let of = SelectItemQualifiedWildcardKind::ObjectName(of);
                        vec![SelectItem::QualifiedWildcard(of, options)]
                    }
                })
            }
            item => Ok(vec![item]),
        }
    }

    fn columns<'s>(&'s self, table: &'s Ident) -> impl Iterator<Item = SelectItem> + 's {
        self.fixed.iter().map(move |column| {
            let column = Ident::with_quote('"', *column);
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(vec![table.clone(), column]))
        })
    }
}

fn not_written_out() -> SqlError {
    SqlError::Invalid(
        "* is not possible here together with attr(...): write the columns out, or give every subquery a name"
            .to_owned(),
    )
}

fn all_of(name: &Ident) -> SelectItem {
    let of = ObjectName(vec![ObjectNamePart::Identifier(name.clone())]);
    let of = SelectItemQualifiedWildcardKind::ObjectName(of);
    SelectItem::QualifiedWildcard(of, WildcardAdditionalOptions::default())
}

fn is_same(a: &Ident, b: &Ident) -> bool {
    a.value.eq_ignore_ascii_case(&b.value)
}

pub(crate) fn relations_of(select: &Select) -> Vec<Relation> {
    let from = select.from.iter();
    let factors = from.flat_map(|from| {
        std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation))
    });
    factors.map(relation).collect()
}

fn relation(factor: &TableFactor) -> Relation {
    match factor {
        TableFactor::Table { name, alias, args: None, .. } => {
            let own = name.0.last().and_then(|part| part.as_ident());
            let is_table = own.is_some_and(|own| own.value.eq_ignore_ascii_case(TABLE));
            let name = alias.as_ref().map(|alias| &alias.name).or(own);
            Relation { name: name.cloned(), is_table }
        }
        TableFactor::Table { alias, .. } | TableFactor::Derived { alias, .. } => {
            Relation { name: alias.as_ref().map(|alias| alias.name.clone()), is_table: false }
        }
        _ => Relation { name: None, is_table: false },
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::GenericDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn written_out(query: &str) -> Option<String> {
        let mut statements = Parser::parse_sql(&GenericDialect {}, query).unwrap();
        write_out(&mut statements[0], &["a", "b"]).ok()?;
        Some(statements[0].to_string())
    }

    #[test]
    fn stars_of_the_table_are_written_out() {
        for (query, expected) in [
            ("SELECT * FROM spans", "SELECT spans.\"a\", spans.\"b\" FROM spans"),
            ("SELECT s.*, 1 FROM spans AS s", "SELECT s.\"a\", s.\"b\", 1 FROM spans AS s"),
            ("SELECT * FROM x", "SELECT * FROM x"),
            (
                "SELECT * FROM spans JOIN (SELECT * FROM spans) AS o ON true",
                "SELECT spans.\"a\", spans.\"b\", o.* FROM spans JOIN (SELECT spans.\"a\", \
                 spans.\"b\" FROM spans) AS o ON true",
            ),
            ("SELECT count(*) FROM spans", "SELECT count(*) FROM spans"),
        ] {
            assert_eq!(written_out(query).as_deref(), Some(expected), "{query}");
        }
        assert_eq!(written_out("SELECT * FROM spans, (SELECT 1)"), None);
        assert_eq!(written_out("SELECT * EXCLUDE (a) FROM spans"), None);
    }
}
