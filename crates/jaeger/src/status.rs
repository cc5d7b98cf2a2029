//! The status of a span, which Jaeger keeps in tags.

use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::trace::Status;
use spandrel_proto::otlp::trace::span::SpanKind;
use spandrel_proto::otlp::trace::status::StatusCode;
use spandrel_translate::Attributes;

const ERROR: &str = "error";
const STATUS_CODE: &str = "otel.status_code";
const STATUS_DESCRIPTION: &str = "otel.status_description";
const HTTP_STATUS_CODE: &str = "http.status_code";
const HTTP_STATUS_MESSAGE: &str = "http.status_message";

/// Takes the tags that say the status. `error` decides, then `otel.status_code`, then the status of HTTP,
/// whose tags stay.
pub(crate) fn take_status(tags: &mut Attributes, kind: SpanKind) -> Option<Status> {
    let mut status = None;
    if tags.get(ERROR) == Some(&Value::BoolValue(true)) {
        tags.remove(ERROR);
        let message = tags
            .remove_text(STATUS_DESCRIPTION)
            .unwrap_or_else(|| tags.text(HTTP_STATUS_MESSAGE).unwrap_or_default().to_owned());
        status = Some((StatusCode::Error, message));
    }
    if let Some(code) = tags.text(STATUS_CODE).map(str::to_ascii_uppercase) {
        if status.is_none() {
            let code = match code.as_str() {
                "OK" => StatusCode::Ok,
                "ERROR" => StatusCode::Error,
                _ => StatusCode::Unset,
            };
            status = Some((code, tags.remove_text(STATUS_DESCRIPTION).unwrap_or_default()));
        }
        tags.remove(STATUS_CODE);
    } else if status.is_none()
        && let Some(code) = tags.get(HTTP_STATUS_CODE).and_then(http_status)
        && is_http_error(code, kind)
    {
        let message = tags.text(HTTP_STATUS_MESSAGE).unwrap_or_default().to_owned();
        status = Some((StatusCode::Error, message));
    }
    status.map(|(code, message)| Status { message, code: code as i32 })
}

fn http_status(value: &Value) -> Option<i64> {
    match value {
        Value::IntValue(code) => Some(*code),
        Value::StringValue(text) => text.parse().ok(),
        _ => None,
    }
}

/// A server that answers 4xx has done nothing wrong; everybody else has.
fn is_http_error(code: i64, kind: SpanKind) -> bool {
    match code {
        400..500 => kind != SpanKind::Server,
        100..400 => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use spandrel_translate::string;

    use super::*;

    /// Tags, as JSON would write them, to code, message and the keys that are left.
    fn check(tags: &[(&str, Value)], kind: SpanKind, code: i32, message: &str, left: &[&str]) {
        let mut attributes = Attributes::new();
        for (key, value) in tags {
            attributes.put(*key, value.clone());
        }
        let status = take_status(&mut attributes, kind).unwrap_or_default();
        let keys: Vec<_> = attributes.into_list().into_iter().map(|pair| pair.key).collect();
        let found = (status.code, status.message.as_str(), keys);
        assert_eq!(
            found,
            (code, message, left.iter().map(|key| (*key).to_owned()).collect()),
            "{tags:?}"
        );
    }

    #[test]
    fn tags_in_their_order_of_authority() {
        let error = (ERROR, Value::BoolValue(true));
        let no_error = (ERROR, Value::BoolValue(false));
        let text_error = (ERROR, string("true"));
        let code = |code: &str| (STATUS_CODE, string(code));
        let description = (STATUS_DESCRIPTION, string("why"));
        let http_message = (HTTP_STATUS_MESSAGE, string("Not Found"));
        let server = SpanKind::Server;
        check(&[], server, 0, "", &[]);
        check(std::slice::from_ref(&error), server, 2, "", &[]);
        check(&[error.clone(), code("OK"), description.clone()], server, 2, "why", &[]);
        check(
            &[error.clone(), http_message.clone()],
            server,
            2,
            "Not Found",
            &[HTTP_STATUS_MESSAGE],
        );
        check(
            &[error, (HTTP_STATUS_CODE, Value::IntValue(200))],
            server,
            2,
            "",
            &[HTTP_STATUS_CODE],
        );
        check(&[code("ok"), no_error], server, 1, "", &[ERROR]);
        check(&[code("ERROR"), description.clone(), text_error], server, 2, "why", &[ERROR]);
        check(&[code("strange")], server, 0, "", &[]);
        check(&[description], server, 0, "", &[STATUS_DESCRIPTION]);
    }

    #[test]
    fn statuses_of_http() {
        let (client, server) = (SpanKind::Client, SpanKind::Server);
        for (status, kind, code) in [
            (200, server, 0),
            (399, server, 0),
            (404, server, 0),
            (404, client, 2),
            (404, SpanKind::Internal, 2),
            (500, server, 2),
            (7, server, 2),
        ] {
            check(
                &[(HTTP_STATUS_CODE, Value::IntValue(status))],
                kind,
                code,
                "",
                &[HTTP_STATUS_CODE],
            );
            let text = (HTTP_STATUS_CODE, string(status.to_string()));
            check(&[text], kind, code, "", &[HTTP_STATUS_CODE]);
        }
        check(&[(HTTP_STATUS_CODE, string("no number"))], client, 0, "", &[HTTP_STATUS_CODE]);
    }
}
