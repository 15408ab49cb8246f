use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, RsaKeySize};

use crate::failure::{Failure, Outcome};

/// Makes a key of one of the documented kinds.
pub(crate) fn generate(kind: &str, bits: u64) -> Outcome<KeyPair> {
    let key = match (kind, bits) {
        ("ec", 256) => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
        ("ec", 384) => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
        ("rsa", 2048) => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048),
        ("rsa", 4096) => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_4096),
        ("ec", _) => return Err(Failure::field("key_size", "must be 256 or 384")),
        ("rsa", _) => return Err(Failure::field("key_size", "must be 2048 or 4096")),
        _ => return Err(Failure::field("key_type", "must be rsa or ec")),
    };
    Ok(key?)
}

/// Returns the size of a key that names none.
pub(crate) fn default_bits(kind: &str) -> u64 {
    if kind == "ec" { 256 } else { 2048 }
}
