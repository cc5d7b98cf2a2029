//! `spandrel import`: files of OTLP to an OTLP endpoint.
//!
//! One thread reads, decompresses and checks; what it has read waits in a short queue for a few requests
//! under way, so memory stays bounded however slow the server is. A server that is busy is asked again
//! after the time it names.

mod batch;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use futures::stream::{self, StreamExt};
use spandrel_base::byte_size::ByteSize;
use spandrel_base::clock::{Clock, SystemClock};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::duration::parse_duration;
use crate::import::batch::{Batch, Batcher};
use crate::otlp_client::{ExportError, OtlpArgs, OtlpClient};
use crate::otlp_file::{Format, MessageReader, STANDARD};
use crate::output::{self, counted, grouped};
use crate::progress::ProgressLine;

/// Requests that wait to be sent.
const QUEUED: usize = 8;
/// How long to wait for a server before the first request.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// What to send where.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Format and compression follow from the content: OTLP JSON per line or length-delimited
protobuf, as the OpenTelemetry Collector's file exporter writes them; plain, gzip or zstd.
Spans that are sent twice are found once: an import that broke off can be started again.

Examples:
  spandrel import traces.json.zst
  spandrel import --skip-damaged --endpoint http://collector:4317 day-*.binpb
  spandrel export --tenant a - | spandrel import --tenant b -")]
pub(crate) struct ImportArgs {
    /// The files; - is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// The format, if it is not to be recognized
    #[arg(long, value_enum)]
    format: Option<Format>,

    #[command(flatten)]
    otlp: OtlpArgs,

    /// Go on behind a message that cannot be read, and count it
    #[arg(long)]
    skip_damaged: bool,

    /// Requests under way at once
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,

    /// How long to try again when the server is busy or away
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "5m")]
    patience: Duration,

    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// Counts; shared by the reader and all requests.
#[derive(Debug, Default)]
struct Counts {
    messages: AtomicU64,
    damaged_messages: AtomicU64,
    spans_read: AtomicU64,
    /// Spans that the server acknowledged.
    spans_sent: AtomicU64,
    /// Spans that it takes never.
    spans_rejected: AtomicU64,
    retries: AtomicU64,
    /// Bytes of the files.
    file_bytes: Arc<AtomicU64>,
}

