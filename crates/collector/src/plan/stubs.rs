//! Components of other distributions: known by name, accepted so that files load, and doing nothing.
//!
//! A stub exporter drops and counts, a stub receiver does not listen, a stub extension is left out; the same for types
//! that the Collector has given up. A stub processor would let spans through that it was there to change or remove, so
//! it is refused unless that is allowed.

use spandrel_config::types::{Canonical, Kind};
use spandrel_config::{ComponentId, is_of_vendor, nearest};

/// Extensions of Jaeger whose work this process does in another way.
const OF_JAEGER: [(&str, &str); 4] = [
    ("expvar", "variables of Go's runtime do not exist here"),
    (
        "jaeger_storage",
        "spans are in the store of this process, where --data-dir and --storage say",
    ),
    ("jaeger_query", "Jaeger's API is where --jaeger-http says"),
    ("remote_sampling", "sampling strategies are not served"),
];

/// What is done about components that other distributions have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StubPolicy {
    /// They are accepted, processors of traces excepted.
    #[default]
    Accept,
    /// Processors too: spans pass them unchanged.
    AllowPassthrough,
    /// None is.
    Strict,
}

/// A component that is accepted and does nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stub {
    /// What it would be.
    pub kind: Kind,
    /// Its id.
    pub id: ComponentId,
}

impl Stub {
    /// What becomes of what it is given.
    pub fn effect(&self) -> &'static str {
        match self.kind {
            Kind::Receiver => "does not listen",
            Kind::Processor => "lets everything through unchanged",
            Kind::Exporter => "drops what it is given, and counts it",
            Kind::Connector => "drops what it is given, and emits nothing",
            Kind::Extension => "is not started",
        }
    }
}

impl StubPolicy {
    /// A stub for a component of a type that this program does not have, and a warning about it; or what is wrong,
    /// and what to do.
    pub(super) fn judge(
        self,
        kind: Kind,
        id: &ComponentId,
        known: Canonical,
        names: impl Iterator<Item = &'static str>,
    ) -> Result<(Stub, Option<String>), (String, Option<String>)> {
        let (type_name, what) = (id.type_name(), kind.singular());
        let unknown = |advice| (format!("unknown {what} type `{type_name}`"), advice);
        let stub = Stub { kind, id: id.clone() };
        let of_jaeger = OF_JAEGER.iter().find(|(name, _)| *name == type_name);
        if let (Kind::Extension, Some((_, why))) = (kind, of_jaeger) {
            return Ok((stub, Some(format!("has no effect: {why}"))));
        }
        match known {
            Canonical::Ignored(why) => Ok((stub, Some(format!("has no effect: {why}")))),
            // Nothing would be changed that ought to be; what a processor did is the pipeline's business.
            Canonical::Gone(advice) if kind != Kind::Processor && self != Self::Strict => {
                Ok((stub, Some(advice.to_owned())))
            }
            Canonical::Gone(advice) => Err(unknown(Some(advice.to_owned()))),
            Canonical::Unknown(_) if is_of_vendor(kind, type_name) && self != Self::Strict => {
                Ok((stub, None))
            }
            Canonical::Unknown(upstream) => {
                let meant = nearest(type_name, names).or(upstream);
                let meant = meant.map(|meant| format!("did you mean `{meant}`?"));
                let list = || "`spandrel components` lists those that there are".to_owned();
                Err(unknown(Some(meant.unwrap_or_else(list))))
            }
            Canonical::Current(_) | Canonical::Renamed { .. } if self == Self::Strict => {
                let message = format!("the {what} `{type_name}` is not part of this program");
                let advice = "without --strict it is accepted and does nothing";
                Err((message, Some(advice.to_owned())))
            }
            Canonical::Current(_) | Canonical::Renamed { .. } => Ok((stub, None)),
        }
    }
}
