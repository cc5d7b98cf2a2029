//! What environment variables, Docker and Kubernetes say.

use super::super::attributes::Attribute;
use super::super::http;
use super::super::machine::Machine;
use super::{Found, member, parse, texts};

/// `OTEL_RESOURCE_ATTRIBUTES`, or the older `OTEL_RESOURCE`: pairs `key=value`, percent-encoded.
pub(super) fn env(machine: &Machine) -> Result<Found, String> {
    let variables = ["OTEL_RESOURCE_ATTRIBUTES", "OTEL_RESOURCE"];
    let Some(text) = variables.into_iter().find_map(|name| machine.variable(name)) else {
        return Ok(Vec::new());
    };
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) =
                pair.split_once('=').filter(|(key, _)| !key.trim().is_empty()).ok_or_else(
                    || format!("OTEL_RESOURCE_ATTRIBUTES has no `key=value` in `{pair}`"),
                )?;
            let value = value.trim().trim_matches('"');
            Ok(Attribute::text(key.trim(), percent_decoded(value)))
        })
        .collect()
}

/// `%2C` is a comma; what is no such code stays.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.first_chunk::<2>().filter(|_| byte == b'%');
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The machine that the Docker daemon runs on.
pub(super) async fn docker(machine: &Machine) -> Result<Found, String> {
    let socket = machine.root.join("var/run/docker.sock");
    let info = parse(&http::get_unix(&socket, "/info").await?)?;
    let os = member(&info, "OSType").map(str::to_lowercase);
    Ok(texts([("host.name", member(&info, "Name")), ("os.type", os.as_deref())]))
}

/// Variables of a dyno with the lab `runtime-dyno-metadata`.
pub(super) fn heroku(machine: &Machine) -> Found {
    let Some(dyno) = machine.variable("HEROKU_DYNO_ID") else { return Vec::new() };
    texts([
        ("cloud.provider", Some("heroku")),
        ("heroku.dyno.id", Some(dyno)),
        ("service.instance.id", Some(dyno)),
        ("heroku.app.id", machine.variable("HEROKU_APP_ID")),
        ("service.name", machine.variable("HEROKU_APP_NAME")),
        ("heroku.release.commit", machine.variable("HEROKU_SLUG_COMMIT")),
        ("heroku.release.creation_timestamp", machine.variable("HEROKU_RELEASE_CREATED_AT")),
        ("service.version", machine.variable("HEROKU_RELEASE_VERSION")),
    ])
}

/// The name of the node that a pod was told with the downward API.
pub(super) fn k8s_node(machine: &Machine, variable: &str) -> Result<Found, String> {
    let name = machine.variable(variable);
    let name = name.ok_or_else(|| format!("the environment variable {variable} is not set"))?;
    Ok(texts([("k8s.node.name", Some(name))]))
}
