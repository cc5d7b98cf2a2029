//! Buckets whose bounds are powers of two, and quantiles from them.

/// The bucket of a whole number: the exponent of the smallest power of two that is not below it. Numbers below 2 have
/// none, as in Tempo.
pub fn bucket_of(number: i64) -> Option<u8> {
    let number = u64::try_from(number).ok().filter(|number| *number >= 2)?;
    Some((u64::BITS - (number - 1).leading_zeros()) as u8)
}

/// The bound of a bucket.
pub fn bucket_size(exponent: u8) -> f64 {
    2_f64.powi(i32::from(exponent))
}

/// A quantile of buckets, which are pairs of bound and amount, ascending; 0 when there is nothing in them.
///
/// At an exact bound it is the bound; between two it is interpolated on the logarithmic scale.
pub fn quantile(p: f64, buckets: &[(f64, f64)]) -> f64 {
    let total: f64 = buckets.iter().map(|(_, amount)| amount).sum();
    if total <= 0.0 || !(0.0..=1.0).contains(&p) {
        return 0.0;
    }
    // At least one span has to be looked at.
    let wanted = (p * total).ceil().max(1.0).min(total);
    let mut below = 0.0;
    let mut lower = None;
    for &(bound, amount) in buckets {
        if below + amount == wanted {
            return bound;
        }
        if below + amount > wanted {
            let upper = bound.log2();
            let lower = lower.map_or(upper - 1.0, f64::log2);
            return (lower + (upper - lower) * ((wanted - below) / amount)).exp2();
        }
        below += amount;
        lower = Some(bound);
    }
    // Amounts that are no whole numbers may add up to a little less than their total.
    lower.unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_end_at_powers_of_two() {
        let buckets = [i64::MIN, 1, 2, 3, 4, 5, 1024, 1025, i64::MAX].map(bucket_of);
        let exponents =
            [None, None, Some(1), Some(2), Some(2), Some(3), Some(10), Some(11), Some(63)];
        assert_eq!(buckets, exponents);
        assert_eq!(bucket_size(63), 9_223_372_036_854_775_808.0);
    }

    #[test]
    fn quantiles_are_bounds_or_between_them() {
        let buckets = [(2.0, 10.0), (8.0, 10.0)];
        assert_eq!(quantile(0.0, &buckets), 2_f64.powf(0.1));
        assert_eq!(quantile(0.5, &buckets), 2.0);
        assert_eq!(quantile(0.75, &buckets), 4.0);
        assert_eq!(quantile(1.0, &buckets), 8.0);
        assert_eq!(quantile(0.5, &[]), 0.0);
        assert_eq!(quantile(0.5, &[(4.0, 0.0)]), 0.0);
    }
}
