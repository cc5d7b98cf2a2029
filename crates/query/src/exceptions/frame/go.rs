//! Go: a function, and in the next line its file, behind a tab.

use super::{Frame, without_position};

/// Where Go's own sources lie, and those of modules that a program uses.
const NOT_OWN: [&str; 4] = ["/go/src/", "/pkg/mod/", "/vendor/", "@v"];
/// Packages whose frames are Go's own when paths do not tell, as in programs that were built with `-trimpath`.
const RUNTIME: [&str; 8] =
    ["runtime.", "runtime/", "net/http.", "reflect.", "sync.", "testing.", "panic", "internal/"];

pub(super) fn is_one(stack: &str) -> bool {
    stack.starts_with("goroutine ")
        || stack.contains("\ngoroutine ")
        || (stack.contains("\n\t") && stack.contains(".go:"))
}

pub(super) fn frames(stack: &str) -> impl Iterator<Item = Frame> {
    stack.lines().zip(stack.lines().skip(1)).filter_map(|(call, file)| frame(call, file))
}

fn frame(call: &str, file: &str) -> Option<Frame> {
    let path = file.strip_prefix('\t')?.split(' ').next()?;
    if !path.contains(".go:") || call.starts_with('\t') {
        return None;
    }
    let call = call.strip_prefix("created by ").unwrap_or(call);
    let call = call.split(" in goroutine ").next().unwrap_or(call);
    let function = match call.strip_suffix(')').and_then(|call| call.rsplit_once('(')) {
        // The receiver of a method stands in parentheses too.
        Some((function, _)) if !function.is_empty() && !function.ends_with('.') => function,
        _ => call,
    };
    let of_runtime = RUNTIME.iter().any(|package| function.starts_with(package));
    let is_own = !of_runtime && !NOT_OWN.iter().any(|part| path.contains(part));
    Some(Frame::in_file(function, without_position(path), is_own))
}
