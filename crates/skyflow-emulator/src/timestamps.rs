//! Points in time as text, in UTC.

/// A calendar day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Day {
    year: i64,
    month: u8,
    day: u8,
}

/// The day that a number of milliseconds since 1970 falls on, in the Gregorian calendar.
fn day_of(millis: i64) -> Day {
    // Counts days from 1 March of year 0, so that the leap day is the last day of its year.
    let days = millis.div_euclid(86_400_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Day { year, month: u8::try_from(month).unwrap_or(1), day: u8::try_from(day).unwrap_or(1) }
}

/// Writes `2026-01-31 12:00:00.000`.
pub(crate) fn sql(millis: i64) -> String {
    let Day { year, month, day } = day_of(millis);
    let time = millis.rem_euclid(86_400_000);
    let (hours, minutes) = (time / 3_600_000, time / 60_000 % 60);
    let (seconds, fraction) = (time / 1000 % 60, time % 1000);
    format!("{year:04}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02}.{fraction:03}")
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
}
