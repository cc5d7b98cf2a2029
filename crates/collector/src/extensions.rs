//! Extensions that serve pages about the pipelines.

pub(crate) mod health_check;
mod health_grpc;
mod pages;
pub(crate) mod zpages;
