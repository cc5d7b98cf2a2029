//! Lists the files of `ui/dist` as a table of bytes. Without them (nobody has built the web interface) the table is
//! empty, and the build needs no Node.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[expect(
    clippy::disallowed_methods,
    reason = "cargo talks to build scripts in environment variables, and nothing they make must be durable"
)]
fn main() -> io::Result<()> {
    let dist =
        PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../../ui/dist");
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut table = String::from("&[\n");
    let mut files = Vec::new();
    if dist.is_dir() {
        list(&dist, &mut files)?;
    }
    files.sort();
    for file in files {
        let path = file.strip_prefix(&dist).expect("it was found below").with_extension("");
        let path = path.to_string_lossy().replace('\\', "/");
        let bytes = file.canonicalize()?;
        writeln!(table, "    ({path:?}, include_bytes!({bytes:?})),").expect("a string takes all");
    }
    table.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").expect("set by cargo"));
    fs::write(out.join("files.rs"), table)
}

/// Compressed files, in all folders.
fn list(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "gz") {
            files.push(path);
        }
    }
    Ok(())
}
