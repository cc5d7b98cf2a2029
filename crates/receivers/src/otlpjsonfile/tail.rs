//! A file that is read line by line while others append to it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The most bytes of the beginning of a file by which it is known again.
const HEAD_BYTES_MAX: u64 = 1000;

/// A file and how far it has been read.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) path: PathBuf,
    place: Place,
}

/// A place in a file that is known again, also by another process.
///
/// The system gives the number of a file that is gone to a new one; so the beginning of the file is compared as well,
/// as far as it had been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// The beginning of the next line.
    pub(crate) offset: u64,
    /// Which file it is, in the words of the system; zero where it has none.
    pub(crate) identity: u64,
    /// How many of its first bytes the checksum is about.
    pub(crate) head_bytes: u64,
    /// CRC-32 (IEEE).
    pub(crate) head_crc32: u32,
}

/// What is at the place that has been reached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A whole line, and where the next one begins.
    Whole(Vec<u8>, u64),
    /// A line that is longer than allowed, which is left out.
    TooLong(u64),
    /// Nothing, or a line that is still being written.
    End,
}

impl Tail {
    /// Begins at the beginning, or after what is there.
    pub(crate) fn open(path: &Path, at_end: bool) -> io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        let offset = if at_end { metadata.len() } else { 0 };
        let place = Place { offset, identity: identity_of(&metadata), ..Place::default() };
        Ok(Self { path: path.to_owned(), place })
    }

    /// Goes on at a place that is known.
    pub(crate) fn at(path: PathBuf, place: Place) -> Self {
        Self { path, place }
    }

    /// Where it is.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Opens the file at the place that has been reached. A file that is another one by now, or shorter, is
    /// read from its beginning.
    pub(crate) fn reader(&mut self) -> io::Result<BufReader<File>> {
        let mut file = File::open(&self.path)?;
        let metadata = file.metadata()?;
        let identity = identity_of(&metadata);
        let is_known = identity == self.place.identity
            && metadata.len() >= self.place.offset
            && crc32(&mut file, self.place.head_bytes)? == self.place.head_crc32;
        if !is_known {
            self.place = Place { identity, ..Place::default() };
        }
        file.seek(SeekFrom::Start(self.place.offset))?;
        Ok(BufReader::with_capacity(64 << 10, file))
    }

    /// Learns what the file begins with, as far as it has been read. The reader is at another place afterwards.
    pub(crate) fn learn(&mut self, reader: &mut BufReader<File>) -> io::Result<()> {
        let head_bytes = self.place.offset.min(HEAD_BYTES_MAX);
        if head_bytes > self.place.head_bytes {
            self.place.head_crc32 = crc32(reader.get_mut(), head_bytes)?;
            self.place.head_bytes = head_bytes;
        }
        Ok(())
    }

    /// Goes on behind a line that has been taken.
    pub(crate) fn advance_to(&mut self, offset: u64) {
        self.place.offset = offset;
    }

    /// Begins again.
    pub(crate) fn rewind(&mut self) {
        self.place = Place { identity: self.place.identity, ..Place::default() };
    }

    /// Reads the next line. With `to_end` a last line may lack its end.
    pub(crate) fn read_line(
        &self,
        reader: &mut BufReader<File>,
        bytes_max: usize,
        to_end: bool,
    ) -> io::Result<Line> {
        let (mut line, mut length, mut ended) = (Vec::new(), 0_u64, false);
        while !ended {
            let buffer = reader.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            ended = end.is_some();
            let n_used = end.map_or(buffer.len(), |end| end + 1);
            let text = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            length += n_used as u64;
            // The rest of a line that is too long is not kept.
            if line.len() <= bytes_max {
                line.extend_from_slice(text);
            }
            reader.consume(n_used);
        }
        let next = self.place.offset.saturating_add(length);
        Ok(match (ended || (to_end && length > 0), line.len() > bytes_max) {
            (false, _) => Line::End,
            (true, true) => Line::TooLong(next),
            (true, false) => Line::Whole(line, next),
        })
    }
}

/// The checksum of the first bytes.
fn crc32(file: &mut File, n_bytes: u64) -> io::Result<u32> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(n_bytes.min(HEAD_BYTES_MAX)).read_to_end(&mut head)?;
    Ok(crc32fast::hash(&head))
}

/// Which file a path names now; `None` when it names none.
pub(crate) fn identity_at(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|metadata| identity_of(&metadata))
}

#[cfg(unix)]
fn identity_of(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

/// Elsewhere only the length tells that a file is another one.
#[cfg(not(unix))]
fn identity_of(_metadata: &std::fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// The whole lines that are there.
    fn lines(tail: &mut Tail, bytes_max: usize, to_end: bool) -> Vec<String> {
        let mut reader = tail.reader().unwrap();
        let mut lines = Vec::new();
        loop {
            match tail.read_line(&mut reader, bytes_max, to_end).unwrap() {
                Line::Whole(line, next) => {
                    lines.push(String::from_utf8(line).unwrap());
                    tail.advance_to(next);
                }
                Line::TooLong(next) => {
                    lines.push("too long".to_owned());
                    tail.advance_to(next);
                }
                Line::End => return lines,
            }
        }
    }

    #[test]
    fn lines_as_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let mut file = File::create(&path).unwrap();
        file.write_all(b"old\n").unwrap();
        let mut tail = Tail::open(&path, true).unwrap();
        assert_eq!(lines(&mut tail, 100, false), Vec::<String>::new());
        file.write_all(b"one\n\ntw").unwrap();
        assert_eq!(lines(&mut tail, 100, false), ["one", ""]);
        file.write_all(b"o\nlonger than that\nthree").unwrap();
        assert_eq!(lines(&mut tail, 5, false), ["two", "too long"]);
        assert_eq!(lines(&mut tail, 5, true), ["three"]);
        file.set_len(0).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.write_all(b"new\n").unwrap();
        assert_eq!(lines(&mut tail, 100, false), ["new"]);
        tail.rewind();
        assert_eq!(lines(&mut tail, 100, false), ["new"]);
        std::fs::remove_file(&path).unwrap();
        assert!(tail.reader().is_err());
    }

    #[test]
    fn a_file_is_known_again_by_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::File::create(&path).unwrap().write_all(b"one\ntwo\nhalf").unwrap();
        let mut tail = Tail::open(&path, false).unwrap();
        assert_eq!(lines(&mut tail, 100, false), ["one", "two"]);
        let mut reader = tail.reader().unwrap();
        tail.learn(&mut reader).unwrap();
        let place = tail.place();
        assert_eq!((place.offset, place.head_bytes), (8, 8));

        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b" full\n").unwrap();
        let mut tail = Tail::at(path.clone(), place);
        assert_eq!(lines(&mut tail, 100, false), ["half full"]);
        // The same file in the eyes of the system, and as long as it was.
        file.set_len(0).unwrap();
        file.write_all(b"six\nten\neleven\n").unwrap();
        let mut tail = Tail::at(path, place);
        assert_eq!(lines(&mut tail, 100, false), ["six", "ten", "eleven"]);
    }
}
