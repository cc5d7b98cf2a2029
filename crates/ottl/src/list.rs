//! Lists of texts with an error mode.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use spandrel_proto::otlp::trace::ResourceSpans;

use crate::context::Context;
use crate::error::{EvalError, OttlError};
use crate::functions::Functions;
use crate::reads::Reads;
use crate::statement::{Condition, Statement};
use crate::view::{Client, Target, View};
use crate::walk;

/// What happens when a text fails on an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorMode {
    /// The failure is logged, and the next text follows.
    #[default]
    Ignore,
    /// The next text follows.
    Silent,
    /// The failure is returned.
    Propagate,
}

impl ErrorMode {
    /// The mode that is called `name` in configuration.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ignore" => Some(Self::Ignore),
            "silent" => Some(Self::Silent),
            "propagate" => Some(Self::Propagate),
            _ => None,
        }
    }
}

/// Counts failures of one text; clones count together.
#[derive(Clone, Debug, Default)]
struct Failures(Arc<AtomicU64>);

impl ErrorMode {
    /// Does with a failure what the mode says.
    fn handle(self, text: &str, error: EvalError, failures: &Failures) -> Result<(), EvalError> {
        match self {
            Self::Silent => Ok(()),
            Self::Propagate => {
                Err(EvalError::Statement { text: text.to_owned(), error: Box::new(error) })
            }
            Self::Ignore => {
                let failures = failures.0.fetch_add(1, Ordering::Relaxed) + 1;
                // A text that fails on every span must not write a line for each.
                if failures.is_power_of_two() {
                    tracing::warn!(text, %error, failures, "OTTL failed, going on with the next");
                }
                Ok(())
            }
        }
    }
}

/// Conditions of one context, of which one has to hold.
#[derive(Clone, Debug)]
pub struct Conditions {
    list: Vec<(Condition, Failures)>,
    context: Context,
    error_mode: ErrorMode,
}

impl Conditions {
    /// Compiles `texts`.
    ///
    /// # Errors
    /// That of the first text that is wrong.
    pub fn compile<T: AsRef<str>>(
        texts: &[T],
        context: Context,
        functions: &Functions,
        error_mode: ErrorMode,
    ) -> Result<Self, OttlError> {
        let compile = |text: &T| {
            let condition = Condition::compile(text.as_ref(), context, functions)?;
            Ok((condition, Failures::default()))
        };
        let list = texts.iter().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { list, context, error_mode })
    }

    /// Whether one of them holds. One that fails does not hold.
    ///
    /// # Errors
    /// The first failure, when the error mode is to propagate.
    pub fn any(&self, view: &View<'_>) -> Result<bool, EvalError> {
        for (condition, failures) in &self.list {
            match condition.holds(view) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(error) => self.error_mode.handle(condition.text(), error, failures)?,
            }
        }
        Ok(false)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What they are about.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context
    }

    /// What of spans they look at.
    #[must_use]
    pub fn reads(&self) -> Reads {
        Reads::of(self.list.iter().map(|(condition, _)| condition.test()), self.context)
    }

    /// The conditions in order.
    pub fn iter(&self) -> impl Iterator<Item = &Condition> {
        self.list.iter().map(|(condition, _)| condition)
    }
}

/// Statements of one context, executed in order.
#[derive(Clone, Debug)]
pub struct Statements {
    list: Vec<(Statement, Failures)>,
    conditions: Option<Conditions>,
    context: Context,
    error_mode: ErrorMode,
}

impl Statements {
    /// Compiles `texts`.
    ///
    /// # Errors
    /// That of the first text that is wrong.
    pub fn compile<T: AsRef<str>>(
        texts: &[T],
        context: Context,
        functions: &Functions,
        error_mode: ErrorMode,
    ) -> Result<Self, OttlError> {
        let compile = |text: &T| {
            let statement = Statement::compile(text.as_ref(), context, functions)?;
            Ok((statement, Failures::default()))
        };
        let list = texts.iter().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { list, conditions: None, context, error_mode })
    }

    /// The same, only where one of `conditions` holds; no conditions hold everywhere.
    #[must_use]
    pub fn when(self, conditions: Conditions) -> Self {
        Self { conditions: (!conditions.is_empty()).then_some(conditions), ..self }
    }

    /// Executes them on `target`.
    ///
    /// # Errors
    /// The first failure, when the error mode is to propagate; what was changed before stays changed.
    pub fn execute(&self, target: &mut Target<'_>) -> Result<(), EvalError> {
        if let Some(conditions) = &self.conditions
            && !conditions.any(&target.view())?
        {
            return Ok(());
        }
        for (statement, failures) in &self.list {
            if let Err(error) = statement.execute(target) {
                self.error_mode.handle(statement.text(), error, failures)?;
            }
        }
        Ok(())
    }

    /// Executes them on everything of their context in `traces`.
    ///
    /// # Errors
    /// The first failure, when the error mode is to propagate; what was changed before stays changed.
    pub fn execute_on(
        &self,
        traces: &mut [ResourceSpans],
        client: Client<'_>,
    ) -> Result<(), EvalError> {
        walk::each_target(traces, self.context, client, |target| self.execute(target))
    }

    /// What they are about.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context
    }

    /// The statements in order.
    pub fn iter(&self) -> impl Iterator<Item = &Statement> {
        self.list.iter().map(|(statement, _)| statement)
    }
}
