//! The settings of `groupbyattrs`.

use spandrel_config::Section;

/// Settings of `groupbyattrs`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupByAttrsSettings {
    /// Attributes to move, each once; empty only joins equal resources.
    pub keys: Vec<String>,
}

impl GroupByAttrsSettings {
    /// Reads and checks them.
    pub fn read(section: &mut Section<'_>) -> Self {
        let mut keys: Vec<String> = Vec::new();
        for key in section.or::<Vec<String>>("keys", Vec::new()) {
            if key.is_empty() || keys.contains(&key) {
                section.warn(
                    Some("keys"),
                    format!("{key:?} has no effect: it is empty or there twice"),
                );
            } else {
                keys.push(key);
            }
        }
        Self { keys }
    }
}
