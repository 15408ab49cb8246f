use std::fmt;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::JwtSigner;
use jsonwebtoken::signature::{self, Signer};
use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;
use skyflow_types::Secret;
use zeroize::Zeroizing;

use crate::AuthError;

/// A parsed RSA key behind jsonwebtoken's signer trait.
///
/// jsonwebtoken's `encode` parses the key again for every token and picks its crypto library from a process-wide
/// global that panics when two crates disagree. This keeps the parsed key, shares it, and asks no global.
#[derive(Clone)]
pub(crate) struct RsaSigner {
    key: Arc<KeyPair>,
    header: Arc<str>,
}

impl RsaSigner {
    pub(crate) fn new(key: KeyPair) -> Result<Self, AuthError> {
        // The algorithm is fixed here; nothing that is read decides about it.
        let header = encode_part(&Header::new(Algorithm::RS256))?;
        Ok(Self { key: Arc::new(key), header: header.as_str().into() })
    }

    /// Makes the compact form of a JWT over `claims`.
    pub(crate) fn jwt<T: Serialize>(&self, claims: &T) -> Result<Zeroizing<String>, AuthError> {
        self.jwt_after("", claims)
    }

    /// The same, behind `prefix`, without a second copy.
    pub(crate) fn jwt_after<T: Serialize>(
        &self,
        prefix: &str,
        claims: &T,
    ) -> Result<Zeroizing<String>, AuthError> {
        let claims = encode_part(claims)?;
        let signature_chars = self.key.public_modulus_len().div_ceil(3) * 4;
        let capacity = prefix.len() + self.header.len() + claims.len() + signature_chars + 2;
        let mut token = Zeroizing::new(String::with_capacity(capacity));
        token.push_str(prefix);
        token.push_str(&self.header);
        token.push('.');
        token.push_str(&claims);
        let message = token.get(prefix.len()..).unwrap_or_default();
        let signature = self.try_sign(message.as_bytes()).map_err(|_| AuthError::signing())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    pub(crate) fn public_key(&self) -> &[u8] {
        self.key.public_key().as_ref()
    }
}

impl Signer<Vec<u8>> for RsaSigner {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| signature::Error::new())?;
        Ok(signature)
    }
}

impl JwtSigner for RsaSigner {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

impl fmt::Debug for RsaSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaSigner([REDACTED])")
    }
}

fn encode_part<T: Serialize>(part: &T) -> Result<Zeroizing<String>, AuthError> {
    let json = Zeroizing::new(serde_json::to_vec(part).map_err(|_| AuthError::signing())?);
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(&*json)))
}

/// Copies a token out of its buffer; the buffer is wiped.
pub(crate) fn into_secret(token: Zeroizing<String>) -> Secret {
    Secret::from(token.as_str())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_jwt_has_the_header_of_the_official_sdks_and_verifies() {
        let signer = RsaSigner::new(KeyPair::generate(KeySize::Rsa2048).unwrap()).unwrap();
        let jwt = signer.jwt_after("prefix_", &json!({"tok": "t"})).unwrap();
        let jwt = jwt.strip_prefix("prefix_").unwrap();
        let [header, claims, signature] = jwt.split('.').collect::<Vec<_>>().try_into().unwrap();
        let decode = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!(decode(header), r#"{"typ":"JWT","alg":"RS256"}"#);
        assert_eq!(decode(claims), r#"{"tok":"t"}"#);
        let message = format!("{header}.{claims}");
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, signer.public_key())
            .verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();
        assert_eq!(signer.algorithm(), Algorithm::RS256);
    }
}
