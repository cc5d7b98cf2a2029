//! `cargo xtask compare tempo`: the same spans and the same questions to Spandrel and to Grafana Tempo.
//!
//! Tempo is a program beside ours, as a browser would be: it is built unchanged by its own means, and nothing of it
//! becomes part of this repository. What is sent, asked and compared is the test target `compare` of
//! `spandrel-tests`; this task finds or builds the two programs and runs it.

mod tempo_build;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

const USAGE: &str = "\
usage: cargo xtask compare tempo [--tempo-binary PATH | --tempo-version VERSION] [--spandrel-binary PATH]
  --tempo-binary     Tempo's program; without it, it is built from Go's module proxy, which needs Go
  --tempo-version    what the proxy is asked for: a pseudo-version, a commit, or main
  --spandrel-binary  ours; without it, the release build is made";

/// What to compare with what.
#[derive(Debug, Default, PartialEq)]
struct Options {
    tempo: Option<PathBuf>,
    tempo_version: Option<String>,
    spandrel: Option<PathBuf>,
}

impl Options {
    fn parse(arguments: &[String]) -> anyhow::Result<Self> {
        let mut options = Self::default();
        let Some(("tempo", rest)) = arguments.split_first().map(|(s, rest)| (s.as_str(), rest))
        else {
            bail!(USAGE);
        };
        for pair in rest.chunks(2) {
            let [name, value] = pair else { bail!(USAGE) };
            match name.as_str() {
                "--tempo-binary" => options.tempo = Some(value.into()),
                "--tempo-version" => options.tempo_version = Some(value.clone()),
                "--spandrel-binary" => options.spandrel = Some(value.into()),
                _ => bail!(USAGE),
            }
        }
        Ok(options)
    }
}

/// Runs the comparison.
///
/// # Errors
/// When a program is missing and cannot be built, or when answers differ that nobody has explained.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let options = Options::parse(arguments)?;
    let root = crate::workspace_root()?;
    let target = target_dir(&root)?;
    let spandrel = match options.spandrel {
        Some(path) => path,
        None => build_spandrel(&target)?,
    };
    let tempo = match options.tempo {
        Some(path) => path,
        None => {
            let version = options.tempo_version.as_deref().unwrap_or(tempo_build::VERSION);
            tempo_build::find_or_build(&target.join("tempo").join(version), version)?
        }
    };
    let mut compare = Command::new(cargo()?);
    compare.args(["test", "--package", "spandrel-tests", "--test", "compare"]);
    compare.args(["--", "--ignored", "--nocapture"]);
    compare.env("SPANDREL_BIN", absolute(&spandrel)?).env("TEMPO_BIN", absolute(&tempo)?);
    succeed(&mut compare)
}

fn target_dir(root: &Path) -> anyhow::Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    // It may not be there yet, so that it cannot be resolved in the file system.
    std::path::absolute(root.join(target)).context("the build directory has no absolute path")
}

fn build_spandrel(target: &Path) -> anyhow::Result<PathBuf> {
    succeed(Command::new(cargo()?).args(["build", "--release", "--package", "spandrel-app"]))?;
    Ok(target.join("release/spandrel"))
}

fn absolute(program: &Path) -> anyhow::Result<PathBuf> {
    program.canonicalize().with_context(|| format!("no program at {}", program.display()))
}

fn cargo() -> anyhow::Result<std::ffi::OsString> {
    std::env::var_os("CARGO").context("run it as `cargo xtask`")
}

/// Runs a program that must succeed.
fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Options, String> {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        Options::parse(&arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn programs_are_given_or_made() {
        assert_eq!(parse("tempo"), Ok(Options::default()));
        let given =
            Options { tempo: Some("a".into()), spandrel: Some("b".into()), ..Options::default() };
        assert_eq!(parse("tempo --tempo-binary a --spandrel-binary b"), Ok(given));
        let version = Options { tempo_version: Some("main".to_owned()), ..Options::default() };
        assert_eq!(parse("tempo --tempo-version main"), Ok(version));
        for wrong in ["", "jaeger", "tempo --tempo-binary", "tempo --binary a"] {
            assert_eq!(parse(wrong), Err(USAGE.to_owned()), "{wrong}");
        }
    }
}
