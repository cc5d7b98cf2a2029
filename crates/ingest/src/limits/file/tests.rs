//! What may stand in a limits file, and how mistakes are told.

use std::io::Write as _;

use super::*;
use crate::limits::TenantLimits;

fn write(path: &Path, text: &str) {
    std::fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// What a file says, one line for each tenant and each warning or mistake.
fn shown(text: &str) -> String {
    let contents = match parse(text, "limits.yaml") {
        Ok(contents) => contents,
        Err(problems) => return format!("{problems}\n"),
    };
    let FileContents { limits, settings, warnings } = &contents;
    let mut lines = vec![line("defaults", &limits.defaults, &settings.defaults)];
    let tenants = limits.overrides.iter();
    lines.extend(tenants.map(|(id, limits)| line(id.as_str(), limits, &settings.of(id))));
    lines.extend(warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.push(String::new());
    lines.join("\n")
}

fn line(name: &str, limits: &TenantLimits, settings: &OperatorSettings) -> String {
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
    let others = [
        ("max_search_seconds", seconds(settings.max_search_duration)),
        ("max_metrics_seconds", seconds(settings.max_metrics_duration)),
        ("max_bytes_per_tag_values_query", settings.max_bytes_per_tag_values_query),
        ("block_retention_seconds", seconds(settings.block_retention)),
    ];
    let set = limits.named().into_iter().chain(others);
    let set = set.filter_map(|(name, limit)| Some(format!(" {name}={}", limit?)));
    let keys = settings.metrics_generator.iter().map(|document| {
        let keys = document.entries().unwrap_or_default().iter();
        format!(
            " metrics_generator:{}",
            keys.map(|(key, _)| &*key.text).collect::<Vec<_>>().join(",")
        )
    });
    format!("{name}:{}", set.chain(keys).collect::<String>())
}

/// Data: `tests/data/limits/*.yaml`, and beside each what it says, `*.txt`.
#[test]
fn files_say_what_is_meant() {
    let (mut n_files, mut wrong) = (0, String::new());
    for entry in std::fs::read_dir("tests/data/limits").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = std::fs::read_to_string(&path).unwrap();
            let expected = std::fs::read_to_string(path.with_extension("txt")).unwrap_or_default();
            let shown = shown(&text);
            if shown != expected {
                wrong.push_str(&format!("{}:\n{shown}", path.display()));
            }
            n_files += 1;
        }
    }
    assert_eq!((n_files, wrong.as_str()), (6, ""), "{wrong}");
    for empty in ["", "# nothing\n", "defaults: {}\n", "overrides:\n"] {
        assert_eq!(parse(empty, "limits.yaml"), Ok(FileContents::default()), "{empty:?}");
    }
}

#[test]
fn a_file_is_read_when_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("limits.yaml");
    let mut file = LimitsFile::new(path.clone());
    assert!(matches!(file.load(), Err(LimitsFileError::Read { .. })));
    write(&path, "defaults: {max_live_bytes: 1}\n");
    let max = |contents: FileContents| contents.limits.defaults.max_live_bytes;
    assert_eq!(file.load().map(max).unwrap(), Some(1));
    assert!(file.changed().is_none());
    // The length tells, where the clock of the file system is too coarse to.
    write(&path, "defaults: {max_live_bytes: 22}\n");
    assert_eq!(file.changed().unwrap().map(max).unwrap(), Some(22));
    write(&path, "defaults: {max_live_bytes: [}\n");
    assert!(matches!(file.changed(), Some(Err(LimitsFileError::Invalid { .. }))));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(file.changed(), Some(Err(LimitsFileError::Read { .. }))));
    assert!(file.changed().is_none());
    write(&path, "defaults: {max_live_bytes: 22}\n");
    assert_eq!(file.changed().unwrap().map(max).unwrap(), Some(22));
    write(&path, &"#".repeat(FILE_BYTES_MAX as usize + 1));
    assert!(matches!(file.changed(), Some(Err(LimitsFileError::TooLarge { .. }))));
}
