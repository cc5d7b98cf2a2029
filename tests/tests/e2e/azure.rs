//! Azure Blob Storage, as Microsoft's emulator speaks it: the contract of every store, and blocks in a container.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use spandrel_base::clock::SystemClock;
use spandrel_objects::{ObjectsOptions, Settings, check, open};
use spandrel_objects_testing::contract::Store;
use spandrel_objects_testing::store_contract;
use spandrel_telemetry::Metrics;
use spandrel_tests::{Home, azurite, request, send, span, trace_id, unix_nanos, wait_until};
use tokio::sync::OnceCell;

const ACCOUNT: &str = "spandrel";
/// Base64, as keys of accounts are; it protects nothing.
const KEY: &str = "bm90IGEgc2VjcmV0LCBvbmx5IGxvbmcgZW5vdWdo";
const CONTAINER: &str = "traces";

/// The emulator; it ends when its standard input does.
struct Azurite {
    url: String,
    process: Child,
    input: Option<ChildStdin>,
}

impl Azurite {
    fn start() -> Self {
        let mut command = azurite();
        command.args([ACCOUNT, KEY, CONTAINER]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
        let input = process.stdin.take();
        Self { url: url.trim().to_owned(), process, input }
    }

    fn environment(&self) -> Vec<(String, String)> {
        let variables = [
            ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT),
            ("AZURE_STORAGE_ACCOUNT_KEY", KEY),
            ("AZURE_STORAGE_ENDPOINT", &self.url),
            ("AZURE_ALLOW_HTTP", "true"),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    async fn open(&self, prefix: &str) -> Store {
        let settings = Settings(self.environment());
        let options = ObjectsOptions { settings, ..ObjectsOptions::default() };
        let url = format!("az://{CONTAINER}/{prefix}");
        open(&url, &options, Arc::new(SystemClock::new()), &Metrics::new()).await.unwrap()
    }
}

impl Drop for Azurite {
    fn drop(&mut self) {
        drop(self.input.take());
        // Nothing is left to do about a child that cannot be waited for.
        let _ = self.process.wait();
    }
}

/// An empty store; all of them are folders in the container of one emulator, which stays until the process ends.
async fn empty_store() -> Store {
    static SERVER: OnceCell<Azurite> = OnceCell::const_new();
    static STORES: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(async || Azurite::start()).await;
    let prefix = format!("store-{}", STORES.fetch_add(1, Ordering::Relaxed));
    let store = server.open(&prefix).await;
    check(&*store, &prefix).await.unwrap();
    store
}

store_contract!(on_azure, (empty_store().await, ()));

#[test]
fn a_container_keeps_what_a_machine_loses() {
    let server = Azurite::start();
    let storage = format!("--storage=az://{CONTAINER}/prod/eu");
    let home = || {
        let mut home = Home::new().with_options(&[&storage]);
        home.environment = server.environment();
        home
    };
    let mut first = home();
    let spandrel = first.start();
    let mut otlp = spandrel.otlp();
    let spans = (1..=3).map(|id| span(&trace_id(1, 7), id, "in a container", unix_nanos()));
    assert_eq!(send(&mut otlp, &request("shop", spans.collect())).0, 0);
    spandrel.stop();

    let mut second = home();
    let other = second.start();
    let id: String = trace_id(1, 7).iter().map(|byte| format!("{byte:02x}")).collect();
    let found = wait_until("the other machine finds it", Duration::from_secs(30), || {
        let found = other.tempo().find("{ name = `in a container` }", 10);
        (!found.is_empty()).then_some(found)
    });
    assert_eq!(found, [id.as_str()]);
    assert_eq!(other.tempo().trace(&id).len(), 3);
    other.stop();
}
