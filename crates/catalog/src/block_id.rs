//! The name of a block: a UUID version 7, so ids sort by the time at which blocks were cut.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use uuid::{NoContext, Timestamp, Uuid};

/// The id of one block, unique over all tenants and for all time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId(Uuid);

impl BlockId {
    /// A new id for a block that is cut at `unix_nanos`. Two ids from the same millisecond differ
    /// in their random bits and have no order among themselves.
    pub fn generate(unix_nanos: u64) -> Self {
        let since_epoch = Duration::from_nanos(unix_nanos);
        Self(Uuid::new_v7(Timestamp::from_unix(
            NoContext,
            since_epoch.as_secs(),
            since_epoch.subsec_nanos(),
        )))
    }

    /// When the block was cut, to the millisecond; 0 for an id that is not of version 7.
    pub fn unix_nanos(&self) -> u64 {
        let timestamp = self.0.get_timestamp().map(|timestamp| timestamp.to_unix());
        let nanos = |(secs, nanos): (u64, u32)| {
            secs.saturating_mul(1_000_000_000).saturating_add(u64::from(nanos))
        };
        if self.0.get_version_num() == 7 { timestamp.map_or(0, nanos) } else { 0 }
    }

    /// The id with these 16 bytes, most significant first, whatever version they claim.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The 16 bytes of the id, most significant first.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for BlockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// The text is not a UUID.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a block id")]
pub struct ParseBlockIdError {
    text: String,
}

impl FromStr for BlockId {
    type Err = ParseBlockIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::try_parse(text).map(Self).map_err(|_| ParseBlockIdError { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_survive_text() {
        let earlier = BlockId::generate(1_700_000_000_000_000_000);
        let later = BlockId::generate(1_700_000_000_002_000_000);
        assert!(earlier < later);
        assert_eq!(later.to_string().parse::<BlockId>().ok(), Some(later));
        assert_eq!(BlockId::from_bytes(*later.as_bytes()), later);
        assert_eq!(earlier.unix_nanos(), 1_700_000_000_000_000_000);
        assert_eq!(BlockId::from_bytes([7; 16]).unix_nanos(), 0);
        assert!("not-a-block".parse::<BlockId>().is_err());
    }
}
