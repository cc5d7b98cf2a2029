//! What the tokens before a cursor ask for.

use crate::ast::BinaryOp;
use crate::attribute::Attribute;
use crate::parser::{attribute_of, binary_op_of, is_spanset_op, operand_tokens};
use crate::token::{Token, TokenKind, TokenValue};

/// What can stand at the cursor.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Place {
    /// The beginning of a query, or of one in parentheses.
    Query { in_parentheses: bool },
    /// The right operand of a spanset operator.
    Spanset,
    /// Behind a spanset.
    AfterSpanset,
    /// A stage of a pipeline.
    Stage,
    /// Behind a stage that is neither spansets nor a comparison.
    AfterStage,
    /// Behind an aggregate.
    AfterAggregate,
    /// A scalar.
    Scalar,
    /// Behind series; whether `by()` may follow.
    AfterMetrics { by: bool },
    /// Behind the pipe that follows series.
    SecondStage,
    /// An operand of a condition.
    Operand,
    /// Behind an operand that is no comparison yet.
    AfterOperand { attribute: Option<Attribute>, bracket: TokenKind },
    /// What an attribute is compared with.
    Value { attribute: Attribute, op: BinaryOp },
    /// Behind a comparison.
    AfterCondition { bracket: TokenKind },
    /// An attribute of a list.
    Listed,
    /// Behind an attribute of a list.
    AfterListed,
    /// A number, or nothing that is known.
    Unknown,
    /// The name of a hint.
    Hint,
    /// Behind that.
    AfterHint,
    /// The value of a hint.
    HintValue(String),
    /// Behind that.
    AfterHintValue,
}

/// A bracket that is open, and what it holds so far.
struct Frame {
    /// What opened it: a brace, a parenthesis, or the function whose parenthesis it is.
    opener: TokenKind,
    /// What comes next.
    place: Place,
}

/// What can stand behind `tokens`.
pub(super) fn before(tokens: &[Token]) -> Place {
    let first = Frame { opener: TokenKind::End, place: Place::Query { in_parentheses: false } };
    let mut walk = Walk { tokens, index: 0, open: vec![first] };
    while walk.index < tokens.len() {
        walk.step();
    }
    walk.open.pop().map_or(Place::Unknown, |frame| frame.place)
}

struct Walk<'a> {
    tokens: &'a [Token],
    index: usize,
    open: Vec<Frame>,
}

