//! `kill -9` at random moments under load: nothing acknowledged is lost, nothing is invented.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use spandrel_tests::{Home, Random, Spandrel, binary, kill_rounds, let_run, run, say, seed};

use crate::load::{Load, Outcome, check_by_id, check_by_query, check_by_table};

const SENDERS: u64 = 4;

/// Blocks are cut every few hundred milliseconds, so that a kill also hits the writing of a block, the
/// commit to the catalogue and the shortening of the log.
const OFTEN_CUT: [&str; 2] = ["--cut-age=300ms", "--cut-spans=2000"];

#[test]
fn killed_under_load() {
    let (rounds, seed) = (kill_rounds(), seed());
    say(&format!("{rounds} rounds, SPANDREL_SEED={seed}"));
    let mut random = Random::new(seed);
    let mut home = Home::new().with_options(&OFTEN_CUT);
    let mut all = Outcome::default();
    for round in 0..rounds {
        let spandrel = home.start();
        let demo = Demo::start(&spandrel);
        let load =
            Load::start(spandrel.ports.otlp_http, SENDERS, &format!("r{round}"), random.next_u64());
        let moment = Duration::from_micros(20_000 + random.below(1_500_000));
        let_run(moment);
        spandrel.kill();
        drop(demo);
        let outcome = load.finish();
        let (acknowledged, unanswered) = (outcome.acknowledged.len(), outcome.unanswered.len());
        // Every few rounds the restart itself is killed, while it replays or right after.
        if round % 3 == 2 {
            interrupt_start(&home, &mut random);
        }
        let spandrel = home.start();
        let stored = check_by_id(&outcome, &mut spandrel.tempo());
        say(&format!(
            "round {round}: killed after {moment:?}, {acknowledged} batches acknowledged, \
             {stored} of {unanswered} unanswered ones stored, ready again after {:?}",
            spandrel.ready_after
        ));
        all.extend(outcome);
        spandrel.kill();
    }
    assert!(!all.acknowledged.is_empty());
    let spandrel = home.start();
    check_by_query(&all, &mut spandrel.tempo());
    check_by_id(&all, &mut spandrel.tempo());
    spandrel.stop();
    check_by_table(&all, &home);
    check_by_query(&all, &mut home.start().tempo());
    say(&format!("{} batches were acknowledged, all are there", all.acknowledged.len()));
}

/// Starts and kills within the time that a start takes.
fn interrupt_start(home: &Home, random: &mut Random) {
    let mut child = home.spawn();
    let_run(Duration::from_micros(random.below(80_000)));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The check that the binary brings along, for people to run against their own installation: it must
/// come to the same result. Its writer lives on through the kill and sends again what was not answered.
#[test]
fn verify_agrees() {
    let (rounds, mut random) = (kill_rounds().div_ceil(3), Random::new(seed()));
    let mut home = Home::new().with_options(&OFTEN_CUT);
    let journal = home.scratch().join("journal");
    for round in 0..rounds {
        let spandrel = home.start();
        let mut writer = verify("write", &journal, spandrel.ports.otlp_grpc)
            .args(["--duration=1s", "--concurrency=2", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let_run(Duration::from_micros(100_000 + random.below(700_000)));
        spandrel.kill();
        let spandrel = home.start();
        let status = writer.wait().unwrap();
        assert!(status.success(), "round {round}: {status}");
        spandrel.kill();
    }
    for _ in 0..2 {
        let spandrel = home.start();
        let report = run(verify("check", &journal, spandrel.ports.http).arg("--json"));
        say(&format!("verify: {report}"));
        spandrel.stop();
    }
    // A check that cannot fail would prove nothing.
    let mut elsewhere = Home::new();
    let empty = elsewhere.start();
    let output = verify("check", &journal, empty.ports.http).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

fn verify(mode: &str, journal: &Path, server: SocketAddr) -> Command {
    let mut command = Command::new(binary());
    command.args(["verify", mode, "--endpoint", &format!("http://{server}")]);
    command.arg("--journal").arg(journal);
    command
}

/// The traffic of the simulated shop beside the spans that are counted.
struct Demo(Child);

impl Demo {
    fn start(spandrel: &Spandrel) -> Self {
        let endpoint = format!("http://{}", spandrel.ports.otlp_grpc);
        let mut command = Command::new(binary());
        command.args(["demo", "--endpoint", &endpoint, "--rate", "3000spans"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It ends by itself when its server is gone; either way it must not outlive the test.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
