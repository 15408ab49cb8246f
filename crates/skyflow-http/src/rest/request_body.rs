//! JSON bodies, in a buffer of the right size.

use std::io::{self, Write};

use serde::Serialize;

/// Beyond this size a buffer that grows by doubling wastes more than it costs to measure the body first.
const MEASURED: usize = 1024 * 1024;

/// Writes a body. A large one is measured and then written, so that it is in memory once and in no larger buffer.
pub(crate) fn to_vec<T: Serialize>(body: &T) -> serde_json::Result<Vec<u8>> {
    let mut first = Measuring::default();
    serde_json::to_writer(&mut first, body)?;
    if first.length <= MEASURED {
        return Ok(first.kept);
    }
    let mut whole = Vec::with_capacity(first.length);
    drop(first);
    serde_json::to_writer(&mut whole, body)?;
    Ok(whole)
}

/// Keeps what is written while it is small, and counts it in any case.
#[derive(Default)]
struct Measuring {
    kept: Vec<u8>,
    length: usize,
}

impl Write for Measuring {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.length += bytes.len();
        if self.length <= MEASURED {
            self.kept.extend_from_slice(bytes);
        } else {
            self.kept = Vec::new();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_have_no_spare_capacity() {
        for length in [0, 1, 1000, MEASURED - 2, MEASURED - 1, MEASURED, 3 * MEASURED] {
            let body = "x".repeat(length);
            let written = to_vec(&body).unwrap();
            assert_eq!(written, serde_json::to_vec(&body).unwrap(), "{length}");
            assert!(length < MEASURED || written.capacity() == written.len(), "{length}");
        }
    }
}
