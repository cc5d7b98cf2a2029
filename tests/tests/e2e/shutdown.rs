//! An orderly stop under load.

use spandrel_tests::{Home, Stopwatch, say, wait_until};

use crate::load::{Load, check_by_id, check_by_query, check_by_table};

#[test]
fn sigterm_under_load_loses_nothing() {
    let mut home = Home::new().with_options(&["--cut-age=500ms"]);
    let mut spandrel = home.start();
    let load = Load::start(spandrel.ports.otlp_http, 4, "stop", 7);
    let mut tempo = spandrel.tempo();
    wait_until("the load runs", std::time::Duration::from_secs(30), || {
        (tempo.find("{ span.load.batch != nil }", 100).len() >= 60).then_some(())
    });
    let watch = Stopwatch::start();
    spandrel.ask_to_end();
    let status = spandrel.wait();
    let took = watch.read();
    let outcome = load.finish();
    assert!(status.success(), "{status}");
    assert!(took.as_secs() < 12, "stopping took {took:?}");
    say(&format!(
        "{} acknowledged, {} refused, {} unanswered",
        outcome.acknowledged.len(),
        outcome.refused.len(),
        outcome.unanswered.len()
    ));
    let wal: u64 = std::fs::read_dir(home.data_dir().join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(wal < 64 << 10, "an orderly stop leaves an empty log, not {wal} bytes");
    check_by_table(&outcome, &home);
    let spandrel = home.start();
    check_by_id(&outcome, &mut spandrel.tempo());
    check_by_query(&outcome, &mut spandrel.tempo());
}
