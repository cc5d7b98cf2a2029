//! `spandrel blocks timeline`: blocks over time by level, as a chart for the terminal.
//!
//! A column of the chart is a span of time. A level's line has, in each column, how many of its blocks hold
//! spans of that time; the last line has how densely spans lie, where the spans of a block count as spread
//! evenly over it.

mod chart;

use std::process::ExitCode;

use spandrel_base::clock::{Clock, SystemClock};
use spandrel_catalog::BlockEntry;

use super::BlockJson;
use crate::output;
use crate::storage::{Storage, StorageArgs, TenantBlocks};
use crate::style::{ColorChoice, Painter};
use crate::time_range::TimeRangeArgs;
use chart::Chart;

/// Which blocks, and how to draw them.
#[derive(Debug, clap::Args)]
pub(super) struct TimelineArgs {
    #[command(flatten)]
    storage: StorageArgs,

    #[command(flatten)]
    time: TimeRangeArgs,

    /// Print as JSON
    #[arg(long)]
    json: bool,

    /// When to use colors
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto)]
    color: ColorChoice,

    /// Draw with ASCII characters only
    #[arg(long)]
    ascii: bool,

    /// Width of the drawing
    #[arg(long, env = "COLUMNS", default_value_t = 100, hide_env = true)]
    width: usize,

    /// No colors when set (see <https://no-color.org>)
    #[arg(long, env = "NO_COLOR", hide = true)]
    no_color: Option<String>,
}

pub(super) async fn run(args: TimelineArgs) -> anyhow::Result<ExitCode> {
    let storage = Storage::open(&args.storage).await?;
    let range = args.time.range(SystemClock::new().now_unix_nanos())?;
    let unsigned = |nanos: i64| u64::try_from(nanos).unwrap_or(0);
    let (start, end) = (unsigned(range.start_unix_nanos), unsigned(range.end_unix_nanos));
    let mut tenants = storage.blocks(&args.storage).await?;
    for of in &mut tenants {
        let is_in = |entry: &BlockEntry| {
            entry.max_end_unix_nanos >= start && entry.min_start_unix_nanos <= end
        };
        of.entries.retain(|entry| is_in(entry));
    }
    tenants.retain(|of| !of.entries.is_empty());
    let charts: Vec<(&TenantBlocks, Chart)> = tenants
        .iter()
        .filter_map(|of| {
            let blocks = of.entries.iter().map(AsRef::as_ref).collect::<Vec<_>>();
            Some((of, Chart::new(&blocks, start, end, args.width)?))
        })
        .collect();
    if args.json {
        let tenants = charts.iter().map(|(of, chart)| {
            let blocks = of.entries.iter().map(|entry| BlockJson::new(&of.tenant, entry));
            let mut json = chart.json();
            json["tenant"] = of.tenant.to_string().into();
            json["blocks"] = serde_json::json!(blocks.collect::<Vec<_>>());
            json
        });
        let json = serde_json::json!({ "tenants": tenants.collect::<Vec<_>>() });
        output::print(&format!("{json}\n"))?;
    } else if charts.is_empty() {
        output::note("there are no blocks in this time\n");
    } else {
        let painter = Painter::for_stdout(args.color, args.no_color.as_deref());
        let texts = charts.iter().map(|(of, chart)| {
            let mut out = format!("tenant {}\n", of.tenant);
            chart.render(&mut out, args.ascii, painter);
            out
        });
        output::print(&texts.collect::<Vec<_>>().join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
