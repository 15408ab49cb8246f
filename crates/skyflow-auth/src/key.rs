use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use skyflow_types::Secret;
use zeroize::Zeroizing;

use crate::claims::{Assertion, unix_seconds};
use crate::document::{self, Document};
use crate::sign::{RsaSigner, into_secret};
use crate::{AuthError, CredentialsError, CredentialsErrorKind, TokenOptions, TokenUri, pem};

/// A service account: its ids, where its tokens come from, and its parsed private key.
///
/// It is what a `credentials.json` holds. Clones share one parsed key; `Debug` shows the ids only.
#[derive(Clone)]
pub struct ServiceAccountKey(Arc<Inner>);

struct Inner {
    client_id: Box<str>,
    client_name: Option<Box<str>>,
    key_id: Box<str>,
    token_uri: TokenUri,
    signer: RsaSigner,
}

impl ServiceAccountKey {
    /// Reads a `credentials.json`.
    ///
    /// # Errors
    ///
    /// Fails with [`CredentialsErrorKind::FileNotFound`] or [`CredentialsErrorKind::FileUnreadable`], and as
    /// [`ServiceAccountKey::from_json`] does. The path is not repeated: what was passed may be a key by mistake.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        Self::from_json(&read_file(path.as_ref())?)
    }

    /// Reads the text of a `credentials.json`, pretty-printed or not.
    ///
    /// Field names may be spelled as in `clientID`, `clientId` or `client_id`; other fields are ignored. The key may be
    /// PKCS#8 or PKCS#1, with any line breaks.
    ///
    /// # Errors
    ///
    /// Fails when it is no JSON object, when `privateKey`, `clientID`, `keyID` or `tokenURI` is missing, empty or not
    /// text, when the token URI is not `https://` (or loopback), and when the key is not an RSA private key of 2048
    /// bits or more. The error names the field and holds no value.
    pub fn from_json(json: &str) -> Result<Self, CredentialsError> {
        let json = document::tidy(json);
        let document = Document::parse("credentials", &json)?;
        let private_key = document.required(&["privateKey", "private_key"])?;
        let client_id = document.required(&["clientID", "clientId", "client_id"])?;
        let key_id = document.required(&["keyID", "keyId", "key_id"])?;
        let token_uri = document.required(&["tokenURI", "tokenUri", "token_uri"])?;
        let client_name = document.text(&["clientName", "client_name"])?;
        let token_uri = TokenUri::parse(&token_uri)?;
        let unusable =
            |problem| CredentialsError::new("privateKey", CredentialsErrorKind::PrivateKey(problem));
        let key = pem::rsa_key(&private_key).map_err(unusable)?;
        let signer = RsaSigner::new(key).map_err(|_| unusable(crate::KeyProblem::Malformed))?;
        Ok(Self(Arc::new(Inner {
            client_id: client_id.trim().into(),
            client_name: client_name.map(|name| name.as_str().into()),
            key_id: key_id.trim().into(),
            token_uri,
            signer,
        })))
    }

    /// Returns the id of the service account.
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// Returns the name of the service account, when the credentials hold one.
    pub fn client_name(&self) -> Option<&str> {
        self.0.client_name.as_deref()
    }

    /// Returns the id of the key: an account may have several.
    pub fn key_id(&self) -> &str {
        &self.0.key_id
    }

    /// Returns where tokens come from.
    pub fn token_uri(&self) -> &TokenUri {
        &self.0.token_uri
    }

    pub(crate) fn signer(&self) -> &RsaSigner {
        &self.0.signer
    }

    /// Signs the assertion that is exchanged for a bearer token.
    pub(crate) fn assertion(&self, options: &TokenOptions, now: SystemTime) -> Result<Secret, AuthError> {
        let life = options.lifetime_asked().unwrap_or(crate::options::MAX_LIFETIME);
        let claims = Assertion {
            iss: self.client_id(),
            key: self.key_id(),
            aud: options.token_uri_ref().unwrap_or(self.token_uri()).as_str(),
            sub: self.client_id(),
            exp: unix_seconds(now + Duration::from_secs(life.as_secs())),
            ctx: options.context_ref().map(|context| context.as_value()),
        };
        self.signer().jwt(&claims).map(into_secret)
    }
}

/// Two keys are equal when they are the same key of the same account.
impl PartialEq for ServiceAccountKey {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: &Inner, b: &Inner| {
            a.client_id == b.client_id
                && a.key_id == b.key_id
                && a.token_uri == b.token_uri
                && a.signer.public_key() == b.signer.public_key()
        };
        Arc::ptr_eq(&self.0, &other.0) || same(&self.0, &other.0)
    }
}

impl Eq for ServiceAccountKey {}

impl fmt::Debug for ServiceAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccountKey")
            .field("client_id", &self.0.client_id)
            .field("key_id", &self.0.key_id)
            .field("token_uri", &self.0.token_uri)
            .finish_non_exhaustive()
    }
}

pub(crate) fn read_file(path: &Path) -> Result<Zeroizing<String>, CredentialsError> {
    if path.as_os_str().is_empty() {
        return Err(CredentialsError::new("credentials file", CredentialsErrorKind::Empty));
    }
    fs::read_to_string(path).map(Zeroizing::new).map_err(CredentialsError::file)
}
