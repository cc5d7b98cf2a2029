//! Regular expressions out of the configuration.

use spandrel_config::Section;
use spandrel_re2::Regex;

/// Compiles a pattern; a problem of `key` when it is none.
pub(crate) fn read(section: &mut Section<'_>, key: &'static str, pattern: &str) -> Option<Regex> {
    Regex::new(pattern).map_err(|error| section.problem(Some(key), error.to_string())).ok()
}

/// Compiles a list of patterns.
pub(crate) fn read_list(section: &mut Section<'_>, key: &'static str) -> Vec<Regex> {
    let patterns: Vec<String> = section.or(key, Vec::new());
    patterns.iter().filter_map(|pattern| read(section, key, pattern)).collect()
}

/// The names of all groups; a problem when there are none, or one has no name.
pub(crate) fn named_groups(
    section: &mut Section<'_>,
    key: &'static str,
    pattern: &Regex,
) -> Vec<String> {
    let names: Vec<Option<&str>> = pattern.group_names().skip(1).collect();
    if names.is_empty() || names.contains(&None) {
        let advice = "needs groups, all of them with names, such as `(?P<id>.*)`";
        section.problem(Some(key), advice);
    }
    names.into_iter().map(|name| name.unwrap_or_default().to_owned()).collect()
}
