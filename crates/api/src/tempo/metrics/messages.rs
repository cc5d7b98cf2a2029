//! The JSON form of the messages that metrics queries are answered with.

use spandrel_proto::tempo::{
    Exemplar, InstantSeries, PartialStatus, QueryInstantResponse, QueryRangeResponse, Sample,
    TimeSeries,
};

use crate::tempo::jsonpb::{Jsonpb, Object};

impl Jsonpb for QueryRangeResponse {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.set_messages("series", &self.series);
        object.message("metrics", self.metrics.as_ref());
        object.text("status", status(self.status));
        object.text("message", &self.message);
    }
}

impl Jsonpb for QueryInstantResponse {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.messages("series", &self.series);
        object.message("metrics", self.metrics.as_ref());
        object.text("status", status(self.status));
        object.text("message", &self.message);
    }
}

/// The name of a status; complete is the default and not written.
fn status(status: i32) -> &'static str {
    match PartialStatus::try_from(status) {
        Ok(PartialStatus::Partial) => PartialStatus::Partial.as_str_name(),
        _ => "",
    }
}

impl Jsonpb for TimeSeries {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.messages("labels", &self.labels);
        object.messages("samples", &self.samples);
        object.messages("exemplars", &self.exemplars);
    }
}

impl Jsonpb for Sample {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.set_int64("timestampMs", self.timestamp_ms);
        object.double("value", self.value);
    }
}

impl Jsonpb for Exemplar {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.messages("labels", &self.labels);
        object.double("value", self.value);
        object.set_int64("timestampMs", self.timestamp_ms);
    }
}

impl Jsonpb for InstantSeries {
    fn write_fields(&self, object: &mut Object<'_>) {
        object.messages("labels", &self.labels);
        object.double("value", self.value);
    }
}
