//! Fields that spans and what belongs to them have by their nature.

use super::Level;
use super::constant::Domain;

/// A field, with its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    TraceId,
    SpanId,
    ParentSpanId,
    TraceState,
    Name,
    Kind,
    StartTime,
    EndTime,
    Duration,
    Status,
    StatusMessage,
    Service,
    ResourceSchemaUrl,
    ScopeName,
    ScopeVersion,
    ScopeSchemaUrl,
    EventName,
    EventTime,
    EventTimeSinceStart,
    LinkTraceId,
    LinkSpanId,
    LinkTraceState,
}

const FIELDS: [(Level, &str, Field, Domain); 22] = [
    (Level::Span, "traceID", Field::TraceId, Domain::Id),
    (Level::Span, "spanID", Field::SpanId, Domain::Id),
    (Level::Span, "parentSpanID", Field::ParentSpanId, Domain::Id),
    (Level::Span, "traceState", Field::TraceState, Domain::Text),
    (Level::Span, "name", Field::Name, Domain::Text),
    (Level::Span, "kind", Field::Kind, Domain::Kind),
    (Level::Span, "startTime", Field::StartTime, Domain::Time),
    (Level::Span, "endTime", Field::EndTime, Domain::Time),
    (Level::Span, "duration", Field::Duration, Domain::Duration),
    (Level::Span, "status", Field::Status, Domain::Status),
    (Level::Span, "statusMessage", Field::StatusMessage, Domain::Text),
    (Level::Resource, "service", Field::Service, Domain::Text),
    (Level::Resource, "schemaURL", Field::ResourceSchemaUrl, Domain::Text),
    (Level::Scope, "name", Field::ScopeName, Domain::Text),
    (Level::Scope, "version", Field::ScopeVersion, Domain::Text),
    (Level::Scope, "schemaURL", Field::ScopeSchemaUrl, Domain::Text),
    (Level::Event, "name", Field::EventName, Domain::Text),
    (Level::Event, "time", Field::EventTime, Domain::Time),
    (Level::Event, "timeSinceStart", Field::EventTimeSinceStart, Domain::Duration),
    (Level::Link, "traceID", Field::LinkTraceId, Domain::Id),
    (Level::Link, "spanID", Field::LinkSpanId, Domain::Id),
    (Level::Link, "traceState", Field::LinkTraceState, Domain::Text),
];

impl Field {
    /// The field of this name; none when the level has no such field.
    pub(super) fn of(level: Level, name: &str) -> Option<Self> {
        let named = FIELDS.iter().find(|(at, known, ..)| *at == level && *known == name);
        named.map(|(_, _, field, _)| *field)
    }

    /// What its values are.
    pub(super) fn domain(self) -> Domain {
        let known = FIELDS.iter().find(|(_, _, field, _)| *field == self);
        known.map_or(Domain::Text, |(.., domain)| *domain)
    }
}
