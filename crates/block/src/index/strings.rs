//! The string table of a section: each text once, named by its code, the order of first use.
//!
//! Encoded as the number of texts, their lengths, then all bytes in one run.

use std::sync::Arc;

use hashbrown::HashMap;

use super::IndexError;
use super::wire::{Cursor, put_count, put_varint};

/// Texts by code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StringTable {
    texts: Vec<Arc<str>>,
}

impl StringTable {
    /// The text of `code`; `None` when the table has no such code.
    pub fn get(&self, code: u32) -> Option<&Arc<str>> {
        self.texts.get(code as usize)
    }

    /// How many texts there are; codes are below this.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// All texts in the order of their codes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<str>> {
        self.texts.iter()
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_count(out, self.texts.len());
        for text in &self.texts {
            put_varint(out, text.len() as u64);
        }
        for text in &self.texts {
            out.extend_from_slice(text.as_bytes());
        }
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, IndexError> {
        let count = cursor.count(1)?;
        let lengths = cursor.column(count, Cursor::varint_u32)?;
        let mut texts = Vec::with_capacity(count);
        for length in lengths {
            let bytes = cursor.bytes(length as usize)?;
            let text =
                std::str::from_utf8(bytes).map_err(|_| cursor.corrupt("text is not UTF-8"))?;
            texts.push(text.into());
        }
        Ok(Self { texts })
    }
}

/// Gives codes to texts.
#[derive(Debug, Clone, Default)]
pub(super) struct StringTableBuilder {
    codes: HashMap<Arc<str>, u32>,
    table: StringTable,
}

impl StringTableBuilder {
    /// The code of `text`, a new one when it is not in the table.
    pub(super) fn code(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.codes.get(text) {
            return code;
        }
        let code = self.table.texts.len() as u32;
        let text: Arc<str> = text.into();
        self.codes.insert(text.clone(), code);
        self.table.texts.push(text);
        code
    }

    pub(super) fn finish(self) -> StringTable {
        self.table
    }
}
