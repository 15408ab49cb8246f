//! Figures that a machine with other work distorts least.

/// A ratio of two contestants: the median of the rounds, and how far a typical round is from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    pub median: f64,
    pub deviation: f64,
}

/// Returns the median; `None` without values.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

/// Compares two contestants round by round: what the machine does to a round, it does to both.
pub fn ratio(rounds: impl IntoIterator<Item = (f64, f64)>) -> Option<Ratio> {
    let ratios: Vec<f64> = rounds.into_iter().map(|(over, under)| over / under).collect();
    let median_ratio = median(ratios.iter().copied())?;
    let deviation = median(ratios.iter().map(|ratio| (ratio - median_ratio).abs()))?;
    Some(Ratio { median: median_ratio, deviation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_is_between_the_two_middle_values() {
        assert_eq!(median([]), None);
        assert_eq!(median([3.0]), Some(3.0));
        assert_eq!(median([9.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median([4.0, 1.0, 3.0, f64::NAN, 9.0]), Some(3.5));
    }

    #[test]
    fn slow_rounds_do_not_change_a_ratio() {
        // The machine is three times as slow in the second round, and something else runs beside the third.
        let found = ratio([(11.0, 10.0), (33.0, 30.0), (40.0, 10.0), (11.5, 10.0), (10.5, 10.0)]).unwrap();
        assert!((found.median - 1.1).abs() < 1e-9, "{found:?}");
        assert!((found.deviation - 0.05).abs() < 1e-9, "{found:?}");
        assert_eq!(ratio([]), None);
    }
}
