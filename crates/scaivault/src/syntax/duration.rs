use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::InvalidInput;

/// A duration as ScaiVault writes it: a whole number and one of the units `s`, `m`, `h` and `d`, such as `90d`.
///
/// ```
/// use std::time::Duration;
/// use scaivault::VaultDuration;
///
/// let quarter = VaultDuration::new("90d")?;
/// assert_eq!(quarter.as_duration(), Duration::from_secs(7_776_000));
/// assert_eq!(VaultDuration::try_from(Duration::from_secs(7200))?.to_string(), "2h");
/// assert!(VaultDuration::new("1h30m").is_err());
/// # Ok::<(), scaivault::InvalidInput>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VaultDuration {
    seconds: u64,
}

/// The units, from the largest.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

const FORM: &str = "must be a whole number above zero and one of the units s, m, h and d";

impl VaultDuration {
    /// Checks a duration.
    ///
    /// # Errors
    ///
    /// Fails with the field `duration` for zero, a sign, a fraction, several units, and numbers beyond the range.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidInput> {
        let text = text.as_ref();
        let invalid = || InvalidInput::new("duration", FORM);
        let (number, unit) = UNITS
            .iter()
            .find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, *seconds)))
            .ok_or_else(invalid)?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(invalid());
        }
        let number: u64 = number.parse().map_err(|_| invalid())?;
        let seconds = number.checked_mul(unit).ok_or_else(invalid)?;
        Self::of_seconds(seconds).ok_or_else(invalid)
    }

    fn of_seconds(seconds: u64) -> Option<Self> {
        // What servers keep in signed numbers.
        (seconds > 0 && i64::try_from(seconds).is_ok()).then_some(Self { seconds })
    }

    /// Returns it as a [`Duration`].
    pub const fn as_duration(self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// Returns the number of seconds.
    pub const fn as_seconds(self) -> u64 {
        self.seconds
    }
}

/// Writes the largest unit that leaves no rest.
impl fmt::Display for VaultDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, seconds) =
            UNITS.iter().find(|(_, unit)| self.seconds.is_multiple_of(*unit)).unwrap_or(&('s', 1));
        write!(f, "{}{unit}", self.seconds / seconds)
    }
}

impl FromStr for VaultDuration {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        Self::new(text)
    }
}

impl TryFrom<&str> for VaultDuration {
    type Error = InvalidInput;

    fn try_from(text: &str) -> Result<Self, InvalidInput> {
        Self::new(text)
    }
}

impl TryFrom<String> for VaultDuration {
    type Error = InvalidInput;

    fn try_from(text: String) -> Result<Self, InvalidInput> {
        Self::new(text)
    }
}

impl TryFrom<Duration> for VaultDuration {
    type Error = InvalidInput;

    /// Takes whole seconds above zero.
    fn try_from(duration: Duration) -> Result<Self, InvalidInput> {
        let whole = (duration.subsec_nanos() == 0).then_some(duration.as_secs());
        whole
            .and_then(Self::of_seconds)
            .ok_or_else(|| InvalidInput::new("duration", "must be a number of whole seconds above zero"))
    }
}

/// Durations as a list: `7d,1d`.
///
/// ```
/// use scaivault::DurationList;
///
/// let thresholds = DurationList::new("7d,1d")?;
/// assert_eq!(thresholds.iter().count(), 2);
/// assert_eq!(thresholds.to_string(), "7d,1d");
/// # Ok::<(), scaivault::InvalidInput>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DurationList(Vec<VaultDuration>);

impl DurationList {
    /// Reads durations with commas between them.
    ///
    /// # Errors
    ///
    /// Fails as [`VaultDuration::new`] does, and for an empty list.
    pub fn new(text: impl AsRef<str>) -> Result<Self, InvalidInput> {
        text.as_ref()
            .split(',')
            .map(|part| VaultDuration::new(part.trim()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Returns the durations in their order.
    pub fn iter(&self) -> impl Iterator<Item = VaultDuration> + '_ {
        self.0.iter().copied()
    }
}

impl fmt::Display for DurationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, duration) in self.0.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{duration}")?;
        }
        Ok(())
    }
}

impl TryFrom<&str> for DurationList {
    type Error = InvalidInput;

    fn try_from(text: &str) -> Result<Self, InvalidInput> {
        Self::new(text)
    }
}

impl FromIterator<VaultDuration> for DurationList {
    fn from_iter<I: IntoIterator<Item = VaultDuration>>(durations: I) -> Self {
        Self(durations.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_one_unit_are_read() {
        for (text, seconds) in [
            ("15m", 900),
            ("1h", 3_600),
            ("48h", 172_800),
            ("90d", 7_776_000),
            ("30s", 30),
            ("007d", 604_800),
        ] {
            assert_eq!(VaultDuration::new(text).unwrap().as_seconds(), seconds, "{text}");
        }
    }

    #[test]
    fn every_other_form_is_refused() {
        for text in [
            "", "7x", "7", "h", "-1h", "+1h", "0s", "0d", "1h30m", "PT1H", "1.5h", " 1h", "1 h", "1H", "1w",
            "١h",
        ] {
            assert_eq!(VaultDuration::new(text).unwrap_err().field(), "duration", "{text:?}");
        }
        assert!(VaultDuration::new("99999999999999999999s").is_err());
        assert!(VaultDuration::new("213503982334602d").is_err(), "the product is beyond the range");
    }

    #[test]
    fn the_largest_unit_without_a_rest_is_written() {
        for (seconds, text) in
            [(1, "1s"), (90, "90s"), (120, "2m"), (3_600, "1h"), (86_400, "1d"), (90_000, "25h")]
        {
            assert_eq!(VaultDuration::try_from(Duration::from_secs(seconds)).unwrap().to_string(), text);
        }
        assert!(VaultDuration::try_from(Duration::from_millis(1_500)).is_err());
        assert!(VaultDuration::try_from(Duration::ZERO).is_err());
    }

    #[test]
    fn lists_are_read_and_written_with_commas() {
        assert_eq!(DurationList::new("7d, 1d").unwrap().to_string(), "7d,1d");
        for text in ["", "7d,", ",", "7d;1d"] {
            assert!(DurationList::new(text).is_err(), "{text:?}");
        }
    }
}
