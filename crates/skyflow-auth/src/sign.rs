use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Header;
use jsonwebtoken::crypto::JwtSigner;
use serde::Serialize;
use skyflow_types::Secret;
use zeroize::Zeroizing;

use crate::crypto::RsaKey;
use crate::{AuthError, AuthErrorKind};

/// Signs JWTs with any key behind jsonwebtoken's signer trait.
///
/// jsonwebtoken's `encode` parses the key again for every token and picks its crypto library from a process-wide
/// global that panics when two crates disagree. This keeps a parsed key, or one that stays inside its device, and asks
/// no global.
#[derive(Clone)]
pub(crate) struct JwtIssuer {
    signer: Arc<dyn JwtSigner + Send + Sync>,
    header: Arc<str>,
    /// Identifies a key that was read here.
    public_key: Option<Arc<[u8]>>,
}

impl JwtIssuer {
    /// Signs with a key that was read here.
    pub(crate) fn with_key(key: RsaKey) -> Result<Self, AuthError> {
        Ok(Self { public_key: Some(key.public_key), ..Self::with_signer(key.signer)? })
    }

    /// Signs with a signer of the caller's own.
    pub(crate) fn with_signer(signer: Arc<dyn JwtSigner + Send + Sync>) -> Result<Self, AuthError> {
        let header = encode_part(&Header::new(signer.algorithm()))?;
        Ok(Self { signer, header: header.as_str().into(), public_key: None })
    }

    /// Makes the compact form of a JWT over `claims`.
    pub(crate) fn jwt<T: Serialize>(&self, claims: &T) -> Result<Zeroizing<String>, AuthError> {
        self.jwt_after("", claims)
    }

    /// Makes a JWT behind `prefix`. Buffers have their final size, so that no copy is left behind.
    pub(crate) fn jwt_after<T: Serialize>(
        &self,
        prefix: &str,
        claims: &T,
    ) -> Result<Zeroizing<String>, AuthError> {
        let claims = encode_part(claims)?;
        let mut message = Zeroizing::new(String::with_capacity(self.header.len() + claims.len() + 1));
        message.push_str(&self.header);
        message.push('.');
        message.push_str(&claims);
        let signature = self.signer.try_sign(message.as_bytes()).map_err(|_| signing())?;
        let signature_chars = signature.len().div_ceil(3) * 4;
        let capacity = prefix.len() + message.len() + 1 + signature_chars;
        let mut token = Zeroizing::new(String::with_capacity(capacity));
        token.push_str(prefix);
        token.push_str(&message);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    /// Tells whether both sign with the same key.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same_key = self.public_key.is_some() && self.public_key == other.public_key;
        same_key || Arc::ptr_eq(&self.signer, &other.signer)
    }
}

impl fmt::Debug for JwtIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtIssuer([REDACTED])")
    }
}

fn encode_part<T: Serialize>(part: &T) -> Result<Zeroizing<String>, AuthError> {
    let json = Zeroizing::new(serde_json::to_vec(part).map_err(|_| signing())?);
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(&*json)))
}

pub(crate) fn signing() -> AuthError {
    AuthError::new(AuthErrorKind::Credentials, "the private key could not sign")
}

/// Copies a token out of its buffer; the buffer is wiped.
pub(crate) fn into_secret(token: Zeroizing<String>) -> Secret {
    Secret::from(token.as_str())
}

#[cfg(test)]
#[cfg(feature = "aws-lc-rs")]
mod tests {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::KeyPair as _;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};
    use serde_json::{Value, json};

    use super::*;
    use crate::crypto::LIBRARIES;

    #[test]
    fn jwts_have_the_official_header_and_verify() {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let document = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap();
        let read = LIBRARIES[0].rsa_key;
        let key = read(crate::pem::pkcs1(document.as_ref()).unwrap()).unwrap();
        let public_key = key.public_key.to_vec();
        let issuer = JwtIssuer::with_key(key).unwrap();
        let jwt = issuer.jwt_after("prefix_", &json!({"tok": "t", "exp": 4_000_000_000_u64})).unwrap();
        let jwt = jwt.strip_prefix("prefix_").unwrap();
        let [header, claims, _] = jwt.split('.').collect::<Vec<_>>().try_into().unwrap();
        let decode = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!(decode(header), r#"{"typ":"JWT","alg":"RS256"}"#);
        assert_eq!(decode(claims), r#"{"exp":4000000000,"tok":"t"}"#);
        let validation = Validation::new(Algorithm::RS256);
        let verified =
            jsonwebtoken::decode::<Value>(jwt, &DecodingKey::from_rsa_der(&public_key), &validation).unwrap();
        assert_eq!(verified.claims["tok"], "t");
        let other = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let other = DecodingKey::from_rsa_der(other.public_key().as_ref());
        assert!(jsonwebtoken::decode::<Value>(jwt, &other, &validation).is_err());
    }
}
