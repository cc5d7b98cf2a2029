//! Attributes, intrinsics and literals.

use super::Parser;
use crate::attribute::{Attribute, Intrinsic, Scope};
use crate::error::ParseError;
use crate::token::{Token, TokenKind, TokenValue};
use crate::value::{Kind, Static, Status};

impl Parser {
    /// An attribute or an intrinsic.
    pub(super) fn attribute(&mut self) -> Result<Attribute, ParseError> {
        let start = self.index;
        let attribute = self.attribute_tokens()?;
        self.note_attribute(start, &attribute);
        Ok(attribute)
    }

    fn attribute_tokens(&mut self) -> Result<Attribute, ParseError> {
        let kind = self.kind();
        if let Some(intrinsic) = unscoped_intrinsic(kind) {
            self.bump();
            return Ok(intrinsic.into());
        }
        if is_colon_scope(kind) {
            return self.scoped_intrinsic(kind);
        }
        let (mut scope, parent) = match kind {
            TokenKind::ParentDot => (Scope::None, true),
            _ => match scope_of(kind) {
                Some(scope) => (scope, false),
                None => return Err(self.unexpected(&[])),
            },
        };
        self.bump();
        if parent && let Some(nested) = scope_of(self.kind()) {
            self.bump();
            scope = nested;
        }
        let name = self.text(TokenKind::Identifier)?;
        self.expect(TokenKind::EndAttribute)?;
        Ok(Attribute::Scoped { scope, parent, name })
    }

    /// The intrinsic behind a scope with a colon.
    fn scoped_intrinsic(&mut self, scope: TokenKind) -> Result<Attribute, ParseError> {
        let scope_end = self.token().position.end;
        self.bump();
        if self.token().position.start != scope_end {
            let error = self.unexpected(&[]);
            return Err(error.suggest(format!("no space may follow {}", scope.text())));
        }
        let Some(intrinsic) = intrinsic_of(scope, self.kind()) else {
            return Err(self.unexpected(&[]));
        };
        self.bump();
        Ok(intrinsic.into())
    }

    /// A literal without sign; none when the current token is something else.
    pub(super) fn literal(&mut self) -> Result<Option<Static>, ParseError> {
        let value = match (self.kind(), &self.token().value) {
            (TokenKind::String, TokenValue::Text(text)) => Static::String(text.clone()),
            (TokenKind::Integer, _) => return self.integer().map(|n| Some(Static::Int(n))),
            (TokenKind::Float, TokenValue::Float(x)) => Static::Float(*x),
            (TokenKind::Duration, TokenValue::Duration(ns)) => Static::Duration(*ns),
            (kind, _) => match keyword_value(kind) {
                Some(value) => value,
                None => return Ok(None),
            },
        };
        self.bump();
        Ok(Some(value))
    }

    /// The smallest whole number, whose magnitude alone is out of range, when it is next: a minus
    /// sign and that magnitude.
    pub(super) fn smallest_integer(&mut self) -> Option<Static> {
        let magnitude = TokenValue::Int(i128::from(i64::MAX) + 1);
        let next = self.tokens.get(self.index + 1)?;
        if self.kind() != TokenKind::Sub || next.value != magnitude {
            return None;
        }
        self.bump();
        self.bump();
        Some(Static::Int(i64::MIN))
    }
}

/// The attribute that `length` tokens from `index` on are.
pub(crate) fn attribute_of(tokens: &[Token], index: usize, length: usize) -> Option<Attribute> {
    let mut tokens = tokens.get(index..index + length)?.to_vec();
    let end = Token { kind: TokenKind::End, value: TokenValue::None, ..tokens.last()?.clone() };
    tokens.push(end);
    let mut parser = Parser::of_tokens(tokens, None);
    parser.attribute().ok()
}

/// How many tokens the literal, attribute or intrinsic at `index` takes, and whether it is complete;
/// none when something else stands there.
pub(crate) fn operand_tokens(tokens: &[Token], index: usize) -> Option<(usize, bool)> {
    let token = tokens.get(index)?;
    let kind_at = |n: usize| tokens.get(index + n).map(|token| token.kind);
    let kind = token.kind;
    if is_colon_scope(kind) {
        let Some(next) = tokens.get(index + 1) else { return Some((1, false)) };
        let touches = next.position.start == token.position.end;
        let is_word =
            next.kind == TokenKind::Identifier || TokenKind::keyword(next.kind.text()).is_some();
        let length = if touches && is_word { 2 } else { 1 };
        return Some((length, touches && intrinsic_of(kind, next.kind).is_some()));
    }
    if kind == TokenKind::ParentDot || scope_of(kind).is_some() {
        let nested =
            kind == TokenKind::ParentDot && kind_at(1).is_some_and(|kind| scope_of(kind).is_some());
        let mut length = 1 + usize::from(nested);
        let named = kind_at(length) == Some(TokenKind::Identifier);
        length += usize::from(named);
        let ended = kind_at(length) == Some(TokenKind::EndAttribute);
        length += usize::from(ended);
        return Some((length, named && ended));
    }
    let whole = match (kind, &token.value) {
        (TokenKind::Integer, TokenValue::Int(n)) => i64::try_from(*n).is_ok(),
        (TokenKind::String | TokenKind::Float | TokenKind::Duration, _) => true,
        _ if unscoped_intrinsic(kind).is_some() || keyword_value(kind).is_some() => true,
        _ => return None,
    };
    Some((1, whole))
}

