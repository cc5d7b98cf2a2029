//! JSON-RPC 2.0, and the messages of the protocol that are not about tools.

use serde_json::{Value, json};

/// Versions of the protocol, the newest first. They differ in nothing that is served here.
pub(super) const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

const PARSE_ERROR: i64 = -32_700;
const INVALID_REQUEST: i64 = -32_600;
const METHOD_NOT_FOUND: i64 = -32_601;
const INVALID_PARAMS: i64 = -32_602;

const INSTRUCTIONS: &str = "Distributed traces. Look up attribute names and values before writing a \
    query, read docs-traceql when a query is refused, and fetch whole traces by the ids that \
    traceql-search returns.";

/// A request that wants an answer.
#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub(super) id: Value,
    pub(super) method: String,
    pub(super) params: Value,
}

/// A failure of the request itself; failures of tools are answers.
#[derive(Debug, PartialEq)]
pub(super) struct Reply {
    code: i64,
    message: String,
}

impl Reply {
    pub(super) fn unknown_method(method: &str) -> Self {
        Self { code: METHOD_NOT_FOUND, message: format!("method '{method}' is not known") }
    }

    pub(super) fn invalid_params(message: impl Into<String>) -> Self {
        Self { code: INVALID_PARAMS, message: message.into() }
    }
}

/// Reads a message; `None` for notifications and for answers, of which we expect none.
pub(super) fn read(message: Value) -> Result<Option<Call>, Value> {
    let refusal = |id: &Value, message: &str| Err(error(id, INVALID_REQUEST, message));
    let Value::Object(mut members) = message else {
        return refusal(&Value::Null, "expected an object");
    };
    let id = members.remove("id");
    let Some(Value::String(method)) = members.remove("method") else {
        let is_answer = members.contains_key("result") || members.contains_key("error");
        return if is_answer {
            Ok(None)
        } else {
            refusal(&id.unwrap_or_default(), "expected a method")
        };
    };
    match id {
        None => Ok(None),
        Some(id @ (Value::String(_) | Value::Number(_))) => {
            Ok(Some(Call { id, method, params: members.remove("params").unwrap_or_default() }))
        }
        Some(_) => refusal(&Value::Null, "expected an id that is a text or a number"),
    }
}

/// The answer to a call.
pub(super) fn reply(id: &Value, result: Result<Value, Reply>) -> Value {
    match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(Reply { code, message }) => error(id, code, &message),
    }
}

fn error(id: &Value, code: i64, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

/// The answer to what is not JSON.
pub(super) fn not_json() -> Value {
    error(&Value::Null, PARSE_ERROR, "expected JSON")
}

/// The answer to too many requests, or none.
pub(super) fn bad_batch(n_max: usize) -> Value {
    error(&Value::Null, INVALID_REQUEST, &format!("expected 1 to {n_max} requests in a batch"))
}

/// Agrees on the version that the client wants, if it is known.
pub(super) fn initialize(params: &Value) -> Value {
    let wanted = params["protocolVersion"].as_str().unwrap_or_default();
    let version = VERSIONS.into_iter().find(|known| *known == wanted).unwrap_or(VERSIONS[0]);
    json!({
        "protocolVersion": version,
        "capabilities": { "tools": {}, "resources": {} },
        "serverInfo": { "name": "spandrel", "version": env!("CARGO_PKG_VERSION") },
        "instructions": INSTRUCTIONS,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_calls_notifications_or_wrong() {
        let call = read(json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}));
        let expected = Call { id: json!(1), method: "ping".to_owned(), params: Value::Null };
        assert_eq!(call, Ok(Some(expected)));
        for message in
            [json!({"method": "notifications/initialized"}), json!({"id": 1, "result": {}})]
        {
            assert_eq!(read(message), Ok(None));
        }
        for message in [json!(5), json!({"id": 1}), json!({"id": null, "method": "ping"})] {
            let refusal = read(message).unwrap_err();
            assert_eq!(refusal["error"]["code"], INVALID_REQUEST);
        }
    }

    #[test]
    fn versions_are_negotiated() {
        let agreed = |wanted: &str| {
            initialize(&json!({ "protocolVersion": wanted }))["protocolVersion"].take()
        };
        assert_eq!(agreed("2025-03-26"), "2025-03-26");
        assert_eq!(agreed("1999-01-01"), VERSIONS[0]);
    }
}
