//! Which spans are selected.

use spandrel_config::read_settings;
use spandrel_otlp::DecodeError;
use spandrel_proto::otlp::common::InstrumentationScope;
use spandrel_proto::otlp::trace::span::SpanKind;

use super::*;
use crate::testing::{batch, int, request, span, text};
use crate::wire::{Edit, Editor, edit};

/// Names of selected spans.
struct Names<'a> {
    cursor: Cursor<'a>,
    fields: SpanFields<'a>,
    names: Vec<String>,
}

impl<'a> Editor<'a> for Names<'a> {
    fn resource(&mut self, resource: &'a [u8], _: &mut Vec<u8>) -> Result<Edit, DecodeError> {
        self.cursor.resource(resource)?;
        Ok(Edit::Keep)
    }

    fn wants_spans(&self) -> bool {
        self.cursor.wants_resource()
    }

    fn scope(&mut self, scope: &'a [u8]) -> Result<bool, DecodeError> {
        self.cursor.scope(scope)
    }

    fn span(&mut self, span: &'a [u8], _: &mut Vec<u8>) -> Result<Edit, DecodeError> {
        self.fields.read(span)?;
        if self.cursor.selects(&self.fields) {
            self.names.push(String::from_utf8_lossy(self.fields.name).into_owned());
        }
        Ok(Edit::Keep)
    }
}

fn selected(yaml: &str) -> Vec<String> {
    let (selection, _) = read_settings(yaml, Selection::read).expect(yaml);
    let mut spans = request("shop", vec![span("GET /a", [("n", int(1))]), span("b", [])]);
    spans.resource_spans[0].scope_spans[0].spans[1].kind = SpanKind::Server.into();
    let mut others = request("bank", vec![span("c", [("n", text("1")), ("s", text("xyz"))])]);
    others.resource_spans[0].scope_spans[0].scope = Some(InstrumentationScope {
        name: "http".to_owned(),
        version: "1.2".to_owned(),
        ..InstrumentationScope::default()
    });
    spans.resource_spans.append(&mut others.resource_spans);
    spans.resource_spans.push(spandrel_proto::otlp::trace::ResourceSpans {
        scope_spans: request("", vec![span("d", [])]).resource_spans.remove(0).scope_spans,
        ..Default::default()
    });
    let otlp = batch(&spans).traces.into_counted();
    let (cursor, fields) = (selection.cursor(), SpanFields::default());
    let mut names = Names { cursor, fields, names: Vec::new() };
    edit(&otlp, &mut names).expect("sound");
    names.names
}

#[test]
fn conditions() {
    for (yaml, names) in [
        ("{}", &["GET /a", "b", "c", "d"][..]),
        ("include: {match_type: strict, services: [shop]}", &["GET /a", "b"]),
        ("exclude: {match_type: strict, services: [shop]}", &["c", "d"]),
        ("include: {match_type: strict, services: [<nil-service-name>]}", &["d"]),
        ("include: {match_type: regexp, services: [an]}", &["c"]),
        ("include: {match_type: regexp, span_names: ['^GET /\\w+$', '^d']}", &["GET /a", "d"]),
        ("include: {match_type: strict, span_kinds: [SPAN_KIND_SERVER]}", &["b"]),
        ("include: {match_type: strict, span_kinds: [server]}", &["b"]),
        ("include: {match_type: strict, attributes: [{key: n}]}", &["GET /a", "c"]),
        ("include: {match_type: strict, attributes: [{key: n, value: 1}]}", &["GET /a"]),
        ("include: {match_type: strict, attributes: [{key: n, value: '1'}]}", &["c"]),
        ("include: {match_type: regexp, attributes: [{key: n, value: '^1$'}]}", &["GET /a", "c"]),
        ("include: {match_type: strict, attributes: [{key: n}, {key: s}]}", &["c"]),
        ("include: {match_type: strict, libraries: [{name: http}]}", &["c"]),
        ("include: {match_type: strict, libraries: [{name: http, version: '2'}]}", &[]),
        (
            "include: {match_type: strict, libraries: [{name: '', version: ''}]}",
            &["GET /a", "b", "d"],
        ),
        ("include: {attributes: [{key: n, value: 1}]}", &["GET /a"]),
        ("include: {match_type: strict, metric_names: [a]}", &[]),
        ("exclude: {match_type: strict, log_bodies: [a]}", &["GET /a", "b", "c", "d"]),
        ("include: {match_type: strict, resources: [{key: service.name, value: bank}]}", &["c"]),
        (
            "{include: {match_type: strict, services: [shop]}, exclude: {match_type: strict, span_names: [b]}}",
            &["GET /a"],
        ),
    ] {
        assert_eq!(selected(yaml), names, "{yaml}");
    }
}

#[test]
fn mistakes() {
    for (yaml, message) in [
        ("include: {services: [a]}", "match_type is required"),
        ("include: {match_type: strict}", "needs at least one of"),
        ("include: {match_type: rexp, services: [a]}", "regexp"),
        ("include: {match_type: regexp, services: ['(']}", "services"),
        ("include: {match_type: regexp, attributes: [{key: a, value: 1}]}", "must be a text"),
    ] {
        let problems = read_settings(yaml, Selection::read).expect_err(yaml).to_string();
        assert!(problems.contains(message), "{problems}");
    }
}
