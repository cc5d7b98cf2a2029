//! One pass over a request that copies what an [`Editor`] keeps.

use bytes::Bytes;

use super::{Field, Fields, Malformed, Open, RESOURCE, RESOURCE_SPANS, SCOPE, SCOPE_SPANS, SPANS};
use super::{begin, end};

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    /// It stays as it is.
    Keep,
    /// What was appended takes its place.
    Replace,
    /// It goes away.
    Drop,
}

/// Decides about resources and spans, in the order in which they lie.
pub(crate) trait Editor<'a> {
    /// A `Resource` (empty when there is none); its replacement is appended to `out`.
    /// [`Edit::Drop`] takes away all that it produced.
    fn resource(&mut self, _resource: &'a [u8], _out: &mut Vec<u8>) -> Result<Edit, Malformed> {
        Ok(Edit::Keep)
    }

    /// Whether to look at the spans of the last resource.
    fn wants_spans(&self) -> bool {
        true
    }

    /// An `InstrumentationScope` (empty when there is none). Returns whether to look at its spans.
    fn scope(&mut self, _scope: &'a [u8]) -> Result<bool, Malformed> {
        Ok(true)
    }

    /// A `Span`; its replacement is appended to `out`.
    fn span(&mut self, _span: &'a [u8], _out: &mut Vec<u8>) -> Result<Edit, Malformed> {
        Ok(Edit::Keep)
    }
}

/// A request after an edit.
#[derive(Debug)]
pub(crate) struct Edited {
    /// The request; the bytes that went in when nothing was changed.
    pub(crate) request: Bytes,
    /// Spans that went away.
    pub(crate) dropped_spans: u64,
}

/// Rewrites an `ExportTraceServiceRequest`. Scopes and resources that lose all their spans go away too.
pub(crate) fn edit<'a>(
    request: &'a Bytes,
    editor: &mut impl Editor<'a>,
) -> Result<Edited, Malformed> {
    let mut pass = Pass {
        out: Vec::with_capacity(request.len() + request.len() / 8 + 64),
        changed: false,
        dropped: 0,
        editor,
    };
    let mut fields = Fields::of(request, "ExportTraceServiceRequest");
    while let Some(field) = fields.next_field()? {
        match field.message(RESOURCE_SPANS) {
            Some(message) => pass.resource_spans(field.raw, message)?,
            None => pass.out.extend_from_slice(field.raw),
        }
    }
    let request = if pass.changed { Bytes::from(pass.out) } else { request.clone() };
    Ok(Edited { request, dropped_spans: pass.dropped })
}

struct Pass<'e, E> {
    out: Vec<u8>,
    changed: bool,
    dropped: u64,
    editor: &'e mut E,
}

impl<E> Pass<'_, E> {
    fn resource_spans<'a>(&mut self, raw: &'a [u8], message: &'a [u8]) -> Result<(), Malformed>
    where
        E: Editor<'a>,
    {
        let resource = last_message(message, RESOURCE, "ResourceSpans")?;
        let start = self.out.len();
        let open = begin(&mut self.out, RESOURCE_SPANS, message.len());
        let new_resource = begin(&mut self.out, RESOURCE, resource.map_or(64, <[u8]>::len));
        let edit = self.editor.resource(resource.unwrap_or_default(), &mut self.out)?;
        match edit {
            Edit::Keep => self.out.truncate(open.start + open.reserved),
            Edit::Replace => {
                end(&mut self.out, &new_resource);
                self.changed = true;
            }
            Edit::Drop => {
                self.out.truncate(start);
                self.changed = true;
                self.dropped += super::build::count_scope_spans(message)?;
                return Ok(());
            }
        }
        let wants_spans = self.editor.wants_spans();
        if edit == Edit::Keep && !wants_spans {
            self.out.truncate(start);
            self.out.extend_from_slice(raw);
            return Ok(());
        }
        let (mut n_scopes, mut n_kept) = (0_u64, 0_u64);
        let mut fields = Fields::of(message, "ResourceSpans");
        while let Some(field) = fields.next_field()? {
            if let Some(scope_spans) = field.message(SCOPE_SPANS).filter(|_| wants_spans) {
                n_scopes += 1;
                n_kept += u64::from(self.scope_spans(field.raw, scope_spans)?);
            } else if !(edit == Edit::Replace && field.message(RESOURCE).is_some()) {
                self.out.extend_from_slice(field.raw);
            }
        }
        self.close(start, &open, n_scopes > 0 && n_kept == 0);
        Ok(())
    }

    /// Returns whether anything of it is left.
    fn scope_spans<'a>(&mut self, raw: &'a [u8], message: &'a [u8]) -> Result<bool, Malformed>
    where
        E: Editor<'a>,
    {
        let scope = last_message(message, SCOPE, "ScopeSpans")?;
        if !self.editor.scope(scope.unwrap_or_default())? {
            self.out.extend_from_slice(raw);
            return Ok(true);
        }
        let start = self.out.len();
        let open = begin(&mut self.out, SCOPE_SPANS, message.len());
        let (mut n_kept, mut n_dropped) = (0_u64, 0_u64);
        let mut fields = Fields::of(message, "ScopeSpans");
        while let Some(field) = fields.next_field()? {
            match field.message(SPANS) {
                None => self.out.extend_from_slice(field.raw),
                Some(span) if self.span(&field, span)? => n_kept += 1,
                Some(_) => n_dropped += 1,
            }
        }
        self.dropped += n_dropped;
        let is_empty = n_kept == 0 && n_dropped > 0;
        self.close(start, &open, is_empty);
        Ok(!is_empty)
    }

    /// Returns whether the span is left.
    fn span<'a>(&mut self, field: &Field<'a>, span: &'a [u8]) -> Result<bool, Malformed>
    where
        E: Editor<'a>,
    {
        let start = self.out.len();
        let open = begin(&mut self.out, SPANS, span.len());
        let edit = self.editor.span(span, &mut self.out)?;
        if edit == Edit::Replace {
            end(&mut self.out, &open);
        } else {
            self.out.truncate(start);
        }
        if edit == Edit::Keep {
            self.out.extend_from_slice(field.raw);
        }
        self.changed |= edit != Edit::Keep;
        Ok(edit != Edit::Drop)
    }

    fn close(&mut self, start: usize, open: &Open, is_empty: bool) {
        if is_empty {
            self.out.truncate(start);
        } else {
            end(&mut self.out, open);
        }
    }
}

/// The message in a field of `message`; of several the last, as everywhere in protobuf.
fn last_message<'a>(
    message: &'a [u8],
    number: u32,
    name: &'static str,
) -> Result<Option<&'a [u8]>, Malformed> {
    let mut fields = Fields::of(message, name);
    let mut found = None;
    while let Some(field) = fields.next_field()? {
        found = field.message(number).or(found);
    }
    Ok(found)
}
