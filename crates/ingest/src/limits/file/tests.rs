//! What may stand in a limits file, and how mistakes are told.

use std::io::Write as _;

use super::*;

fn write(path: &Path, text: &str) {
    std::fs::File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn an_override_changes_what_it_names() {
    let limits = parse(
        "
        defaults:
          rate_limit_bytes: 30MB
          burst_size_bytes: 64MiB
          max_spans_per_trace: 1000
          max_attribute_bytes: 2048
        overrides:
          team-a:
            rate_limit_bytes: unlimited
            max_spans_per_trace: 5
            max_live_bytes: \"1 GiB\"
          team-b: {}
        ",
    );
    let limits = limits.unwrap();
    let defaults = TenantLimits {
        rate_limit_bytes: Some(30_000_000),
        burst_size_bytes: Some(64 << 20),
        max_spans_per_trace: Some(1000),
        max_attribute_bytes: Some(2048),
        ..TenantLimits::default()
    };
    let team_a = TenantLimits {
        rate_limit_bytes: None,
        max_spans_per_trace: Some(5),
        max_live_bytes: Some(1 << 30),
        ..defaults
    };
    let of = |name: &str| limits.of(&TenantId::new(name).unwrap());
    assert_eq!([of("team-a"), of("team-b"), of("another")], [team_a, defaults, defaults]);
    for empty in ["", "# nothing\n", "defaults: {}\n"] {
        assert_eq!(parse(empty), Ok(Limits::default()), "{empty:?}");
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, expected) in [
        ("defaults:\n  rate_limit_byte: 1\n", "rate_limit_byte"),
        ("defaults:\n  rate_limit_byte: 1\n", "line 2"),
        ("defaults:\n  rate_limit_bytes: fast\n", "an amount of bytes or `unlimited`, got `fast`"),
        ("defaults:\n  max_spans_per_trace: 5MB\n", "a number or `unlimited`, got `5MB`"),
        ("defaults:\n  max_spans_per_trace: -5\n", "a number or `unlimited`"),
        ("defaults:\n  max_spans_per_trace: 1.5\n", "a number or `unlimited`"),
        ("overrides:\n  a/b: {}\n", "`a/b`: tenant id must be"),
        ("override:\n  a: {}\n", "override"),
        ("- 1\n", "line 1"),
    ] {
        let message = parse(text).unwrap_err();
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn a_file_is_read_when_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("limits.yaml");
    let mut file = LimitsFile::new(path.clone());
    assert!(matches!(file.load(), Err(LimitsFileError::Read { .. })));
    write(&path, "defaults: {max_live_bytes: 1}\n");
    let max = |limits: Limits| limits.defaults.max_live_bytes;
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
