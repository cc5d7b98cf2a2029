//! One pass over a request that copies what an [`Editor`] keeps.
//!
//! Nothing is copied before something changes, and then what lies between two changes is copied as one piece: a
//! request that stays as it is costs a walk over its frames.

use bytes::Bytes;
use spandrel_otlp::DecodeError;
use spandrel_otlp::wire::{Field, Open, Reader, begin, end, put_bytes_field};
use spandrel_pipeline::Otlp;

use super::{RESOURCE, RESOURCE_SPANS, SCOPE, SCOPE_SPANS, SPANS};

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
    /// A `ResourceSpans`, before anything in it. Returns whether it stays.
    fn enter_resource(&mut self, _resource_spans: &'a [u8]) -> Result<bool, DecodeError> {
        Ok(true)
    }

    /// A `Resource` (empty when there is none); its replacement is appended to `out`.
    /// [`Edit::Drop`] takes away all that it produced.
    fn resource(&mut self, _resource: &'a [u8], _out: &mut Vec<u8>) -> Result<Edit, DecodeError> {
        Ok(Edit::Keep)
    }

    /// Whether to look at the spans of the last resource.
    fn wants_spans(&self) -> bool {
        true
    }

    /// A `ScopeSpans`, before anything in it. Returns whether it stays.
    fn enter_scope(&mut self, _scope_spans: &'a [u8]) -> Result<bool, DecodeError> {
        Ok(true)
    }

    /// An `InstrumentationScope` (empty when there is none). Returns whether to look at its spans.
    fn scope(&mut self, _scope: &'a [u8]) -> Result<bool, DecodeError> {
        Ok(true)
    }

    /// A `Span`; its replacement is appended to `out`.
    fn span(&mut self, _span: &'a [u8], _out: &mut Vec<u8>) -> Result<Edit, DecodeError> {
        Ok(Edit::Keep)
    }
}

/// A request after an edit.
#[derive(Debug)]
pub(crate) struct Edited {
    /// The request; the bytes that went in when nothing was changed.
    pub(crate) request: Otlp,
    /// Spans that went away.
    pub(crate) dropped_spans: u64,
}

/// Rewrites an `ExportTraceServiceRequest`. Scopes and resources that lose all their spans go away too.
pub(crate) fn edit<'a>(
    otlp: &'a Otlp,
    editor: &mut impl Editor<'a>,
) -> Result<Edited, DecodeError> {
    let request = otlp.bytes();
    let out = Output { request, bytes: Vec::new(), copied: 0, around: Vec::new(), changed: false };
    let mut pass = Pass { out, dropped: 0, scratch: Vec::new(), editor };
    let mut fields = Reader::new(request, "ExportTraceServiceRequest");
    while let Some(field) = fields.next_raw()? {
        if let Some(resource_spans) = field.message(RESOURCE_SPANS) {
            let place = Place::of(&field, resource_spans, request.len() - fields.rest().len());
            pass.resource_spans(resource_spans, place)?;
        }
    }
    let dropped_spans = pass.dropped;
    Ok(Edited { request: otlp.edited(pass.out.finish(request), dropped_spans), dropped_spans })
}

/// Where a field lies in the request.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    content_start: usize,
    end: usize,
}

impl Place {
    /// The place of a field that ends at `end`.
    fn of(field: &Field<'_>, content: &[u8], end: usize) -> Self {
        Self { start: end - field.raw.len(), content_start: end - content.len(), end }
    }

    /// The place of a field that was the last to be read from the content of this one.
    fn inner(self, field: &Field<'_>, content: &[u8], fields: &Reader<'_>) -> Self {
        Self::of(field, content, self.end - fields.rest().len())
    }
}

/// A message around what is edited.
struct Level {
    number: u32,
    place: Place,
    /// The length of the output before it, and its beginning there; none when nothing in it has changed yet.
    open: Option<(usize, Open)>,
}

/// The request as it becomes.
struct Output<'a> {
    request: &'a [u8],
    bytes: Vec<u8>,
    /// How much of the request is copied, or replaced by something else.
    copied: usize,
    around: Vec<Level>,
    changed: bool,
}

impl Output<'_> {
    fn enter(&mut self, number: u32, place: Place) {
        self.around.push(Level { number, place, open: None });
    }

    /// Ends the last message that was entered.
    fn leave(&mut self, is_empty: bool) {
        let Some(level) = self.around.pop() else { return };
        let Some((length_before, open)) = level.open else { return };
        if is_empty {
            self.bytes.truncate(length_before);
            self.copied = level.place.end;
        } else {
            self.copy_to(level.place.end);
            end(&mut self.bytes, &open);
        }
    }

    /// Copies everything before `start`; what lies from there to `end` is replaced by what is appended after.
    fn replace(&mut self, start: usize, end: usize) {
        if !std::mem::replace(&mut self.changed, true) {
            self.bytes.reserve(self.request.len() + self.request.len() / 8 + 64);
        }
        let mut around = std::mem::take(&mut self.around);
        for level in around.iter_mut().filter(|level| level.open.is_none()) {
            self.copy_to(level.place.start);
            let length_before = self.bytes.len();
            let expected = level.place.end - level.place.content_start;
            level.open = Some((length_before, begin(&mut self.bytes, level.number, expected)));
            self.copied = level.place.content_start;
        }
        self.around = around;
        self.copy_to(start);
        self.copied = end;
    }

    fn copy_to(&mut self, end: usize) {
        self.bytes.extend_from_slice(self.request.get(self.copied..end).unwrap_or_default());
        self.copied = self.copied.max(end);
    }

    fn finish(mut self, request: &Bytes) -> Bytes {
        if !self.changed {
            return request.clone();
        }
        self.copy_to(request.len());
        Bytes::from(self.bytes)
    }
}

