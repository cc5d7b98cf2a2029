//! The columns of the table: what they are called, what of the spans they are made of, and how.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use spandrel_query::{SpanColumn, ValueKind, ValueType};
use spandrel_traceql::{Attribute, Intrinsic, Scope};

/// How a column is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A time, from Unix nanoseconds.
    Time,
    /// A time, from a start and a duration.
    End,
    /// Hexadecimal digits of an id.
    Hex,
    /// Milliseconds, from nanoseconds.
    Millis,
    /// As it is read.
    Plain(ValueKind),
}

/// A column of the table.
#[derive(Debug, Clone)]
pub(crate) struct TableColumn {
    pub(crate) name: String,
    pub(crate) form: Form,
    /// What it is made of.
    pub(crate) reads: Vec<SpanColumn>,
    /// The attribute that a condition on the column is one on, if TraceQL has the same condition.
    pub(crate) attribute: Option<Attribute>,
}

impl TableColumn {
    fn data_type(&self) -> DataType {
        match self.form {
            Form::Time | Form::End => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            Form::Hex | Form::Plain(ValueKind::Text) => DataType::Utf8View,
            Form::Millis | Form::Plain(ValueKind::Double) => DataType::Float64,
            Form::Plain(ValueKind::Int) => DataType::Int64,
            Form::Plain(ValueKind::Bool) => DataType::Boolean,
        }
    }

    fn field(&self) -> Field {
        let never_null = ["trace_id", "span_id", "name", START_TIME, "duration_nanos"];
        Field::new(&self.name, self.data_type(), !never_null.contains(&self.name.as_str()))
    }

    /// Of the values of an attribute.
    pub(crate) fn of_attribute(name: String, attribute: Attribute, of: ValueType) -> Self {
        let reads = vec![SpanColumn::Values(attribute.clone(), of.kind)];
        // A text may stand for a value that is no text, which TraceQL keeps apart.
        let attribute = (!of.mixed).then_some(attribute);
        Self { name, form: Form::Plain(of.kind), reads, attribute }
    }
}

/// The schema of these columns.
pub(crate) fn schema(columns: &[TableColumn]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(TableColumn::field).collect::<Vec<_>>()))
}

/// The attribute that tells the service.
pub(crate) fn service_attribute() -> Attribute {
    Attribute::scoped(Scope::Resource, "service.name")
}

/// The column whose bounds narrow what is looked at.
pub(crate) const START_TIME: &str = "start_time";

/// Names of columns that say something about the trace of a span. They are not part of `*`, because every trace that
/// is spread over several places has to be put together for them.
pub(crate) const OF_TRACES: [&str; 3] = ["root_name", "root_service_name", "trace_duration_ms"];

/// A column of [`OF_TRACES`].
pub(crate) fn of_trace(name: &str) -> TableColumn {
    match name {
        "root_name" => intrinsic(name, Intrinsic::RootName, ValueKind::Text),
        "root_service_name" => intrinsic(name, Intrinsic::RootServiceName, ValueKind::Text),
        _ => millis(name, Intrinsic::TraceDuration),
    }
}

/// The columns of every query, which `*` stands for.
pub(crate) fn fixed(service: ValueType) -> Vec<TableColumn> {
    let text = ValueKind::Text;
    let service = ValueType { mixed: service.mixed || service.kind != text, kind: text };
    let duration = || SpanColumn::Values(Intrinsic::Duration.into(), ValueKind::Int);
    vec![
        id("trace_id", Intrinsic::TraceId),
        id("span_id", Intrinsic::SpanId),
        id("parent_span_id", Intrinsic::SpanParentId),
        TableColumn::of_attribute("service_name".to_owned(), service_attribute(), service),
        intrinsic("name", Intrinsic::Name, text),
        intrinsic("kind", Intrinsic::Kind, text),
        other(START_TIME, Form::Time, vec![SpanColumn::Start]),
        other("end_time", Form::End, vec![SpanColumn::Start, duration()]),
        millis("duration_ms", Intrinsic::Duration),
        intrinsic("duration_nanos", Intrinsic::Duration, ValueKind::Int),
        intrinsic("status", Intrinsic::Status, text),
        intrinsic("status_message", Intrinsic::StatusMessage, text),
        intrinsic("scope_name", Intrinsic::InstrumentationName, text),
        intrinsic("scope_version", Intrinsic::InstrumentationVersion, text),
        other("trace_state", Form::Plain(text), vec![SpanColumn::TraceState]),
        other("weight", Form::Plain(ValueKind::Double), vec![SpanColumn::Weight]),
    ]
}

fn id(name: &str, intrinsic: Intrinsic) -> TableColumn {
    let reads = vec![SpanColumn::Id(intrinsic.into())];
    TableColumn { name: name.to_owned(), form: Form::Hex, reads, attribute: Some(intrinsic.into()) }
}

fn intrinsic(name: &str, intrinsic: Intrinsic, kind: ValueKind) -> TableColumn {
    let of = ValueType { kind, mixed: false };
    TableColumn::of_attribute(name.to_owned(), intrinsic.into(), of)
}

fn millis(name: &str, intrinsic: Intrinsic) -> TableColumn {
    let reads = vec![SpanColumn::Values(intrinsic.into(), ValueKind::Int)];
    TableColumn {
        name: name.to_owned(),
        form: Form::Millis,
        reads,
        attribute: Some(intrinsic.into()),
    }
}

fn other(name: &str, form: Form, reads: Vec<SpanColumn>) -> TableColumn {
    TableColumn { name: name.to_owned(), form, reads, attribute: None }
}
