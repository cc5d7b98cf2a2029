//! `include` and `exclude`: which spans a processor is about.
//!
//! All conditions of a block must hold; a list holds when one of its members does, except attributes and resources,
//! which must all be there. `include` is looked at before `exclude`.

mod matcher;
#[cfg(test)]
mod tests;

use spandrel_config::Section;

use crate::wire::{Pair, ScopeFields, SpanFields, resource_attributes};
use matcher::Matcher;
use spandrel_otlp::DecodeError;

/// The two blocks of a processor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    include: Option<Matcher>,
    exclude: Option<Matcher>,
}

impl Selection {
    /// Reads the keys `include` and `exclude`.
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let include = section.section("include", Matcher::read);
        let exclude = section.section("exclude", Matcher::read);
        Self { include, exclude }
    }

    /// Whether it says yes to everything.
    pub(crate) fn is_everything(&self) -> bool {
        self.include.is_none() && self.exclude.is_none()
    }

    /// Starts a pass over a request.
    pub(crate) fn cursor<'a>(&'a self) -> Cursor<'a> {
        Cursor {
            selection: self,
            pairs: Vec::new(),
            include: Place::default(),
            exclude: Place::default(),
        }
    }
}

/// Whether the resource and the scope at which a pass stands match.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    resource: bool,
    scope: bool,
}

/// A pass over a request: resources, scopes and spans in the order in which they lie.
pub(crate) struct Cursor<'a> {
    selection: &'a Selection,
    pairs: Vec<Pair<'a>>,
    include: Place,
    exclude: Place,
}

impl<'a> Cursor<'a> {
    /// The next resource.
    pub(crate) fn resource(&mut self, resource: &'a [u8]) -> Result<(), DecodeError> {
        resource_attributes(resource, &mut self.pairs)?;
        let matches = |matcher: &Option<Matcher>| {
            matcher.as_ref().is_some_and(|matcher| matcher.resource(&self.pairs))
        };
        self.include.resource =
            self.selection.include.is_none() || matches(&self.selection.include);
        self.exclude.resource = matches(&self.selection.exclude);
        Ok(())
    }

    /// Whether a span of the last resource can be selected.
    pub(crate) fn wants_resource(&self) -> bool {
        self.include.resource
    }

    /// The next scope. Returns whether a span of it can be selected.
    pub(crate) fn scope(&mut self, scope: &'a [u8]) -> Result<bool, DecodeError> {
        let scope = ScopeFields::read(scope)?;
        let matches = |matcher: &Option<Matcher>| {
            matcher.as_ref().is_some_and(|matcher| matcher.scope(&scope))
        };
        self.include.scope = self.selection.include.is_none() || matches(&self.selection.include);
        self.exclude.scope = matches(&self.selection.exclude);
        Ok(self.include.resource && self.include.scope)
    }

    /// Whether a span of the last scope is selected.
    pub(crate) fn selects(&self, span: &SpanFields<'_>) -> bool {
        let matches = |matcher: &Option<Matcher>, place: Place| {
            place.resource
                && place.scope
                && matcher.as_ref().is_none_or(|matcher| matcher.span(span))
        };
        matches(&self.selection.include, self.include)
            && !(self.selection.exclude.is_some() && matches(&self.selection.exclude, self.exclude))
    }
}
