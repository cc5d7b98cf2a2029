//! `spandrel export`: whole traces into a file of OTLP, from a data directory or from a running server.

mod blocks;
mod server;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use spandrel_base::byte_size::ByteSize;
use spandrel_base::clock::{Clock, SystemClock};
use spandrel_model::{Span, Trace};
use spandrel_query::TimeRange;

use crate::otlp_file::{Format, MessageWriter, STANDARD, Written};
use crate::output::{self, counted};
use crate::progress::ProgressLine;
use crate::query::pointed;
use crate::storage::StorageArgs;
use crate::time_range::TimeRangeArgs;

/// Spans of one message: few enough that a line of JSON stays below what readers of logs take.
const MESSAGE_SPANS: usize = 256;

/// What to write where.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Blocks are read without a server, also beside a running one. Spans that are not in a block
yet (the newest minutes) are then left out; --endpoint asks the server, which knows them.

Examples:
  spandrel export traces.json.zst
  spandrel export errors.binpb --query '{ status = error }' --since 1d
  spandrel export --endpoint http://127.0.0.1:3200 - | head -1")]
pub(crate) struct ExportArgs {
    /// The file: NAME.json has one JSON object per line, NAME.binpb length-delimited protobuf; .gz or .zst
    /// behind it compresses; - is standard output
    file: PathBuf,

    /// The format, if the name does not say it
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    storage: StorageArgs,

    /// Ask the server at this address instead of reading a data directory
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,

    /// Only traces in which a span matches this TraceQL query
    #[arg(long, value_name = "TRACEQL")]
    query: Option<String>,

    #[command(flatten)]
    time: TimeRangeArgs,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// Which traces: those that overlap the range and match the query.
#[derive(Debug, Clone)]
struct Wanted {
    query: String,
    range: TimeRange,
}

/// Exports.
pub(crate) async fn run(args: ExportArgs) -> anyhow::Result<ExitCode> {
    let query = args.query.clone().unwrap_or_else(|| "{ }".to_owned());
    if let Err(error) = spandrel_traceql::compile(&query) {
        bail!("{}", pointed(&error.to_string(), &query));
    }
    let range = args.time.range(SystemClock::new().now_unix_nanos())?;
    let wanted = Wanted { query, range };
    // Before the file is made: what is wrong with the source leaves no empty file behind.
    let source = match &args.endpoint {
        Some(endpoint) => {
            Source::Server(Box::new(server::ServerSource::open(endpoint, &args.storage)?))
        }
        None => Source::Blocks(blocks::BlockSource::open(&args.storage, &wanted).await?),
    };
    let mut sink = Sink {
        writer: MessageWriter::create(&args.file, args.format, args.force)?,
        pending: Vec::new(),
        traces: 0,
        progress: ProgressLine::start(),
    };
    let exported = match source {
        Source::Server(source) => source.export(&wanted, &mut sink).await,
        Source::Blocks(source) => source.export(&wanted, &mut sink).await,
    };
    let finished = match exported {
        Ok(()) => sink.finish(),
        Err(error) => Err(sink.abandon(error)),
    };
    let is_standard = args.file.as_os_str() == STANDARD;
    let (traces, written) = match finished {
        // A reader who has seen enough (`| head`) is no error.
        Err(error) if is_standard && is_broken_pipe(&error) => return Ok(ExitCode::SUCCESS),
        finished => finished?,
    };
    if args.json {
        let json = serde_json::json!({
            "file": args.file.display().to_string(),
            "traces": traces,
            "spans": written.spans,
            "messages": written.messages,
            "rawBytes": written.raw_bytes,
        });
        let line = format!("{json}\n");
        if is_standard { output::note(&line) } else { output::print(&line)? }
    } else {
        output::note(&format!(
            "{} of {} in {}, {} before compression, to {}\n",
            counted(written.spans, "span"),
            counted(traces, "trace"),
            counted(written.messages, "message"),
            ByteSize(written.raw_bytes),
            if is_standard { "standard output".into() } else { args.file.to_string_lossy() },
        ));
    }
    Ok(ExitCode::SUCCESS)
}

enum Source {
    Blocks(blocks::BlockSource),
    Server(Box<server::ServerSource>),
}

/// Takes traces and writes messages.
struct Sink {
    writer: MessageWriter,
    pending: Vec<Span>,
    traces: u64,
    progress: ProgressLine,
}

impl Sink {
    /// Adds a whole trace.
    fn add(&mut self, trace: Trace) -> anyhow::Result<()> {
        self.traces += 1;
        for span in trace.spans {
            self.pending.push(span);
            if self.pending.len() == MESSAGE_SPANS {
                self.writer.write(std::mem::take(&mut self.pending))?;
            }
        }
        let (traces, written) = (self.traces, self.writer.written());
        self.progress.update(|| {
            let (spans, bytes) = (counted(written.spans, "span"), ByteSize(written.raw_bytes));
            format!("{spans} of {}, {bytes}", counted(traces, "trace"))
        });
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<(u64, Written)> {
        self.writer.write(std::mem::take(&mut self.pending))?;
        self.progress.clear();
        Ok((self.traces, self.writer.finish()?))
    }

    /// Leaves no file behind that holds nothing, and says when one holds only a part.
    fn abandon(mut self, error: anyhow::Error) -> anyhow::Error {
        self.progress.clear();
        let spans = self.writer.written().spans;
        if spans == 0 {
            self.writer.remove();
            return error;
        }
        error.context(format!("the export broke off after {}", counted(spans, "span")))
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
