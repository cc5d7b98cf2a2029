//! How many oversized values a key has, and how large they are.

/// Sizes of the oversized values of a key, in bytes: of a text its UTF-8, of an array, map or bytes the
/// OTLP `AnyValue` message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oversized {
    /// How many there are, at least 1.
    pub count: u64,
    /// The sum of the sizes.
    pub bytes: u64,
    /// The least size.
    pub least_bytes: u64,
    /// The greatest size.
    pub greatest_bytes: u64,
}

impl Oversized {
    /// Of values of these sizes; `None` when there is no value.
    pub fn of(sizes: impl IntoIterator<Item = u64>) -> Option<Self> {
        let each = sizes.into_iter().map(|size| Self {
            count: 1,
            bytes: size,
            least_bytes: size,
            greatest_bytes: size,
        });
        each.reduce(Self::merge)
    }

    /// Both together, such as those of several types or several blocks.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            bytes: self.bytes.saturating_add(other.bytes),
            least_bytes: self.least_bytes.min(other.least_bytes),
            greatest_bytes: self.greatest_bytes.max(other.greatest_bytes),
        }
    }
}
