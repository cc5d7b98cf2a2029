//! `retry_on_failure` of exporters (`configretry.BackOffConfig`).

use std::time::Duration;

use crate::section::Section;

/// When a failed request is sent again.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// The first wait.
    pub initial_interval: Duration,
    /// By which part of itself a wait is randomly shorter or longer, from 0 to 1.
    pub randomization_factor: f64,
    /// By what each wait is longer than the one before.
    pub multiplier: f64,
    /// The longest wait, before the random part.
    pub max_interval: Duration,
    /// From the first attempt to giving up; zero for never.
    pub max_elapsed_time: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            initial_interval: Duration::from_secs(5),
            randomization_factor: 0.5,
            multiplier: 1.5,
            max_interval: Duration::from_secs(30),
            max_elapsed_time: Duration::from_secs(300),
        }
    }
}

impl Retry {
    /// Reads `retry_on_failure` of an exporter's section: on by default, and `None` with `enabled: false`.
    pub fn retry_on_failure(section: &mut Section<'_>) -> Option<Self> {
        section.optional_or("retry_on_failure", Self::default(), Self::read)
    }

    /// Reads the keys of `retry_on_failure`, but `enabled`.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self::read_with(section, Self::default())
    }

    /// Reads the keys of `retry_on_failure` with other defaults.
    pub fn read_with(section: &mut Section<'_>, defaults: Self) -> Self {
        let retry = Self {
            initial_interval: section.or("initial_interval", defaults.initial_interval),
            randomization_factor: section.or("randomization_factor", defaults.randomization_factor),
            multiplier: section.or("multiplier", defaults.multiplier),
            max_interval: section.or("max_interval", defaults.max_interval),
            max_elapsed_time: section.or("max_elapsed_time", defaults.max_elapsed_time),
        };
        retry.check(section);
        retry
    }

    fn check(&self, section: &mut Section<'_>) {
        if !(0.0..=1.0).contains(&self.randomization_factor) {
            section.problem(Some("randomization_factor"), "must be from 0 to 1");
        }
        if self.multiplier < 0.0 || !self.multiplier.is_finite() {
            section.problem(Some("multiplier"), "must not be negative or infinite");
        }
        if self.max_elapsed_time.is_zero() {
            return;
        }
        if self.max_elapsed_time < self.initial_interval {
            section.problem(Some("max_elapsed_time"), "must not be less than `initial_interval`");
        } else if self.max_elapsed_time < self.max_interval {
            section.problem(Some("max_elapsed_time"), "must not be less than `max_interval`");
        }
    }
}
