//! License expressions as packages state them: SPDX names joined by `AND`, `OR` and parentheses.
//!
//! `AND` binds stronger than `OR`. The old form `MIT/Apache-2.0` means `OR`. A name with an
//! exception, `Apache-2.0 WITH LLVM-exception`, is one name of its own.

/// A parsed expression.
#[derive(Debug, PartialEq)]
pub(crate) enum Expression {
    Name(String),
    All(Vec<Expression>),
    Any(Vec<Expression>),
}

impl Expression {
    /// `None` when `text` is not an expression.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let spaced = text.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut parser = Parser { words: &words };
        let expression = parser.any()?;
        parser.words.is_empty().then_some(expression)
    }

    /// Can the package be used under names of `allowed` alone?
    pub(crate) fn allows(&self, allowed: &[&str]) -> bool {
        match self {
            Self::Name(name) => allowed.contains(&name.as_str()),
            Self::All(parts) => parts.iter().all(|part| part.allows(allowed)),
            Self::Any(parts) => parts.iter().any(|part| part.allows(allowed)),
        }
    }
}

struct Parser<'a> {
    words: &'a [&'a str],
}

impl Parser<'_> {
    fn any(&mut self) -> Option<Expression> {
        self.joined("OR", Self::all, Expression::Any)
    }

    fn all(&mut self) -> Option<Expression> {
        self.joined("AND", Self::name, Expression::All)
    }

    fn joined(
        &mut self,
        word: &str,
        mut part: impl FnMut(&mut Self) -> Option<Expression>,
        join: impl FnOnce(Vec<Expression>) -> Expression,
    ) -> Option<Expression> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.take(word) {
            parts.push(part(self)?);
        }
        if parts.len() == 1 { parts.pop() } else { Some(join(parts)) }
    }

    fn name(&mut self) -> Option<Expression> {
        if self.take("(") {
            let inside = self.any()?;
            return self.take(")").then_some(inside);
        }
        let (&name, rest) = self.words.split_first()?;
        if matches!(name, ")" | "AND" | "OR" | "WITH") {
            return None;
        }
        self.words = rest;
        if self.take("WITH") {
            let (exception, rest) = self.words.split_first()?;
            self.words = rest;
            return Some(Expression::Name(format!("{name} WITH {exception}")));
        }
        Some(Expression::Name(name.to_owned()))
    }

    fn take(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if *first == word => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, allowed: &[&str], expected: Option<bool>) {
        assert_eq!(Expression::parse(text).map(|e| e.allows(allowed)), expected, "{text}");
    }

    #[test]
    fn expressions() {
        check("MIT", &["MIT"], Some(true));
        check("MIT/Apache-2.0", &["Apache-2.0"], Some(true));
        check("MIT OR A AND B", &["A"], Some(false));
        check("MIT OR A AND B", &["A", "B"], Some(true));
        check("(MIT OR A) AND B", &["MIT"], Some(false));
        check("(MIT OR A) AND B", &["B", "A"], Some(true));
        check("A WITH X", &["A"], Some(false));
        check("A WITH X OR B", &["A WITH X"], Some(true));
    }

    #[test]
    fn not_expressions() {
        for text in ["", "(MIT", "MIT)", "MIT OR", "OR MIT", "MIT Apache-2.0", "A WITH"] {
            check(text, &["MIT"], None);
        }
    }
}
