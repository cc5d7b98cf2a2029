//! Options of the linker that make the released binary a seventh smaller, where they are sure to work.
//!
//! On x86-64 Linux rustc links with the lld that it brings along, unless somebody chose another linker. Identical
//! functions and constants are folded into one: no code here tells them apart by their address, with the exception of
//! [`TOLD_APART`]. Relocations are packed (DT_RELR), which the C library understands from glibc 2.36 on; an older one
//! would refuse to start the binary.

#![expect(clippy::disallowed_methods, reason = "this is how cargo talks to a build script")]

use std::process::Command;

/// The first glibc that reads packed relocations.
const PACKED_SINCE: (u32, u32) = (2, 36);

/// Constants of mimalloc that are the same but for their address: one means "not set up yet", the other "cannot be set
/// up". Taken for one, the first allocation fails.
const TOLD_APART: [&str; 2] = ["_mi_theap_empty", "_mi_theap_empty_wrong"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let var = |name: &str| std::env::var(name).unwrap_or_default();
    let is_release = var("PROFILE") == "release";
    let is_known = var("TARGET") == "x86_64-unknown-linux-gnu" && var("HOST") == var("TARGET");
    let flags = var("CARGO_ENCODED_RUSTFLAGS");
    let is_chosen = !var("RUSTC_LINKER").is_empty() || flags.contains("link");
    if !is_release || !is_known || is_chosen {
        return;
    }
    for option in ["-O2", "--icf=all", "--ignore-data-address-equality"] {
        println!("cargo::rustc-link-arg-bins=-Wl,{option}");
    }
    for name in TOLD_APART {
        println!("cargo::rustc-link-arg-bins=-Wl,--keep-unique={name}");
    }
    if glibc().is_some_and(|version| version >= PACKED_SINCE) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of this machine's C library.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
