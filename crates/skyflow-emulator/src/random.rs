//! The one door to randomness.

use aws_lc_rs::rand;
use uuid::Uuid;

/// Fills a buffer with random bytes.
///
/// The operating system's source does not fail on any platform this crate builds for; should it ever, the buffer
/// keeps the counter-based bytes of `uuid`, which come from the same source by another way.
pub(crate) fn fill(buffer: &mut [u8]) {
    if rand::fill(buffer).is_err() {
        for chunk in buffer.chunks_mut(16) {
            let bytes = Uuid::new_v4().into_bytes();
            chunk.iter_mut().zip(bytes).for_each(|(target, byte)| *target = byte);
        }
    }
}

pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0; N];
    fill(&mut buffer);
    buffer
}

/// A dashed UUID, as Skyflow uses for records and requests.
pub(crate) fn uuid() -> String {
    uuid::Builder::from_random_bytes(bytes()).into_uuid().to_string()
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(digits: usize) -> String {
    let mut raw = vec![0; digits.div_ceil(2)];
    fill(&mut raw);
    let mut text = hex_of(&raw);
    text.truncate(digits);
    text
}

/// An id as Skyflow gives vaults, accounts and roles: 32 characters, a letter first.
pub(crate) fn object_id() -> String {
    let [first] = bytes();
    let letter = char::from(b'a' + first % 26);
    format!("{letter}{}", hex(31))
}

pub(crate) fn hex_of(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a `String` does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
