//! The tokens of an unfinished query, with what is missing.
//!
//! Between braces, a condition is what stands between `{`, `(`, `!`, `&&` and `||` on the left and
//! the next connective or closing bracket on the right. One that lacks an operand or holds a word
//! that is none becomes a hole; two in a row are joined by `&&`. A bracket that is not closed before
//! the query goes on, or ends, is closed there; one that was never opened is left out. Outside of
//! braces only brackets and the operand of a last spanset operator are added.

use std::ops::Range;

use crate::parser::{is_binary_op, is_spanset_op, operand_tokens};
use crate::token::{Position, Token, TokenKind, TokenValue};

/// A part of the mended query.
#[derive(Clone, Debug)]
enum Piece {
    /// The token at an index, as it is.
    Token(usize),
    /// A hole in place of these tokens, of none when an operand is missing.
    Hole(Range<usize>),
    /// A bracket or connective that is missing.
    Added(TokenKind),
}

/// What the condition being read wants next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its first operand.
    Start,
    /// An operator, or its end.
    Operand,
    /// An operand.
    Operator,
}

/// A bracket that is open.
struct Frame {
    /// Brace or parenthesis.
    kind: TokenKind,
    /// Whether it is a brace or within braces.
    in_braces: bool,
    /// Where the condition being read begins, as a piece and as a token.
    piece: usize,
    token: usize,
    state: State,
    /// Whether the condition holds something that makes no sense.
    broken: bool,
    /// Whether nothing but this condition stands in the bracket.
    first: bool,
}

/// The pieces of a mended query.
pub(super) struct Mended {
    pieces: Vec<Piece>,
}

impl Mended {
    /// Mends `tokens`, the last of which is the end token.
    pub(super) fn new(tokens: &[Token]) -> Self {
        let mut mender = Mender { tokens, index: 0, pieces: Vec::new(), open: Vec::new() };
        while mender.index < tokens.len() {
            mender.step();
        }
        Self { pieces: mender.pieces }
    }

    /// The tokens, made of those that were mended.
    pub(super) fn tokens(&self, source: &[Token]) -> Vec<Token> {
        let mut tokens: Vec<Token> = Vec::with_capacity(self.pieces.len());
        for piece in &self.pieces {
            let position = tokens.last().map_or(START, |token| token.position);
            match piece {
                Piece::Token(index) => tokens.extend(source.get(*index).cloned()),
                Piece::Added(kind) => tokens.push(added(*kind, position)),
                Piece::Hole(_) => {
                    let name = hole_name();
                    tokens.push(added(TokenKind::Dot, position));
                    tokens.push(Token { kind: TokenKind::Identifier, value: name, position });
                    tokens.push(added(TokenKind::EndAttribute, position));
                }
            }
        }
        tokens
    }

    /// Where something stands that is no whole condition.
    pub(super) fn broken(&self, source: &[Token]) -> Vec<Position> {
        let place = |piece: &Piece| {
            let Piece::Hole(range) = piece else { return None };
            let tokens = source.get(range.clone())?;
            let (first, last) = (tokens.first()?.position, tokens.last()?.position);
            Some(Position { end: last.end, ..first })
        };
        self.pieces.iter().filter_map(place).collect()
    }

    /// The text, with `true` for holes.
    pub(super) fn text(&self, source: &str, tokens: &[Token]) -> String {
        let mut text = String::with_capacity(source.len() + 8);
        // Behind the token that was written last.
        let mut next = 0;
        let end_of = |next: usize| {
            let last = next.checked_sub(1).and_then(|last| tokens.get(last));
            last.map_or(0, |token| token.position.end)
        };
        for piece in &self.pieces {
            let (range, content) = match piece {
                Piece::Token(index) if tokens.get(*index).is_some_and(is_end) => break,
                Piece::Token(index) => (*index..index + 1, None),
                Piece::Hole(range) => (range.clone(), Some("true")),
                Piece::Added(kind) => (next..next, Some(kind.text())),
            };
            // The last token of an attribute begins where the first one does.
            let start = tokens.get(range.start).map_or(source.len(), |token| token.position.start);
            let start = start.max(end_of(range.start));
            let gap = source.get(end_of(next)..start);
            match gap {
                // Nothing was left out, so what stood between stays.
                Some(gap) if range.start == next && !range.is_empty() => text.push_str(gap),
                _ if text.ends_with(char::is_whitespace) || text.is_empty() => {}
                _ => text.push(' '),
            }
            match content {
                Some(content) => text.push_str(content),
                None => text.push_str(source.get(start..end_of(range.end)).unwrap_or_default()),
            }
            next = next.max(range.end);
        }
        text
    }
}

