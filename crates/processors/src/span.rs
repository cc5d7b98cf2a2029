//! `span`: makes names of spans out of attributes, attributes out of names, and sets the status.

mod settings;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use prost::Message as _;
use spandrel_otlp::DecodeError;
use spandrel_otlp::wire::put_bytes_field;
use spandrel_pipeline::{
    Accepted, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch, TraceConsumer,
    Traces,
};
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::trace::Status;
use spandrel_proto::otlp::trace::status::StatusCode;

use crate::flow::Flow;
use crate::matching::Cursor;
use crate::values;
use crate::wire::{Attributes, Edit, Editor, SPAN_ATTRIBUTES, SpanFields, edit, text};
use settings::{FromAttributes, ToAttributes};

pub use settings::SpanSettings;

/// `Span.name`.
const NAME: u32 = 5;
/// `Span.status`.
const STATUS: u32 = 15;

/// See the module.
pub struct SpanProcessor {
    settings: SpanSettings,
    next: Arc<dyn TraceConsumer>,
    flow: Flow,
}

impl SpanProcessor {
    /// # Errors
    /// None today.
    pub fn new(
        settings: SpanSettings,
        next: Arc<dyn TraceConsumer>,
        context: ComponentContext,
    ) -> Result<Self, ComponentError> {
        Ok(Self { settings, next, flow: Flow::of(&context) })
    }
}

#[async_trait::async_trait]
impl TraceConsumer for SpanProcessor {
    async fn consume(&self, mut batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let spans = self.flow.arrived(&batch.traces);
        batch.traces = self.settings.change(batch.traces)?;
        self.flow.hand_on(&*self.next, batch, spans).await
    }
}

#[async_trait::async_trait]
impl Component for SpanProcessor {}

impl SpanSettings {
    fn change(&self, traces: Traces) -> Result<Traces, DecodeError> {
        let otlp = traces.into_counted();
        let mut pass = Pass {
            settings: self,
            cursor: self.selection.cursor(),
            fields: SpanFields::default(),
            attributes: Attributes::default(),
        };
        Ok(Traces::Otlp(edit(&otlp, &mut pass)?.request))
    }
}

/// A pass over a request.
struct Pass<'a> {
    settings: &'a SpanSettings,
    cursor: Cursor<'a>,
    fields: SpanFields<'a>,
    attributes: Attributes<'a>,
}

impl<'a> Editor<'a> for Pass<'a> {
    fn resource(&mut self, resource: &'a [u8], _out: &mut Vec<u8>) -> Result<Edit, DecodeError> {
        self.cursor.resource(resource)?;
        Ok(Edit::Keep)
    }

    fn wants_spans(&self) -> bool {
        self.cursor.wants_resource()
    }

    fn scope(&mut self, scope: &'a [u8]) -> Result<bool, DecodeError> {
        self.cursor.scope(scope)
    }

    fn span(&mut self, span: &'a [u8], out: &mut Vec<u8>) -> Result<Edit, DecodeError> {
        self.fields.read(span)?;
        if !self.cursor.selects(&self.fields) {
            return Ok(Edit::Keep);
        }
        self.attributes.take(&self.fields.attributes);
        let before = String::from_utf8_lossy(self.fields.name);
        let mut name = before.clone();
        if let Some(from) = &self.settings.from_attributes
            && let Some(joined) = from.name(&self.fields)
        {
            name = Cow::Owned(joined);
        }
        if let Some(to) = &self.settings.to_attributes {
            name = to.apply(name, &mut self.attributes);
        }
        let status = self.settings.status.as_deref();
        if name == before && !self.attributes.is_changed() && status.is_none() {
            return Ok(Edit::Keep);
        }
        let mut is_named = false;
        self.attributes.write_replacing(
            span,
            SPAN_ATTRIBUTES,
            out,
            |number, out| match number {
                NAME if name != before => {
                    if !std::mem::replace(&mut is_named, true) {
                        put_bytes_field(out, NAME, name.as_bytes());
                    }
                    true
                }
                STATUS => status.is_some(),
                _ => false,
            },
        )?;
        if name != before && !is_named {
            put_bytes_field(out, NAME, name.as_bytes());
        }
        if let Some(status) = status {
            put_bytes_field(out, STATUS, status);
        }
        Ok(Edit::Replace)
    }
}

impl FromAttributes {
    /// The values of the attributes, joined; nothing when one is missing.
    fn name(&self, fields: &SpanFields<'_>) -> Option<String> {
        let mut name = String::new();
        for (i, key) in self.keys.iter().enumerate() {
            let pair = fields.attribute(key)?;
            if i > 0 {
                name.push_str(&self.separator);
            }
            match (text(pair.value), pair.decode()) {
                (Some(text), _) => name.push_str(text),
                (
                    None,
                    Some(
                        value @ (Value::BoolValue(_) | Value::IntValue(_) | Value::DoubleValue(_)),
                    ),
                ) => name.push_str(&values::as_text(&value)),
                (None, _) => name.push_str("<unsupported-attribute-type>"),
            }
        }
        Some(name)
    }
}

impl ToAttributes {
    /// Sets the attributes that the rules find in a name, and puts their keys in the place of what was found.
    fn apply<'n>(&self, mut name: Cow<'n, str>, attributes: &mut Attributes<'_>) -> Cow<'n, str> {
        if name.is_empty() {
            return name;
        }
        for rule in &self.rules {
            let Some(groups) = rule.pattern.groups(&name) else { continue };
            let (mut renamed, mut copied) = (String::new(), 0);
            for (key, group) in rule.keys.iter().zip(groups.into_iter().skip(1)) {
                // A group that took no part, or lies within one before.
                let Some(range) = group.filter(|range| range.start >= copied) else { continue };
                let Some(found) = name.get(range.clone()) else { continue };
                attributes.set_text(key, found);
                renamed.push_str(name.get(copied..range.start).unwrap_or_default());
                renamed.push_str(&format!("{{{key}}}"));
                copied = range.end;
            }
            renamed.push_str(name.get(copied..).unwrap_or_default());
            if !self.keep_original_name {
                name = Cow::Owned(renamed);
            }
            if self.break_after_match {
                break;
            }
        }
        name
    }
}

/// The encoded status; only an error has a description.
fn status(code: StatusCode, description: &str) -> Vec<u8> {
    let message = if code == StatusCode::Error { description.to_owned() } else { String::new() };
    Status { message, code: code.into() }.encode_to_vec()
}
