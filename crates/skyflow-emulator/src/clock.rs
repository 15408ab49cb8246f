use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One reading of the clock, used for a whole request.
#[derive(Clone, Copy)]
pub(crate) struct Now(pub(crate) SystemTime);

impl Now {
    pub(crate) fn seconds(self) -> i64 {
        self.millis().div_euclid(1000)
    }

    pub(crate) fn millis(self) -> i64 {
        let signed = |elapsed: Duration| i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        match self.0.duration_since(UNIX_EPOCH) {
            Ok(after) => signed(after),
            Err(before) => -signed(before.duration()),
        }
    }
}
