//! The page as text: Prometheus' own format, or OpenMetrics.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::family::{Family, Labels};
use super::naming::MetricType;
use super::number::{push_number, push_open_number};
use super::page::{Look, is_plain, readable};
use super::point::{Point, PointExemplar, PointValue};

/// All families.
pub(super) fn render(families: &BTreeMap<String, Family>, look: Look, open: bool) -> String {
    let mut page = Page { text: String::new(), look, open };
    for (name, family) in families {
        page.family(name, family);
    }
    if open {
        page.text.push_str("# EOF\n");
    }
    page.text
}

/// The text as it grows.
struct Page {
    text: String,
    look: Look,
    /// Whether it is OpenMetrics.
    open: bool,
}

impl Page {
    fn family(&mut self, name: &str, family: &Family) {
        let name = &*self.readable(name);
        let open = self.open;
        let kind = match family.kind {
            // OpenMetrics knows a counter by the end of its name.
            MetricType::Counter if open && !name.ends_with("_total") => "unknown",
            MetricType::Counter => "counter",
            MetricType::Gauge => "gauge",
            MetricType::Histogram => "histogram",
            MetricType::Summary => "summary",
        };
        let title = match name.strip_suffix("_total") {
            Some(title) if open && family.kind == MetricType::Counter => title,
            _ => name,
        };
        self.text.push_str("# HELP ");
        self.quoted_name(title);
        self.text.push(' ');
        push_escaped(&mut self.text, &family.help, open);
        self.text.push_str("\n# TYPE ");
        self.quoted_name(title);
        self.text.push(' ');
        self.text.push_str(kind);
        self.text.push('\n');
        for (labels, point) in &family.points {
            self.point(name, labels, point);
        }
    }

    fn point(&mut self, name: &str, labels: &Labels, point: &Point) {
        match &point.value {
            PointValue::Gauge(number) => {
                self.begin(name, "", labels, None);
                self.number(*number);
                self.end(point, None);
            }
            PointValue::Counter(number) => {
                self.begin(name, "", labels, None);
                self.number(*number);
                self.end(point, point.exemplars.last());
            }
            PointValue::Histogram { count, sum, bounds, counts } => {
                self.buckets(name, labels, point, (bounds, counts, *count));
                self.sum_and_count(name, labels, point, (*sum, *count));
            }
            // Its buckets are only in protobuf.
            PointValue::Exponential(histogram) => {
                let (sum, count) = (histogram.sum, histogram.count);
                self.buckets(name, labels, point, (&[], &[], count));
                self.sum_and_count(name, labels, point, (sum, count));
            }
            PointValue::Summary { count, sum, quantiles } => {
                for (quantile, value) in quantiles {
                    self.begin(name, "", labels, Some(("quantile", *quantile)));
                    self.number(*value);
                    self.end(point, None);
                }
                self.sum_and_count(name, labels, point, (*sum, *count));
            }
        }
    }

    fn buckets(
        &mut self,
        name: &str,
        labels: &Labels,
        point: &Point,
        (bounds, counts, count): (&[f64], &[u64], u64),
    ) {
        let mut below = f64::NEG_INFINITY;
        let mut added_up = 0_u64;
        for (bound, in_bucket) in bounds.iter().zip(counts) {
            added_up = added_up.saturating_add(*in_bucket);
            self.bucket(name, labels, point, (below, *bound, added_up));
            below = *bound;
        }
        self.bucket(name, labels, point, (below, f64::INFINITY, count));
    }

    fn bucket(
        &mut self,
        name: &str,
        labels: &Labels,
        point: &Point,
        (below, bound, count): (f64, f64, u64),
    ) {
        self.begin(name, "_bucket", labels, Some(("le", bound)));
        self.count(count);
        let inside = |exemplar: &&PointExemplar| below < exemplar.value && exemplar.value <= bound;
        self.end(point, point.exemplars.iter().rfind(inside));
    }

