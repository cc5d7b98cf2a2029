//! The part of XPath 1.0 that is here: paths of `/` and `//` with names, `*`, `@name`, `@*`, `text()`, `comment()`,
//! `node()`, `.` and `..`; in brackets a place, `last()`, a path that must select something, or a path and a text that it
//! must be equal to or differ from; and unions with `|`. Axes by name and other functions are refused.

use std::collections::BTreeSet;

use super::document::{Document, Kind};

/// The most that a path selects.
const SELECTED_MAX: usize = 100_000;

/// A node, or an attribute of one, in the order of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    pub(crate) node: usize,
    /// One more than the place of the attribute; zero for the node itself.
    attribute: usize,
}

impl Item {
    fn node(node: usize) -> Self {
        Self { node, attribute: 0 }
    }

    /// The place of the attribute, when it is one.
    pub(crate) fn attribute(self) -> Option<usize> {
        self.attribute.checked_sub(1)
    }

    /// All text in it.
    pub(crate) fn text(self, tree: &Document) -> String {
        let mut text = String::new();
        match (self.attribute(), tree.node(self.node)) {
            (Some(at), Some(node)) => {
                text.push_str(node.attributes.get(at).map_or("", |(_, value)| value));
            }
            _ => tree.text_of(self.node, &mut text),
        }
        text
    }
}

/// A path that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct XPath {
    union: Vec<Path>,
}

#[derive(Debug, Clone, PartialEq)]
struct Path {
    is_absolute: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
struct Step {
    /// Whether it starts from everything below as well (`//`).
    is_deep: bool,
    test: Test,
    predicates: Vec<Predicate>,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Name(String),
    AnyElement,
    Attribute(String),
    AnyAttribute,
    Text,
    Comment,
    Node,
    Itself,
    Parent,
}

#[derive(Debug, Clone, PartialEq)]
enum Predicate {
    /// Counted from one.
    Place(usize),
    Last,
    Exists(Path),
    /// Whether a text is to be equal.
    Compares(Path, bool, String),
}

impl XPath {
    /// Reads a path.
    ///
    /// # Errors
    /// What is no path, or none that is supported here.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader { rest: text.trim() };
        let mut union = vec![reader.path()?];
        while reader.take("|") {
            union.push(reader.path()?);
        }
        if !reader.rest.is_empty() {
            return Err(format!("the path is not supported at `{}`", reader.rest));
        }
        Ok(Self { union })
    }

    /// What it selects, in the order of the text.
    pub(crate) fn select(&self, tree: &Document) -> Result<BTreeSet<Item>, String> {
        let mut selected = BTreeSet::new();
        for path in &self.union {
            selected.extend(path.select(tree, Item::node(0))?);
        }
        Ok(selected)
    }
}

impl Path {
    fn select(&self, tree: &Document, from: Item) -> Result<BTreeSet<Item>, String> {
        let begin = if self.is_absolute { Item::node(0) } else { from };
        let mut items = BTreeSet::from([begin]);
        for step in &self.steps {
            let mut next = BTreeSet::new();
            let mut starts = items.clone();
            if step.is_deep {
                items.iter().for_each(|item| descend(tree, item.node, &mut starts));
            }
            for start in starts {
                next.extend(step.select(tree, start)?);
                if next.len() > SELECTED_MAX {
                    return Err(format!("the path selects more than {SELECTED_MAX} nodes"));
                }
            }
            items = next;
        }
        Ok(items)
    }
}

fn descend(tree: &Document, node: usize, found: &mut BTreeSet<Item>) {
    for child in tree.children(node) {
        found.insert(Item::node(*child));
        descend(tree, *child, found);
    }
}

impl Step {
    fn select(&self, tree: &Document, from: Item) -> Result<Vec<Item>, String> {
        let Some(node) = tree.node(from.node) else { return Ok(Vec::new()) };
        let mut found: Vec<Item> = match &self.test {
            Test::Itself => vec![from],
            Test::Parent if from.attribute > 0 => vec![Item::node(from.node)],
            Test::Parent if from.node == 0 => Vec::new(),
            Test::Parent => vec![Item::node(node.parent)],
            _ if from.attribute > 0 => Vec::new(),
            Test::Attribute(_) | Test::AnyAttribute => {
                let is_it = |key: &str| match &self.test {
                    Test::Attribute(name) => name == key,
                    _ => true,
                };
                let named = node.attributes.iter().enumerate().filter(|(_, (key, _))| is_it(key));
                named.map(|(at, _)| Item { node: from.node, attribute: at + 1 }).collect()
            }
            test => {
                let children = node.children.iter().copied();
                let matching = children.filter(|child| {
                    tree.node(*child).is_some_and(|child| test.matches(&child.kind))
                });
                matching.map(Item::node).collect()
            }
        };
        for predicate in &self.predicates {
            found = predicate.filter(tree, found)?;
        }
        Ok(found)
    }
}

