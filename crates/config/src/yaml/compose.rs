//! From the parser's events to values.

use std::collections::BTreeMap;
use std::sync::Arc;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, StrInput, Tag};

use crate::problem::Problem;
use crate::value::{Key, Position, Value, ValueKind};
use crate::yaml::scalar::{resolve, resolve_as};
use crate::yaml::{Budget, DEPTH_MAX, TEXT_BYTES_MAX};

/// Reads the first document of a text; nothing is null.
pub(crate) fn compose(text: &str, file: &Arc<str>, budget: &mut Budget) -> Result<Value, Problem> {
    let start = Position { file: file.clone(), line: 1, column: 1 };
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("is larger than {} MiB", TEXT_BYTES_MAX >> 20);
        return Err(Problem::at(&start, "", message));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = DEPTH_MAX;
    options.block_nesting_limit = DEPTH_MAX;
    let parser = Parser::new_from_str_with_options(text, options);
    let mut composer = Composer { parser, file, budget, anchors: BTreeMap::new() };
    composer.document().map(|node| node.map_or(Value::new(ValueKind::Null, start), |n| n.value))
}

/// A value with what a copy of it costs.
#[derive(Clone)]
struct Node {
    value: Value,
    depth: usize,
    values: usize,
    bytes: usize,
}

struct Composer<'a> {
    parser: Parser<'a, StrInput<'a>>,
    file: &'a Arc<str>,
    budget: &'a mut Budget,
    /// `None` while the value is being read: an alias inside would be endless.
    anchors: BTreeMap<usize, Option<Node>>,
}

/// An entry of a map as it is written.
enum Entry {
    Pair(Key, Node),
    /// `<<`
    Merge(Key, Node),
}

type Composed<T> = Result<T, Problem>;

