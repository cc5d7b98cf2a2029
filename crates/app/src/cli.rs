//! The command line: commands, and the text of `--help`.

use clap::{Parser, Subcommand};

use crate::bench::BenchArgs;
use crate::blocks::BlocksArgs;
use crate::demo::DemoArgs;
use crate::export::ExportArgs;
use crate::import::ImportArgs;
use crate::pipelines::{ComponentsArgs, PrintConfigArgs, ValidateArgs};
use crate::query::QueryArgs;
use crate::retention::RetentionArgs;
use crate::serve::ServeArgs;
use crate::sql::SqlArgs;
use crate::trace::TraceArgs;
use crate::verify::VerifyArgs;

const EXAMPLES: &str = "\
Every option of serve can be set in the environment, --data-dir as SPANDREL_DATA_DIR.

Examples:
  spandrel                                  start everything, data in ./spandrel-data
  spandrel --config gateway.yaml            run a Collector's pipelines
  spandrel demo                             send it the traffic of a simulated web shop
  spandrel query '{ status = error }'       the newest traces with an error
  spandrel query '{ span.http.route = \"/cart\" && duration > 100ms }' --since 1h
  spandrel trace 4bf92f3577b34da6a3ce929d0e0e4736
                                            one trace as a waterfall";

/// Distributed tracing in one process: takes OTLP, keeps every span, answers Tempo's and Jaeger's APIs
#[derive(Debug, Parser)]
#[command(
    name = "spandrel",
    version,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_value_name = "COMMAND"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Receive, store and answer queries; what happens without a command
    Serve(Box<ServeArgs>),
    /// Check a Collector's configuration without starting anything
    Validate(ValidateArgs),
    /// Print a Collector's configuration, merged and expanded, without secrets
    PrintConfig(PrintConfigArgs),
    /// List the component types that pipelines can have
    Components(ComponentsArgs),
    /// Send the traffic of a simulated web shop
    Demo(DemoArgs),
    /// Find traces with TraceQL
    Query(QueryArgs),
    /// Ask for spans with SQL
    Sql(SqlArgs),
    /// Show one trace as a waterfall
    Trace(TraceArgs),
    /// Check that an installation returns every span that it acknowledged
    Verify(VerifyArgs),
    /// Write traces to a file of OTLP
    Export(ExportArgs),
    /// Send files of OTLP to a server
    Import(ImportArgs),
    /// Look into the stored blocks: list, inspect, verify, timeline
    Blocks(BlocksArgs),
    /// Check a retention policy, or report what it would keep and drop
    Retention(RetentionArgs),
    /// Measure speed, size and memory on this machine
    Bench(BenchArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_needs_no_command() {
        let cli = parse("spandrel --data-dir d --http 3201 --durability os").unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.serve.listen.http.to_string(), "127.0.0.1:3201");
        let cli = parse("spandrel serve --data-dir d").unwrap();
        let Some(Command::Serve(args)) = cli.command else { panic!("{cli:?}") };
        assert_eq!(args.data_dir.to_str(), Some("d"));
    }

    #[test]
    fn wrong_values_say_what_is_right() {
        for (line, expected) in [
            ("spandrel --http here", "an address is HOST:PORT"),
            ("spandrel --cut-age soon", "a duration is"),
            ("spandrel --live-bytes-max much", "is not an amount of bytes"),
            ("spandrel --role ingest", "[possible values: all]"),
            ("spandrel trace xyz", "invalid character 'x' at position 1"),
            ("spandrel demo --rate quick", "a rate is"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
}
