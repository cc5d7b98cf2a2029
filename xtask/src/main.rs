//! Project tasks: `cargo xtask <task>`.
//!
//! In Rust rather than in scripts, so that they run everywhere and are type-checked.

#[cfg(feature = "codegen")]
mod codegen;
mod tidy;

use std::path::PathBuf;

use anyhow::{Context, bail};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("tidy"), None) => tidy::run(),
        #[cfg(feature = "codegen")]
        (Some("codegen"), None) => codegen::run(),
        #[cfg(not(feature = "codegen"))]
        (Some("codegen"), None) => {
            bail!("built without the generator: cargo run -p xtask --features codegen -- codegen")
        }
        _ => bail!("usage: cargo xtask tidy | codegen"),
    }
}

/// The workspace of the checkout that cargo runs this program for. Asked at run time: a build directory
/// that serves several checkouts holds one program for all of them.
fn workspace_root() -> anyhow::Result<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("run it as `cargo xtask`")?;
    Ok(PathBuf::from(package).join(".."))
}