fn is_end(token: &Token) -> bool {
    token.kind == TokenKind::End
}

const START: Position = Position { line: 1, column: 1, start: 0, end: 0 };

fn added(kind: TokenKind, position: Position) -> Token {
    Token { kind, value: TokenValue::None, position }
}

/// The tokens before the last `|` that stands outside of all brackets and before `stuck_at`.
pub(super) fn whole_stages(tokens: &[Token], stuck_at: usize) -> Option<Vec<Token>> {
    let mut depth = 0_usize;
    let mut last = None;
    for (index, token) in tokens.iter().enumerate().take(stuck_at) {
        match token.kind {
            TokenKind::OpenBrace | TokenKind::OpenParens => depth += 1,
            TokenKind::CloseBrace | TokenKind::CloseParens => depth = depth.saturating_sub(1),
            TokenKind::Pipe if depth == 0 => last = Some(index),
            _ => {}
        }
    }
    ended(tokens.get(..last?)?)
}

/// The tokens of the first pair of braces.
pub(super) fn first_filter(tokens: &[Token]) -> Option<Vec<Token>> {
    let start = tokens.iter().position(|token| token.kind == TokenKind::OpenBrace)?;
    let rest = tokens.get(start..)?;
    let end = rest.iter().position(|token| token.kind == TokenKind::CloseBrace)?;
    ended(rest.get(..=end)?)
}

fn ended(tokens: &[Token]) -> Option<Vec<Token>> {
    let mut tokens = tokens.to_vec();
    let position = tokens.last()?.position;
    tokens.push(added(TokenKind::End, position));
    Some(tokens)
}

struct Mender<'a> {
    tokens: &'a [Token],
    index: usize,
    pieces: Vec<Piece>,
    open: Vec<Frame>,
}

