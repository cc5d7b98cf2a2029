//! Project tasks: `cargo xtask <task>`.
//!
//! In Rust rather than in scripts, so that they run everywhere and are type-checked.

#[cfg(feature = "codegen")]
mod codegen;
mod compare;
mod tidy;

use std::path::PathBuf;

use anyhow::{Context, bail};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first().map(|(task, rest)| (task.as_str(), rest)) {
        Some(("tidy", [])) => tidy::run(),
        #[cfg(feature = "codegen")]
        Some(("codegen", [])) => codegen::run(),
        #[cfg(not(feature = "codegen"))]
        Some(("codegen", [])) => {
            bail!("built without the generator: cargo run -p xtask --features codegen -- codegen")
        }
        Some(("compare", rest)) => compare::run(rest),
        _ => bail!("usage: cargo xtask tidy | codegen | compare tempo"),
    }
}

/// The workspace of the checkout that cargo runs this program for. Asked at run time: a build directory
/// that serves several checkouts holds one program for all of them.
fn workspace_root() -> anyhow::Result<PathBuf> {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").context("run it as `cargo xtask`")?;
    Ok(PathBuf::from(package).join(".."))
}
