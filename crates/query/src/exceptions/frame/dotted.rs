//! Java and its relatives, and .NET: `at name.of.Type.method(...)`.

use super::Frame;

const JAVA_RUNTIME: [&str; 10] = [
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "com.sun.",
    "kotlin.",
    "kotlinx.",
    "scala.",
    "groovy.lang.",
    "clojure.",
];
const DOTNET_RUNTIME: [&str; 2] = ["System.", "Microsoft."];
const JAVA_SOURCES: [&str; 8] =
    [".java", ".kt", ".scala", ".groovy", ".clj", "Native Method", "Unknown Source", "<generated>"];

pub(super) fn frame(line: &str) -> Option<Frame> {
    let call = line.trim().strip_prefix("at ")?;
    let (function, rest) = call.split_once('(')?;
    if function.is_empty() || function.contains(' ') {
        return None;
    }
    let (inside, behind) = rest.split_once(')')?;
    let is_java = JAVA_SOURCES.iter().any(|source| inside.contains(source));
    Some(if is_java { java(function, inside) } else { dotnet(function, behind) })
}

fn java(function: &str, source: &str) -> Frame {
    // The module or class loader stands before a slash.
    let function = function.rsplit('/').next().unwrap_or(function);
    let file = source.split(':').next().unwrap_or_default();
    let file = if file.contains('.') { file } else { "" };
    // Lambdas and proxies are numbered as they are made.
    let function = function.split("$$").next().unwrap_or(function);
    Frame::in_file(function, file, !is_of(function, &JAVA_RUNTIME))
}

fn dotnet(function: &str, behind: &str) -> Frame {
    let path = behind.trim().strip_prefix("in ").unwrap_or_default();
    let path = path.rsplit_once(":line ").map_or(path, |(path, _)| path);
    Frame::in_file(function, path, !is_of(function, &DOTNET_RUNTIME))
}

fn is_of(function: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().any(|prefix| function.starts_with(prefix))
}
