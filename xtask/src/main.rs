//! Project tasks: `cargo xtask <task>`.
//!
//! In Rust rather than in scripts, so that they run everywhere and are type-checked.

#[cfg(feature = "codegen")]
mod codegen;
mod tidy;

use anyhow::bail;

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
