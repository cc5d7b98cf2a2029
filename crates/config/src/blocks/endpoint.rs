//! Addresses of servers and of those that clients send to.

use crate::section::Section;

/// `transport` of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// `tcp`, also as `tcp4` and `tcp6`.
    #[default]
    Tcp,
    /// `unix`: the endpoint is the path of a socket.
    Unix,
    /// `udp`, also as `udp4` and `udp6`.
    Udp,
}

const TRANSPORTS: [(&str, Transport); 8] = [
    ("tcp", Transport::Tcp),
    ("unix", Transport::Unix),
    ("udp", Transport::Udp),
    ("tcp4", Transport::Tcp),
    ("tcp6", Transport::Tcp),
    ("udp4", Transport::Udp),
    ("udp6", Transport::Udp),
    ("unixgram", Transport::Unix),
];

impl Transport {
    /// Reads `transport`.
    pub fn read(section: &mut Section<'_>, default: Self) -> Self {
        section.choice("transport", &TRANSPORTS).unwrap_or(default)
    }
}

/// Reads `endpoint`, which is required unless there is a default. An empty one is not given.
pub(super) fn read_endpoint(section: &mut Section<'_>, default: &str) -> String {
    if !default.is_empty() {
        return section.or("endpoint", default.to_owned());
    }
    let endpoint: Option<String> = section.required("endpoint");
    if endpoint.as_ref().is_some_and(String::is_empty) {
        section.problem(Some("endpoint"), "must not be empty");
    }
    endpoint.unwrap_or_default()
}

/// A problem unless `endpoint` is `host:port`, where the host may be empty for a server.
pub fn check_host_port(section: &mut Section<'_>, key: &'static str, endpoint: &str) {
    if let Err(message) = host_port(endpoint) {
        section.problem(Some(key), message);
    }
}