/// The scope that a token opens, `parent.` aside.
pub(crate) fn scope_of(kind: TokenKind) -> Option<Scope> {
    Some(match kind {
        TokenKind::Dot => Scope::None,
        TokenKind::SpanDot => Scope::Span,
        TokenKind::ResourceDot => Scope::Resource,
        TokenKind::EventDot => Scope::Event,
        TokenKind::LinkDot => Scope::Link,
        TokenKind::InstrumentationDot => Scope::Instrumentation,
        _ => return None,
    })
}

/// Whether a token is a scope that intrinsics follow.
pub(crate) fn is_colon_scope(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::TraceColon
            | TokenKind::SpanColon
            | TokenKind::EventColon
            | TokenKind::LinkColon
            | TokenKind::InstrumentationColon
    )
}

fn unscoped_intrinsic(kind: TokenKind) -> Option<Intrinsic> {
    Some(match kind {
        TokenKind::IntrinsicDuration => Intrinsic::Duration,
        TokenKind::ChildCount => Intrinsic::ChildCount,
        TokenKind::Name => Intrinsic::Name,
        TokenKind::Status => Intrinsic::Status,
        TokenKind::StatusMessage => Intrinsic::StatusMessage,
        TokenKind::Kind => Intrinsic::Kind,
        TokenKind::RootName => Intrinsic::RootName,
        TokenKind::RootServiceName => Intrinsic::RootServiceName,
        TokenKind::TraceDuration => Intrinsic::TraceDuration,
        TokenKind::NestedSetLeft => Intrinsic::NestedSetLeft,
        TokenKind::NestedSetRight => Intrinsic::NestedSetRight,
        TokenKind::NestedSetParent => Intrinsic::NestedSetParent,
        TokenKind::Parent => Intrinsic::Parent,
        _ => return None,
    })
}

/// The intrinsic `scope` and `kind` spell together.
pub(super) fn intrinsic_of(scope: TokenKind, kind: TokenKind) -> Option<Intrinsic> {
    Some(match (scope, kind) {
        (TokenKind::TraceColon, TokenKind::IntrinsicDuration) => Intrinsic::TraceDuration,
        (TokenKind::TraceColon, TokenKind::RootName) => Intrinsic::RootName,
        (TokenKind::TraceColon, TokenKind::RootService) => Intrinsic::RootServiceName,
        (TokenKind::TraceColon, TokenKind::Id) => Intrinsic::TraceId,
        (TokenKind::SpanColon, TokenKind::IntrinsicDuration) => Intrinsic::Duration,
        (TokenKind::SpanColon, TokenKind::Name) => Intrinsic::Name,
        (TokenKind::SpanColon, TokenKind::Kind) => Intrinsic::Kind,
        (TokenKind::SpanColon, TokenKind::Status) => Intrinsic::Status,
        (TokenKind::SpanColon, TokenKind::StatusMessage) => Intrinsic::StatusMessage,
        (TokenKind::SpanColon, TokenKind::Id) => Intrinsic::SpanId,
        (TokenKind::SpanColon, TokenKind::ParentId) => Intrinsic::SpanParentId,
        (TokenKind::SpanColon, TokenKind::ChildCount) => Intrinsic::ChildCount,
        (TokenKind::EventColon, TokenKind::Name) => Intrinsic::EventName,
        (TokenKind::EventColon, TokenKind::TimeSinceStart) => Intrinsic::EventTimeSinceStart,
        (TokenKind::LinkColon, TokenKind::TraceId) => Intrinsic::LinkTraceId,
        (TokenKind::LinkColon, TokenKind::SpanId) => Intrinsic::LinkSpanId,
        (TokenKind::InstrumentationColon, TokenKind::Name) => Intrinsic::InstrumentationName,
        (TokenKind::InstrumentationColon, TokenKind::Version) => Intrinsic::InstrumentationVersion,
        _ => return None,
    })
}

fn keyword_value(kind: TokenKind) -> Option<Static> {
    Some(match kind {
        TokenKind::Nil => Static::Nil,
        TokenKind::True => Static::Bool(true),
        TokenKind::False => Static::Bool(false),
        TokenKind::StatusError => Static::Status(Status::Error),
        TokenKind::StatusOk => Static::Status(Status::Ok),
        TokenKind::StatusUnset => Static::Status(Status::Unset),
        TokenKind::KindUnspecified => Static::Kind(Kind::Unspecified),
        TokenKind::KindInternal => Static::Kind(Kind::Internal),
        TokenKind::KindServer => Static::Kind(Kind::Server),
        TokenKind::KindClient => Static::Kind(Kind::Client),
        TokenKind::KindProducer => Static::Kind(Kind::Producer),
        TokenKind::KindConsumer => Static::Kind(Kind::Consumer),
        _ => return None,
    })
}
