//! What becomes of blocks with time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use spandrel_compaction::CompactionOptions;

use crate::duration::parse_duration;
use crate::retention::read_policy;

/// Compaction.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Compaction")]
pub(crate) struct CompactionArgs {
    /// Age at which spans are deleted, such as 14d; counted from when they happened or were received,
    /// whichever is later [default: they are kept]
    #[arg(long, env = "SPANDREL_RETENTION", hide_env = true, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) retention: Option<Duration>,

    /// YAML file that says which traces are kept how long, and which are sampled; see docs/retention.md and
    /// `spandrel retention --help` [default: all alike]
    #[arg(long, env = "SPANDREL_RETENTION_POLICY", hide_env = true, value_name = "FILE")]
    pub(crate) retention_policy: Option<PathBuf>,

    /// Leave blocks as they are: do not merge them, and delete nothing
    #[arg(long, env = "SPANDREL_NO_COMPACTION", hide_env = true, conflicts_with_all = ["retention", "retention_policy"])]
    pub(crate) no_compaction: bool,
}

impl CompactionArgs {
    /// What the arguments say; `None` when blocks are left alone.
    pub(crate) fn options(&self) -> anyhow::Result<Option<CompactionOptions>> {
        if self.no_compaction {
            return Ok(None);
        }
        let policies = self.retention_policy.as_deref().map(read_policy).transpose()?;
        Ok(Some(CompactionOptions {
            retention: self.retention,
            policies: policies.map(Arc::new),
            ..CompactionOptions::default()
        }))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn retention_is_passed_on_and_needs_compaction() {
        let options = |more: &[&str]| {
            let args = [&["spandrel"], more].concat();
            Cli::try_parse_from(args).map(|cli| cli.serve.compaction.options().unwrap())
        };
        assert_eq!(options(&[]).unwrap().unwrap().retention, None);
        let two_weeks = Duration::from_secs(14 * 24 * 3600);
        let found = options(&["--retention", "14d"]).unwrap().unwrap();
        assert_eq!(found.retention, Some(two_weeks));
        assert!(options(&["--no-compaction"]).unwrap().is_none());
        assert!(options(&["--no-compaction", "--retention=14d"]).is_err());
    }

    #[test]
    fn a_policy_that_is_wrong_keeps_the_server_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        let options = |text: &str| {
            spandrel_base::fs::replace(&path, text.as_bytes()).unwrap();
            let file = path.to_str().unwrap();
            let cli = Cli::try_parse_from(["spandrel", "--retention-policy", file]).unwrap();
            cli.serve.compaction.options()
        };
        let found = options("default: [{ name: all, match: '{}', keep: 3d }]").unwrap().unwrap();
        assert!(found.policies.unwrap().default_policy().is_some());
        let error = options("default: []").unwrap_err().to_string();
        assert!(error.contains("the list is empty"), "{error}");
    }
}
