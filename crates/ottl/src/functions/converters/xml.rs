//! Texts of XML: into maps, and into other texts of XML.

use std::collections::BTreeMap;

use super::super::{Args, Function, Kind as Type, converter, may, needs};
use crate::error::EvalError;
use crate::value::{Value, any_text, entry};
use crate::xml::xpath::XPath;
use crate::xml::{Document, Kind, escape, parse};
use spandrel_proto::otlp::common::any_value::Value as Any;
use spandrel_proto::otlp::common::{AnyValue, ArrayValue, KeyValue, KeyValueList};

type Evaluated<'v> = Result<Value<'v>, EvalError>;

/// What a text may become by insertions.
const INSERTED_BYTES_MAX: usize = 16 << 20;

const TARGET_AND_PATH: &[super::super::Parameter] =
    &[needs("target", Type::Text), needs("xpath", Type::Text)];

pub(super) const FUNCTIONS: [Function; 7] = [
    converter(
        "ConvertAttributesToElementsXML",
        &[needs("target", Type::Text), may("xpath", Type::Text)],
        attributes_to_elements,
    ),
    converter(
        "ConvertTextToElementsXML",
        &[needs("target", Type::Text), may("xpath", Type::Text), may("element_name", Type::Text)],
        text_to_elements,
    ),
    converter("GetXML", TARGET_AND_PATH, get_xml),
    converter(
        "InsertXML",
        &[
            needs("target", Type::Text),
            needs("xpath", Type::Text),
            needs("sub_document", Type::Text),
        ],
        insert_xml,
    ),
    converter("ParseSimplifiedXML", &[needs("target", Type::Text)], parse_simplified_xml),
    converter("ParseXML", &[needs("target", Type::Text)], parse_xml),
    converter("RemoveXML", TARGET_AND_PATH, remove_xml),
];

fn document(args: &Args<'_, '_>, index: usize) -> Result<Document, EvalError> {
    parse(&args.text(index)?).map_err(|error| args.refused(error))
}

fn path(args: &Args<'_, '_>, default: &str) -> Result<XPath, EvalError> {
    let text = args.text_or(1, default)?;
    let text = if text.is_empty() { default.into() } else { text };
    XPath::parse(&text).map_err(|error| args.refused(error))
}

fn get_xml<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let path = path(args, "")?;
    if args.text(0)?.is_empty() {
        return Ok(Value::text(""));
    }
    let tree = document(args, 0)?;
    let mut out = String::new();
    for item in path.select(&tree).map_err(|error| args.refused(error))? {
        let kind = tree.node(item.node).map(|node| &node.kind);
        match (item.attribute(), kind) {
            (None, Some(Kind::Element(_))) => tree.write(item.node, &mut out),
            (Some(_), _) | (None, Some(Kind::Text(_) | Kind::CData(_))) => {
                escape(&item.text(&tree), &mut out);
            }
            _ => {}
        }
        if out.len() > INSERTED_BYTES_MAX {
            return Err(args.refused("what is selected is too long"));
        }
    }
    Ok(Value::owned(out))
}

fn remove_xml<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let path = path(args, "")?;
    if args.text(0)?.is_empty() {
        return Ok(Value::text(""));
    }
    let mut tree = document(args, 0)?;
    // From the back, so that places of attributes stay true.
    for item in path.select(&tree).map_err(|error| args.refused(error))?.into_iter().rev() {
        match item.attribute() {
            Some(at) => {
                if let Some(node) = tree.nodes.get_mut(item.node)
                    && at < node.attributes.len()
                {
                    node.attributes.remove(at);
                }
            }
            None => tree.remove(item.node),
        }
    }
    Ok(Value::owned(tree.to_text()))
}

fn insert_xml<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let path = path(args, "")?;
    let mut tree = match args.text(0)?.is_empty() {
        true => Document::empty(),
        false => document(args, 0)?,
    };
    let (added, added_bytes) = (document(args, 2)?, args.text(2)?.len());
    let items = path.select(&tree).map_err(|error| args.refused(error))?;
    if items.len().saturating_mul(added_bytes) > INSERTED_BYTES_MAX {
        return Err(args.refused("what would be inserted is too long"));
    }
    for item in items {
        let kind = tree.node(item.node).map(|node| &node.kind);
        match (item.attribute(), kind) {
            (None, Some(Kind::Element(_) | Kind::Root)) => tree.add_all(item.node, &added, 0),
            _ => return Err(args.refused("the path selects what is no element")),
        }
    }
    Ok(Value::owned(tree.to_text()))
}

fn attributes_to_elements<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let path = path(args, "//@*")?;
    let mut tree = document(args, 0)?;
    let items = path.select(&tree).map_err(|error| args.refused(error))?;
    for item in &items {
        let attribute =
            item.attribute().and_then(|at| tree.node(item.node)?.attributes.get(at).cloned());
        if let Some((key, value)) = attribute {
            let element = tree.add(item.node, Kind::Element(key));
            tree.add(element, Kind::Text(value));
        }
    }
    for item in items.iter().rev() {
        if let (Some(at), Some(node)) = (item.attribute(), tree.nodes.get_mut(item.node)) {
            node.attributes.remove(at);
        }
    }
    Ok(Value::owned(tree.to_text()))
}

