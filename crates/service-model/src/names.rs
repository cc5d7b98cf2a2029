//! Names as small numbers.

use std::sync::Arc;

use hashbrown::HashMap;

/// Texts, each with a code. Code 0 is the empty text.
#[derive(Debug, Clone)]
pub struct Names {
    texts: Vec<Arc<str>>,
    codes: HashMap<Arc<str>, u32>,
    text_bytes: usize,
}

impl Default for Names {
    fn default() -> Self {
        let empty: Arc<str> = Arc::from("");
        let codes = HashMap::from_iter([(Arc::clone(&empty), 0)]);
        Self { texts: vec![empty], codes, text_bytes: 0 }
    }
}

impl Names {
    /// The code of a text.
    pub fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.codes.get(text) {
            return *code;
        }
        self.insert(Arc::from(text))
    }

    /// The code of a text that is shared.
    pub fn code_of(&mut self, text: &Arc<str>) -> u32 {
        match self.codes.get(&**text) {
            Some(code) => *code,
            None => self.insert(Arc::clone(text)),
        }
    }

    fn insert(&mut self, text: Arc<str>) -> u32 {
        let code = self.texts.len() as u32;
        self.text_bytes += text.len();
        self.texts.push(Arc::clone(&text));
        self.codes.insert(text, code);
        code
    }

    /// The code of a text, if it has one.
    pub fn find(&self, text: &str) -> Option<u32> {
        self.codes.get(text).copied()
    }

    /// The text of a code of these names; empty for any other.
    pub fn text(&self, code: u32) -> &Arc<str> {
        self.texts.get(code as usize).unwrap_or(&self.texts[0])
    }

    /// All texts, by code.
    pub fn texts(&self) -> &[Arc<str>] {
        &self.texts
    }

    /// Bytes of memory, roughly.
    pub fn size_bytes(&self) -> usize {
        self.text_bytes + self.texts.len() * 72
    }
}
