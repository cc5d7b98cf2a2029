//! Sums that do not depend on the order of their summands.
//!
//! Whole numbers are added as such. Floats are kept as a list of parts that do not overlap, whose sum is exactly the
//! sum of all that was added; it is rounded once, at the end. Usually there are one or two parts.
//! Source: Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates", 1997.

/// A sum of whole numbers and floats. Beyond the range of floats it is infinite.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExactSum {
    whole: i128,
    /// Ascending by magnitude; none is zero, no two overlap.
    parts: Vec<f64>,
    /// How often plus and minus infinity were added.
    infinite: [u32; 2],
}

impl ExactSum {
    /// Adds a whole number, or a sum of many.
    pub fn add_whole(&mut self, number: i128) {
        self.whole = self.whole.saturating_add(number);
    }

    /// Adds a float; NaN is not a number and adds nothing.
    pub fn add(&mut self, number: f64) {
        if number.is_nan() {
            return;
        }
        let mut carried = number;
        let mut kept = 0;
        for i in 0..self.parts.len() {
            let (sum, rest) = two_sum(carried, self.parts[i]);
            if rest != 0.0 && rest.is_finite() {
                self.parts[kept] = rest;
                kept += 1;
            }
            carried = sum;
        }
        self.parts.truncate(kept);
        if carried.is_infinite() {
            let which = usize::from(carried < 0.0);
            self.infinite[which] = self.infinite[which].saturating_add(1);
        } else if carried != 0.0 {
            self.parts.push(carried);
        }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        self.add_whole(other.whole);
        other.parts.iter().for_each(|part| self.add(*part));
        for (own, other) in self.infinite.iter_mut().zip(other.infinite) {
            *own = own.saturating_add(other);
        }
    }

    /// The sum, rounded to the nearest float.
    #[expect(clippy::cast_precision_loss, reason = "what is lost is added as the next part")]
    #[expect(clippy::cast_possible_truncation, reason = "a float of a whole number is one")]
    pub fn value(&self) -> f64 {
        match self.infinite {
            [0, 0] => {}
            [_, 0] => return f64::INFINITY,
            [0, _] => return f64::NEG_INFINITY,
            _ => return f64::NAN,
        }
        if self.parts.is_empty() {
            return self.whole as f64;
        }
        let mut all = Self { parts: self.parts.clone(), ..Self::default() };
        let mut rest = self.whole;
        while rest != 0 {
            let part = rest as f64;
            all.add(part);
            rest = rest.saturating_sub(part as i128);
        }
        round(&all.parts)
    }

    /// Bytes of memory besides the value itself.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.parts.capacity() * size_of::<f64>()
    }
}

/// A float and what is missing to the exact sum.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let (large, small) = if a.abs() < b.abs() { (b, a) } else { (a, b) };
    let sum = large + small;
    (sum, small - (sum - large))
}

/// The float that is nearest to the sum of parts, the even one of two.
fn round(parts: &[f64]) -> f64 {
    let mut rest = parts.iter().rev().copied();
    let Some(mut sum) = rest.next() else { return 0.0 };
    while let Some(part) = rest.next() {
        let (rounded, missing) = two_sum(sum, part);
        sum = rounded;
        if missing == 0.0 {
            continue;
        }
        // Exactly between two floats: what is behind decides.
        if rest.next().is_some_and(|next| (next < 0.0) == (missing < 0.0)) {
            let doubled = missing * 2.0;
            let beyond = sum + doubled;
            if doubled == beyond - sum {
                sum = beyond;
            }
        }
        break;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(numbers: &[f64]) -> f64 {
        let mut sum = ExactSum::default();
        numbers.iter().for_each(|number| sum.add(*number));
        sum.value()
    }

    #[test]
    fn nothing_is_lost_between_large_numbers() {
        assert_eq!(sum(&[1e100, 1.0, -1e100]), 1.0);
        assert_eq!(sum(&[0.1; 10]), 1.0);
        assert_eq!(sum(&[1e16, 1.0, 1e-16]), 1e16 + 2.0);
        assert_eq!(sum(&[]), 0.0);
        assert_eq!(sum(&[f64::NAN, 2.0]), 2.0);
    }

    #[test]
    fn infinities_stay() {
        assert_eq!(sum(&[f64::INFINITY, -1e300]), f64::INFINITY);
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
    }

    #[test]
    fn whole_numbers_and_floats_add_up() {
        let mut both = ExactSum::default();
        both.add_whole((1 << 60) + 1);
        both.add(0.5);
        both.add(-((1_i64 << 60) as f64));
        assert_eq!(both.value(), 1.5);
        let mut whole = ExactSum::default();
        whole.add_whole(i128::from(i64::MAX) * 3);
        assert_eq!(whole.value(), i64::MAX as f64 * 3.0);
    }
}
