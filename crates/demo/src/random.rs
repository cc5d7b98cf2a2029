//! A small reproducible random source: xoshiro256++ seeded by splitmix64, and the shapes drawn from it.
//!
//! Only integer arithmetic and the exactly rounded float operations are used. `exp` and its kin differ
//! between platforms' math libraries, and then the same seed would give different bytes.

/// The stream of random numbers behind one shop.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut mix = seed;
        let mut next = || {
            mix = mix.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = mix;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        Self { state: [next(), next(), next(), next()] }
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// Uniform in `0..bound`; 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// Uniform in `low..=high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// Uniform in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of a non-empty table's entries, all equally likely.
    pub(crate) fn pick<T: Copy>(&mut self, table: &[T]) -> T {
        table[self.below(table.len() as u64) as usize]
    }

    /// In `0..bound`, small values far likelier: the popularity of products and users.
    pub(crate) fn skewed(&mut self, bound: u64) -> u64 {
        let unit = self.unit();
        (unit * unit * unit * bound as f64) as u64
    }

    /// Lognormal with the given median; `sigma` is the deviation of the logarithm.
    pub(crate) fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * exp(sigma * self.normal())
    }

    /// Nearly standard normal: twelve uniform 16-bit values summed, so within six deviations.
    fn normal(&mut self) -> f64 {
        let sum: u64 = (0..3)
            .map(|_| {
                let word = self.next_u64();
                (word & 0xffff) + (word >> 16 & 0xffff) + (word >> 32 & 0xffff) + (word >> 48)
            })
            .sum();
        sum as f64 / 65536.0 - 6.0
    }
}

/// The series of the exponential function, highest power first.
const SERIES: [f64; 9] = [
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    1.0 / 2.0,
    1.0,
    1.0,
];

/// e to the power of `x` for `|x| < 500`: whole powers of two exactly, the rest by the series.
fn exp(x: f64) -> f64 {
    let powers = x * std::f64::consts::LOG2_E;
    let whole = powers.floor();
    let rest = (powers - whole) * std::f64::consts::LN_2;
    let series = SERIES.iter().fold(0.0, |sum, factor| sum * rest + factor);
    series * f64::from_bits(((whole as i64 + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_agrees_with_the_math_library() {
        for x in [-12.0, -1.0, -0.3, 0.0, 0.5, 1.0, 2.75, 12.0] {
            let relative = exp(x) / f64::exp(x) - 1.0;
            assert!(relative.abs() < 1e-7, "{x}: off by {relative}");
        }
    }

    #[test]
    fn lognormal_has_its_median_and_spread() {
        let mut random = Random::new(1);
        let mut draws: Vec<f64> = (0..20_001).map(|_| random.lognormal(100.0, 0.5)).collect();
        draws.sort_by(f64::total_cmp);
        assert!((draws[10_000] - 100.0).abs() < 3.0, "median {}", draws[10_000]);
        // One deviation above the median lies the 84.13th percentile.
        assert!((draws[16_826] - 164.9).abs() < 8.0, "p84 {}", draws[16_826]);
    }

    #[test]
    fn known_stream_for_a_known_seed() {
        let mut random = Random::new(0);
        let first = [random.next_u64(), random.next_u64()];
        assert_eq!(first, [0x53175d61490b23df, 0x61da6f3dc380d507]);
    }
}
