//! Messages without what differs from one occurrence to the next.

/// Characters of a folded message: what comes later rarely tells exceptions apart.
const CHARS_MAX: usize = 200;
/// Hex digits of which a word is an id.
const ID_DIGITS_MIN: usize = 8;

/// The message with `#` in place of every number, hex id and UUID.
pub(super) fn folded(message: &str) -> String {
    let mut folded = String::new();
    let mut n_chars = 0;
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        if n_chars >= CHARS_MAX {
            break;
        }
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (word, behind) = match length {
            0 => rest.split_at(first.len_utf8()),
            length => rest.split_at(length),
        };
        fold_word(word, &mut folded);
        n_chars += word.chars().count();
        rest = behind;
    }
    // What stands between the parts of a UUID or of a number with fractions is folded with them.
    while ["#-#", "#.#", "#:#"].iter().any(|pair| folded.contains(pair)) {
        folded = folded.replace("#-#", "#").replace("#.#", "#").replace("#:#", "#");
    }
    folded
}

fn fold_word(word: &str, into: &mut String) {
    let is_hex = |word: &str| word.bytes().all(|b| b.is_ascii_hexdigit());
    let has_digit = word.bytes().any(|b| b.is_ascii_digit());
    let bare = word.strip_prefix("0x").unwrap_or(word);
    let is_id = has_digit
        && is_hex(bare)
        && (bare.len() >= ID_DIGITS_MIN || bare.len() == 4 || bare != word);
    if is_id {
        into.push('#');
        return;
    }
    let mut in_number = false;
    for c in word.chars() {
        if !c.is_ascii_digit() {
            into.push(c);
        } else if !in_number {
            into.push('#');
        }
        in_number = c.is_ascii_digit();
    }
}

#[cfg(test)]
mod tests {
    use super::folded;

    #[test]
    fn what_differs_is_folded() {
        for (message, wanted) in [
            ("no stock", "no stock"),
            (
                "order 4711 of customer 12 failed after 1.5s",
                "order # of customer # failed after #s",
            ),
            ("trace 4bf92f3577b34da6a3ce929d0e0e4736", "trace #"),
            ("id 6ba7b810-9dad-11d1-80b4-00c04fd430c8!", "id #!"),
            ("at 0xdeadbeef0", "at #"),
            ("10.0.0.7:5432 refused", "# refused"),
            ("feedback about decade", "feedback about decade"),
            ("pod-7f9c is gone", "pod-# is gone"),
            ("", ""),
        ] {
            assert_eq!(folded(message), wanted, "{message}");
        }
        assert_eq!(folded(&"\u{e9}".repeat(1000)).chars().count(), 200);
    }
}
