//! `spandrel retention check`: a policy file, read and repeated in our own words.

use std::path::Path;
use std::process::ExitCode;

use spandrel_retention::{Policy, format_keep};

use super::read_policy;
use crate::output;
use crate::table::{self, Align};

/// Reads the file and lists its rules.
pub(super) fn run(path: &Path) -> anyhow::Result<ExitCode> {
    let file = read_policy(path)?;
    let default = file.default_policy().map(|policy| ("default".to_owned(), policy));
    let tenants = file.tenants().map(|(tenant, policy)| (format!("tenant {tenant}"), policy));
    let lists: Vec<_> =
        default.into_iter().chain(tenants).map(|(list, p)| describe(&list, p)).collect();
    output::print(&lists.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn describe(list: &str, policy: &Policy) -> String {
    let headings = [
        ("RULE", Align::Left),
        ("KEEP", Align::Right),
        ("FRACTION", Align::Right),
        ("THRESHOLD", Align::Left),
        ("MATCH", Align::Left),
    ];
    let rows: Vec<_> = policy
        .rules()
        .iter()
        .map(|rule| {
            [
                rule.name.clone(),
                format_keep(rule.keep_nanos),
                rule.fraction.to_string(),
                format!("th:{}", rule.threshold),
                format!("{{ {} }}", rule.filter),
            ]
        })
        .collect();
    let wait = format_keep(policy.decision_wait_nanos());
    let table = table::render(headings, &rows, usize::MAX);
    format!("{list}: everything younger than {wait} is kept\n{table}")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use spandrel_retention::PolicyFile;

    use super::*;

    #[test]
    fn rules_are_listed_as_they_are_understood() {
        let file = PolicyFile::parse(
            "
default:
  - { name: everything, match: '{}', keep: 2d }
  - { name: slow, match: '{ traceDuration > 5s && status != error}', keep: 720h, fraction: 0.1 }
",
        )
        .unwrap();
        expect![[r#"
            default: everything younger than 1h is kept
            RULE        KEEP  FRACTION  THRESHOLD  MATCH
            everything    2d         1  th:0       { true }
            slow         30d       0.1  th:e666    { (traceDuration > 5s) && (status != error) }
        "#]]
        .assert_eq(&describe("default", file.default_policy().unwrap()));
    }
}
