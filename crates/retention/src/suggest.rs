//! What the author of a misspelled word probably meant.

/// The word that differs least, if it differs little.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    // Longer texts are no misspelled keys, and comparing them costs time.
    if word.len() > 40 {
        return None;
    }
    let distances = known.iter().map(|known| (distance(word, known), *known));
    let (distance, found) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= 2 && distance < found.len()).then_some(found)
}

/// How many characters have to be inserted, removed or replaced.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["name", "match", "keep", "fraction"];
        assert_eq!(nearest("kep", &known), Some("keep"));
        assert_eq!(nearest("mathc", &known), Some("match"));
        assert_eq!(nearest("frction", &known), Some("fraction"));
        assert_eq!(nearest("tenants", &known), None);
        assert_eq!(nearest("", &["a"]), None);
    }
}
