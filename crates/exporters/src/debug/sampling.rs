//! Which requests are written, so that a busy pipeline does not fill the disk with its log.

use std::time::Duration;

use super::settings::DebugSettings;

/// Counts requests by the second.
pub(super) struct Sampling {
    initial: u64,
    thereafter: u64,
    second: u64,
    n_seen: u64,
}

impl Sampling {
    pub(super) fn new(settings: &DebugSettings) -> Self {
        let DebugSettings { sampling_initial: initial, sampling_thereafter: thereafter, .. } =
            *settings;
        Self { initial, thereafter, second: 0, n_seen: 0 }
    }

    /// Whether the request that comes now is to be written.
    pub(super) fn is_wanted(&mut self, now: Duration) -> bool {
        if now.as_secs() != self.second {
            self.second = now.as_secs();
            self.n_seen = 0;
        }
        self.n_seen += 1;
        let Some(after) = self.n_seen.checked_sub(self.initial).filter(|after| *after > 0) else {
            return true;
        };
        after.checked_rem(self.thereafter) == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(initial: u64, thereafter: u64, second: u64, sampling: &mut Sampling) -> Vec<bool> {
        (sampling.initial, sampling.thereafter) = (initial, thereafter);
        (0..8).map(|_| sampling.is_wanted(Duration::from_secs(second))).collect()
    }

    #[test]
    fn the_first_of_each_second_and_then_some() {
        let mut sampling = Sampling { initial: 2, thereafter: 3, second: 0, n_seen: 0 };
        let expected = [true, true, false, false, true, false, false, true];
        assert_eq!(wanted(2, 3, 1, &mut sampling), expected);
        assert_eq!(wanted(2, 3, 2, &mut sampling), expected);
        assert_eq!(wanted(2, 1, 3, &mut sampling), [true; 8]);
        assert_eq!(wanted(1, 0, 4, &mut sampling).iter().filter(|wanted| **wanted).count(), 1);
    }
}
