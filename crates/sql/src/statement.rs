//! From text to one statement that only reads, of bounded depth.
//!
//! What the planner does is recursive, so what is nested deeper than a stack can hold is refused first. The parser
//! bounds brackets itself; chains of operators it builds in a loop, so tokens are counted before it runs.

use std::ops::ControlFlow;

use datafusion::common::DataFusionError;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    Expr, Select, Statement as AstStatement, TableFactor, Visit, VisitMut, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::SqlError;

/// The longest query.
pub(crate) const QUERY_BYTES_MAX: usize = 64 * 1024;
/// Operators and keywords of a query; values of a list do not count.
const OPERATORS_MAX: usize = 2_000;
/// `UNION`, `EXCEPT` and `INTERSECT` of a query.
const SET_OPERATORS_MAX: usize = 64;
/// `SELECT`s, and tables and subqueries that they read from.
const RELATIONS_MAX: usize = 64;
/// How deep operators and functions may be nested: what fits in a stack of 2 MiB in a build without optimizations.
const DEPTH_MAX: usize = 40;

const READ_ONLY: &str = "only SELECT, WITH, VALUES, EXPLAIN, DESCRIBE and SHOW TABLES are possible: SQL reads spans, \
                         it does not change anything";

/// Parses a query.
pub(crate) fn parse(query: &str) -> Result<Statement, SqlError> {
    if query.len() > QUERY_BYTES_MAX {
        return Err(invalid(format!("the query is longer than {QUERY_BYTES_MAX} bytes")));
    }
    let tokens = Tokenizer::new(&GenericDialect {}, query).tokenize_with_location();
    let tokens = tokens.map_err(|error| invalid(format!("syntax error: {error}")))?;
    check_tokens(&tokens)?;
    let parsed = DFParserBuilder::new(tokens).with_dialect(&GenericDialect {}).build();
    let statements = parsed.and_then(|mut parser| parser.parse_statements());
    let mut statements = statements.map_err(|error| syntax_error(&error))?;
    let (Some(statement), None) = (statements.pop_front(), statements.pop_front()) else {
        return Err(invalid("expected one statement".to_owned()));
    };
    check_reads_only(&statement)?;
    match visit(&statement, &mut Limits::default()) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(statement),
    }
}

/// The query within a statement, for rewriting.
pub(crate) struct Inner<'a>(pub(crate) &'a mut Statement);

