//! The status of a span, which senders of version 1 keep in annotations of several names.

use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::trace::Status;
use spandrel_proto::otlp::trace::status::StatusCode;

/// What has been read of the status, by its source.
#[derive(Debug, Default)]
pub(crate) struct StatusMapper {
    /// `census.status_code`, where zero is success.
    census_code: Option<StatusCode>,
    census_message: String,
    /// `otel.status_code`, as a number.
    otel_code: Option<i32>,
    otel_message: String,
    http_code: Option<StatusCode>,
    http_message: String,
    has_error: bool,
}

impl StatusMapper {
    /// Looks at an annotation; `true` if it is about nothing but the status and no attribute.
    pub(crate) fn take(&mut self, key: &str, value: &Value) -> bool {
        match key {
            "census.status_code" => {
                let code = integer(value);
                self.census_code = code.map_or(self.census_code, |code| match code {
                    0 => Some(StatusCode::Ok),
                    _ => Some(StatusCode::Error),
                });
            }
            "census.status_description" | "opencensus.status_description" => {
                self.census_message = text(value);
            }
            "otel.status_code" => self.otel_code = integer(value).or(self.otel_code),
            "otel.status_description" => self.otel_message = text(value),
            "error" => self.has_error = true,
            "http.status_code" => {
                self.http_code = integer(value).map_or(self.http_code, |code| match code {
                    100..400 => Some(StatusCode::Unset),
                    _ => Some(StatusCode::Error),
                });
                return false;
            }
            "http.status_message" => {
                self.http_message = text(value);
                return false;
            }
            _ => return false,
        }
        true
    }

    /// The status, from the best source there is.
    pub(crate) fn status(self) -> Option<Status> {
        let status = |code: i32, message| Some(Status { code, message });
        if let Some(code) = self.census_code {
            return status(code as i32, self.census_message);
        }
        if let Some(code) = self.otel_code {
            return status(code, self.otel_message);
        }
        if self.has_error {
            let messages = [self.census_message, self.otel_message];
            let message = messages.into_iter().find(|message| !message.is_empty());
            return status(StatusCode::Error as i32, message.unwrap_or_default());
        }
        self.http_code.and_then(|code| status(code as i32, self.http_message))
    }
}

/// A number of 32 bits, or a text that is one.
fn integer(value: &Value) -> Option<i32> {
    match value {
        Value::IntValue(number) => i32::try_from(*number).ok(),
        Value::StringValue(text) => text.parse().ok(),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::StringValue(text) => text.clone(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(annotations: &[(&str, &str)], expected: Option<(i32, &str)>, n_left: usize) {
        let mut mapper = StatusMapper::default();
        let left = annotations
            .iter()
            .filter(|(key, value)| !mapper.take(key, &Value::StringValue((*value).to_owned())));
        assert_eq!(left.count(), n_left, "{annotations:?}");
        let status = mapper.status();
        let status = status.as_ref().map(|status| (status.code, status.message.as_str()));
        assert_eq!(status, expected, "{annotations:?}");
    }

    #[test]
    fn sources_in_their_order() {
        let (error, http, census) =
            (("error", "yes"), ("http.status_code", "500"), ("census.status_code", "0"));
        check(&[], None, 0);
        check(&[http], Some((2, "")), 1);
        check(
            &[("http.status_code", "301"), ("http.status_message", "Moved")],
            Some((0, "Moved")),
            2,
        );
        check(&[http, error], Some((2, "")), 1);
        check(&[error, ("otel.status_description", "why")], Some((2, "why")), 0);
        check(&[error, ("otel.status_code", "1")], Some((1, "")), 0);
        check(&[("otel.status_code", "2"), census, http], Some((1, "")), 1);
        check(
            &[("census.status_code", "5"), ("census.status_description", "no")],
            Some((2, "no")),
            0,
        );
        check(&[("census.status_code", "x")], None, 0);
    }
}
