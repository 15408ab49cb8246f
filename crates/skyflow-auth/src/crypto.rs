//! The cryptography library of this build: aws-lc-rs, or ring where the program asks for it alone.

use std::sync::Arc;

use jsonwebtoken::crypto::JwtSigner;

/// An RSA key that was read here.
pub(crate) struct RsaKey {
    pub(crate) signer: Arc<dyn JwtSigner + Send + Sync>,
    /// The public key in DER, which identifies the key.
    pub(crate) public_key: Arc<[u8]>,
}

/// What is needed of a library.
pub(crate) struct Library {
    /// Reads an `RSAPrivateKey` in DER; `None` when it cannot sign.
    pub(crate) rsa_key: fn(&[u8]) -> Option<RsaKey>,
    pub(crate) sha256: fn(&[u8]) -> [u8; 32],
}

/// The libraries that the features of this build name; the first is used.
pub(crate) const LIBRARIES: &[Library] = &[
    #[cfg(feature = "aws-lc-rs")]
    aws_lc::LIBRARY,
    #[cfg(feature = "ring")]
    with_ring::LIBRARY,
];

/// Makes a module over a library with ring's interface, which both have.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
macro_rules! library {
    ($module:ident, $library:ident, $key:ident => $modulus_len:expr) => {
        mod $module {
            use jsonwebtoken::Algorithm;
            use jsonwebtoken::crypto::JwtSigner;
            use jsonwebtoken::signature::{Error, Signer};
            use $library::digest::{SHA256, digest};
            use $library::rand::SystemRandom;
            use $library::rsa::KeyPair;
            use $library::signature::{KeyPair as _, RSA_PKCS1_SHA256};

            use super::{Arc, Library, RsaKey};

            pub(super) const LIBRARY: Library = Library { rsa_key, sha256 };

            struct RsaSigner(KeyPair);

            impl Signer<Vec<u8>> for RsaSigner {
                fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
                    let $key = &self.0;
                    let mut signature = vec![0; $modulus_len];
                    $key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                        .map_err(|_| Error::new())?;
                    Ok(signature)
                }
            }

            impl JwtSigner for RsaSigner {
                fn algorithm(&self) -> Algorithm {
                    Algorithm::RS256
                }
            }

            fn rsa_key(der: &[u8]) -> Option<RsaKey> {
                let key = KeyPair::from_der(der).ok()?;
                let public_key = key.public_key().as_ref().into();
                Some(RsaKey { signer: Arc::new(RsaSigner(key)), public_key })
            }

            fn sha256(content: &[u8]) -> [u8; 32] {
                let mut hash = [0; 32];
                let digest = digest(&SHA256, content);
                hash.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
                hash
            }
        }
    };
}

#[cfg(feature = "aws-lc-rs")]
library!(aws_lc, aws_lc_rs, key => key.public_modulus_len());
#[cfg(feature = "ring")]
library!(with_ring, ring, key => key.public().modulus_len());

#[cfg(test)]
#[cfg(all(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::{KeyPair, KeySize};

    use super::*;

    #[test]
    fn libraries_sign_alike_and_refuse_alike() {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let document = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap();
        let der = crate::pem::pkcs1(document.as_ref()).unwrap();
        let [one, other] = LIBRARIES else { panic!("two libraries") };
        let (first, second) = ((one.rsa_key)(der).unwrap(), (other.rsa_key)(der).unwrap());
        assert_eq!(first.public_key, second.public_key);
        for message in [&b""[..], b"header.claims"] {
            // PKCS#1 v1.5 has no randomness.
            let signed = [&first, &second].map(|key| key.signer.try_sign(message).unwrap());
            assert_eq!(signed[0], signed[1]);
            assert_eq!((one.sha256)(message), (other.sha256)(message));
        }
        for broken in [&b""[..], b"\x30\x00", &der[..der.len() - 1]] {
            assert!((one.rsa_key)(broken).is_none() && (other.rsa_key)(broken).is_none());
        }
    }
}
