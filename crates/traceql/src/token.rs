//! Token kinds of the language and the tables that spell them.

/// One token of a query with the place it begins.
#[derive(Clone, Debug)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// The value a literal or name carries.
    pub value: TokenValue,
    /// Where it stands.
    pub position: Position,
}

/// A place in the query text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Byte offset of the first byte.
    pub start: usize,
    /// Byte offset behind the last byte.
    pub end: usize,
}

/// What a literal or name token carries.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenValue {
    /// Nothing beyond the kind.
    None,
    /// A name or the content of a string literal.
    Text(String),
    /// A whole number. Wider than the value type because the sign of the smallest one is a token
    /// of its own.
    Int(i128),
    /// A float.
    Float(f64),
    /// A duration in nanoseconds.
    Duration(i64),
}

/// Declares the kinds with the name Tempo's grammar gives them and their text in messages.
macro_rules! token_kinds {
    ($($(#[$meta:meta])* $kind:ident $name:literal $text:literal;)*) => {
        /// The kind of a token.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum TokenKind {
            $(#[doc = concat!("`", $text, "`")] $(#[$meta])* $kind,)*
        }

        impl TokenKind {
            /// The name of the kind in Tempo's grammar, as conformance data spells it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// How the kind is written in a message.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $(Self::$kind => $text,)* }
            }
        }
    };
}

token_kinds! {
    End "$end" "$end";
    Identifier "IDENTIFIER" "IDENTIFIER";
    EndAttribute "END_ATTRIBUTE" "END_ATTRIBUTE";
    String "STRING" "STRING";
    Integer "INTEGER" "INTEGER";
    Float "FLOAT" "FLOAT";
    Duration "DURATION" "DURATION";
    Dot "DOT" ".";
    SpanDot "SPAN_DOT" "span.";
    ResourceDot "RESOURCE_DOT" "resource.";
    EventDot "EVENT_DOT" "event.";
    LinkDot "LINK_DOT" "link.";
    InstrumentationDot "INSTRUMENTATION_DOT" "instrumentation.";
    ParentDot "PARENT_DOT" "parent.";
    TraceColon "TRACE_COLON" "trace:";
    SpanColon "SPAN_COLON" "span:";
    EventColon "EVENT_COLON" "event:";
    LinkColon "LINK_COLON" "link:";
    InstrumentationColon "INSTRUMENTATION_COLON" "instrumentation:";
    OpenBrace "OPEN_BRACE" "{";
    CloseBrace "CLOSE_BRACE" "}";
    OpenParens "OPEN_PARENS" "(";
    CloseParens "CLOSE_PARENS" ")";
    Comma "COMMA" ",";
    Pipe "PIPE" "|";
    And "AND" "&&";
    Or "OR" "||";
    Not "NOT" "!";
    Equal "EQ" "=";
    NotEqual "NEQ" "!=";
    Regex "RE" "=~";
    NotRegex "NRE" "!~";
    Less "LT" "<";
    LessEqual "LTE" "<=";
    Greater "GT" ">";
    GreaterEqual "GTE" ">=";
    Descendant "DESC" ">>";
    Ancestor "ANCE" "<<";
    Sibling "TILDE" "~";
    NotChild "NOT_CHILD" "!>";
    NotParent "NOT_PARENT" "!<";
    NotDescendant "NOT_DESC" "!>>";
    NotAncestor "NOT_ANCE" "!<<";
    UnionChild "UNION_CHILD" "&>";
    UnionParent "UNION_PARENT" "&<";
    UnionDescendant "UNION_DESC" "&>>";
    UnionAncestor "UNION_ANCE" "&<<";
    UnionSibling "UNION_SIBL" "&~";
    Add "ADD" "+";
    Sub "SUB" "-";
    Mul "MUL" "*";
    Div "DIV" "/";
    Mod "MOD" "%";
    Pow "POW" "^";
    True "TRUE" "true";
    False "FALSE" "false";
    Nil "NIL" "nil";
    StatusError "STATUS_ERROR" "error";
    StatusOk "STATUS_OK" "ok";
    StatusUnset "STATUS_UNSET" "unset";
    KindUnspecified "KIND_UNSPECIFIED" "unspecified";
    KindInternal "KIND_INTERNAL" "internal";
    KindServer "KIND_SERVER" "server";
    KindClient "KIND_CLIENT" "client";
    KindProducer "KIND_PRODUCER" "producer";
    KindConsumer "KIND_CONSUMER" "consumer";
    IntrinsicDuration "IDURATION" "duration";
    ChildCount "CHILDCOUNT" "childCount";
    Name "NAME" "name";
    Status "STATUS" "status";
    StatusMessage "STATUS_MESSAGE" "statusMessage";
    Kind "KIND" "kind";
    RootName "ROOTNAME" "rootName";
    RootServiceName "ROOTSERVICENAME" "rootServiceName";
    RootService "ROOTSERVICE" "rootService";
    TraceDuration "TRACEDURATION" "traceDuration";
    NestedSetLeft "NESTEDSETLEFT" "nestedSetLeft";
    NestedSetRight "NESTEDSETRIGHT" "nestedSetRight";
    NestedSetParent "NESTEDSETPARENT" "nestedSetParent";
    Id "ID" "id";
    TraceId "TRACE_ID" "traceID";
    SpanId "SPAN_ID" "spanID";
    ParentId "PARENT_ID" "parentID";
    TimeSinceStart "TIMESINCESTART" "timeSinceStart";
    Version "VERSION" "version";
    Parent "PARENT" "parent";
    Count "COUNT" "count";
    Avg "AVG" "avg";
    Max "MAX" "max";
    Min "MIN" "min";
    Sum "SUM" "sum";
    By "BY" "by";
    Coalesce "COALESCE" "coalesce";
    Select "SELECT" "select";
    Rate "RATE" "rate";
    CountOverTime "COUNT_OVER_TIME" "count_over_time";
    MinOverTime "MIN_OVER_TIME" "min_over_time";
    MaxOverTime "MAX_OVER_TIME" "max_over_time";
    AvgOverTime "AVG_OVER_TIME" "avg_over_time";
    SumOverTime "SUM_OVER_TIME" "sum_over_time";
    QuantileOverTime "QUANTILE_OVER_TIME" "quantile_over_time";
    HistogramOverTime "HISTOGRAM_OVER_TIME" "histogram_over_time";
    Compare "COMPARE" "compare";
    TopK "TOPK" "topk";
    BottomK "BOTTOMK" "bottomk";
    With "WITH" "with";
}

/// Words that are tokens of their own; case matters.
const KEYWORDS: [TokenKind; 52] = [
    TokenKind::True,
    TokenKind::False,
    TokenKind::Nil,
    TokenKind::StatusError,
    TokenKind::StatusOk,
    TokenKind::StatusUnset,
    TokenKind::KindUnspecified,
    TokenKind::KindInternal,
    TokenKind::KindServer,
    TokenKind::KindClient,
    TokenKind::KindProducer,
    TokenKind::KindConsumer,
    TokenKind::IntrinsicDuration,
    TokenKind::ChildCount,
    TokenKind::Name,
    TokenKind::Status,
    TokenKind::StatusMessage,
    TokenKind::Kind,
    TokenKind::RootName,
    TokenKind::RootServiceName,
    TokenKind::RootService,
    TokenKind::TraceDuration,
    TokenKind::NestedSetLeft,
    TokenKind::NestedSetRight,
    TokenKind::NestedSetParent,
    TokenKind::Id,
    TokenKind::TraceId,
    TokenKind::SpanId,
    TokenKind::ParentId,
    TokenKind::TimeSinceStart,
    TokenKind::Version,
    TokenKind::Parent,
    TokenKind::Count,
    TokenKind::Avg,
    TokenKind::Max,
    TokenKind::Min,
    TokenKind::Sum,
    TokenKind::By,
    TokenKind::Coalesce,
    TokenKind::Select,
    TokenKind::Rate,
    TokenKind::CountOverTime,
    TokenKind::MinOverTime,
    TokenKind::MaxOverTime,
    TokenKind::AvgOverTime,
    TokenKind::SumOverTime,
    TokenKind::QuantileOverTime,
    TokenKind::HistogramOverTime,
    TokenKind::Compare,
    TokenKind::TopK,
    TokenKind::BottomK,
    TokenKind::With,
];

/// Operators and punctuation, longer spellings before their prefixes.
const OPERATORS: [TokenKind; 36] = [
    TokenKind::NotDescendant,
    TokenKind::NotAncestor,
    TokenKind::UnionDescendant,
    TokenKind::UnionAncestor,
    TokenKind::NotChild,
    TokenKind::NotParent,
    TokenKind::UnionChild,
    TokenKind::UnionParent,
    TokenKind::UnionSibling,
    TokenKind::Descendant,
    TokenKind::Ancestor,
    TokenKind::And,
    TokenKind::Or,
    TokenKind::NotEqual,
    TokenKind::Regex,
    TokenKind::NotRegex,
    TokenKind::LessEqual,
    TokenKind::GreaterEqual,
    TokenKind::OpenBrace,
    TokenKind::CloseBrace,
    TokenKind::OpenParens,
    TokenKind::CloseParens,
    TokenKind::Comma,
    TokenKind::Pipe,
    TokenKind::Not,
    TokenKind::Equal,
    TokenKind::Less,
    TokenKind::Greater,
    TokenKind::Sibling,
    TokenKind::Add,
    TokenKind::Sub,
    TokenKind::Mul,
    TokenKind::Div,
    TokenKind::Mod,
    TokenKind::Pow,
    TokenKind::Dot,
];

impl TokenKind {
    /// The keyword that `word` is.
    pub(crate) fn keyword(word: &str) -> Option<Self> {
        KEYWORDS.into_iter().find(|kind| kind.text() == word)
    }

    /// Every keyword, for suggestions.
    pub(crate) fn keywords() -> impl Iterator<Item = Self> {
        KEYWORDS.into_iter()
    }

    /// The longest operator that `text` begins with.
    pub(crate) fn operator(text: &str) -> Option<Self> {
        OPERATORS.into_iter().find(|kind| text.starts_with(kind.text()))
    }

    /// The scope that `word` followed by a dot opens.
    pub(crate) fn dot_scope(word: &str) -> Option<Self> {
        Some(match word {
            "span" => Self::SpanDot,
            "resource" => Self::ResourceDot,
            "event" => Self::EventDot,
            "link" => Self::LinkDot,
            "instrumentation" => Self::InstrumentationDot,
            "parent" => Self::ParentDot,
            _ => return None,
        })
    }

    /// The scope that `word` followed by a colon opens.
    pub(crate) fn colon_scope(word: &str) -> Option<Self> {
        Some(match word {
            "trace" => Self::TraceColon,
            "span" => Self::SpanColon,
            "event" => Self::EventColon,
            "link" => Self::LinkColon,
            "instrumentation" => Self::InstrumentationColon,
            _ => return None,
        })
    }
}

/// Whether `c` continues an unquoted attribute name.
#[must_use]
pub fn is_attribute_char(c: char) -> bool {
    const ENDS: [char; 13] = ['{', '}', '(', ')', '=', '~', '!', '<', '>', '&', '|', '^', ','];
    !c.is_whitespace() && !ENDS.contains(&c)
}
