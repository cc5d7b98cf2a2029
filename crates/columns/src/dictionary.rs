//! Distinct strings of one column, numbered in order of first appearance.
//!
//! Shape: string `i` is `bytes[offsets[i] .. offsets[i + 1]]`; `offsets.len() == len + 1`.
//! Every string is valid UTF-8: bytes that are not are replaced by U+FFFD when they are first seen, so
//! that one careless sender neither loses its spans nor makes a block unreadable for other engines.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// A set of strings with dense codes `0..len`.
#[derive(Clone)]
pub struct Dictionary {
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    /// Codes, found by the hash of their string.
    codes: HashTable<u32>,
}

/// The hasher is seeded alike everywhere, so that runs are reproducible. Attribute values come from
/// outside; a sender that forges collisions slows down only its own tenant's open run, whose size is bounded.
const HASHER: FixedState = FixedState::with_seed(0x5350_414e);

impl Default for Dictionary {
    fn default() -> Self {
        Self { bytes: Vec::new(), offsets: vec![0], codes: HashTable::new() }
    }
}

impl Dictionary {
    /// How many distinct strings there are.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no string.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory in use, roughly.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + self.offsets.len() * 4 + self.codes.capacity() * 5
    }

    /// The string with this code.
    ///
    /// # Panics
    /// When `code >= len()`.
    pub fn get(&self, code: u32) -> &str {
        std::str::from_utf8(self.get_bytes(code)).expect("only valid UTF-8 is interned")
    }

    /// The bytes of the string with this code.
    ///
    /// # Panics
    /// When `code >= len()`.
    pub fn get_bytes(&self, code: u32) -> &[u8] {
        let code = code as usize;
        &self.bytes[self.offsets[code] as usize..self.offsets[code + 1] as usize]
    }

    /// All strings in order of their codes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len() as u32).map(|code| self.get(code))
    }

    /// The code of a string, if it is here.
    pub fn find(&self, text: &[u8]) -> Option<u32> {
        let hash = HASHER.hash_one(text);
        self.codes.find(hash, |&code| self.get_bytes(code) == text).copied()
    }

    /// The code of a string; new strings get the next code.
    ///
    /// # Panics
    /// When the strings outgrow 4 GiB; whoever fills a run cuts it long before.
    pub fn intern(&mut self, text: &[u8]) -> u32 {
        let hash = HASHER.hash_one(text);
        let Self { bytes, offsets, codes } = self;
        let string = |code: u32| {
            &bytes[offsets[code as usize] as usize..offsets[code as usize + 1] as usize]
        };
        if let Some(&code) = codes.find(hash, |&code| string(code) == text) {
            return code;
        }
        if std::str::from_utf8(text).is_err() {
            let replaced = String::from_utf8_lossy(text).into_owned();
            return self.intern(replaced.as_bytes());
        }
        let code = self.len() as u32;
        self.bytes.extend_from_slice(text);
        self.offsets.push(u32::try_from(self.bytes.len()).expect("a run holds under 4 GiB"));
        let Self { bytes, offsets, codes } = self;
        codes.insert_unique(hash, code, |&code| {
            HASHER.hash_one(
                &bytes[offsets[code as usize] as usize..offsets[code as usize + 1] as usize],
            )
        });
        code
    }
}

impl std::fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_strings_share_a_code() {
        let mut dictionary = Dictionary::default();
        let codes: Vec<_> = [b"b".as_slice(), b"a", b"", b"b", b""]
            .into_iter()
            .map(|text| dictionary.intern(text))
            .collect();
        assert_eq!(codes, [0, 1, 2, 0, 2]);
        assert_eq!(dictionary.iter().collect::<Vec<_>>(), ["b", "a", ""]);
        assert_eq!(dictionary.find(b"a"), Some(1));
        assert_eq!(dictionary.find(b"c"), None);
    }

    #[test]
    fn invalid_utf8_is_replaced() {
        let mut dictionary = Dictionary::default();
        let code = dictionary.intern(b"a\xffb");
        assert_eq!(dictionary.get(code), "a\u{fffd}b");
        assert_eq!(dictionary.intern(b"a\xffb"), code);
    }
}