impl Walk<'_> {
    fn kind(&self, index: usize) -> TokenKind {
        self.tokens.get(index).map_or(TokenKind::End, |token| token.kind)
    }

    fn set(&mut self, place: Place) {
        if let Some(frame) = self.open.last_mut() {
            frame.place = place;
        }
    }

    fn opener(&self) -> TokenKind {
        self.open.last().map_or(TokenKind::End, |frame| frame.opener)
    }

    fn step(&mut self) {
        let kind = self.kind(self.index);
        match kind {
            TokenKind::OpenBrace => {
                self.index += 1;
                self.open.push(Frame { opener: kind, place: Place::Operand });
            }
            TokenKind::OpenParens => self.open_parenthesis(),
            TokenKind::CloseBrace | TokenKind::CloseParens => self.close(kind),
            _ if in_condition(self.opener()) => self.condition(kind),
            _ if self.opener() == TokenKind::Select => self.list(),
            _ if self.opener() == TokenKind::With => self.hint(kind),
            _ => self.outside(kind),
        }
    }

    fn open_parenthesis(&mut self) {
        let function = self.index.checked_sub(1).map_or(TokenKind::End, |before| self.kind(before));
        let after_metrics =
            matches!(self.open.last(), Some(Frame { place: Place::AfterMetrics { .. }, .. }));
        let (opener, place) = match function {
            _ if in_condition(self.opener()) => (TokenKind::OpenParens, Place::Operand),
            TokenKind::By if after_metrics => (TokenKind::Select, Place::Listed),
            TokenKind::By | TokenKind::Avg | TokenKind::Min | TokenKind::Max | TokenKind::Sum => {
                (function, Place::Operand)
            }
            TokenKind::With => (TokenKind::With, Place::Hint),
            kind if kind == TokenKind::Select || measures(kind) => {
                (TokenKind::Select, Place::Listed)
            }
            TokenKind::Compare => (TokenKind::Compare, Place::Spanset),
            kind if is_function(kind) => (kind, Place::Unknown),
            _ => (TokenKind::End, Place::Query { in_parentheses: true }),
        };
        self.index += 1;
        self.open.push(Frame { opener, place });
    }

    fn close(&mut self, kind: TokenKind) {
        self.index += 1;
        if self.open.len() < 2 {
            return;
        }
        let Some(inner) = self.open.pop() else { return };
        if kind == TokenKind::CloseBrace {
            self.set(Place::AfterSpanset);
            return;
        }
        let place = match self.open.last().map(|frame| &frame.place) {
            _ if in_condition(self.opener()) => self.after_group(),
            // The function before the parenthesis has said what follows.
            Some(Place::Query { .. } | Place::Stage | Place::Spanset) => match inner.place {
                Place::AfterMetrics { .. } => Place::AfterMetrics { by: false },
                Place::AfterAggregate => Place::AfterAggregate,
                _ => Place::AfterSpanset,
            },
            Some(place) => place.clone(),
            None => Place::Unknown,
        };
        self.set(place);
    }

    fn after_group(&self) -> Place {
        let bracket = self.opener();
        match self.open.last().map(|frame| &frame.place) {
            Some(Place::Value { .. } | Place::AfterCondition { .. }) => {
                Place::AfterCondition { bracket }
            }
            _ => Place::AfterOperand { attribute: None, bracket },
        }
    }

    /// A token of a condition.
    fn condition(&mut self, kind: TokenKind) {
        let bracket = self.opener();
        if let Some((length, _)) = operand_tokens(self.tokens, self.index) {
            let attribute = attribute_of(self.tokens, self.index, length);
            self.index += length;
            let compared = matches!(
                self.open.last().map(|frame| &frame.place),
                Some(Place::Value { .. } | Place::AfterCondition { .. })
            );
            self.set(if compared {
                Place::AfterCondition { bracket }
            } else {
                Place::AfterOperand { attribute, bracket }
            });
            return;
        }
        self.index += 1;
        let place = match (binary_op_of(kind), self.open.last().map(|frame| &frame.place)) {
            (Some(op), _) if op.is_logical() => Place::Operand,
            (Some(op), Some(Place::AfterOperand { attribute: Some(attribute), .. }))
                if op.is_comparison() || op.is_regex() =>
            {
                Place::Value { attribute: attribute.clone(), op }
            }
            // The sign of a value.
            (Some(BinaryOp::Sub), Some(value @ Place::Value { .. })) => value.clone(),
            (Some(_), _) => Place::Operand,
            _ if kind == TokenKind::Not => Place::Operand,
            // A word that is none.
            _ => Place::AfterCondition { bracket },
        };
        self.set(place);
    }

    fn list(&mut self) {
        match operand_tokens(self.tokens, self.index) {
            Some((length, _)) => {
                self.index += length;
                self.set(Place::AfterListed);
            }
            None => {
                self.index += 1;
                self.set(Place::Listed);
            }
        }
    }

    fn hint(&mut self, kind: TokenKind) {
        let name = match self.tokens.get(self.index.saturating_sub(1)).map(|token| &token.value) {
            Some(TokenValue::Text(name)) => name.clone(),
            _ => String::new(),
        };
        let is_value = matches!(self.open.last(), Some(Frame { place: Place::HintValue(_), .. }));
        self.index += 1;
        self.set(match kind {
            TokenKind::Comma => Place::Hint,
            TokenKind::Equal => Place::HintValue(name),
            _ if is_value => Place::AfterHintValue,
            _ => Place::AfterHint,
        });
    }

    /// A token outside of braces and functions.
    fn outside(&mut self, kind: TokenKind) {
        self.index += 1;
        let after_metrics =
            matches!(self.open.last(), Some(Frame { place: Place::AfterMetrics { .. }, .. }));
        let after_scalar = matches!(
            self.open.last(),
            Some(Frame { place: Place::AfterAggregate | Place::Scalar, .. })
        );
        let place = match kind {
            TokenKind::Pipe if after_metrics => Place::SecondStage,
            TokenKind::Pipe => Place::Stage,
            TokenKind::By if after_metrics => Place::AfterMetrics { by: false },
            _ if is_metrics_function(kind) => Place::AfterMetrics { by: true },
            TokenKind::TopK | TokenKind::BottomK => Place::AfterMetrics { by: false },
            TokenKind::By | TokenKind::Select | TokenKind::Coalesce => Place::AfterStage,
            _ if is_aggregate(kind) && after_scalar => Place::AfterSpanset,
            _ if is_aggregate(kind) => Place::AfterAggregate,
            TokenKind::With => Place::Unknown,
            _ if after_metrics && binary_op_of(kind).is_some() => Place::Unknown,
            _ if after_scalar && binary_op_of(kind).is_some() => Place::Scalar,
            TokenKind::Integer | TokenKind::Float | TokenKind::Duration => {
                if after_scalar {
                    Place::AfterStage
                } else {
                    Place::AfterAggregate
                }
            }
            _ if is_spanset_op(kind) => Place::Spanset,
            _ => Place::Unknown,
        };
        self.set(place);
    }
}

/// Whether conditions stand directly in the bracket.
fn in_condition(opener: TokenKind) -> bool {
    matches!(opener, TokenKind::OpenBrace | TokenKind::OpenParens | TokenKind::By)
        || (is_aggregate(opener) && opener != TokenKind::Count)
}

fn is_aggregate(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Count | TokenKind::Avg | TokenKind::Min | TokenKind::Max | TokenKind::Sum
    )
}

/// Whether a metrics function begins with an attribute.
fn measures(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::MinOverTime
            | TokenKind::MaxOverTime
            | TokenKind::AvgOverTime
            | TokenKind::SumOverTime
            | TokenKind::QuantileOverTime
            | TokenKind::HistogramOverTime
    )
}

fn is_metrics_function(kind: TokenKind) -> bool {
    let others = matches!(kind, TokenKind::Rate | TokenKind::CountOverTime | TokenKind::Compare);
    others || measures(kind)
}

fn is_function(kind: TokenKind) -> bool {
    let others = matches!(kind, TokenKind::Coalesce | TokenKind::TopK | TokenKind::BottomK);
    others || is_aggregate(kind) || is_metrics_function(kind)
}
