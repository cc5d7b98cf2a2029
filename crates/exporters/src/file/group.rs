//! One file for each value of a resource attribute.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use spandrel_base::clock::SharedClock;
use spandrel_pipeline::Traces;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::trace::ResourceSpans;

use super::settings::{FileSettings, GroupBy};
use super::writer::{FileError, FileWriter};

/// Where resources without the attribute go.
const MISSING: &str = "MISSING";

/// The files, of which a limited number is open.
pub(super) struct Groups {
    settings: FileSettings,
    group_by: GroupBy,
    clock: SharedClock,
    /// What stands before and behind the value.
    prefix: String,
    suffix: String,
    /// By path, with the moment of the last use.
    open: BTreeMap<PathBuf, (u64, FileWriter)>,
    uses: u64,
}

impl Groups {
    pub(super) fn new(
        settings: &FileSettings,
        group_by: &GroupBy,
        clock: SharedClock,
    ) -> Result<Self, FileError> {
        let path = settings.path.to_string_lossy().into_owned();
        let (prefix, suffix) = path.split_once('*').unwrap_or((&path, ""));
        Ok(Self {
            settings: settings.clone(),
            group_by: group_by.clone(),
            clock,
            prefix: prefix.to_owned(),
            suffix: suffix.to_owned(),
            open: BTreeMap::new(),
            uses: 0,
        })
    }

    pub(super) fn write(&mut self, traces: Traces) -> Result<(), FileError> {
        let request = traces.decoded().map_err(FileError::Malformed)?;
        let mut groups: BTreeMap<PathBuf, Vec<ResourceSpans>> = BTreeMap::new();
        for resource_spans in &request.resource_spans {
            let path = self.path_of(resource_spans);
            groups.entry(path).or_default().push(resource_spans.clone());
        }
        for (path, resource_spans) in groups {
            let traces = Traces::from(ExportTraceServiceRequest { resource_spans });
            self.file(&path)?.write(traces)?;
        }
        Ok(())
    }

    fn path_of(&self, resource_spans: &ResourceSpans) -> PathBuf {
        let attributes = resource_spans.resource.iter().flat_map(|resource| &resource.attributes);
        let value = attributes
            .filter(|pair| pair.key == self.group_by.resource_attribute)
            .find_map(|pair| match pair.value.as_ref()?.value.as_ref()? {
                Value::StringValue(text) if !text.is_empty() => Some(text.as_str()),
                _ => None,
            });
        let segment = clean(value.unwrap_or(MISSING));
        PathBuf::from(format!("{}{segment}{}", self.prefix, self.suffix))
    }

    fn file(&mut self, path: &Path) -> Result<&mut FileWriter, FileError> {
        self.uses += 1;
        let uses = self.uses;
        if !self.open.contains_key(path) {
            while self.open.len() >= self.group_by.max_open_files {
                let oldest = self.open.iter().min_by_key(|(_, (used, _))| *used);
                let Some(oldest) = oldest.map(|(path, _)| path.clone()) else { break };
                self.open.remove(&oldest);
            }
            let file = FileWriter::open(path, &self.settings, self.clock.clone())?;
            self.open.insert(path.to_owned(), (uses, file));
        }
        match self.open.get_mut(path) {
            Some((used, file)) => {
                *used = uses;
                Ok(file)
            }
            None => Err(FileError::Closed),
        }
    }

    pub(super) fn close(self) {
        self.open.into_values().for_each(|(_, file)| file.close());
    }
}

/// The value as a part of a path that cannot leave its directory: senders choose it.
fn clean(value: &str) -> String {
    let value = value.replace(['\0', '\\'], "_");
    let parts = Path::new(&value).components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
        _ => None,
    });
    let cleaned = parts.collect::<Vec<_>>().join("/");
    if cleaned.is_empty() { MISSING.to_owned() } else { cleaned }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_the_directory() {
        for (value, expected) in [
            ("team-a", "team-a"),
            ("team/a", "team/a"),
            ("/etc/passwd", "etc/passwd"),
            ("../../etc", "etc"),
            ("..", MISSING),
            ("a\\..\\b\0", "a_.._b_"),
        ] {
            assert_eq!(clean(value), expected);
        }
    }
}
