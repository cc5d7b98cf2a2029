//! What Kubernetes knows about the pods that send spans: the processor `k8s_attributes` without its spans.
//!
//! `settings` say which pods are asked for (`selection`), what names the pod of a resource (`association`) and what is
//! added to it (`extract`). A `watch` hears from the Kubernetes API of pods (`pod`) and of what they belong to
//! (`object`), and tells the `cluster`, the table in which resources are looked up; of each it keeps what was asked
//! for (`known`).
//!
//! The client of Kubernetes is there with the feature `kubernetes` only.
//!
//! # Invariants
//! - What the table holds is taken from a memory budget; what does not fit is left out and counted.
//! - A watch that breaks is resumed where it was; when Kubernetes has forgotten that, everything is listed again, and
//!   what is not in the list any more is gone.

mod association;
mod cluster;
mod extract;
mod known;
mod object;
mod pod;
mod selection;
mod settings;
mod watch;

pub use association::{Identity, PodAssociation, PodSource, SourceKind};
pub use cluster::{Cluster, Lookup};
pub use extract::Extraction;
pub use known::{Attributes, Value};
pub use object::{Object, ObjectKind};
pub use pod::{Container, Owner, Pod, Run};
pub use selection::Selection;
pub use settings::{Access, K8sAttributesSettings};
pub use watch::{Watch, WatchContext, WatchError};
