//! Single texts, compiled.

use crate::compile::Compiler;
use crate::context::Context;
use crate::error::{EvalError, OttlError};
use crate::expression::{Call, Env, Expression, Test};
use crate::functions::{Functions, Run};
use crate::parser;
use crate::rewrite;
use crate::value::Value;
use crate::view::{Target, View};

/// `editor(arguments) [where condition]`, compiled.
#[derive(Clone, Debug)]
pub struct Statement {
    text: String,
    rewritten: Option<String>,
    editor: Call,
    condition: Option<Test>,
}

impl Statement {
    /// Compiles `text`, whose paths may have the prefix of their context or, when they are those of
    /// `context`, none.
    ///
    /// # Errors
    /// When `text` is no statement, or names what does not exist in `context`.
    pub fn compile(text: &str, context: Context, functions: &Functions) -> Result<Self, OttlError> {
        let mut tree = parser::statement(text)?;
        let mut compiler = Compiler::new(context, functions);
        let editor = compiler.editor(&tree.editor)?;
        let condition = tree.condition.as_ref().map(|tree| compiler.test(tree)).transpose()?;
        let mut changed = rewrite::call(&mut tree.editor.kind, context);
        if let Some(condition) = &mut tree.condition {
            changed |= rewrite::tree(condition, context);
        }
        let rewritten = changed.then(|| tree.to_string());
        Ok(Self { text: text.to_owned(), rewritten, editor, condition })
    }

    /// Edits `target` when the condition of the statement holds, and tells whether it did.
    ///
    /// # Errors
    /// When a value is of the wrong type or a function refuses it; `target` may have been changed by then
    /// only where the editor says so.
    pub fn execute(&self, target: &mut Target<'_>) -> Result<bool, EvalError> {
        if let Some(condition) = &self.condition
            && !condition.holds(&Env::new(target.view()))?
        {
            return Ok(false);
        }
        if let Run::Editor(run) = self.editor.run {
            run(&self.editor, target)?;
        }
        Ok(true)
    }

    /// The text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text with the prefix of the context before every path; none when it has them all.
    #[must_use]
    pub fn rewritten(&self) -> Option<&str> {
        self.rewritten.as_deref()
    }
}

/// What is true or false of an item, compiled.
#[derive(Clone, Debug)]
pub struct Condition {
    text: String,
    rewritten: Option<String>,
    test: Test,
}

impl Condition {
    /// Compiles `text`; see [`Statement::compile`] for its paths.
    ///
    /// # Errors
    /// When `text` is no condition, or names what does not exist in `context`.
    pub fn compile(text: &str, context: Context, functions: &Functions) -> Result<Self, OttlError> {
        let mut tree = parser::condition(text)?;
        let test = Compiler::new(context, functions).test(&tree)?;
        let changed = rewrite::tree(&mut tree, context);
        let rewritten = changed.then(|| tree.kind.to_string());
        Ok(Self { text: text.to_owned(), rewritten, test })
    }

    pub(crate) fn test(&self) -> &Test {
        &self.test
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// When a value is of the wrong type, or a function refuses it.
    pub fn holds(&self, view: &View<'_>) -> Result<bool, EvalError> {
        self.test.holds(&Env::new(*view))
    }

    /// The text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text with the prefix of the context before every path; none when it has them all.
    #[must_use]
    pub fn rewritten(&self) -> Option<&str> {
        self.rewritten.as_deref()
    }
}

/// A value made of an item, compiled.
#[derive(Clone, Debug)]
pub struct ValueExpression {
    text: String,
    expression: Expression,
}

impl ValueExpression {
    /// Compiles `text`; see [`Statement::compile`] for its paths.
    ///
    /// # Errors
    /// When `text` is no value, or names what does not exist in `context`.
    pub fn compile(text: &str, context: Context, functions: &Functions) -> Result<Self, OttlError> {
        let tree = parser::value(text)?;
        let expression = Compiler::new(context, functions).expression(&tree)?;
        Ok(Self { text: text.to_owned(), expression })
    }

    /// The value, borrowed from what is looked at where it can be.
    ///
    /// # Errors
    /// When a value is of the wrong type, or a function refuses it.
    pub fn evaluate<'v>(&'v self, view: &View<'v>) -> Result<Value<'v>, EvalError> {
        self.expression.evaluate(&Env::new(*view))
    }

    /// The text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}
