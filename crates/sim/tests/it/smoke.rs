//! Damaged golden files, many times: what the fuzz targets do, on the stable compiler and within seconds.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use spandrel_otlp::DecodeLimits;
use spandrel_sim::{Mutator, surface};

/// Runs a surface over damaged samples, and says which damage it does not survive.
fn smoke(name: &str, samples: &[Vec<u8>], n: u64, surface: impl Fn(&[u8])) {
    for sample in samples {
        surface(sample);
    }
    surface(&[]);
    for seed in 0..n {
        let sample = &samples[usize::try_from(seed).unwrap_or(0) % samples.len()];
        let damaged = Mutator::new(seed).damage(sample);
        let survived = catch_unwind(AssertUnwindSafe(|| surface(&damaged)));
        assert!(survived.is_ok(), "{name}: seed {seed}, {} bytes", damaged.len());
    }
}

fn golden(paths: &[&str]) -> Vec<Vec<u8>> {
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn damaged_requests() {
    let request = spandrel_sim::sample_request();
    smoke("otlp_request", &[request], 20_000, surface::otlp_request);
}

#[test]
fn damaged_json() {
    let json = br#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name",
        "value":{"stringValue":"shop"}}]},"scopeSpans":[{"scope":{"name":"lib"},"spans":[{
        "traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174",
        "name":"buy","kind":2,"startTimeUnixNano":"1544712660000000000",
        "endTimeUnixNano":"1544712661000000000","attributes":[
        {"key":"n","value":{"intValue":"7"}},{"key":"x","value":{"doubleValue":1.5}},
        {"key":"list","value":{"arrayValue":{"values":[{"boolValue":true}]}}}],
        "events":[{"name":"e","timeUnixNano":"1544712660000000001"}],
        "status":{"code":2,"message":"\u00e9"}}]}]}]}"#;
    assert!(spandrel_otlp::json_to_protobuf(json, &DecodeLimits::default()).is_ok());
    smoke("otlp_json", &[json.to_vec()], 20_000, surface::otlp_json);
}

#[test]
fn damaged_queries() {
    let queries = [
        "{ span.http.status_code >= 500 && duration > 2s || resource.`a b` =~ \"x.*\" }",
        "{ name = \"buy\" && (status = error || kind != server) } | count() > 3",
        "{ event.exception.type != nil && -1.5e3 < span.n * 2 }",
    ];
    assert!(queries.iter().any(|query| spandrel_traceql::compile(query).is_ok()));
    let queries = queries.map(|query| query.as_bytes().to_vec());
    smoke("query", &queries, 20_000, surface::query);
    smoke("query_tokens", &queries, 20_000, surface::query_tokens);
}

#[test]
fn damaged_unfinished_queries() {
    let queries = [
        "{ span.http.status_code >= 500 && duration > 2s || (resource.\"a b\" =~ \"x.*\" && .b = ",
        "{ name = \"buy\" && !(status = ) } >> { kind != server } | count() > 3 | by(",
        "({ .a = 1 } | rate() by(span.b)) / ({ .a } | compare({ .c = }, 5)) with(sample=",
    ];
    let queries = queries.map(|query| query.as_bytes().to_vec());
    smoke("unfinished_query", &queries, 10_000, surface::unfinished_query);
    let with_cursor = queries.map(|query| [&[0, 30][..], &query].concat());
    smoke("query_completion", &with_cursor, 10_000, surface::query_completion);
}

#[test]
fn damaged_logs() {
    let segments = golden(&["../wal/testdata/v1/segment-0000000000000001.wal"]);
    smoke("wal_segment", &segments, 20_000, surface::wal_segment);
}

#[test]
fn damaged_indexes() {
    let indexes = golden(&["../block/testdata/v1/index.bin"]);
    smoke("block_index", &indexes, 20_000, surface::block_index);
}

#[test]
fn damaged_blocks() {
    let blocks =
        golden(&["../block/testdata/v1/block.parquet", "../block/testdata/v2/block.parquet"]);
    smoke("block_file", &blocks, 20_000, surface::block_file);
}

/// Each commit of a table in turn.
#[test]
fn damaged_tables() {
    let log = golden(&[
        "../catalog/testdata/v1/00000000000000000000.json",
        "../catalog/testdata/v1/00000000000000000001.json",
        "../catalog/testdata/v1/00000000000000000002.json",
        "../catalog/testdata/v1/00000000000000000003.json",
    ]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for victim in 0..log.len() {
        smoke("catalogue", &log[victim..=victim], 5_000, |damaged| {
            let mut commits: Vec<&[u8]> = log.iter().map(Vec::as_slice).collect();
            commits[victim] = damaged;
            runtime.block_on(surface::catalogue(&commits));
        });
    }
}
