//! What a crash, or a restart, has left in the journal.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use hashbrown::HashMap;

use super::record::{NewFragment, Record, parse};
use super::{HEADER, JournalError, Place, Segment, segment_number, segment_path};
use crate::frame::frames;

/// A fragment that nobody has finished with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recovered {
    pub(crate) fragment: NewFragment,
    pub(crate) place: Place,
    /// Bytes of its two parts.
    pub(crate) content_bytes: usize,
}

/// The segments, and the unfinished fragments in the order in which they were written. One segment is in memory at a
/// time.
pub(super) fn read(dir: &Path) -> Result<(VecDeque<Segment>, Vec<Recovered>), JournalError> {
    let mut segments = VecDeque::new();
    let mut unfinished: HashMap<(u64, u32), Recovered> = HashMap::new();
    for number in numbers(dir)? {
        let path = segment_path(dir, number);
        let io = |operation| {
            let path = path.clone();
            move |source| JournalError::Io { operation, path, source }
        };
        let bytes = fs::read(&path).map_err(io("read"))?;
        let mut end = HEADER.len();
        for (offset, payload, frame_bytes) in frames(&bytes, HEADER) {
            end = offset + frame_bytes;
            let place =
                Place { segment: number, offset: offset as u32, frame_bytes: frame_bytes as u32 };
            match parse(payload) {
                Some(Record::Fragment(fragment, content_bytes)) => {
                    let recovered = Recovered { fragment, place, content_bytes };
                    unfinished.insert((number, place.offset), recovered);
                }
                Some(Record::Finished(places)) => {
                    for place in places {
                        unfinished.remove(&place);
                    }
                }
                None => {
                    tracing::error!(path = %path.display(), offset, "a journal record is of no known kind")
                }
            }
        }
        if end < bytes.len() {
            let lost_bytes = bytes.len() - end;
            tracing::warn!(path = %path.display(), lost_bytes, "a journal segment ends in a torn record");
        }
        let file = File::options().read(true).write(true).open(&path).map_err(io("open"))?;
        file.set_len(end as u64).map_err(io("cut"))?;
        let (file, bytes) = (Arc::new(file), end as u64);
        segments.push_back(Segment { number, file, bytes, unfinished: 0 });
    }
    let mut recovered: Vec<Recovered> = unfinished.into_values().collect();
    recovered.sort_unstable_by_key(|recovered| recovered.place);
    for recovered in &recovered {
        let number = recovered.place.segment;
        if let Ok(at) = segments.binary_search_by_key(&number, |segment| segment.number)
            && let Some(segment) = segments.get_mut(at)
        {
            segment.unfinished += 1;
        }
    }
    Ok((segments, recovered))
}

fn numbers(dir: &Path) -> Result<Vec<u64>, JournalError> {
    let list = || -> std::io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(dir)? {
            numbers.extend(entry?.file_name().to_str().and_then(segment_number));
        }
        Ok(numbers)
    };
    let io = |source| JournalError::Io { operation: "list", path: dir.to_owned(), source };
    let mut numbers = list().map_err(io)?;
    numbers.sort_unstable();
    Ok(numbers)
}