impl VisitMut for Inner<'_> {
    fn visit<V: VisitorMut>(&mut self, visitor: &mut V) -> ControlFlow<V::Break> {
        match self.0 {
            Statement::Statement(statement) => statement.visit(visitor),
            Statement::Explain(explain) => Inner(&mut explain.statement).visit(visitor),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn visit<V: Visitor>(statement: &Statement, visitor: &mut V) -> ControlFlow<V::Break> {
    match statement {
        Statement::Statement(statement) => statement.visit(visitor),
        Statement::Explain(explain) => visit(&explain.statement, visitor),
        _ => ControlFlow::Continue(()),
    }
}

fn syntax_error(error: &DataFusionError) -> SqlError {
    let text = match error.find_root() {
        DataFusionError::SQL(error, _) => error.to_string(),
        error => error.strip_backtrace(),
    };
    invalid(format!("syntax error: {}", text.trim_start_matches("sql parser error: ")))
}

fn invalid(text: String) -> SqlError {
    SqlError::Invalid(text)
}

fn check_tokens(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let (mut operators, mut set_operators) = (0, 0);
    for token in tokens {
        match &token.token {
            Token::Word(word) => {
                operators += usize::from(word.keyword != Keyword::NoKeyword);
                set_operators += usize::from(matches!(
                    word.keyword,
                    Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS
                ));
            }
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Whitespace(_)
            | Token::Comma
            | Token::Period
            | Token::LParen
            | Token::RParen => {}
            _ => operators += 1,
        }
    }
    if operators > OPERATORS_MAX {
        return Err(invalid(format!(
            "the query has more than {OPERATORS_MAX} operators and keywords; many values fit in IN (...)"
        )));
    }
    if set_operators > SET_OPERATORS_MAX {
        return Err(invalid(format!("the query has more than {SET_OPERATORS_MAX} UNIONs")));
    }
    Ok(())
}

fn check_reads_only(statement: &Statement) -> Result<(), SqlError> {
    match statement {
        Statement::Explain(explain) => check_reads_only(&explain.statement),
        Statement::Statement(statement) => match &**statement {
            AstStatement::Query(_)
            | AstStatement::ExplainTable { .. }
            | AstStatement::ShowTables { .. }
            | AstStatement::ShowColumns { .. } => Ok(()),
            _ => Err(invalid(READ_ONLY.to_owned())),
        },
        _ => Err(invalid(READ_ONLY.to_owned())),
    }
}

#[derive(Default)]
struct Limits {
    depth: usize,
    relations: usize,
}

impl Limits {
    fn relation(&mut self) -> ControlFlow<SqlError> {
        self.relations += 1;
        match self.relations > RELATIONS_MAX {
            true => ControlFlow::Break(invalid(format!(
                "the query reads from more than {RELATIONS_MAX} tables and subqueries"
            ))),
            false => ControlFlow::Continue(()),
        }
    }
}

impl Visitor for Limits {
    type Break = SqlError;

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<SqlError> {
        self.depth += 1;
        match self.depth > DEPTH_MAX {
            true => ControlFlow::Break(invalid(format!(
                "the query is nested deeper than {DEPTH_MAX} levels; many alternatives fit in IN (...)"
            ))),
            false => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<SqlError> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, _: &Select) -> ControlFlow<SqlError> {
        self.relation()
    }

    fn pre_visit_table_factor(&mut self, _: &TableFactor) -> ControlFlow<SqlError> {
        self.relation()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(query: &str) -> String {
        parse(query).unwrap_err().to_string()
    }

    #[test]
    fn only_one_statement_that_reads() {
        for query in [
            "SELECT 1",
            "select name from spans;",
            "WITH x AS (SELECT 1) SELECT * FROM x",
            "EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE SELECT 1",
            "VALUES (1)",
            "DESCRIBE spans",
            "SHOW TABLES",
        ] {
            parse(query).unwrap_or_else(|error| panic!("{query}: {error}"));
        }
        for query in [
            "CREATE TABLE x AS SELECT 1",
            "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
            "COPY spans TO 'x.csv'",
            "COPY (SELECT 1) TO 'x.csv'",
            "INSERT INTO spans VALUES (1)",
            "DELETE FROM spans",
            "UPDATE spans SET name = 'x'",
            "DROP TABLE spans",
            "SET datafusion.execution.batch_size = 1",
            "EXPLAIN INSERT INTO spans VALUES (1)",
            "PREPARE x AS SELECT 1",
            "BEGIN",
        ] {
            assert_eq!(error(query), READ_ONLY, "{query}");
        }
        assert_eq!(error("SELECT 1; SELECT 2"), "expected one statement");
        assert_eq!(error(" "), "expected one statement");
    }

    #[test]
    fn a_syntax_error_says_where() {
        assert_eq!(
            error("SELECT name FROM spans WHERE"),
            "syntax error: Expected: an expression, found: EOF"
        );
        let text = error("SELECT name FROM spans WHERE name = = 'x'");
        assert!(text.contains("Line: 1, Column: 37"), "{text}");
        assert!(error("SELECT 'abc").starts_with("syntax error: Unterminated string"));
    }

    #[test]
    fn what_is_nested_too_deep_is_refused() {
        let chain = |n: usize| format!("SELECT 1{}", " + 1".repeat(n));
        parse(&chain(DEPTH_MAX - 2)).unwrap();
        assert!(error(&chain(200)).contains("nested deeper"), "{}", error(&chain(200)));
        assert!(error(&chain(10_000)).contains("operators"));
        let brackets = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
        assert!(error(&brackets).contains("recursion limit"), "{}", error(&brackets));
        let unions = ["SELECT 1"; 100].join(" UNION ");
        assert!(error(&unions).contains("UNIONs"));
        let tables = format!("SELECT 1 FROM {}", ["spans"; 100].join(", "));
        assert!(error(&tables).contains("tables"));
        let long = format!("SELECT 1 WHERE 'a' IN ({})", vec!["'b'"; 5_000].join(", "));
        parse(&long).unwrap();
        assert!(error(&" ".repeat(QUERY_BYTES_MAX + 1)).contains("longer"));
    }
}
