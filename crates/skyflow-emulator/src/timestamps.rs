//! Points in time as text, in UTC.

use jiff::Timestamp;

/// Writes `2026-01-31 12:00:00.000`.
pub(crate) fn sql(millis: i64) -> String {
    at(millis).strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// Clocks outside the years -9999 to 9999 show the first or the last instant of them.
fn at(millis: i64) -> Timestamp {
    let limit = if millis < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(millis).unwrap_or(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_those_of_the_calendar() {
        assert_eq!(sql(0), "1970-01-01 00:00:00.000");
        assert_eq!(sql(951_782_400_000), "2000-02-29 00:00:00.000");
        assert_eq!(sql(1_709_251_199_999), "2024-02-29 23:59:59.999");
        assert_eq!(sql(4_107_542_400_000), "2100-03-01 00:00:00.000");
        assert_eq!(sql(-1), "1969-12-31 23:59:59.999");
    }

    #[test]
    fn extreme_clocks_show_the_nearest_instant() {
        assert!(sql(i64::MAX).starts_with("9999-12-30 "), "{}", sql(i64::MAX));
        assert!(sql(i64::MIN).starts_with('-'), "{}", sql(i64::MIN));
    }
}
