use aws_lc_rs::hmac;

use skyflow_testkit::Random;

/// The secret of a vault that its deterministic tokens come from.
pub(crate) struct TokenKey(hmac::Key);

impl TokenKey {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Identifies a value inside a column group without telling it.
    pub(crate) fn fingerprint(&self, group: &str, text: &str) -> Vec<u8> {
        self.mac(&[group.as_bytes(), &[0], text.as_bytes()])
    }

    /// A stream that depends on the key, the fingerprint and the attempt, and on nothing else.
    pub(crate) fn entropy(&self, fingerprint: &[u8], attempt: u32) -> Entropy {
        let seed = self.mac(&[b"token", fingerprint, &attempt.to_be_bytes()]);
        Entropy {
            source: Source::Keyed { key: Box::new(hmac::Key::new(hmac::HMAC_SHA256, &seed)), block: 0 },
            buffer: Vec::new(),
        }
    }

    fn mac(&self, parts: &[&[u8]]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.0);
        parts.iter().for_each(|part| context.update(part));
        context.sign().as_ref().to_vec()
    }
}

/// An endless stream of bytes.
pub(crate) struct Entropy {
    source: Source,
    buffer: Vec<u8>,
}

enum Source {
    Keyed { key: Box<hmac::Key>, block: u32 },
    System,
}

impl Entropy {
    /// A stream that never repeats.
    pub(crate) fn fresh() -> Self {
        Self { source: Source::System, buffer: Vec::new() }
    }

    fn byte(&mut self) -> u8 {
        if let Some(byte) = self.buffer.pop() {
            return byte;
        }
        match &mut self.source {
            Source::Keyed { key, block } => {
                self.buffer.extend_from_slice(hmac::sign(key, &block.to_be_bytes()).as_ref());
                *block += 1;
            }
            Source::System => self.buffer.extend_from_slice(&Random::system().bytes::<32>()),
        }
        self.buffer.pop().unwrap_or_default()
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// A number below `limit`; 0 when there is none.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let wide = u128::from(u64::from_be_bytes(self.bytes()));
        usize::try_from((wide * limit as u128) >> 64).unwrap_or_default()
    }

    /// One of the bytes of an alphabet, as a character.
    pub(crate) fn one_of(&mut self, alphabet: &[u8]) -> char {
        let index = self.below(alphabet.len());
        alphabet.get(index).copied().map_or('0', char::from)
    }

    pub(crate) fn uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.bytes()).into_uuid().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_depends_on_key_value_group_attempt() {
        let token = |key: &[u8], group, text, attempt| {
            let key = TokenKey::new(key);
            key.entropy(&key.fingerprint(group, text), attempt).uuid()
        };
        let first = token(b"k", "t.a", "x", 0);
        assert_eq!(first, token(b"k", "t.a", "x", 0));
        for other in [
            token(b"l", "t.a", "x", 0),
            token(b"k", "t.b", "x", 0),
            token(b"k", "t.a", "y", 0),
            token(b"k", "t.a", "x", 1),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn numbers_stay_below_their_limit_and_reach_it() {
        let mut entropy = Entropy::fresh();
        let seen: std::collections::BTreeSet<usize> = (0..1000).map(|_| entropy.below(10)).collect();
        assert_eq!(seen, (0..10).collect());
    }
}
