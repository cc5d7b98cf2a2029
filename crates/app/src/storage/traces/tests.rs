//! Traces out of blocks in several passes, against what was stored.

use super::*;
use crate::storage::test_store::TestStore;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_trace_is_read_whole_and_once_in_any_number_of_passes() {
    let store = TestStore::filled().await;
    let (storage, blocks) = store.storage().await;
    let n_blocks = blocks.entries.len();
    let n_spans: u64 = blocks.entries.iter().map(|entry| entry.n_spans).sum();
    let mut reader = TraceReader::open(storage, blocks, |_| ()).await.unwrap();
    let one_pass = std::mem::take(&mut reader.split);
    assert!(one_pass.len() > 3, "some traces lie in both blocks");
    assert!(one_pass.values().all(|numbers| *numbers == [0, 1]));
    let mut looked_at = 0;
    reader.find_split_traces(20, |_| looked_at += 1).await.unwrap();
    assert!(looked_at > 3 * n_blocks);
    assert_eq!(reader.split, one_pass);

    let mut seen: HashMap<TraceId, u64> = HashMap::new();
    for number in 0..reader.n_blocks() {
        let source = reader.opened(number).await.unwrap();
        for run in source.runs().unwrap() {
            for trace in reader.traces(number, &source, &run).await.unwrap() {
                let parts = reader.entries_of(trace.trace_id, number).count();
                assert_eq!(parts, one_pass.get(&trace.trace_id).map_or(1, Vec::len));
                assert_eq!(seen.insert(trace.trace_id, trace.spans.len() as u64), None);
            }
        }
    }
    assert_eq!(seen.values().sum::<u64>(), n_spans);
}
