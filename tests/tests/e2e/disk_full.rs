//! A disk that is full: senders are told to wait, and whatever was acknowledged stays.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use spandrel_tests::{Home, Random, Spandrel, say, wait_until};

use crate::bad_days::check_refused;
use crate::load::{Outcome, batch, check_by_id, check_by_query, send_batch};

/// A small disk of its own; needs the right to mount.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        mount(at, &format!("size={size}")).is_ok().then(|| Self(at.to_owned()))
    }

    fn grow(&self, size: &str) {
        mount(&self.0, &format!("remount,size={size}")).unwrap();
    }

    /// A file of somebody else takes what is left, however much the server uses just now.
    fn fill(&self) {
        let mut file = File::create(self.foreign_file()).unwrap();
        let full = io::copy(&mut io::repeat(0), &mut file).unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
    }

    fn free(&self) {
        fs::remove_file(self.foreign_file()).unwrap();
    }

    fn foreign_file(&self) -> PathBuf {
        self.0.join("foreign")
    }
}

/// The error is what the program says.
fn mount(at: &Path, options: &str) -> Result<(), String> {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at);
    let output = command.output().map_err(|error| error.to_string())?;
    let said = || String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(said()) }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}

/// Sends until `until` holds.
fn send_until(
    spandrel: &Spandrel,
    random: &mut Random,
    outcome: &mut Outcome,
    until: impl Fn(&Outcome) -> bool,
) {
    let mut http = spandrel.otlp();
    let sent = |outcome: &Outcome| outcome.acknowledged.len() + outcome.refused.len();
    wait_until("the disk is full, or not any more", Duration::from_secs(120), || {
        let name = format!("disk/{}", sent(outcome));
        let (body, batch) = batch(random, &name);
        send_batch(&mut http, &body, batch, outcome);
        until(outcome).then_some(())
    });
    assert_eq!(outcome.unanswered.len(), 0);
}

#[test]
fn a_full_disk() {
    let scratch = Home::new();
    let Some(disk) = SmallDisk::mount(&scratch.scratch().join("disk"), "1m") else {
        say("skipped: this user cannot mount a small disk");
        return;
    };
    let mut home = Home::new().with_data_dir(disk.0.join("data"));
    let spandrel = home.start();
    let mut random = Random::new(5);
    let mut outcome = Outcome::default();
    send_until(&spandrel, &mut random, &mut outcome, |outcome| outcome.refused.len() >= 5);
    let n_acknowledged = outcome.acknowledged.len();
    assert!(n_acknowledged > 10, "only {n_acknowledged} batches fit");
    let metrics = spandrel.tempo().get("/metrics").text();
    let counted = "spandrel_spans_refused_total{reason=\"disk_full\"} 60";
    assert!(metrics.lines().any(|line| line == counted), "{counted} in\n{metrics}");
    check_by_id(&outcome, &mut spandrel.tempo());
    check_by_query(&outcome, &mut spandrel.tempo());

    // Space comes back, and with it the service, without a restart.
    disk.grow("64m");
    let before = outcome.acknowledged.len();
    send_until(&spandrel, &mut random, &mut outcome, |outcome| {
        outcome.acknowledged.len() >= before + 20
    });
    check_by_id(&outcome, &mut spandrel.tempo());

    // Full again, killed, and started on a disk that is still full.
    disk.fill();
    let refused = outcome.refused.len();
    send_until(&spandrel, &mut random, &mut outcome, |outcome| outcome.refused.len() > refused);
    spandrel.kill();
    match home.try_start() {
        Ok(spandrel) => {
            check_by_id(&outcome, &mut spandrel.tempo());
            spandrel.stop();
        }
        Err(exit) => check_refused(&exit, &["No space left on device", "free some space"]),
    }
    disk.free();
    let spandrel = home.start();
    check_by_id(&outcome, &mut spandrel.tempo());
    check_by_query(&outcome, &mut spandrel.tempo());
    spandrel.stop();
}
