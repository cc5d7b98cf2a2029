//! The parsed text, before names mean anything.

/// A part of the text with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node<T> {
    pub(crate) offset: usize,
    pub(crate) kind: T,
}

impl<T> Node<T> {
    pub(crate) fn new(offset: usize, kind: T) -> Self {
        Self { offset, kind }
    }
}

/// Places do not matter.
impl<T: PartialEq> PartialEq for Node<T> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// An editor with what it edits, and when.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StatementTree {
    pub(crate) editor: Node<Call>,
    pub(crate) condition: Option<Tree>,
}

pub(crate) type Tree = Node<Expression>;

/// Values and conditions; the parser keeps each where it belongs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Nil,
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
    Text(String),
    /// A capitalized name alone: an enum, or a function as an argument.
    Name(String),
    Path(PathTree),
    Call(Call),
    Map(Vec<(String, Tree)>),
    List(Vec<Tree>),
    Lambda {
        parameters: Vec<String>,
        body: Box<Tree>,
    },
    Negate(Box<Tree>),
    Math(MathOp, Box<Tree>, Box<Tree>),
    Compare(Comparison, Box<Tree>, Box<Tree>),
    Not(Box<Tree>),
    /// At least two, none of them `And` itself.
    And(Vec<Tree>),
    /// At least two, none of them `Or` itself.
    Or(Vec<Tree>),
}

impl Expression {
    /// Whether it is true or false by its form.
    pub(crate) fn is_condition(&self) -> bool {
        matches!(self, Self::Compare(..) | Self::Not(_) | Self::And(_) | Self::Or(_))
    }
}

/// A function with its arguments, and keys into its result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) keys: Vec<Tree>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Argument {
    pub(crate) name: Option<String>,
    pub(crate) value: Tree,
}

/// Names with dots between, and keys behind any of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PathTree {
    pub(crate) segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) keys: Vec<Tree>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MathOp {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl MathOp {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(crate) const ALL: [Self; 6] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
    ];

    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}
