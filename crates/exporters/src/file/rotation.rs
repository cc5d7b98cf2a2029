//! Files that are full: they get the time into their name, and the oldest go.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::settings::Rotation;

const NANOS_PER_DAY: u64 = 24 * 60 * 60 * 1_000_000_000;
const TIME_FORMAT: &str = "%Y-%m-%dT%H-%M-%S";

/// Renames `path` to `<stem>-<time>.<extension>` beside it, and removes old ones as the settings say. `last` is
/// the time in the name of the last one.
#[expect(
    clippy::disallowed_methods,
    reason = "after a power cut the file may have its old name and is rotated again"
)]
pub(super) fn set_aside(
    path: &Path,
    rotation: &Rotation,
    now_unix_nanos: u64,
    last: &mut u64,
) -> io::Result<()> {
    // Later than the last one even when the clock is not, so that the order of the names is that of the files.
    let mut unix_nanos = now_unix_nanos.max(*last + 1_000_000);
    let mut aside = backup_path(path, unix_nanos);
    while aside.try_exists()? {
        unix_nanos += 1_000_000;
        aside = backup_path(path, unix_nanos);
    }
    std::fs::rename(path, &aside)?;
    *last = unix_nanos;
    for old in too_many(path, rotation, now_unix_nanos)? {
        if let Err(error) = std::fs::remove_file(&old) {
            tracing::warn!(file = %old.display(), %error, "cannot remove an old file");
        }
    }
    Ok(())
}

fn parts(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let extension = text(path.extension());
    let suffix = if extension.is_empty() { extension } else { format!(".{extension}") };
    (format!("{}-", text(path.file_stem())), suffix)
}

fn backup_path(path: &Path, unix_nanos: u64) -> PathBuf {
    let (prefix, suffix) = parts(path);
    let time = Timestamp::from_nanosecond(i128::from(unix_nanos)).unwrap_or_default();
    let millis = unix_nanos / 1_000_000 % 1_000;
    let time = time.strftime(TIME_FORMAT);
    path.with_file_name(format!("{prefix}{time}.{millis:03}{suffix}"))
}

/// Backups of `path` that are too old, or more than are kept.
fn too_many(path: &Path, rotation: &Rotation, now_unix_nanos: u64) -> io::Result<Vec<PathBuf>> {
    let (prefix, suffix) = parts(path);
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut backups = Vec::new();
    for entry in std::fs::read_dir(parent)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let time = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(&suffix));
        // Only what has a time where backups have one; it sorts as text.
        if time.is_some_and(is_time) {
            backups.push((name, entry.path()));
        }
    }
    backups.sort_by(|a, b| b.0.cmp(&a.0));
    let kept = match rotation.max_backups {
        0 => backups.len(),
        max => usize::try_from(max).unwrap_or(usize::MAX),
    };
    let oldest = match rotation.max_days {
        0 => None,
        days => {
            let unix_nanos = now_unix_nanos.saturating_sub(days.saturating_mul(NANOS_PER_DAY));
            let name = backup_path(path, unix_nanos);
            name.file_name().map(|name| name.to_string_lossy().into_owned())
        }
    };
    let is_too_old = |name: &String| oldest.as_ref().is_some_and(|oldest| name < oldest);
    let removed = backups.into_iter().enumerate();
    let removed = removed.filter(|(index, (name, _))| *index >= kept || is_too_old(name));
    Ok(removed.map(|(_, (_, path))| path).collect())
}

/// Whether text is like `2020-02-11T20-26-13.789`.
fn is_time(text: &str) -> bool {
    let pattern = b"0000-00-00T00-00-00.000";
    text.len() == pattern.len()
        && text.bytes().zip(pattern).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            other => byte == *other,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("traces.json");
        let rotation = Rotation { bytes_max: 1, max_days: 2, max_backups: 3 };
        let mut last = 0;
        let start = 1_581_452_773_789_000_000;
        for step in 0..6_u64 {
            std::fs::File::create(&path).unwrap();
            set_aside(&path, &rotation, start + step * NANOS_PER_DAY / 2, &mut last).unwrap();
        }
        std::fs::File::create(dir.path().join("traces-other.json")).unwrap();
        let mut names: Vec<String> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let expected = [
            "traces-2020-02-13T08-26-13.789.json",
            "traces-2020-02-13T20-26-13.789.json",
            "traces-2020-02-14T08-26-13.789.json",
            "traces-other.json",
        ];
        assert_eq!(names, expected);
        let later = too_many(&path, &rotation, start + 4 * NANOS_PER_DAY).unwrap();
        assert_eq!(later.len(), 1, "those older than two days: {later:?}");
    }
}
