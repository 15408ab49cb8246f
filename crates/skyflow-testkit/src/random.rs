//! Randomness, injected.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;

/// A source of randomness: the operating system's, or a sequence that is the same in every run.
///
/// ```
/// use skyflow_testkit::Random;
///
/// assert_eq!(Random::seeded(7).uuid(), Random::seeded(7).uuid());
/// assert_ne!(Random::system().uuid(), Random::system().uuid());
/// ```
#[derive(Clone)]
pub struct Random(Option<Arc<Mutex<Rng>>>);

impl Random {
    /// Uses the randomness of the operating system.
    pub const fn system() -> Self {
        Self(None)
    }

    /// Uses a sequence that depends on the seed alone. Clones continue the same sequence.
    pub fn seeded(seed: u64) -> Self {
        Self(Some(Arc::new(Mutex::new(Rng::with_seed(seed)))))
    }

    /// Fills a buffer.
    pub fn fill(&self, buffer: &mut [u8]) {
        match &self.0 {
            Some(sequence) => sequence.lock().unwrap_or_else(PoisonError::into_inner).fill(buffer),
            // The operating system's source does not fail on any platform with a standard library. Test data need not
            // be unpredictable, so the fallback is good enough.
            None if getrandom::fill(buffer).is_err() => fastrand::fill(buffer),
            None => {}
        }
    }

    /// Returns `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut buffer = [0; N];
        self.fill(&mut buffer);
        buffer
    }

    /// Returns a dashed UUID, version 4.
    pub fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid().to_string()
    }

    /// Returns lowercase hexadecimal digits.
    pub fn hex(&self, digits: usize) -> String {
        let mut raw = vec![0; digits.div_ceil(2)];
        self.fill(&mut raw);
        let mut text: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        text.truncate(digits);
        text
    }
}

/// The operating system's randomness.
impl Default for Random {
    fn default() -> Self {
        Self::system()
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Random::seeded" } else { "Random::system" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_of_a_seed_continue_one_sequence() {
        let (first, second) = (Random::seeded(1), Random::seeded(1));
        let pair = (first.hex(5), first.clone().uuid());
        assert_eq!(pair, (second.hex(5), second.uuid()));
        assert_ne!(pair.1, second.uuid());
        assert_ne!(Random::seeded(1).bytes::<16>(), Random::seeded(2).bytes::<16>());
    }

    #[test]
    fn uuid_has_version_and_variant() {
        let uuid = uuid::Uuid::parse_str(&Random::system().uuid()).unwrap();
        assert_eq!((uuid.get_version_num(), uuid.get_variant()), (4, uuid::Variant::RFC4122));
    }
}