    fn sum_and_count(
        &mut self,
        name: &str,
        labels: &Labels,
        point: &Point,
        (sum, count): (f64, u64),
    ) {
        self.begin(name, "_sum", labels, None);
        self.number(sum);
        self.end(point, None);
        self.begin(name, "_count", labels, None);
        self.count(count);
        self.end(point, None);
    }

    /// Name and labels of a sample. Names that Prometheus could not have had before it took UTF-8 stand among the
    /// labels.
    fn begin(&mut self, name: &str, suffix: &str, labels: &Labels, bound: Option<(&str, f64)>) {
        let full = format!("{name}{suffix}");
        let plain = is_plain(&full, true);
        let mut separator = '{';
        if plain {
            self.text.push_str(&full);
        } else {
            self.text.push_str("{\"");
            push_escaped(&mut self.text, &full, true);
            self.text.push('"');
            separator = ',';
        }
        for (key, value) in labels {
            self.text.push(separator);
            separator = ',';
            self.quoted_label(key);
            self.text.push_str("=\"");
            push_escaped(&mut self.text, value, true);
            self.text.push('"');
        }
        if let Some((key, number)) = bound {
            self.text.push(separator);
            separator = ',';
            self.text.push_str(key);
            self.text.push_str("=\"");
            self.number(number);
            self.text.push('"');
        }
        if separator == ',' {
            self.text.push('}');
        }
        self.text.push(' ');
    }

    /// What stands behind the value of a sample.
    fn end(&mut self, point: &Point, exemplar: Option<&PointExemplar>) {
        let open = self.open;
        if self.look.timestamps && point.unix_nanos > 0 {
            self.text.push(' ');
            self.time(point.unix_nanos);
        }
        if let Some(exemplar) = exemplar.filter(|_| open) {
            self.text.push_str(" # {");
            for (i, (key, value)) in exemplar.labels.iter().enumerate() {
                if i > 0 {
                    self.text.push(',');
                }
                self.quoted_label(key);
                self.text.push_str("=\"");
                push_escaped(&mut self.text, value, true);
                self.text.push('"');
            }
            self.text.push_str("} ");
            self.number(exemplar.value);
            if exemplar.unix_nanos > 0 {
                self.text.push(' ');
                self.time(exemplar.unix_nanos);
            }
        }
        self.text.push('\n');
    }

    /// Milliseconds in one format, seconds in the other.
    fn time(&mut self, unix_nanos: u64) {
        let millis = unix_nanos / 1_000_000;
        let written = if self.open {
            write!(self.text, "{}.{:03}", millis / 1000, millis % 1000)
        } else {
            write!(self.text, "{millis}")
        };
        written.expect("writing to a string does not fail");
    }

    fn number(&mut self, number: f64) {
        if self.open {
            push_open_number(&mut self.text, number);
        } else {
            push_number(&mut self.text, number);
        }
    }

    /// A count, which OpenMetrics writes as a whole number.
    fn count(&mut self, count: u64) {
        if self.open {
            write!(self.text, "{count}").expect("writing to a string does not fail");
        } else {
            push_number(&mut self.text, count as f64);
        }
    }

    fn quoted_name(&mut self, name: &str) {
        self.quoted_unless(name, is_plain(name, true));
    }

    fn quoted_label(&mut self, name: &str) {
        let name = &*self.readable(name);
        self.quoted_unless(name, is_plain(name, false));
    }

    fn readable<'n>(&self, name: &'n str) -> Cow<'n, str> {
        readable(name, self.look.escape)
    }

    fn quoted_unless(&mut self, name: &str, plain: bool) {
        if plain {
            self.text.push_str(name);
        } else {
            self.text.push('"');
            push_escaped(&mut self.text, name, true);
            self.text.push('"');
        }
    }
}

/// Text on one line; in quotes, they are escaped as well.
fn push_escaped(out: &mut String, text: &str, quotes: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            other => out.push(other),
        }
    }
}
