//! The web interface as readers have it: the built binary's pages in a headless browser.

use spandrel_tests::{Home, node, run, say, spandrel};

/// Scenario: traffic of the demo shop, looked at in Chromium: every page, in both themes, by mouse and by keys.
/// Guarantees: what pages show is what the APIs say, links of other interfaces lead to the trace, nothing is asked
/// from elsewhere, and no page violates WCAG 2.2 AA (`ui/checks/run.mjs` has the list).
#[test]
fn pages_are_as_readers_expect() {
    let links = ["jaeger-ui.json", "grafana.yaml"].map(|name| format!("readers/links/{name}"));
    let mut home = Home::new().with_options(&[
        // By its API a tenant gets a limit that keeps its test trace out.
        "--overrides-api",
        &format!("--link-templates={}", links.join(",")),
        "--grafana-url=https://grafana.example",
    ]);
    let server = home.start();
    let endpoint = format!("http://{}", server.ports.otlp_grpc);
    let demo = ["demo", "--traces", "1500", "--rate", "max", "--seed", "7"];
    run(spandrel(&demo).args(["--endpoint", &endpoint]));
    let base = format!("http://{}", server.ports.http);
    // Traces whose facts are known are sent too (`ui/checks/fixtures.mjs`).
    let otlp = format!("http://{}", server.ports.otlp_http);
    // Results come in pieces where there are many blocks.
    let mut many_blocks = Home::new().with_options(&["--cut-spans", "40", "--no-compaction"]);
    let many_blocks = many_blocks.start();
    let mut checks = node();
    checks.args(["../ui/checks/run.mjs", &base]).env("OTLP_HTTP", &otlp);
    checks.env("MANY_BLOCKS", format!("http://{}", many_blocks.ports.http));
    checks.env("MANY_BLOCKS_OTLP", format!("http://{}", many_blocks.ports.otlp_http));
    // Other tests run beside this one: how long readers wait says less here than on a quiet machine.
    checks.env("TIMES_SLOWER", "3");
    let printed = run(&mut checks);
    let printed = printed.as_str().unwrap_or_default();
    for line in printed.lines().filter(|line| !line.starts_with("ok ")) {
        say(line);
    }
    assert!(printed.contains(" 0 failed") || printed.starts_with("SKIPPED"), "{printed}");
}
