//! Python: the last call last, `File "path", line 1, in function`.

use super::Frame;

/// Where the standard library and installed packages lie.
const NOT_OWN: [&str; 4] = ["/lib/python", "site-packages", "dist-packages", "<frozen "];

pub(super) fn is_one(stack: &str) -> bool {
    stack.contains("Traceback (most recent call last)") || stack.trim_start().starts_with("File \"")
}

/// The last own frame, of the exception that was raised last: of those before it came about.
pub(super) fn top_own_frame(stack: &str) -> Option<String> {
    let own = stack.lines().rev().filter_map(frame).find(|frame| frame.is_own);
    own.map(|frame| frame.text)
}

fn frame(line: &str) -> Option<Frame> {
    let (path, rest) = line.trim_start().strip_prefix("File \"")?.split_once('"')?;
    let function = rest.split_once(", in ").map_or("", |(_, function)| function.trim());
    let slashed = path.replace('\\', "/");
    let is_own = !NOT_OWN.iter().any(|part| slashed.contains(part)) && !path.starts_with('<');
    Some(Frame::in_file(function, path, is_own))
}
