//! Configurations that people wrote: all of them parse and expand, and complete ones load.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use spandrel_config::{Config, Inspection, Problem};

use super::{folder, say, yaml_files};

/// A value for every variable, of the type that its name suggests.
fn dummy(name: &str) -> Option<String> {
    let value = match name {
        _ if name.contains("LEVEL") => "info",
        _ if name.contains("PORT") => "4317",
        _ => "dummy",
    };
    Some(value.to_owned())
}

fn inspect(path: &Path) -> Inspection {
    Config::inspect(&[path.to_str().unwrap().to_owned()], &[], &dummy)
}

/// Problems of the YAML and of substitution; those of the model are others.
fn does_not_read(problem: &Problem) -> bool {
    const OF_THE_TEXT: [&str; 9] = [
        "no YAML",
        "a key must be",
        "first in line",
        "anchor",
        "`<<`",
        "too large",
        "nested deeper",
        "substitution",
        "cannot be read",
    ];
    const OF_SUBSTITUTION: [&str; 3] =
        ["the scheme", "is no name of an environment", "must be no `$`"];
    let any = |parts: &[&str]| parts.iter().any(|part| problem.message.contains(part));
    // Placeholders in texts about something else, a vendor's own scheme, and a file that is only spoken of.
    const NOT_MEANT: [&str; 3] = ["the scheme `ip:`", "the scheme `include:`", "`exporters.yaml`"];
    !any(&NOT_MEANT) && (any(&OF_THE_TEXT) || any(&OF_SUBSTITUTION))
}

/// Files below a folder that do not parse or expand, with why.
fn unreadable(name: &str) -> Option<Vec<String>> {
    let folder = folder(name)?;
    let files = yaml_files(&folder);
    let mut wrong = Vec::new();
    for path in &files {
        let Inspection { problems, .. } = inspect(path);
        wrong.extend(problems.iter().filter(|p| does_not_read(p)).map(Problem::to_string));
    }
    say(&format!("{name}: {} files read, {} problems", files.len(), wrong.len()));
    Some(wrong)
}

#[test]
fn configurations_of_the_wild_parse_and_expand() {
    for name in ["configs", "doc-snippets", "alloy-otelcolconvert", "configs-0.162-docs"] {
        let Some(wrong) = unreadable(name) else { return };
        assert_eq!(wrong, [""; 0], "{name}");
    }
}

/// Complete by the index, and refused by upstream as well.
const REFUSED: [(&str, &str); 2] = [
    // Connectors are no exporters.
    ("hyperdxio+hyperdx/smoke-tests/otel-collector/receiver-config.yaml", "there are no exporters"),
    // Only one vendor's distribution has this key.
    (
        "signalfx+splunk-otel-collector/cmd/otelcol/config/collector/ecs_ec2_config.yaml",
        "config_sources: unknown key",
    ),
];

#[test]
fn complete_configurations_load() {
    let Some(folder) = folder("configs") else { return };
    let index = fs::read_to_string(folder.join("INDEX.tsv")).unwrap();
    let mut lines = index.lines();
    let header: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let (mut loaded, mut wrong) = (0, Vec::new());
    for line in lines {
        let row: BTreeMap<&str, &str> = header.iter().copied().zip(line.split('\t')).collect();
        if row["expect"] != "positive" || row["refs"] != "complete" {
            continue;
        }
        let Inspection { problems, .. } = inspect(&folder.join(row["path"]));
        let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
        let refused = REFUSED.iter().find(|(path, _)| *path == row["path"]);
        match refused {
            Some((path, why)) => assert!(problems.iter().any(|p| p.contains(why)), "{path}"),
            None if problems.is_empty() => loaded += 1,
            None => wrong.extend(problems),
        }
    }
    say(&format!("configs: {loaded} complete configurations load"));
    assert_eq!(wrong, [""; 0]);
    assert!(loaded > 0);
}
