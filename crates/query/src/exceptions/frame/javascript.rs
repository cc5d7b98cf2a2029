//! Node and browsers: `at function (file:line:column)`, `at file:line:column`, `function@file:line:column`.

use super::{Frame, without_position};

pub(super) fn frame(line: &str) -> Option<Frame> {
    let line = line.trim();
    let (function, location) = match line.strip_prefix("at ") {
        Some(call) => {
            let call = call.strip_prefix("async ").unwrap_or(call);
            match call.strip_suffix(')').and_then(|call| call.rsplit_once(" (")) {
                Some(parts) => parts,
                None => ("", call),
            }
        }
        None => line.split_once('@')?,
    };
    // Line and column: other languages give the line alone.
    let path = without_position(location);
    let position = location.trim().strip_prefix(path).unwrap_or_default();
    if position.matches(':').count() != 2 {
        return is_builtin(location).then(|| Frame { text: function.to_owned(), is_own: false });
    }
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let function = function.strip_prefix("new ").unwrap_or(function);
    let function = function.split(" [as ").next().unwrap_or(function);
    let function = if function.ends_with("<anonymous>") { "" } else { function };
    Some(Frame::in_file(function, path, is_own(path)))
}

fn is_builtin(location: &str) -> bool {
    matches!(location, "<anonymous>" | "native" | "[native code]")
}

fn is_own(path: &str) -> bool {
    let has_folder = path.contains(['/', '\\']);
    let of_runtime = ["node:", "internal/"].iter().any(|prefix| path.starts_with(prefix));
    has_folder && !of_runtime && !path.contains("node_modules")
}
