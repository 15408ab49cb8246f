//! SSH key pairs, in the format of OpenSSH.

use aws_lc_rs::encoding::{AsBigEndian, AsDer};
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use x509_parser::der_parser::der::parse_der;
use zeroize::Zeroizing;

use crate::failure::{Failure, Outcome};
use crate::state::State;

/// How long a line of the file is.
const LINE: usize = 70;

/// Generates a private key file without a passphrase; it holds the public key and the comment too.
pub(super) fn keypair(state: &State, kind: &str, comment: &str) -> Outcome<String> {
    if comment.contains(['\r', '\n', '\0']) {
        return Err(Failure::field("comment", "must be one line"));
    }
    let key = match kind {
        "ed25519" => ed25519(state)?,
        "ecdsa" => ecdsa()?,
        "rsa" => rsa()?,
        _ => return Err(Failure::field("key_type", "must be ed25519, ecdsa or rsa")),
    };
    Ok(file(&key, comment, state.random.bytes()))
}

/// The fields of a key as they are written, behind the name of its kind.
struct Key {
    kind: &'static str,
    public: Fields,
    private: Fields,
}

/// Fields in the encoding of the SSH protocol: each is its length and its bytes.
#[derive(Default)]
struct Fields(Zeroizing<Vec<u8>>);

impl Fields {
    fn with(mut self, field: &[u8]) -> Self {
        self.0.extend_from_slice(&u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }

    /// Adds a positive number of fixed length: without leading zeros, and with one where it would be negative.
    fn with_number(self, fixed: &[u8]) -> Self {
        let significant =
            fixed.iter().position(|byte| *byte != 0).and_then(|at| fixed.get(at..)).unwrap_or_default();
        if significant.first().is_some_and(|first| *first >= 0x80) {
            return self.with(&Zeroizing::new([&[0], significant].concat()));
        }
        self.with(significant)
    }
}

fn failed<E>(_: E) -> Failure {
    Failure::new("internal_error", "a key could not be made")
}

fn ed25519(state: &State) -> Outcome<Key> {
    let seed = Zeroizing::new(state.random.bytes::<32>());
    let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(failed)?;
    let public = pair.public_key().as_ref();
    let private = Zeroizing::new([seed.as_slice(), public].concat());
    Ok(Key {
        kind: "ssh-ed25519",
        public: Fields::default().with(public),
        private: Fields::default().with(public).with(&private),
    })
}

fn ecdsa() -> Outcome<Key> {
    const CURVE: &[u8] = b"nistp256";
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
    let point = pair.public_key().as_ref();
    let private = pair.private_key().as_be_bytes().map_err(failed)?;
    let public = || Fields::default().with(CURVE).with(point);
    Ok(Key { kind: "ecdsa-sha2-nistp256", public: public(), private: public().with_number(private.as_ref()) })
}

fn rsa() -> Outcome<Key> {
    let pair = rsa::KeyPair::generate(KeySize::Rsa3072).map_err(failed)?;
    let document = pair.as_der().map_err(failed)?;
    // PKCS #8 around PKCS #1, whose numbers are encoded as those of the SSH protocol.
    let (_, outer) = parse_der(document.as_ref()).map_err(failed)?;
    let inner = outer.as_sequence().map_err(failed)?.get(2).ok_or(()).map_err(failed)?;
    let (_, inner) = parse_der(inner.as_slice().map_err(failed)?).map_err(failed)?;
    let numbers = inner.as_sequence().map_err(failed)?;
    let numbers: Result<Vec<&[u8]>, _> = numbers.iter().map(|number| number.as_slice()).collect();
    let numbers = numbers.map_err(failed)?;
    let [_version, n, e, d, p, q, _d_mod_p, _d_mod_q, inverse] = *numbers.as_slice() else {
        return Err(failed(()));
    };
    let private = Fields::default().with(n).with(e).with(d).with(inverse).with(p).with(q);
    Ok(Key { kind: "ssh-rsa", public: Fields::default().with(e).with(n), private })
}

/// Writes the file `openssh-key-v1`: no cipher, no key derivation, one key.
fn file(key: &Key, comment: &str, check: [u8; 4]) -> String {
    let mut public = Fields::default().with(key.kind.as_bytes());
    public.0.extend_from_slice(&key.public.0);
    let mut private = Zeroizing::new([check, check].concat());
    private.extend_from_slice(&Fields::default().with(key.kind.as_bytes()).0);
    private.extend_from_slice(&key.private.0);
    private.extend_from_slice(&Fields::default().with(comment.as_bytes()).0);
    let padding = private.len().next_multiple_of(8) - private.len();
    private.extend((1_u8..).take(padding));
    let mut content = Zeroizing::new(b"openssh-key-v1\0".to_vec());
    content.extend_from_slice(&Fields::default().with(b"none").with(b"none").with(b"").0);
    content.extend_from_slice(&1_u32.to_be_bytes());
    content.extend_from_slice(&Fields::default().with(&public.0).with(&private).0);
    let encoded = Zeroizing::new(STANDARD.encode(&*content));
    let mut text = String::from("-----BEGIN OPENSSH PRIVATE KEY-----\n");
    for line in encoded.as_bytes().chunks(LINE) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text + "-----END OPENSSH PRIVATE KEY-----\n"
}