fn host_port(endpoint: &str) -> Result<(), String> {
    let wrong = |advice: &str| Err(format!("must be `host:port`{advice}"));
    if endpoint.contains("://") {
        return wrong(" without a scheme");
    }
    let Some((host, port)) = endpoint.rsplit_once(':') else {
        return wrong("; the port is missing");
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    if host.contains(':') && !bracketed {
        return wrong("; an IPv6 address is written in brackets, as in `[::1]:4317`");
    }
    match port.parse::<u16>() {
        Ok(_) => Ok(()),
        Err(_) => wrong("; the port must be a number from 0 to 65535"),
    }
}

/// A problem unless `endpoint` is a target of gRPC: `host:port`, alone or behind `http://`, `https://`, `dns:///` or
/// another scheme of a resolver, or the path of a socket behind `unix:`.
pub(super) fn check_grpc_target(section: &mut Section<'_>, key: &'static str, endpoint: &str) {
    if endpoint.starts_with("unix:") || endpoint.starts_with("passthrough:") {
        return;
    }
    let address = match endpoint.split_once("://") {
        // `dns://server/host:port`, where the server is mostly empty.
        Some(("dns", rest)) => rest.split_once('/').map_or(rest, |(_, address)| address),
        Some(("http" | "https", rest)) => rest.trim_end_matches('/'),
        Some((scheme, _)) => {
            let message =
                format!("must be `host:port`, and has the scheme `{scheme}`, which gRPC has not");
            section.problem(Some(key), message);
            return;
        }
        None => endpoint.strip_prefix("dns:").unwrap_or(endpoint),
    };
    if address.contains('/') {
        section.problem(Some(key), "must be `host:port`, without a path");
        return;
    }
    if address.starts_with(':') {
        section.problem(Some(key), "must be `host:port`; the host is missing");
        return;
    }
    check_host_port(section, key, address);
}

/// A problem unless `endpoint` is a URL with `http`, `https` or `unix` and a host.
pub fn check_url(section: &mut Section<'_>, key: &'static str, endpoint: &str) {
    if let Err(message) = url(endpoint) {
        section.problem(Some(key), message);
    }
}

/// The same, where `host:port/path` without a scheme is only worth a warning: the Collector takes `host` for the
/// scheme then, so such files load there, and nothing can be sent.
pub(super) fn check_url_of_client(section: &mut Section<'_>, key: &'static str, endpoint: &str) {
    match url(endpoint) {
        Err(message) if has_host_for_scheme(endpoint) => section.warn(Some(key), message),
        Err(message) => section.problem(Some(key), message),
        Ok(()) => {}
    }
}

fn has_host_for_scheme(endpoint: &str) -> bool {
    let may_be_in_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    !endpoint.contains("://")
        && endpoint.starts_with(|c: char| c.is_ascii_alphabetic())
        && endpoint.split_once(':').is_some_and(|(host, _)| host.chars().all(may_be_in_scheme))
}

fn url(endpoint: &str) -> Result<(), &'static str> {
    match endpoint.split_once("://") {
        Some(("http" | "https", rest)) if rest.starts_with(['/', ':', '?']) || rest.is_empty() => {
            Err("must be a URL; the host is missing")
        }
        Some(("http" | "https" | "unix", _)) => Ok(()),
        Some(_) => Err("must be a URL that begins with `http://` or `https://`"),
        None => Err("must be a URL; put `http://` or `https://` before it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::section::read_settings;

    fn problem_of(endpoint: &str, check: fn(&mut Section<'_>, &'static str, &str)) -> String {
        let read = read_settings("", |section| check(section, "endpoint", endpoint));
        match read {
            Ok(_) => String::new(),
            Err(problems) => problems.iter().map(|problem| problem.message.clone()).collect(),
        }
    }

    #[test]
    fn addresses_have_a_port() {
        for good in ["localhost:4317", "0.0.0.0:0", ":4317", "[::1]:4317", "[::]:1", "a-b.c:65535"]
        {
            assert_eq!(problem_of(good, check_host_port), "", "{good}");
        }
        let bad = [
            ("localhost", "must be `host:port`; the port is missing"),
            ("localhost:", "must be `host:port`; the port must be a number from 0 to 65535"),
            ("localhost:70000", "must be `host:port`; the port must be a number from 0 to 65535"),
            (
                "::1:4317",
                "must be `host:port`; an IPv6 address is written in brackets, as in `[::1]:4317`",
            ),
            ("http://localhost:4317", "must be `host:port` without a scheme"),
        ];
        for (endpoint, message) in bad {
            assert_eq!(problem_of(endpoint, check_host_port), message, "{endpoint}");
        }
    }

    #[test]
    fn targets_of_grpc_have_schemes() {
        for good in [
            "collector:4317",
            "http://collector:4317",
            "https://collector:4317/",
            "dns:///collector:4317",
            "dns:collector:4317",
            "dns://1.1.1.1/collector:4317",
            "unix:///run/collector.sock",
        ] {
            assert_eq!(problem_of(good, check_grpc_target), "", "{good}");
        }
        let bad = [
            ("collector", "must be `host:port`; the port is missing"),
            ("https://collector:4317/v1/traces", "must be `host:port`, without a path"),
            ("ftp://a:1", "must be `host:port`, and has the scheme `ftp`, which gRPC has not"),
            (":4317", "must be `host:port`; the host is missing"),
        ];
        for (endpoint, message) in bad {
            assert_eq!(problem_of(endpoint, check_grpc_target), message, "{endpoint}");
        }
    }

    #[test]
    fn urls_have_a_scheme_and_a_host() {
        for good in ["http://collector:4318", "https://collector/otlp", "unix:///run/a.sock"] {
            assert_eq!(problem_of(good, check_url), "", "{good}");
        }
        let bad = [
            ("collector:4318", "must be a URL; put `http://` or `https://` before it"),
            ("grpc://collector", "must be a URL that begins with `http://` or `https://`"),
            ("http://", "must be a URL; the host is missing"),
            ("http:///path", "must be a URL; the host is missing"),
        ];
        for (endpoint, message) in bad {
            assert_eq!(problem_of(endpoint, check_url), message, "{endpoint}");
        }
    }

    #[test]
    fn clients_may_forget_the_scheme() {
        for (endpoint, has_problem) in
            [("collector:4318/v1/traces", false), ("127.0.0.1:4318", true), ("collector", true)]
        {
            let problem = problem_of(endpoint, check_url_of_client);
            assert_eq!(!problem.is_empty(), has_problem, "{endpoint}: {problem}");
        }
    }
}