impl<'a> Composer<'a> {
    fn document(&mut self) -> Composed<Option<Node>> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd | Event::DocumentEnd, _) => return Ok(None),
                (event, span) => return self.node(event, &span, 0).map(Some),
            }
        }
    }

    fn next(&mut self) -> Composed<(Event<'a>, Span)> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => {
                let marker = error.marker();
                let position = self.position(marker.line(), marker.col());
                let problem = Problem::at(&position, "", format!("no YAML: {}", error.info()));
                Err(match error.info() {
                    info if info.contains("tab") => problem.advise("indent with spaces"),
                    _ => problem,
                })
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Composed<Node> {
        let position = self.position(span.start.line(), span.start.col());
        if depth > DEPTH_MAX {
            return Err(too_deep(&position));
        }
        let (anchor, node) = match event {
            Event::Alias(anchor) => return self.alias(anchor, &position, depth),
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, self.scalar(&text, style, tag.as_deref(), position)?)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.begin(anchor);
                (anchor, self.sequence(position, depth)?)
            }
            Event::MappingStart(_, anchor, _) => {
                self.begin(anchor);
                (anchor, self.mapping(position, depth)?)
            }
            _ => return Err(Problem::at(&position, "", "no YAML: a value is missing")),
        };
        if anchor != 0 {
            self.take(&node)?;
            self.anchors.insert(anchor, Some(node.clone()));
        }
        Ok(node)
    }

    fn begin(&mut self, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
    }

    fn alias(&mut self, anchor: usize, position: &Position, depth: usize) -> Composed<Node> {
        match self.anchors.get(&anchor) {
            Some(Some(node)) if depth + node.depth > DEPTH_MAX => Err(too_deep(position)),
            Some(Some(node)) => {
                let node = node.clone();
                self.take(&node)?;
                Ok(node)
            }
            Some(None) => Err(Problem::at(position, "", "the anchor contains itself")),
            None => Err(Problem::at(position, "", "the anchor is not known")),
        }
    }

    fn take(&mut self, node: &Node) -> Composed<()> {
        self.budget
            .take(node.values, node.bytes)
            .map_err(|message| Problem::at(&node.value.position, "", message))
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        position: Position,
    ) -> Composed<Node> {
        let plain = matches!(style, ScalarStyle::Plain);
        let kind = match tag.map(|tag| (tag, tag.suffix_in_namespace("tag:yaml.org,2002:"))) {
            Some((_, Some(known))) => {
                resolve_as(&known, text).map_err(|message| Problem::at(&position, "", message))?
            }
            // A tag that we do not know says nothing but that the value is not to be guessed.
            Some((_, None)) => ValueKind::String(text.to_owned()),
            None if plain => resolve(text),
            None => ValueKind::String(text.to_owned()),
        };
        let node =
            Node { value: Value::new(kind, position), depth: 0, values: 1, bytes: text.len() };
        self.take(&node)?;
        Ok(node)
    }

    fn sequence(&mut self, position: Position, depth: usize) -> Composed<Node> {
        let mut size = Size::default();
        let mut values = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            let node = self.node(event, &span, depth + 1)?;
            values.push(size.add(node));
        }
        self.finish(ValueKind::List(values), position, size)
    }

    fn mapping(&mut self, position: Position, depth: usize) -> Composed<Node> {
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let merges =
                matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<");
            let key = self.key(event, &span)?;
            let (event, span) = self.next()?;
            let node = self.node(event, &span, depth + 1)?;
            entries.push(if merges { Entry::Merge(key, node) } else { Entry::Pair(key, node) });
        }
        self.entries(entries, position)
    }

    /// The key of an entry, which must be a text, a number or a word.
    fn key(&mut self, event: Event<'a>, span: &Span) -> Composed<Key> {
        let position = self.position(span.start.line(), span.start.col());
        let key = |text: &str| Key { text: text.into(), position: position.clone() };
        match event {
            Event::Scalar(text, _, anchor, _) => {
                let node = Node {
                    value: Value::new(ValueKind::String(text.to_string()), position.clone()),
                    depth: 0,
                    values: 1,
                    bytes: text.len(),
                };
                self.take(&node)?;
                if anchor != 0 {
                    self.anchors.insert(anchor, Some(node));
                }
                Ok(key(&text))
            }
            Event::Alias(anchor) => match self.alias(anchor, &position, 0)?.value.kind {
                ValueKind::String(text) => Ok(key(&text)),
                _ => Err(Problem::at(&position, "", "a key must be a text")),
            },
            _ => Err(Problem::at(&position, "", "a key must be a text")
                .advise("a value that begins with `{` or `[` must be in quotes; a template must be rendered first")),
        }
    }

    /// Checks for duplicates and merges: what is written wins over what is merged, and what is merged first over
    /// what comes later.
    fn entries(&mut self, written: Vec<Entry>, position: Position) -> Composed<Node> {
        let mut places: BTreeMap<Arc<str>, u32> = BTreeMap::new();
        for entry in &written {
            let (Entry::Pair(key, _) | Entry::Merge(key, _)) = entry;
            if let Some(line) = places.insert(key.text.clone(), key.position.line) {
                let message = format!("the key is there twice, first in line {line}");
                return Err(Problem::at(&key.position, key.text.to_string(), message));
            }
        }
        let mut size = Size::default();
        let mut entries = Vec::new();
        let mut merged = Vec::new();
        for entry in written {
            match entry {
                Entry::Pair(key, node) => entries.push((key, size.add(node))),
                Entry::Merge(key, node) => {
                    size.count(&node);
                    for (key, value) in merged_entries(&key, node.value)? {
                        if places.insert(key.text.clone(), key.position.line).is_none() {
                            merged.push((key, value));
                        }
                    }
                }
            }
        }
        entries.append(&mut merged);
        self.finish(ValueKind::Map(entries), position, size)
    }

    fn finish(&mut self, kind: ValueKind, position: Position, size: Size) -> Composed<Node> {
        let node = Node { value: Value::new(kind, position), depth: 0, values: 1, bytes: 0 };
        self.take(&node)?;
        Ok(Node { depth: size.depth + 1, values: size.values + 1, bytes: size.bytes, ..node })
    }

    fn position(&self, line: usize, column: usize) -> Position {
        let place = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Position { file: self.file.clone(), line: place(line), column: place(column + 1) }
    }
}

/// What the elements of a list or map add up to.
#[derive(Default)]
struct Size {
    depth: usize,
    values: usize,
    bytes: usize,
}

impl Size {
    fn count(&mut self, node: &Node) {
        self.depth = self.depth.max(node.depth);
        self.values += node.values;
        self.bytes += node.bytes;
    }

    fn add(&mut self, node: Node) -> Value {
        self.count(&node);
        node.value
    }
}

/// The entries behind `<<`: of a map, or of several, of which earlier ones win.
fn merged_entries(key: &Key, value: Value) -> Composed<Vec<(Key, Value)>> {
    let wrong = || Problem::at(&key.position, "<<", "must be a map, or a list of maps");
    match value.kind {
        ValueKind::Map(entries) => Ok(entries),
        ValueKind::List(maps) => {
            let mut all = Vec::new();
            for map in maps {
                match map.kind {
                    ValueKind::Map(entries) => all.extend(entries),
                    _ => return Err(wrong()),
                }
            }
            Ok(all)
        }
        _ => Err(wrong()),
    }
}

fn too_deep(position: &Position) -> Problem {
    Problem::at(position, "", format!("is nested deeper than {DEPTH_MAX} levels"))
}
