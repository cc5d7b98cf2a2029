//! What pods belong to, as far as their spans can be told about it.

use std::collections::BTreeMap;

use crate::pod::Owner;

/// A kind of objects besides pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// The namespace of a pod.
    Namespace,
    /// The node that it runs on.
    Node,
    /// Owns pods, and belongs to a deployment.
    ReplicaSet,
    /// Owns replica sets.
    Deployment,
    /// Owns pods.
    StatefulSet,
    /// Owns pods.
    DaemonSet,
    /// Owns pods, and may belong to a cron job.
    Job,
}

impl ObjectKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Namespace,
        Self::Node,
        Self::ReplicaSet,
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Job,
    ];

    /// Kubernetes' name, such as `ReplicaSet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::Node => "Node",
            Self::ReplicaSet => "ReplicaSet",
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
        }
    }

    /// The kind with this name, in lower case as `from` has it.
    pub(crate) fn of(from: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().to_ascii_lowercase() == from)
    }

    /// Whether pods name it by its name; otherwise by its uid.
    fn is_by_name(self) -> bool {
        matches!(self, Self::Namespace | Self::Node)
    }
}

/// An object as Kubernetes describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// `metadata.ownerReferences`.
    pub owners: Vec<Owner>,
}

impl Object {
    /// What pods name it by.
    pub(crate) fn key(&self, kind: ObjectKind) -> &str {
        if kind.is_by_name() { &self.name } else { &self.uid }
    }
}