impl Mender<'_> {
    fn kind(&self, index: usize) -> TokenKind {
        self.tokens.get(index).map_or(TokenKind::End, |token| token.kind)
    }

    fn step(&mut self) {
        let kind = self.kind(self.index);
        if !self.open.last().is_some_and(|frame| frame.in_braces) {
            self.outside(kind);
        } else if self.ends_braces(kind) {
            self.close_braces();
        } else {
            self.inside(kind);
        }
    }

    /// Takes the current token as it is.
    fn keep(&mut self) {
        self.pieces.push(Piece::Token(self.index));
        self.index += 1;
    }

    fn open(&mut self, kind: TokenKind, in_braces: bool) {
        self.keep();
        self.open.push(Frame {
            kind,
            in_braces,
            piece: self.pieces.len(),
            token: self.index,
            state: State::Start,
            broken: false,
            first: true,
        });
    }

    fn outside(&mut self, kind: TokenKind) {
        if matches!(kind, TokenKind::Pipe | TokenKind::CloseParens | TokenKind::End) {
            self.add_spanset();
        }
        match kind {
            TokenKind::OpenBrace => self.open(kind, true),
            TokenKind::OpenParens => self.open(kind, false),
            // Parentheses that were not opened are left out, as are braces.
            TokenKind::CloseParens if self.open.pop().is_some() => self.keep(),
            TokenKind::CloseParens | TokenKind::CloseBrace => self.index += 1,
            TokenKind::End => {
                let missing = self.open.drain(..).map(|_| Piece::Added(TokenKind::CloseParens));
                self.pieces.extend(missing);
                self.keep();
            }
            _ => self.keep(),
        }
    }

    /// Adds the right operand of a spanset operator that has none.
    fn add_spanset(&mut self) {
        let [.., lhs, Piece::Token(op)] = self.pieces.as_slice() else { return };
        let lhs = match lhs {
            Piece::Token(index) => self.kind(*index),
            Piece::Added(kind) => *kind,
            Piece::Hole(_) => return,
        };
        if lhs == TokenKind::CloseBrace && is_spanset_op(self.kind(*op)) {
            self.pieces.push(Piece::Added(TokenKind::OpenBrace));
            self.pieces.push(Piece::Added(TokenKind::CloseBrace));
        }
    }

    /// Whether a token cannot stand between braces, so that they must have ended before it.
    fn ends_braces(&self, kind: TokenKind) -> bool {
        match kind {
            TokenKind::Pipe | TokenKind::OpenBrace | TokenKind::End => true,
            kind if is_spanset_op(kind) => {
                let connective = matches!(kind, TokenKind::And | TokenKind::Or);
                let shared = connective || is_binary_op(kind) || kind == TokenKind::Sibling;
                !shared || self.kind(self.index + 1) == TokenKind::OpenBrace
            }
            _ => false,
        }
    }

    fn close_braces(&mut self) {
        self.close_parentheses();
        self.end_condition(true);
        self.pieces.push(Piece::Added(TokenKind::CloseBrace));
        self.open.pop();
    }

    /// Closes all parentheses within the braces.
    fn close_parentheses(&mut self) {
        while self.open.last().is_some_and(|frame| frame.kind == TokenKind::OpenParens) {
            self.end_condition(true);
            self.pieces.push(Piece::Added(TokenKind::CloseParens));
            self.leave_parenthesis();
        }
    }

    fn leave_parenthesis(&mut self) {
        self.open.pop();
        if let Some(frame) = self.open.last_mut() {
            frame.state = State::Operand;
        }
    }

    fn inside(&mut self, kind: TokenKind) {
        let Some(Frame { kind: bracket, state, broken, .. }) = self.open.last() else { return };
        let (bracket, state, broken) = (*bracket, *state, *broken);
        match kind {
            TokenKind::CloseBrace => {
                self.close_parentheses();
                self.end_condition(true);
                self.keep();
                self.open.pop();
            }
            TokenKind::CloseParens if bracket == TokenKind::OpenParens => {
                self.end_condition(true);
                self.keep();
                self.leave_parenthesis();
            }
            TokenKind::CloseParens => self.index += 1,
            TokenKind::OpenParens => {
                self.split_if(state == State::Operand && !broken);
                self.open(kind, true);
            }
            TokenKind::And | TokenKind::Or => {
                self.end_condition(false);
                self.keep();
                self.begin_condition();
            }
            TokenKind::Not => {
                self.split_if(state == State::Operand);
                self.keep();
                if state != State::Operator {
                    self.begin_condition();
                }
            }
            TokenKind::Sub => self.take_token(State::Operator, false),
            kind if is_binary_op(kind) => {
                self.take_token(State::Operator, state != State::Operand);
            }
            _ => self.operand(state, broken),
        }
    }

    /// An operand, or what stands where one should.
    fn operand(&mut self, state: State, broken: bool) {
        let Some((length, whole)) = operand_tokens(self.tokens, self.index) else {
            self.split_if(state == State::Operand && !broken);
            self.take_token(State::Operand, true);
            return;
        };
        // What touches a word that makes no sense belongs to it.
        let touches = self.index.checked_sub(1).is_some_and(|before| {
            let at = |index: usize| self.tokens.get(index).map(|token| token.position);
            at(before).map(|before| before.end) == at(self.index).map(|here| here.start)
        });
        self.split_if(state == State::Operand && !(broken && touches));
        for _ in 0..length {
            self.take_token(State::Operand, !whole);
        }
    }

    fn take_token(&mut self, state: State, broken: bool) {
        self.keep();
        if let Some(frame) = self.open.last_mut() {
            frame.state = state;
            frame.broken |= broken;
        }
    }

    /// Begins another condition, joined by the connective that is missing.
    fn split_if(&mut self, needed: bool) {
        if needed {
            self.end_condition(false);
            self.pieces.push(Piece::Added(TokenKind::And));
            self.begin_condition();
        }
    }

    fn begin_condition(&mut self) {
        let (piece, token) = (self.pieces.len(), self.index);
        if let Some(frame) = self.open.last_mut() {
            let (kind, in_braces) = (frame.kind, frame.in_braces);
            let (state, broken, first) = (State::Start, false, false);
            *frame = Frame { kind, in_braces, piece, token, state, broken, first };
        }
    }

    /// Makes the condition a hole when it is not whole. `closing` tells that a bracket ends it, in
    /// which case braces may be empty.
    fn end_condition(&mut self, closing: bool) {
        let Some(frame) = self.open.last() else { return };
        let empty_braces = closing && frame.first && frame.kind == TokenKind::OpenBrace;
        let unfinished = match frame.state {
            State::Start => !empty_braces,
            State::Operand => frame.broken,
            State::Operator => true,
        };
        if unfinished {
            self.pieces.truncate(frame.piece);
            self.pieces.push(Piece::Hole(frame.token..self.index));
        }
    }
}

/// The name in a hole, which no text can spell.
fn hole_name() -> TokenValue {
    TokenValue::Text(String::new())
}
