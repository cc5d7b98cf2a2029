//! Rust: numbered functions, each with its file in the next line: `at path:line:column`.

use super::{Frame, without_position};

const RUNTIME: [&str; 12] = [
    "std::",
    "core::",
    "alloc::",
    "<std::",
    "<core::",
    "<alloc::",
    "rust_begin_unwind",
    "__rust",
    "_start",
    "__libc_start",
    "main",
    "backtrace::",
];
/// Where the sources of the standard library and of packages lie.
const NOT_OWN: [&str; 3] = ["/rustc/", ".cargo/registry", ".cargo/git"];

pub(super) fn is_one(stack: &str) -> bool {
    stack.lines().take(10).filter_map(function).any(|function| function.contains("::"))
}

pub(super) fn frames(stack: &str) -> impl Iterator<Item = Frame> {
    let next = stack.lines().skip(1).map(Some).chain([None]);
    stack.lines().zip(next).filter_map(|(line, next)| {
        let function = function(line)?;
        let path = next.and_then(|next| next.trim().strip_prefix("at ")).unwrap_or_default();
        let of_runtime = RUNTIME.iter().any(|prefix| match *prefix {
            "main" => function == "main",
            prefix => function.starts_with(prefix),
        });
        let is_own = !of_runtime && !NOT_OWN.iter().any(|part| path.contains(part));
        Some(Frame::in_file(function, without_position(path), is_own))
    })
}

/// The function of a numbered line, without address and hash.
fn function(line: &str) -> Option<&str> {
    let (number, function) = line.trim_start().split_once(": ")?;
    if number.is_empty() || number.len() > 5 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let function = function.trim();
    let function = match function.split_once(" - ") {
        Some((address, function)) if address.starts_with("0x") => function,
        _ => function,
    };
    let hash = function
        .rsplit_once("::h")
        .filter(|(_, hash)| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()));
    Some(hash.map_or(function, |(function, _)| function)).filter(|function| !function.is_empty())
}
