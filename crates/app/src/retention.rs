//! `spandrel retention`: whether a policy is valid, and what it would keep and drop.

mod check;
mod dry_run;
mod render;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use spandrel_retention::{PolicyError, PolicyFile};

use crate::output;
use crate::query::parse_time;
use crate::storage::StorageArgs;

/// What to look at.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Nothing is changed, and a server may be running on the data directory. Spans that are not in a block yet
(the newest minutes) are not looked at.

Examples:
  spandrel retention check policy.yaml
  spandrel retention --dry-run --policy policy.yaml
  spandrel retention --dry-run --policy policy.yaml --at 2026-12-01 --tenant team-a --json"
)]
pub(crate) struct RetentionArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    dry_run: DryRunArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Check a policy file; exit status 1 when it is wrong
    Check {
        /// The policy file
        file: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct DryRunArgs {
    /// Report what a policy would keep and drop, by rule and by service
    #[arg(long, required = true)]
    dry_run: bool,

    /// The policy file
    #[arg(long, required = true, value_name = "FILE")]
    policy: Option<PathBuf>,

    #[command(flatten)]
    storage: StorageArgs,

    /// As if it were this time: 2026-12-01, 2026-12-01T12:00:00Z or Unix seconds [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_at)]
    at: Option<i64>,

    /// How many traces to name for each outcome of each rule
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(..=1000))]
    examples: u32,

    /// Print the report as JSON
    #[arg(long)]
    json: bool,

    /// Width of tables
    #[arg(long, env = "COLUMNS", default_value_t = 100, hide_env = true)]
    width: usize,
}

/// Checks or reports.
pub(crate) async fn run(args: RetentionArgs) -> anyhow::Result<ExitCode> {
    match args.action {
        Some(Action::Check { file }) => check::run(&file),
        None => dry_run::run(args.dry_run).await,
    }
}

/// Reads a policy file, and tells of rules that make no difference.
pub(crate) fn read_policy(path: &Path) -> anyhow::Result<PolicyFile> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let file =
        PolicyFile::parse(&text).map_err(|error| explain(&error, &text, &name.to_string()))?;
    for warning in file.warnings() {
        output::note(&format!("warning: {name}: {warning}\n"));
    }
    Ok(file)
}

/// An error with the line that it is about.
fn explain(error: &PolicyError, text: &str, name: &str) -> anyhow::Error {
    let number = match error {
        PolicyError::Structure { line, .. } | PolicyError::Value { line, .. } => *line,
        PolicyError::TooLarge { .. } => 0,
    };
    let index = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    match index.and_then(|index| text.lines().nth(index)) {
        Some(line) => anyhow!("{name}: {error}\n\n    {number} | {}", line.trim_end()),
        None => anyhow!("{name}: {error}"),
    }
}

/// Unix nanoseconds of a day's first moment in UTC, or of what other commands take for a time.
fn parse_at(text: &str) -> Result<i64, String> {
    let day = || {
        let midnight = text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?;
        i64::try_from(Timestamp::from(midnight).as_nanosecond()).ok()
    };
    // A date is no number, so Unix seconds are not taken for one.
    if text.len() == "2026-12-01".len()
        && text.contains('-')
        && let Some(nanos) = day()
    {
        return Ok(nanos);
    }
    parse_time(text).map_err(|error| format!("{error}, or a day such as 2026-12-01"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<RetentionArgs, String> {
        match Cli::try_parse_from(line.split_whitespace())
            .map_err(|error| error.to_string())?
            .command
        {
            Some(Command::Retention(args)) => Ok(args),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_dry_run_has_to_be_asked_for() {
        let args = parse("spandrel retention --dry-run --policy p.yaml --at 2026-12-01").unwrap();
        assert_eq!(args.dry_run.at, Some(1_796_083_200_000_000_000));
        let error = parse("spandrel retention --policy p.yaml").unwrap_err();
        assert!(error.contains("--dry-run"), "{error}");
        let error = parse("spandrel retention --dry-run").unwrap_err();
        assert!(error.contains("--policy"), "{error}");
        assert!(matches!(
            parse("spandrel retention check p.yaml").unwrap().action,
            Some(Action::Check { .. })
        ));
    }

    #[test]
    fn times_are_days_or_moments() {
        assert_eq!(parse_at("1970-01-02"), Ok(86_400_000_000_000));
        assert_eq!(parse_at("1970-01-02T00:00:01Z"), Ok(86_401_000_000_000));
        assert_eq!(parse_at("1700000000"), Ok(1_700_000_000_000_000_000));
        assert!(parse_at("2026-13-01").unwrap_err().contains("2026-12-01"));
    }

    #[test]
    fn errors_show_the_line() {
        let text = "default:\n  - name: a\n    match: '{}'\n    keep: 2y\n";
        let error = PolicyFile::parse(text).unwrap_err();
        let shown = explain(&error, text, "p.yaml").to_string();
        assert!(shown.starts_with("p.yaml: line 4: default, rule `a`: `2y` is no time"), "{shown}");
        assert!(shown.ends_with("\n\n    4 |     keep: 2y"), "{shown}");
    }
}
