//! Tempo's program, built once from Go's module proxy into the build directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use super::succeed;

const MODULE: &str = "github.com/grafana/tempo";
/// The commit that answers were last compared with, 3.1.0-dev. As a pseudo-version, because the module's path has no
/// major version, which tags above 1 would need.
pub(super) const VERSION: &str = "v1.5.1-0.20260821172745-ad33aa8fafc4";

const HOW_ELSE: &str = "\
Tempo cannot be built here. Either install Go and let it reach a module proxy (GOPROXY); a proxy that lacks this
version may have another one: `--tempo-version main`. Or give a program: take one from
https://github.com/grafana/tempo/releases, or in a checkout of Tempo run `go build ./cmd/tempo`; then
`cargo xtask compare tempo --tempo-binary PATH`";

/// The program in `folder`, which is made when it is not there yet. Building takes some minutes.
///
/// # Errors
/// When it cannot be built; the text says how to get it otherwise.
pub(super) fn find_or_build(folder: &Path, version: &str) -> anyhow::Result<PathBuf> {
    let program = folder.join("tempo");
    if !program.is_file() {
        build(folder, version).context(HOW_ELSE)?;
    }
    Ok(program)
}

fn build(folder: &Path, version: &str) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let module = downloaded(folder, version)?;
    // `go install` refuses a module that replaces others, and what the cache holds is read-only.
    let source = folder.join("source");
    if source.try_exists()? {
        fs::remove_dir_all(&source)?;
    }
    copy(&module, &source)?;
    let mut go = Command::new("go");
    go.args(["build", "-o", "../tempo", "./cmd/tempo"]).current_dir(&source);
    // It must not see a workspace of Go above the build directory.
    succeed(go.env("GOWORK", "off"))
}

/// The folder of the module's files.
fn downloaded(folder: &Path, version: &str) -> anyhow::Result<PathBuf> {
    let mut go = Command::new("go");
    go.args(["mod", "download", "-json"]).arg(format!("{MODULE}@{version}"));
    let output = go.current_dir(folder).output().context("cannot run go")?;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    match answer["Dir"].as_str() {
        Some(dir) => Ok(dir.into()),
        None => bail!(
            "go mod download: {}{}",
            answer["Error"].as_str().unwrap_or_default(),
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copied = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &copied)?;
        } else {
            fs::copy(entry.path(), &copied)?;
        }
    }
    Ok(())
}