fn text_to_elements<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let path = path(args, "/")?;
    let name = args.text_or(2, "value")?;
    let name = if name.is_empty() { "value" } else { &*name };
    let mut tree = document(args, 0)?;
    for item in path.select(&tree).map_err(|error| args.refused(error))? {
        if item.attribute().is_none() {
            wrap_texts(&mut tree, item.node, name);
        }
    }
    Ok(Value::owned(tree.to_text()))
}

/// Texts that are beside others or beside elements become elements.
fn wrap_texts(tree: &mut Document, id: usize, name: &str) {
    let is = |tree: &Document, id: usize, test: fn(&Kind) -> bool| {
        tree.node(id).is_some_and(|node| test(&node.kind))
    };
    let children = tree.children(id).to_vec();
    let elements: Vec<usize> = children
        .iter()
        .copied()
        .filter(|id| is(tree, *id, |kind| matches!(kind, Kind::Element(_))))
        .collect();
    let texts: Vec<usize> = children
        .into_iter()
        .filter(|id| is(tree, *id, |kind| matches!(kind, Kind::Text(_))))
        .collect();
    for element in &elements {
        wrap_texts(tree, *element, name);
    }
    if elements.len() + texts.len() <= 1 {
        return;
    }
    for id in texts {
        let Some(node) = tree.nodes.get_mut(id) else { continue };
        let text = std::mem::replace(&mut node.kind, Kind::Element(name.to_owned()));
        tree.add(id, text);
    }
}

fn any_map(values: Vec<KeyValue>) -> AnyValue {
    AnyValue { value: Some(Any::KvlistValue(KeyValueList { values })) }
}

fn any_list(values: Vec<AnyValue>) -> AnyValue {
    AnyValue { value: Some(Any::ArrayValue(ArrayValue { values })) }
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

fn parse_xml<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let tree = document(args, 0)?;
    let is_element =
        |id: &usize| tree.node(*id).is_some_and(|n| matches!(n.kind, Kind::Element(_)));
    let first = tree.children(0).iter().position(is_element);
    // One element, and nothing after it.
    let Some((element, [])) = first.and_then(|at| tree.children(0).get(at..)?.split_first()) else {
        return Err(args.refused("there is something after the element"));
    };
    Ok(Value::map(element_map(&tree, *element)))
}

fn element_map(tree: &Document, id: usize) -> Vec<KeyValue> {
    let Some(node) = tree.node(id) else { return Vec::new() };
    let Kind::Element(name) = &node.kind else { return Vec::new() };
    let mut map = vec![entry("tag", any_text(local(name)))];
    let mut content = String::new();
    let mut children = Vec::new();
    for child in &node.children {
        match tree.node(*child).map(|child| &child.kind) {
            Some(Kind::Text(text) | Kind::CData(text)) => content.push_str(text.trim()),
            Some(Kind::Element(_)) => children.push(any_map(element_map(tree, *child))),
            _ => {}
        }
    }
    if !content.is_empty() {
        map.push(entry("content", any_text(content)));
    }
    if !node.attributes.is_empty() {
        let named = node.attributes.iter().map(|(key, value)| (local(key), value));
        let named: BTreeMap<&str, &String> = named.collect();
        let attributes = named.into_iter().map(|(key, value)| entry(key, any_text(value)));
        map.push(entry("attributes", any_map(attributes.collect())));
    }
    if !children.is_empty() {
        map.push(entry("children", any_list(children)));
    }
    map
}

fn parse_simplified_xml<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let tree = document(args, 0)?;
    Ok(Value::map(simplified(&tree, 0)))
}

/// Elements with text are texts, those with elements maps, and several of one name a list; what is empty is left out.
fn simplified(tree: &Document, id: usize) -> Vec<KeyValue> {
    let elements = tree.children(id).iter().filter_map(|child| match &tree.node(*child)?.kind {
        Kind::Element(name) => Some((local(name), *child)),
        _ => None,
    });
    let elements: Vec<(&str, usize)> = elements.collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    elements.iter().for_each(|(name, _)| *counts.entry(name).or_default() += 1);
    // Where the lists are.
    let mut lists: BTreeMap<&str, usize> = BTreeMap::new();
    let mut map: Vec<KeyValue> = Vec::new();
    for (name, child) in &elements {
        if tree.children(*child).is_empty() {
            continue;
        }
        let is_one_of_many = counts.get(name).is_some_and(|count| *count > 1);
        let value = match leaf(tree, *child) {
            text if !text.is_empty() => Some(any_text(text)),
            _ => Some(simplified(tree, *child)).filter(|map| !map.is_empty()).map(any_map),
        };
        if !is_one_of_many {
            map.extend(value.map(|value| entry(*name, value)));
            continue;
        }
        let at = *lists.entry(name).or_insert_with(|| {
            map.push(entry(*name, any_list(Vec::new())));
            map.len() - 1
        });
        let list = map.get_mut(at).and_then(|entry| entry.value.as_mut()?.value.as_mut());
        if let Some(Any::ArrayValue(list)) = list {
            list.values.extend(value);
        }
    }
    map
}

/// The first text of an element that has no elements.
fn leaf(tree: &Document, id: usize) -> &str {
    let kinds = || tree.children(id).iter().filter_map(|child| Some(&tree.node(*child)?.kind));
    if kinds().any(|kind| matches!(kind, Kind::Element(_))) {
        return "";
    }
    let text = |kind| match kind {
        &Kind::Text(ref text) | &Kind::CData(ref text) => Some(text.as_str()),
        _ => None,
    };
    kinds().find_map(text).unwrap_or_default()
}
