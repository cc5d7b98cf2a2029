//! What the author of a misspelled word probably meant.

/// Longer texts are no misspelled words, and comparing them costs time.
const WORD_CHARS_MAX: usize = 64;

/// The known word that differs least from `word`, if it differs little: by case and `_`, or by a third of its
/// letters and at most three.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.chars().count() > WORD_CHARS_MAX {
        return None;
    }
    let folded = fold(word);
    let distances = known.into_iter().map(|known| (distance(&folded, &fold(known)), known));
    let (distance, found) = distances.min_by_key(|(distance, _)| *distance)?;
    let allowed = (found.chars().count() / 3).min(3);
    (distance <= allowed && found != word).then_some(found)
}

/// Without what people get wrong without noticing.
pub(crate) fn fold(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

/// How many characters have to be inserted, removed, replaced or swapped with their neighbor.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let width = b.len() + 1;
    let mut rows: Vec<usize> = vec![0; (a.len() + 1) * width];
    for (column, cell) in rows.iter_mut().take(width).enumerate() {
        *cell = column;
    }
    for i in 1..=a.len() {
        rows[i * width] = i;
        for j in 1..=b.len() {
            let replaced = rows[(i - 1) * width + j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let inserted = rows[i * width + j - 1] + 1;
            let removed = rows[(i - 1) * width + j] + 1;
            let mut least = replaced.min(inserted).min(removed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[(i - 2) * width + j - 2] + 1);
            }
            rows[i * width + j] = least;
        }
    }
    rows[a.len() * width + b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["send_batch_size", "send_batch_max_size", "timeout", "tls", "id"];
        let table = [
            ("send_batch_sizee", Some("send_batch_size")),
            ("sendBatchSize", Some("send_batch_size")),
            ("time_out", Some("timeout")),
            ("timeuot", Some("timeout")),
            ("TLS", Some("tls")),
            ("tsl", Some("tls")),
            ("di", None),
            ("endpoint", None),
            ("timeout", None),
            ("", None),
        ];
        for (word, meant) in table {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
        assert_eq!(nearest(&"x".repeat(100), known), None);
    }
}
