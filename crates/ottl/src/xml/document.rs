//! A text as a tree of nodes, in the order of the text.

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::DEPTH_MAX;

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What has the others.
    Root,
    /// The name, with its prefix.
    Element(String),
    Text(String),
    CData(String),
    Comment(String),
    /// `<?...?>`, the declaration at the begin included: what is between the question marks.
    Instruction(String),
}

/// A node; its number is its place in the text, until something is inserted.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) parent: usize,
    pub(crate) children: Vec<usize>,
    pub(crate) attributes: Vec<(String, String)>,
}

/// A tree whose root is node 0.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) nodes: Vec<Node>,
}

impl Document {
    /// A tree with nothing in it.
    pub(crate) fn empty() -> Self {
        let root = Node { kind: Kind::Root, parent: 0, children: vec![], attributes: vec![] };
        Self { nodes: vec![root] }
    }

    pub(crate) fn node(&self, id: usize) -> Option<&Node> {
        self.nodes.get(id)
    }

    pub(crate) fn children(&self, id: usize) -> &[usize] {
        self.node(id).map_or(&[], |node| &node.children)
    }

    /// Adds a node at the end of another.
    pub(crate) fn add(&mut self, parent: usize, kind: Kind) -> usize {
        let id = self.nodes.len();
        self.nodes.push(Node { kind, parent, children: Vec::new(), attributes: Vec::new() });
        if let Some(parent) = self.nodes.get_mut(parent) {
            parent.children.push(id);
        }
        id
    }

    /// Takes a node, with what is in it, out of the text that the tree becomes.
    pub(crate) fn remove(&mut self, id: usize) {
        if let Some(node) = self.nodes.get_mut(id) {
            // A text of no characters, which nobody sees.
            node.kind = Kind::Text(String::new());
            node.children.clear();
            node.attributes.clear();
        }
    }

    /// Adds a copy of what is below a node of another tree.
    pub(crate) fn add_all(&mut self, to: usize, other: &Self, from: usize) {
        for child in other.children(from) {
            let Some(node) = other.node(*child) else { continue };
            let copy = self.add(to, node.kind.clone());
            if let Some(copy) = self.nodes.get_mut(copy) {
                copy.attributes.clone_from(&node.attributes);
            }
            self.add_all(copy, other, *child);
        }
    }

    /// All text in a node.
    pub(crate) fn text_of(&self, id: usize, out: &mut String) {
        match self.node(id).map(|node| &node.kind) {
            Some(Kind::Text(text) | Kind::CData(text)) => out.push_str(text),
            _ => self.children(id).iter().for_each(|child| self.text_of(*child, out)),
        }
    }
}

/// Reads a text that has at least one element.
pub(crate) fn parse(text: &str) -> Result<Document, String> {
    let mut reader = Reader::from_str(text);
    let mut tree = Document::empty();
    let mut open = vec![0_usize];
    let mut n_elements = 0_usize;
    loop {
        let at = open.last().copied().unwrap_or_default();
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                n_elements += 1;
                open.push(element(&mut tree, at, &start)?);
                if open.len() > DEPTH_MAX {
                    return Err(format!("elements lie more than {DEPTH_MAX} deep in each other"));
                }
            }
            Event::Empty(start) => {
                n_elements += 1;
                element(&mut tree, at, &start)?;
            }
            Event::End(_) => {
                open.pop();
            }
            // What is before the first element says nothing.
            Event::Text(_) | Event::GeneralRef(_) if n_elements == 0 => {}
            Event::Text(text) => {
                let text = text.xml10_content().map_err(|error| error.to_string())?;
                push_text(&mut tree, at, &text);
            }
            Event::GeneralRef(reference) => push_text(&mut tree, at, &resolved(&reference)?),
            Event::CData(data) => {
                let data = data.decode().map_err(|error| error.to_string())?;
                tree.add(at, Kind::CData(data.into_owned()));
            }
            Event::Comment(comment) => {
                let comment = comment.decode().map_err(|error| error.to_string())?;
                tree.add(at, Kind::Comment(comment.into_owned()));
            }
            Event::Decl(declaration) => {
                let declaration = String::from_utf8_lossy(&declaration).into_owned();
                tree.add(at, Kind::Instruction(declaration));
            }
            Event::PI(instruction) => {
                let instruction = String::from_utf8_lossy(&instruction).into_owned();
                tree.add(at, Kind::Instruction(instruction));
            }
            Event::DocType(_) => {}
            Event::Eof if open.len() > 1 => return Err("the text ends inside an element".into()),
            Event::Eof if n_elements == 0 => return Err("there is no element".into()),
            Event::Eof => return Ok(tree),
        }
    }
}

/// Text and what stands for characters in it are one node.
fn push_text(tree: &mut Document, at: usize, more: &str) {
    let last = tree.children(at).last().copied();
    match last.and_then(|last| tree.nodes.get_mut(last)).map(|node| &mut node.kind) {
        Some(Kind::Text(text)) => text.push_str(more),
        _ => {
            tree.add(at, Kind::Text(more.to_owned()));
        }
    }
}

fn element(tree: &mut Document, at: usize, start: &BytesStart<'_>) -> Result<usize, String> {
    let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let raw = std::str::from_utf8(&attribute.value).map_err(|error| error.to_string())?;
        let value = unescape(raw).map_err(|error| error.to_string())?.into_owned();
        attributes.push((String::from_utf8_lossy(attribute.key.as_ref()).into_owned(), value));
    }
    let id = tree.add(at, Kind::Element(name));
    if let Some(node) = tree.nodes.get_mut(id) {
        node.attributes = attributes;
    }
    Ok(id)
}

/// The characters that `&name;` or `&#number;` stands for.
fn resolved(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character.to_string());
    }
    let name = reference.decode().map_err(|error| error.to_string())?;
    let text = resolve_predefined_entity(&name);
    text.map(str::to_owned).ok_or_else(|| format!("&{name}; stands for nothing"))
}
