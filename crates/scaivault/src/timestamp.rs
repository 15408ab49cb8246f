use std::fmt;
use std::time::SystemTime;

/// A time as the server wrote it.
///
/// The server writes UTC, sometimes with microseconds, and other offsets are read too. Text that is no time is kept and
/// costs nothing else.
///
/// ```
/// use scaivault::Timestamp;
///
/// let time = Timestamp::new("2026-01-02T03:04:05.123456Z");
/// assert_eq!(time.time(), Timestamp::new("2026-01-02T04:04:05.123456+01:00").time());
/// assert_eq!(Timestamp::new("soon").time(), None);
/// assert_eq!(Timestamp::new("soon").as_str(), "soon");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Timestamp(Box<str>);

impl Timestamp {
    /// Keeps the text of a time.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into().into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the time; `None` when the text is none.
    pub fn time(&self) -> Option<SystemTime> {
        self.0.parse::<jiff::Timestamp>().ok()?.try_into().ok()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self::new(jiff::Timestamp::try_from(time).unwrap_or_default().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_instant_are_equal() {
        let times: Vec<_> =
            ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z", "2026-01-02T04:04:05+01:00"]
                .map(|text| Timestamp::new(text).time())
                .into();
        assert!(times[0].is_some());
        assert!(times.iter().all(|time| *time == times[0]));
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "1767322800"] {
            assert_eq!(Timestamp::new(text).time(), None, "{text}");
        }
    }
}
