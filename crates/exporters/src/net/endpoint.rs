//! Endpoints of gRPC clients: `host:port`, with or without a scheme.

use std::path::PathBuf;

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

/// A parsed endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) target: Target,
    /// Whether the scheme decides about TLS: `https` for it, `http` and `unix` against.
    pub(crate) tls: Option<bool>,
    /// Whether every address of the name is to be used (`dns:`).
    pub(crate) is_spread: bool,
}

impl Endpoint {
    /// Parses an endpoint as gRPC clients of the Collector take it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("requires a non-empty endpoint".to_owned());
        }
        for (scheme, tls) in [("http://", false), ("https://", true)] {
            if let Some(rest) = text.strip_prefix(scheme) {
                let rest = rest.split('/').next().unwrap_or_default();
                let default_port = if tls { 443 } else { 80 };
                let target = host_and_port(rest, Some(default_port))?;
                return Ok(Self { target, tls: Some(tls), is_spread: false });
            }
        }
        if let Some(path) = text.strip_prefix("unix://").or_else(|| text.strip_prefix("unix:")) {
            if path.is_empty() {
                return Err("unix: needs a path".to_owned());
            }
            return Ok(Self { target: Target::Unix(path.into()), tls: None, is_spread: false });
        }
        for scheme in ["dns:", "passthrough:", "ipv4:", "ipv6:"] {
            let Some(rest) = text.strip_prefix(scheme) else { continue };
            // `dns://server/name:port` asks a certain server; the resolver of the system is asked here.
            let name = rest
                .strip_prefix("//")
                .map_or(rest, |rest| rest.split_once('/').map_or("", |(_server, name)| name));
            let target = host_and_port(name, Some(443))?;
            return Ok(Self { target, tls: None, is_spread: scheme == "dns:" });
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(format!("unknown scheme {scheme}; use http, https, dns or unix"));
        }
        Ok(Self { target: host_and_port(text, None)?, tls: None, is_spread: false })
    }

    /// What requests name as `:authority`.
    pub(crate) fn authority(&self) -> String {
        match &self.target {
            Target::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Target::Tcp { host, port } => format!("{host}:{port}"),
            Target::Unix(_) => "localhost".to_owned(),
        }
    }
}

fn host_and_port(text: &str, default_port: Option<u16>) -> Result<Target, String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("an IPv6 address lacks its ]")?;
            (host, rest.strip_prefix(':'))
        }
        None => match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => (host, Some(port)),
            Some(_) => (text, None),
            None => (text, None),
        },
    };
    let port = match (port, default_port) {
        (Some(port), _) => port.parse().map_err(|_| format!("invalid port {port:?}"))?,
        (None, Some(port)) => port,
        (None, None) => return Err(format!("{text} has no port; write host:port")),
    };
    if host.is_empty() {
        return Err(format!("{text:?} has no host"));
    }
    Ok(Target::Tcp { host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_as_the_collector_writes_them() {
        let tcp = |host: &str, port| Target::Tcp { host: host.to_owned(), port };
        let cases = [
            ("backend:4317", tcp("backend", 4317), None, false),
            ("http://backend:4317", tcp("backend", 4317), Some(false), false),
            ("https://backend", tcp("backend", 443), Some(true), false),
            ("https://[::1]:4317/ignored", tcp("::1", 4317), Some(true), false),
            ("dns:///backend:4317", tcp("backend", 4317), None, true),
            ("dns://8.8.8.8/backend:4317", tcp("backend", 4317), None, true),
            ("dns:backend:4317", tcp("backend", 4317), None, true),
            ("passthrough:///10.1.2.3:1", tcp("10.1.2.3", 1), None, false),
            ("[fe80::1]:4317", tcp("fe80::1", 4317), None, false),
            ("unix:///run/otel.sock", Target::Unix("/run/otel.sock".into()), None, false),
            ("unix:run/otel.sock", Target::Unix("run/otel.sock".into()), None, false),
        ];
        for (text, target, tls, is_spread) in cases {
            assert_eq!(Endpoint::parse(text), Ok(Endpoint { target, tls, is_spread }), "{text}");
        }
    }

    #[test]
    fn others_say_what_is_wrong() {
        for (text, message) in [
            ("", "requires a non-empty endpoint"),
            ("backend", "backend has no port; write host:port"),
            ("backend:grpc", "invalid port \"grpc\""),
            (":4317", "\":4317\" has no host"),
            ("ftp://backend:1", "unknown scheme ftp; use http, https, dns or unix"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap_err(), message);
        }
    }
}