struct Pass<'a, 'e, E> {
    out: Output<'a>,
    dropped: u64,
    /// The replacement of one message.
    scratch: Vec<u8>,
    editor: &'e mut E,
}

impl<'a, E: Editor<'a>> Pass<'a, '_, E> {
    fn resource_spans(&mut self, message: &'a [u8], place: Place) -> Result<(), DecodeError> {
        self.scratch.clear();
        let edit = if self.editor.enter_resource(message)? {
            let resource = last_message(message, RESOURCE, "ResourceSpans")?;
            self.editor.resource(resource.unwrap_or_default(), &mut self.scratch)?
        } else {
            Edit::Drop
        };
        if edit == Edit::Drop {
            self.out.replace(place.start, place.end);
            self.dropped += count_spans(message)?;
            return Ok(());
        }
        let wants_spans = self.editor.wants_spans();
        if edit == Edit::Keep && !wants_spans {
            return Ok(());
        }
        self.out.enter(RESOURCE_SPANS, place);
        if edit == Edit::Replace {
            self.out.replace(place.content_start, place.content_start);
            put_bytes_field(&mut self.out.bytes, RESOURCE, &self.scratch);
        }
        let (mut n_scopes, mut n_kept) = (0_u64, 0_u64);
        let mut fields = Reader::new(message, "ResourceSpans");
        while let Some(field) = fields.next_raw()? {
            if let Some(scope_spans) = field.message(SCOPE_SPANS).filter(|_| wants_spans) {
                n_scopes += 1;
                let place = place.inner(&field, scope_spans, &fields);
                n_kept += u64::from(self.scope_spans(scope_spans, place)?);
            } else if edit == Edit::Replace && field.message(RESOURCE).is_some() {
                let old = place.inner(&field, &[], &fields);
                self.out.replace(old.start, old.end);
            }
        }
        self.out.leave(n_scopes > 0 && n_kept == 0);
        Ok(())
    }

    /// Returns whether anything of it is left.
    fn scope_spans(&mut self, message: &'a [u8], place: Place) -> Result<bool, DecodeError> {
        if !self.editor.enter_scope(message)? {
            self.out.replace(place.start, place.end);
            self.dropped += count_scope_spans(message)?;
            return Ok(false);
        }
        let scope = last_message(message, SCOPE, "ScopeSpans")?;
        if !self.editor.scope(scope.unwrap_or_default())? {
            return Ok(true);
        }
        self.out.enter(SCOPE_SPANS, place);
        let (mut n_kept, mut n_dropped) = (0_u64, 0_u64);
        let mut fields = Reader::new(message, "ScopeSpans");
        while let Some(field) = fields.next_raw()? {
            let Some(span) = field.message(SPANS) else { continue };
            match self.span(span, place.inner(&field, span, &fields))? {
                true => n_kept += 1,
                false => n_dropped += 1,
            }
        }
        self.dropped += n_dropped;
        let is_empty = n_kept == 0 && n_dropped > 0;
        self.out.leave(is_empty);
        Ok(!is_empty)
    }

    /// Returns whether the span is left.
    fn span(&mut self, span: &'a [u8], place: Place) -> Result<bool, DecodeError> {
        self.scratch.clear();
        let edit = self.editor.span(span, &mut self.scratch)?;
        if edit != Edit::Keep {
            self.out.replace(place.start, place.end);
        }
        if edit == Edit::Replace {
            put_bytes_field(&mut self.out.bytes, SPANS, &self.scratch);
        }
        Ok(edit != Edit::Drop)
    }
}

/// The message in a field of `message`; of several the last, as everywhere in protobuf.
fn last_message<'a>(
    message: &'a [u8],
    number: u32,
    name: &'static str,
) -> Result<Option<&'a [u8]>, DecodeError> {
    let mut fields = Reader::new(message, name);
    let mut found = None;
    while let Some(message) = fields.next_message(number)? {
        found = Some(message);
    }
    Ok(found)
}

/// Spans of a `ResourceSpans`.
fn count_spans(resource_spans: &[u8]) -> Result<u64, DecodeError> {
    let mut total = 0;
    let mut fields = Reader::new(resource_spans, "ResourceSpans");
    while let Some(scope_spans) = fields.next_message(SCOPE_SPANS)? {
        total += count_scope_spans(scope_spans)?;
    }
    Ok(total)
}

fn count_scope_spans(scope_spans: &[u8]) -> Result<u64, DecodeError> {
    let mut total = 0;
    let mut fields = Reader::new(scope_spans, "ScopeSpans");
    while fields.next_message(SPANS)?.is_some() {
        total += 1;
    }
    Ok(total)
}
