//! Tests of what is known about pods.

mod fixture;
mod lookup;
mod settings;
mod table;
#[cfg(feature = "kubernetes")]
mod watch;
