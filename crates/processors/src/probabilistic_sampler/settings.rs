//! The settings of `probabilistic_sampler`.

use spandrel_config::Section;

use super::threshold::HEX_DIGITS;

/// The smallest percentage whose threshold can be written: 2^-56.
const PERCENTAGE_MIN: f64 = 100.0 / (1_u64 << 56) as f64;

/// Settings of `probabilistic_sampler`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbabilisticSamplerSettings {
    /// Of all traces; above 100 is all.
    pub sampling_percentage: f32,
    /// How decisions are made.
    pub mode: SamplerMode,
    /// Seed of `hash_seed`.
    pub hash_seed: u32,
    /// Whether spans that cannot be decided about are dropped.
    pub fail_closed: bool,
    /// Hexadecimal digits of a threshold.
    pub sampling_precision: u32,
}

/// How decisions are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SamplerMode {
    /// By a hash of the trace id.
    HashSeed,
    /// A part of what comes.
    Proportional,
    /// A part of what was at the beginning: what was sampled before is sampled less.
    Equalizing,
}

const MODES: [(&str, SamplerMode); 4] = [
    ("hash_seed", SamplerMode::HashSeed),
    ("proportional", SamplerMode::Proportional),
    ("equalizing", SamplerMode::Equalizing),
    ("", SamplerMode::HashSeed),
];

impl ProbabilisticSamplerSettings {
    /// Reads and checks them.
    pub fn read(section: &mut Section<'_>) -> Self {
        let settings = Self {
            sampling_percentage: section.or("sampling_percentage", 0.0),
            mode: section.choice("mode", &MODES).unwrap_or(SamplerMode::HashSeed),
            hash_seed: section.or("hash_seed", 0),
            fail_closed: section.or("fail_closed", true),
            sampling_precision: section.or("sampling_precision", 4),
        };
        let logs = ["attribute_source", "from_attribute", "sampling_priority"];
        section.ignore(&logs, "it is about log records");
        let percentage = f64::from(settings.sampling_percentage);
        let key = Some("sampling_percentage");
        if !percentage.is_finite() {
            section.problem(key, "must be a number");
        } else if percentage < 0.0 {
            section.problem(key, "must not be negative");
        } else if percentage > 0.0 && percentage < PERCENTAGE_MIN {
            section.problem(key, "is too small: at least 2^-56 of all traces, or 0 for none");
        }
        if !(1..=HEX_DIGITS).contains(&settings.sampling_precision) {
            section.problem(Some("sampling_precision"), "must be from 1 to 14");
        }
        settings
    }
}
