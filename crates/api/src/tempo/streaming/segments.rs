//! Long lists in several messages, each small enough for a client's limit.

use prost::Message;

/// Bytes of a message, as in Tempo.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Bytes that an item takes besides itself: its tag and its length.
const ITEM_BYTES: usize = 6;

/// Items in groups that fit into a message; at least one group, if an empty one. An item that does not fit
/// at all is alone.
pub(super) fn groups<T>(
    items: Vec<T>,
    rest: &impl Message,
    size: impl Fn(&T) -> usize,
) -> Vec<Vec<T>> {
    let room = MESSAGE_BYTES_MAX.saturating_sub(rest.encoded_len());
    let mut groups = vec![Vec::new()];
    let mut bytes = 0;
    for item in items {
        let more = size(&item) + ITEM_BYTES;
        let is_started = groups.last().is_some_and(|group| !group.is_empty());
        if is_started && bytes + more > room {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += more;
        if let Some(group) = groups.last_mut() {
            group.push(item);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_group_is_larger_than_a_message() {
        let size = |text: &String| text.len();
        let empty = String::new();
        assert_eq!(groups(Vec::new(), &empty, size), [Vec::<String>::new()]);
        let third = "x".repeat(MESSAGE_BYTES_MAX / 3);
        let huge = "y".repeat(2 * MESSAGE_BYTES_MAX);
        let items = vec![third.clone(), third.clone(), third.clone(), huge.clone(), third.clone()];
        let lengths: Vec<usize> = groups(items, &empty, size).iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 1, 1, 1]);
    }
}
