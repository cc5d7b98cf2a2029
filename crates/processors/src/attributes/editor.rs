//! Actions on the spans of a request.

use spandrel_otlp::DecodeError;

use crate::actions::Prepared;
use crate::matching::{Cursor, Selection};
use crate::wire::{Attributes, Edit, Editor, SPAN_ATTRIBUTES, SpanFields};

/// Executes actions on the spans that are selected.
pub(super) struct SpanEditor<'a> {
    prepared: &'a Prepared<'a>,
    /// None when all spans are.
    cursor: Option<Cursor<'a>>,
    fields: SpanFields<'a>,
    attributes: Attributes<'a>,
}

impl<'a> SpanEditor<'a> {
    pub(super) fn new(prepared: &'a Prepared<'a>, selection: &'a Selection) -> Self {
        Self {
            prepared,
            cursor: (!selection.is_everything()).then(|| selection.cursor()),
            fields: SpanFields::default(),
            attributes: Attributes::default(),
        }
    }
}

impl<'a> Editor<'a> for SpanEditor<'a> {
    fn resource(&mut self, resource: &'a [u8], _out: &mut Vec<u8>) -> Result<Edit, DecodeError> {
        if let Some(cursor) = &mut self.cursor {
            cursor.resource(resource)?;
        }
        Ok(Edit::Keep)
    }

    fn wants_spans(&self) -> bool {
        self.cursor.as_ref().is_none_or(Cursor::wants_resource)
    }

    fn scope(&mut self, scope: &'a [u8]) -> Result<bool, DecodeError> {
        self.cursor.as_mut().map_or(Ok(true), |cursor| cursor.scope(scope))
    }

    fn span(&mut self, span: &'a [u8], out: &mut Vec<u8>) -> Result<Edit, DecodeError> {
        if let Some(cursor) = &self.cursor {
            self.fields.read(span)?;
            if !cursor.selects(&self.fields) {
                return Ok(Edit::Keep);
            }
            self.attributes.take(&self.fields.attributes);
        } else {
            self.attributes.read(span, SPAN_ATTRIBUTES)?;
        }
        self.prepared.apply(&mut self.attributes)?;
        if !self.attributes.is_changed() {
            return Ok(Edit::Keep);
        }
        self.attributes.write(span, SPAN_ATTRIBUTES, out)?;
        Ok(Edit::Replace)
    }
}
