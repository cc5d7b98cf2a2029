//! `print-config` and `components`.

use std::process::ExitCode;

use spandrel_collector::component_types;
use spandrel_config::types::Kind;
use spandrel_config::{Format, Redaction};

use super::ConfigArgs;
use crate::output;

/// How a configuration is printed.
#[derive(Debug, clap::Args)]
pub(crate) struct PrintConfigArgs {
    #[command(flatten)]
    config: ConfigArgs,

    /// Whether secrets are shown
    #[arg(long, value_enum, default_value_t = Mode::Redacted)]
    mode: Mode,

    /// The language
    #[arg(long, value_enum, default_value_t = Language::Yaml)]
    format: Language,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Mode {
    Redacted,
    Unredacted,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Language {
    Yaml,
    Json,
}

/// `spandrel print-config`
pub(crate) fn print_config(args: &PrintConfigArgs) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(args.config.is_given(), "nothing to print: name a file with --config");
    let plan = args.config.plan()?;
    let format = match args.format {
        Language::Yaml => Format::Yaml,
        Language::Json => Format::Json,
    };
    let redaction = match args.mode {
        Mode::Redacted => Redaction::On(&plan.secrets),
        Mode::Unredacted => Redaction::Off,
    };
    output::print(&plan.config.print(format, redaction))?;
    Ok(ExitCode::SUCCESS)
}

/// How the list is printed.
#[derive(Debug, clap::Args)]
pub(crate) struct ComponentsArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `spandrel components`
pub(crate) fn components(args: &ComponentsArgs) -> anyhow::Result<ExitCode> {
    let kinds = Kind::ALL.map(|kind| (kind.plural(), component_types(kind)));
    let text = match args.json {
        true => {
            let map: serde_json::Map<String, serde_json::Value> =
                kinds.into_iter().map(|(kind, types)| (kind.to_owned(), types.into())).collect();
            serde_json::to_string_pretty(&map)? + "\n"
        }
        false => {
            let list = |types: Vec<&str>| {
                types.iter().map(|name| format!("  - {name}\n")).collect::<String>()
            };
            kinds.into_iter().map(|(kind, types)| format!("{kind}:\n{}", list(types))).collect()
        }
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
