//! What the log promises, as a list of records in memory.

use std::sync::Arc;

use spandrel_wal::{Record, ReplayedRecord, Wal, WalOptions};

use crate::fault_env::{Fault, FaultEnv};
use crate::{options, read_all, replayed};

/// The log under test on its disk, and what must be true of it.
pub(crate) struct Model {
    pub(crate) env: FaultEnv,
    wal: Option<Wal>,
    options: WalOptions,
    /// Every record that must come back, unless it is below `truncated_before`.
    kept: Vec<ReplayedRecord>,
    next_seq: u64,
    truncated_before: u64,
    /// Failed groups of which a part may come back, because everything stopped or more than one
    /// operation failed before the log could rule it out. Nothing has been acknowledged since.
    uncertain: Vec<Vec<ReplayedRecord>>,
}

/// How one process ends and the next one starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restart {
    /// The machine loses power; otherwise the process alone stops.
    pub(crate) power_cut: bool,
    /// What of the unsynced changes a power cut leaves.
    pub(crate) seed: u64,
    /// The next process has no truncation point of its own.
    pub(crate) replays_all: bool,
    /// Happens after so many operations of the next process. If it keeps the log from opening,
    /// the power is cut and a third process opens it.
    pub(crate) fault: Option<(u64, Fault)>,
}

impl Model {
    pub(crate) fn new(segment_bytes_max: u64) -> Self {
        let mut model = Self {
            env: FaultEnv::default(),
            wal: None,
            options: WalOptions { segment_bytes_max, ..options() },
            kept: Vec::new(),
            next_seq: 1,
            truncated_before: 0,
            uncertain: Vec::new(),
        };
        model.open(0);
        model
    }

    pub(crate) fn append(&mut self, records: &[Record]) {
        let n_fired = self.env.n_fired();
        let wal = self.wal.as_mut().unwrap();
        let group: Vec<_> =
            (self.next_seq..).zip(records).map(|(seq, it)| replayed(seq, it)).collect();
        match wal.append_group(records) {
            Ok(seqs) => {
                assert!(seqs.clone().eq(group.iter().map(|record| record.seq)));
                self.next_seq = seqs.end;
                if !group.is_empty() {
                    self.uncertain.clear();
                }
                self.kept.extend(group);
            }
            Err(err) => {
                let n_fired = self.env.n_fired() - n_fired;
                assert!(self.env.is_stopped() || n_fired > 0, "failed without a fault: {err}");
                if self.env.is_stopped() || n_fired > 1 {
                    self.uncertain.push(group);
                }
            }
        }
        assert_eq!(wal.next_seq(), self.next_seq);
    }

    pub(crate) fn rotate(&mut self) {
        let n_fired = self.env.n_fired();
        let rotated = self.wal.as_mut().unwrap().rotate();
        match rotated {
            Ok(seqs) => assert_eq!(seqs.end, self.next_seq),
            Err(err) => {
                assert!(self.env.is_stopped() || self.env.n_fired() > n_fired, "no fault: {err}");
            }
        }
    }

    /// Truncates at `part`/256 of the sequence numbers so far.
    pub(crate) fn truncate(&mut self, part: u8) {
        let seq = self.next_seq * u64::from(part) / 255;
        self.truncated_before = self.truncated_before.max(seq);
        // A failed deletion is no concern of the model: what stays may come back or not.
        let _ = self.wal.as_mut().unwrap().truncate_before(seq);
    }

    /// Ends the process and checks what the next one finds.
    pub(crate) fn restart(&mut self, restart: Restart) {
        let Restart { power_cut, seed, replays_all, fault } = restart;
        self.wal = None;
        // A record whose sync failed may be readable until the power is cut, and lost then. The
        // model has no word for that, so such a process always ends by a power cut.
        if power_cut || self.env.has_lost_writes() {
            self.env.power_cut(seed);
        } else {
            self.env.restart();
        }
        if let Some((n_ops, fault)) = fault {
            self.env.arm(n_ops, fault, 128);
        }
        self.options.replay_from_seq = if replays_all { 0 } else { self.truncated_before };
        self.open(seed);
    }

    fn open(&mut self, seed: u64) {
        let opened = Wal::open_in(Arc::new(self.env.clone()), self.options);
        let (wal, replay) = opened.unwrap_or_else(|err| {
            assert!(self.env.n_fired() > 0, "failed without a fault: {err}");
            self.env.power_cut(seed.rotate_left(32));
            Wal::open_in(Arc::new(self.env.clone()), self.options).unwrap()
        });
        let (records, report) = read_all(replay);
        self.adopt_uncertain(&records);
        assert_eq!((report.damages, report.lost_records), (0, 0));
        assert_eq!(wal.next_seq(), self.next_seq);

        // What comes back is the end of what was kept, at least from the truncation point on.
        let n_older = self.kept.len().checked_sub(records.len()).unwrap();
        let (older, newer) = self.kept.split_at(n_older);
        assert_eq!(records, newer);
        assert!(older.iter().all(|record| record.seq < self.truncated_before));
        let from_seq = self.options.replay_from_seq;
        assert!(newer.iter().all(|record| record.seq >= from_seq));
        if !self.env.is_stopped() {
            let sizes = self.env.files().into_iter().filter(|(name, _)| name.ends_with(".wal"));
            let n_bytes: usize = sizes.map(|(_, bytes)| bytes.len()).sum();
            assert_eq!(wal.bytes_on_disk(), n_bytes as u64);
        }
        self.wal = Some(wal);
    }

    /// Takes records of a failed group into the model if a first part of one group came back.
    fn adopt_uncertain(&mut self, records: &[ReplayedRecord]) {
        let n_known = records.partition_point(|record| record.seq < self.next_seq);
        let came_back = &records[n_known..];
        let is_explained = self.uncertain.iter().any(|group| group.starts_with(came_back));
        assert!(came_back.is_empty() || is_explained, "invented records: {came_back:?}");
        self.uncertain.clear();
        self.kept.extend_from_slice(came_back);
        self.next_seq += came_back.len() as u64;
    }
}