impl Test {
    fn matches(&self, kind: &Kind) -> bool {
        match (self, kind) {
            (Self::Name(name), Kind::Element(element)) => name == element,
            (Self::AnyElement, Kind::Element(_))
            | (Self::Text, Kind::Text(_) | Kind::CData(_))
            | (Self::Comment, Kind::Comment(_))
            | (Self::Node, _) => true,
            _ => false,
        }
    }
}

impl Predicate {
    fn filter(&self, tree: &Document, items: Vec<Item>) -> Result<Vec<Item>, String> {
        let mut kept = Vec::new();
        let last = items.len();
        for (at, item) in items.into_iter().enumerate() {
            let holds = match self {
                Self::Place(place) => at + 1 == *place,
                Self::Last => at + 1 == last,
                Self::Exists(path) => !path.select(tree, item)?.is_empty(),
                Self::Compares(path, equal, text) => {
                    let mut values = path.select(tree, item)?.into_iter();
                    values.any(|value| (value.text(tree) == *text) == *equal)
                }
            };
            if holds {
                kept.push(item);
            }
        }
        Ok(kept)
    }
}

/// The rest of a path.
struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn take(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn path(&mut self) -> Result<Path, String> {
        let mut is_deep = self.take("//");
        let is_absolute = is_deep || self.take("/");
        let mut steps = Vec::new();
        // The root alone is a path.
        self.rest = self.rest.trim_start();
        if is_absolute && !is_deep && (self.rest.is_empty() || self.rest.starts_with(['|', ']'])) {
            return Ok(Path { is_absolute, steps });
        }
        loop {
            steps.push(self.step(is_deep)?);
            is_deep = self.take("//");
            if !is_deep && !self.take("/") {
                return Ok(Path { is_absolute, steps });
            }
        }
    }

    fn step(&mut self, is_deep: bool) -> Result<Step, String> {
        let test = self.test()?;
        let mut predicates = Vec::new();
        while self.take("[") {
            predicates.push(self.predicate()?);
            if !self.take("]") {
                return Err(format!("the path is not supported at `{}`", self.rest));
            }
        }
        Ok(Step { is_deep, test, predicates })
    }

    fn test(&mut self) -> Result<Test, String> {
        for (token, test) in [
            ("..", Test::Parent),
            (".", Test::Itself),
            ("@*", Test::AnyAttribute),
            ("*", Test::AnyElement),
            ("text()", Test::Text),
            ("comment()", Test::Comment),
            ("node()", Test::Node),
        ] {
            if self.take(token) {
                return Ok(test);
            }
        }
        let is_attribute = self.take("@");
        let name = self.name();
        if name.is_empty() || self.rest.starts_with(['(', ':']) {
            let what = if name.is_empty() { self.rest } else { name };
            return Err(format!("the path is not supported at `{what}`"));
        }
        let name = name.to_owned();
        Ok(if is_attribute { Test::Attribute(name) } else { Test::Name(name) })
    }

    /// A name with its prefix.
    fn name(&mut self) -> &'t str {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let mut end = self.rest.find(|c: char| !is_part(c)).unwrap_or(self.rest.len());
        // One colon, not the two of an axis.
        if let Some(local) = self.rest.get(end..).and_then(|rest| rest.strip_prefix(':')) {
            let length = local.find(|c: char| !is_part(c)).unwrap_or(local.len());
            if length > 0 {
                end += 1 + length;
            }
        }
        let (name, rest) = self.rest.split_at_checked(end).unwrap_or(("", self.rest));
        self.rest = rest;
        name
    }

    fn predicate(&mut self) -> Result<Predicate, String> {
        self.rest = self.rest.trim_start();
        let digits = self.rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len());
        if let Some((number, rest)) = self.rest.split_at_checked(digits).filter(|_| digits > 0) {
            self.rest = rest;
            let place = number.parse().map_err(|_| format!("{number} is no place"))?;
            return Ok(Predicate::Place(place));
        }
        if self.take("last()") {
            return Ok(Predicate::Last);
        }
        let path = self.path()?;
        let equal = match (self.take("!="), self.take("=")) {
            (true, _) => false,
            (false, true) => true,
            (false, false) => return Ok(Predicate::Exists(path)),
        };
        self.rest = self.rest.trim_start();
        let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let text = quote.and_then(|quote| self.rest.strip_prefix(quote)?.split_once(quote));
        let Some((text, rest)) = text else {
            return Err(format!("a text in quotes is expected at `{}`", self.rest));
        };
        self.rest = rest;
        Ok(Predicate::Compares(path, equal, text.to_owned()))
    }
}