fn get(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

/// Imports.
pub(crate) async fn run(args: ImportArgs) -> anyhow::Result<ExitCode> {
    let clock = SystemClock::new();
    let total_bytes = total_bytes(&args.files)?;
    let client = OtlpClient::new(&args.otlp)?;
    client.wait_for_listener(START_PATIENCE).await?;
    let began = clock.monotonic();
    let counts = Arc::new(Counts::default());
    let (queue, batches) = mpsc::channel(QUEUED);
    let reading = {
        let counts = Arc::clone(&counts);
        let (files, format, skip_damaged) = (args.files.clone(), args.format, args.skip_damaged);
        spawn_blocking(move || read(&files, format, skip_damaged, &queue, &counts))
    };
    let sent = send(&args, &client, batches, &counts, total_bytes).await;
    let read = reading.await.context("the reader has died")?;
    let seconds = clock.monotonic().saturating_sub(began).as_secs_f64();
    let summary = if args.json { json(&counts, seconds) } else { text(&args, &counts, seconds) };
    output::print(&summary)?;
    // A reader that found nobody to read for has the lesser complaint.
    sent?;
    read?;
    let all_sent = get(&counts.spans_rejected) == 0;
    Ok(if all_sent { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads all files into the queue, until nobody takes from it any more.
fn read(
    files: &[PathBuf],
    format: Option<Format>,
    skip_damaged: bool,
    queue: &mpsc::Sender<Batch>,
    counts: &Counts,
) -> anyhow::Result<()> {
    let mut batcher = Batcher::default();
    let hand_over = |batches: Vec<Batch>| {
        batches.into_iter().try_for_each(|batch| queue.blocking_send(batch)).is_ok()
    };
    for path in files {
        let mut reader = MessageReader::open(path, format, Arc::clone(&counts.file_bytes))?;
        loop {
            match reader.next() {
                Ok(None) => break,
                Ok(Some(message)) => {
                    counts.messages.fetch_add(1, Ordering::Relaxed);
                    counts.spans_read.fetch_add(message.spans, Ordering::Relaxed);
                    if !hand_over(batcher.add(message)?) {
                        return Ok(());
                    }
                }
                Err(error) if skip_damaged => {
                    if counts.damaged_messages.fetch_add(1, Ordering::Relaxed) == 0 {
                        output::note(&format!("left out: {error}\n"));
                    }
                    if !error.is_passable {
                        break;
                    }
                }
                Err(error) => {
                    // What was read before it is sent, so that the place is known up to which it was.
                    hand_over(batcher.finish());
                    let hint = "; --skip-damaged goes on without it";
                    bail!("{error}{}", if error.is_passable { hint } else { "" });
                }
            }
        }
    }
    hand_over(batcher.finish());
    Ok(())
}

/// Sends what comes out of the queue.
async fn send(
    args: &ImportArgs,
    client: &OtlpClient,
    batches: mpsc::Receiver<Batch>,
    counts: &Counts,
    total_bytes: Option<u64>,
) -> anyhow::Result<()> {
    let mut progress = ProgressLine::start();
    let batches = stream::unfold(batches, async |mut batches| {
        batches.recv().await.map(|batch| (batch, batches))
    });
    let requests = batches.map(async |batch| {
        let answer = client.export(&batch.otlp, args.patience, &counts.retries).await;
        (batch.spans, answer)
    });
    let mut requests = std::pin::pin!(requests.buffer_unordered(usize::from(args.concurrency)));
    while let Some((spans, answer)) = requests.next().await {
        match answer {
            Ok(response) => {
                let partial = response.partial_success.unwrap_or_default();
                let rejected = u64::try_from(partial.rejected_spans).unwrap_or(0).min(spans);
                counts.spans_sent.fetch_add(spans - rejected, Ordering::Relaxed);
                reject(counts, rejected, &partial.error_message, &mut progress);
            }
            Err(ExportError::Rejected(message)) => {
                if get(&counts.spans_sent) == 0 {
                    bail!("{} does not take them: {message}", args.otlp.endpoint);
                }
                reject(counts, spans, &message, &mut progress);
            }
            Err(ExportError::Unavailable { message, .. }) => {
                bail!("gave up after {:?}: {message}", args.patience);
            }
        }
        progress.update(|| progress_text(counts, total_bytes));
    }
    Ok(())
}

/// Counts rejected spans; says once why.
fn reject(counts: &Counts, spans: u64, message: &str, progress: &mut ProgressLine) {
    if spans > 0 && counts.spans_rejected.fetch_add(spans, Ordering::Relaxed) == 0 {
        progress.clear();
        output::note(&format!("the server says: {message}\n"));
    }
}

/// Size of all files, `None` with standard input among them.
fn total_bytes(files: &[PathBuf]) -> anyhow::Result<Option<u64>> {
    let mut total = 0;
    for path in files {
        if path.as_os_str() == STANDARD {
            return Ok(None);
        }
        let metadata = std::fs::metadata(path);
        let metadata = metadata.with_context(|| format!("cannot read {}", path.display()))?;
        if metadata.is_dir() {
            bail!("{} is a folder, name the files in it", path.display());
        }
        total += metadata.len();
    }
    Ok(Some(total))
}

fn progress_text(counts: &Counts, total_bytes: Option<u64>) -> String {
    let read = ByteSize(get(&counts.file_bytes));
    let of = total_bytes.map(|total| format!(" of {}", ByteSize(total))).unwrap_or_default();
    let retries = match get(&counts.retries) {
        0 => String::new(),
        n => format!(", {}", counted(n, "new attempt")),
    };
    format!("{} sent, {read}{of} read{retries}", counted(get(&counts.spans_sent), "span"))
}

fn text(args: &ImportArgs, counts: &Counts, seconds: f64) -> String {
    let mut text = format!(
        "{} read from {}, {} sent to {} in {seconds:.1} s",
        counted(get(&counts.spans_read), "span"),
        counted(get(&counts.messages), "message"),
        grouped(get(&counts.spans_sent)),
        args.otlp.endpoint,
    );
    for (count, noun, what) in [
        (&counts.spans_rejected, "span", " rejected"),
        (&counts.damaged_messages, "damaged message", " left out"),
        (&counts.retries, "new attempt", ""),
    ] {
        if get(count) > 0 {
            text.push_str(&format!(", {}{what}", counted(get(count), noun)));
        }
    }
    text.push('\n');
    text
}

fn json(counts: &Counts, seconds: f64) -> String {
    let json = serde_json::json!({
        "messages": get(&counts.messages),
        "damagedMessages": get(&counts.damaged_messages),
        "spansRead": get(&counts.spans_read),
        "spansSent": get(&counts.spans_sent),
        "spansRejected": get(&counts.spans_rejected),
        "retries": get(&counts.retries),
        "fileBytes": get(&counts.file_bytes),
        "seconds": seconds,
    });
    format!("{json}\n")
}
