//! Names of component types: the current ones, those they had before, and those that are gone.
//!
//! Names are looked up without `_` and case, per kind, so that `spanmetrics` and `span_metrics` are the same.

mod historic;

use crate::known_types::known;
use crate::suggest::{fold, nearest};
use crate::types::historic::{GONE, RENAMED};

/// A kind of components.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Takes data in.
    Receiver,
    /// Changes it.
    Processor,
    /// Sends it out.
    Exporter,
    /// Joins pipelines.
    Connector,
    /// Helps the others.
    Extension,
}

impl Kind {
    /// All of them, in the order of the Collector's documentation.
    pub const ALL: [Self; 5] =
        [Self::Receiver, Self::Processor, Self::Exporter, Self::Connector, Self::Extension];

    /// The top-level key: `receivers`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Receiver => "receivers",
            Self::Processor => "processors",
            Self::Exporter => "exporters",
            Self::Connector => "connectors",
            Self::Extension => "extensions",
        }
    }

    /// One of them: `receiver`.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Receiver => "receiver",
            Self::Processor => "processor",
            Self::Exporter => "exporter",
            Self::Connector => "connector",
            Self::Extension => "extension",
        }
    }
}

/// What the name of a type stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canonical {
    /// The current name of a type that upstream has, or had last.
    Current(&'static str),
    /// Another spelling or an earlier name of it, which deserves a warning.
    Renamed {
        /// The current name.
        name: &'static str,
        /// What to write.
        advice: String,
    },
    /// A type that is gone and did nothing that would be missed: to be accepted, with a warning.
    Ignored(&'static str),
    /// A type that is gone, and what replaces it.
    Gone(&'static str),
    /// No type that is known, and the one that was probably meant.
    Unknown(Option<&'static str>),
}

/// Looks the name of a type up.
pub fn canonical(kind: Kind, type_name: &str) -> Canonical {
    let folded = fold(type_name);
    if let Some((.., end)) = GONE.iter().find(|(k, name, _)| *k == kind && fold(name) == folded) {
        return end.clone();
    }
    let renamed = RENAMED.iter().find(|(k, old, ..)| *k == kind && fold(old) == folded);
    if let Some((_, old, name, advice)) = renamed {
        let advice = match *advice {
            "" => format!("`{old}` is called `{name}` now"),
            advice => format!("`{old}` is called `{name}` now; {advice}"),
        };
        return Canonical::Renamed { name, advice };
    }
    let underscores = |name: &str| name.matches('_').count();
    match known(kind).iter().copied().find(|name| fold(name) == folded) {
        // With more of them it is spelled as a version newer than our list may spell it.
        Some(name) if *name == *type_name || underscores(type_name) > underscores(name) => {
            Canonical::Current(name)
        }
        Some(name) => {
            let advice = format!("`{type_name}` is called `{name}` now");
            Canonical::Renamed { name, advice }
        }
        None => Canonical::Unknown(nearest(type_name, known(kind).iter().copied())),
    }
}

/// The current names of all types of a kind that upstream has (core and contrib), sorted.
pub fn all(kind: Kind) -> &'static [&'static str] {
    known(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_old_and_new() {
        use Canonical::{Current, Renamed, Unknown};
        let renamed = |name, advice: &str| Renamed { name, advice: advice.to_owned() };
        let table = [
            (Kind::Receiver, "otlp", Current("otlp")),
            (Kind::Exporter, "otlp", renamed("otlp_grpc", "`otlp` is called `otlp_grpc` now")),
            (Kind::Exporter, "otlphttp", {
                renamed("otlp_http", "`otlphttp` is called `otlp_http` now")
            }),
            (Kind::Exporter, "otlp_http", Current("otlp_http")),
            (Kind::Exporter, "logging", {
                renamed(
                    "debug",
                    "`logging` is called `debug` now; `loglevel: debug` is `verbosity: detailed` there",
                )
            }),
            (Kind::Processor, "k8sattributes", {
                renamed("k8s_attributes", "`k8sattributes` is called `k8s_attributes` now")
            }),
            // A later version may spell it so.
            (Kind::Receiver, "otlp_json_file", Current("otlpjsonfile")),
            (Kind::Processor, "bacth", Unknown(Some("batch"))),
            (Kind::Processor, "my_own", Unknown(None)),
        ];
        for (kind, name, expected) in table {
            assert_eq!(canonical(kind, name), expected, "{name}");
        }
        for (kind, name) in [
            (Kind::Processor, "spanmetrics"),
            (Kind::Processor, "span_metrics"),
            (Kind::Processor, "routing"),
            (Kind::Exporter, "jaeger"),
            (Kind::Receiver, "opencensus"),
        ] {
            assert!(matches!(canonical(kind, name), Canonical::Gone(_)), "{name}");
        }
        assert!(matches!(canonical(Kind::Extension, "memory_ballast"), Canonical::Ignored(_)));
        assert_eq!(canonical(Kind::Connector, "routing"), Current("routing"));
        assert_eq!(canonical(Kind::Receiver, "jaeger"), Current("jaeger"));
    }
}
