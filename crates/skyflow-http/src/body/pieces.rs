use std::collections::TryReserveError;

use bytes::Bytes;

/// The smallest piece that is allocated for a body of unknown length.
const SMALLEST: usize = 16 * 1024;

/// The largest such piece.
const LARGEST: usize = 1024 * 1024;

/// The chunks of a body, put together as they come.
///
/// A chunk may keep a read buffer alive that is much larger than itself, so every chunk is copied. So memory use depends
/// on the length of the body, not on the size of its chunks: the length once if it is announced, and twice at the end if
/// it is not.
pub(super) struct Pieces {
    announced: usize,
    filled: Vec<Vec<u8>>,
    length: usize,
}

impl Pieces {
    /// Starts a body of an announced length; 0 if it is unknown.
    pub(super) const fn new(announced: usize) -> Self {
        Self { announced, filled: Vec::new(), length: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// Takes the next chunk; fails when there is no memory for the announced length.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), TryReserveError> {
        self.copy(chunk, self.length)?;
        self.length += chunk.len();
        Ok(())
    }

    /// Fills the last piece, then allocates one for the rest of the announced length, or one as large as all pieces
    /// before it, within bounds: many small chunks make few pieces, and a large body has little unused space.
    fn copy(&mut self, mut from: &[u8], mut before: usize) -> Result<(), TryReserveError> {
        while !from.is_empty() {
            if let Some(last) = self.filled.last_mut()
                && last.len() < last.capacity()
            {
                let (fitting, rest) = from.split_at(from.len().min(last.capacity() - last.len()));
                last.extend_from_slice(fitting);
                before += fitting.len();
                from = rest;
            } else {
                let mut piece = Vec::new();
                piece.try_reserve_exact(match self.announced.saturating_sub(before) {
                    0 => before.clamp(SMALLEST, LARGEST),
                    expected => expected,
                })?;
                self.filled.push(piece);
            }
        }
        Ok(())
    }

    /// Returns the whole body; fails when there is no memory for it.
    pub(super) fn join(mut self) -> Result<Bytes, TryReserveError> {
        Ok(match self.filled.len() {
            0 => Bytes::new(),
            1 => self.filled.swap_remove(0).into(),
            _ => {
                let mut whole = Vec::new();
                whole.try_reserve_exact(self.length)?;
                self.filled.iter().for_each(|piece| whole.extend_from_slice(piece));
                whole.into()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(announced: usize, chunks: impl IntoIterator<Item = Bytes>) -> Pieces {
        let mut pieces = Pieces::new(announced);
        chunks.into_iter().for_each(|chunk| pieces.push(&chunk).unwrap());
        pieces
    }

    #[test]
    fn chunk_sizes_do_not_change_the_body() {
        let body: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        for announced in [0, 1, 50_000, 100_000, 100_001] {
            for size in [1, 7, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 99_999, 100_000] {
                let pieces = gathered(announced, body.chunks(size).map(Bytes::copy_from_slice));
                assert_eq!(pieces.len(), body.len());
                assert!(pieces.join().unwrap() == body, "{announced} {size}");
            }
        }
    }

    #[test]
    fn memory_is_bounded_by_the_length_of_the_body() {
        for (announced, bound) in [(3_000_000, 3_000_000), (0, 3_000_000 + LARGEST)] {
            let read_buffer = Bytes::from(vec![0; 64 * 1024]);
            let pieces = gathered(announced, (0..30_000).map(|_| read_buffer.slice(..100)));
            assert!(read_buffer.is_unique(), "a read buffer is kept alive");
            assert!(pieces.filled.iter().map(Vec::capacity).sum::<usize>() <= bound);
        }
    }

    #[test]
    fn length_beyond_memory_is_an_error() {
        let mut pieces = Pieces::new(usize::MAX);
        assert!(pieces.push(b"a").is_err());
    }
}
