//! The nearest right name for a wrong one.

/// The name of `known` that takes the fewest edits to get from `wrong`, when it is few, or else one that
/// starts with it.
pub(crate) fn nearest<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Names are short; what is longer than any of them is near to none.
    if !(1..=64).contains(&wrong.len()) {
        return None;
    }
    let limit = (wrong.len() / 3).max(1);
    let starts = |name: &str| {
        wrong.len() > 2
            && name.get(..wrong.len()).is_some_and(|start| start.eq_ignore_ascii_case(wrong))
    };
    let scored = known.into_iter().map(|name| match distance(wrong, name) {
        // Two edits are more than an end that was left out.
        edits if edits > 1 && starts(name) => (1, name),
        edits => (edits, name),
    });
    scored.filter(|(edits, _)| *edits <= limit).min().map(|(_, name)| name)
}

/// The end of a message about the unknown name `wrong`.
pub(crate) fn hint<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, known).map(|name| format!(": did you mean `{name}`?")).unwrap_or_default()
}

/// Characters to insert, remove or replace, where case counts half.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).map(|at| at * 2).collect();
    for (line, a) in left.chars().enumerate() {
        let mut diagonal = line * 2;
        let mut previous = (line + 1) * 2;
        for (at, b) in right.iter().enumerate() {
            let cost = match () {
                () if a == *b => 0,
                () if a.eq_ignore_ascii_case(b) => 1,
                () => 2,
            };
            let above = row.get(at + 1).copied().unwrap_or_default();
            let next = (diagonal + cost).min(above + 2).min(previous + 2);
            if let Some(cell) = row.get_mut(at) {
                *cell = previous;
            }
            previous = next;
            diagonal = above;
        }
        if let Some(last) = row.last_mut() {
            *last = previous;
        }
    }
    row.last().map_or(0, |edits| edits.div_ceil(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_found() {
        let known = ["Substring", "SHA256", "SHA512", "IsMatch", "set", "delete_key"];
        for (wrong, right) in [
            ("Substing", Some("Substring")),
            ("sha256", Some("SHA256")),
            ("ismatch", Some("IsMatch")),
            ("delete_keys", Some("delete_key")),
            ("sett", Some("set")),
            ("Sub", Some("Substring")),
            ("frobnicate", None),
        ] {
            assert_eq!(nearest(wrong, known), right, "{wrong}");
        }
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "ab"), 2);
    }
}
