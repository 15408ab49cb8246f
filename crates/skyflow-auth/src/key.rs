use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jsonwebtoken::Algorithm;
use jsonwebtoken::crypto::JwtSigner;
use skyflow_http::files::SmallFile;
use skyflow_types::Secret;
use zeroize::Zeroizing;

use crate::claims::{Assertion, unix_seconds};
use crate::document::{self, Document};
use crate::sign::{JwtIssuer, into_secret};
use crate::{AuthError, CredentialsError, CredentialsErrorKind, TokenOptions, TokenUri, pem};

const DEFAULT_TOKEN_URI: &str = "https://manage.skyflowapis.com/v1/auth/sa/oauth/token";

/// A service account: its ids, where its tokens come from, and its key, parsed or behind a signer.
///
/// It is what a `credentials.json` holds. Clones share one parsed key; `Debug` shows the ids only.
///
/// ```no_run
/// use skyflow_auth::ServiceAccountKey;
///
/// let key = ServiceAccountKey::from_path("credentials.json")?;
/// println!("{key:?}"); // ids only
/// # Ok::<(), skyflow_auth::CredentialsError>(())
/// ```
#[derive(Clone)]
pub struct ServiceAccountKey(Arc<Inner>);

struct Inner {
    client_id: Box<str>,
    client_name: Option<Box<str>>,
    key_id: Box<str>,
    token_uri: TokenUri,
    signer: JwtIssuer,
}

impl ServiceAccountKey {
    /// Reads a `credentials.json`.
    ///
    /// # Errors
    ///
    /// Fails when the file does not exist, cannot be read or is larger than 64 KiB, when a pipe has no content within 3
    /// seconds, and as [`ServiceAccountKey::from_json`] does. The path is not repeated: the argument may be a key by
    /// mistake.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        Self::from_json(&text_of(read_file(path.as_ref())?)?)
    }

    /// Reads the text of a `credentials.json`, pretty-printed or not.
    ///
    /// Field names may be spelled as in `clientID`, `clientId` or `client_id`; other fields are ignored. The key may be
    /// PKCS#8 or PKCS#1, with any line breaks.
    ///
    /// # Errors
    ///
    /// Fails when it is no JSON object or has a field twice, when `privateKey`, `clientID`, `keyID` or `tokenURI` is missing,
    /// empty or not text, when an id has control characters or more than 256 characters, when the token URI is not
    /// `https://` (or loopback), and when the key is not an RSA private key of 2048 bits or more. The error names the
    /// field and holds no value.
    pub fn from_json(json: &str) -> Result<Self, CredentialsError> {
        let json = document::tidy(json);
        let document = Document::parse("credentials", &json)?;
        let private_key = document.required(&["privateKey", "private_key"])?;
        let client_id = document.required(&["clientID", "clientId", "client_id"])?;
        let key_id = document.required(&["keyID", "keyId", "key_id"])?;
        let token_uri = document.required(&["tokenURI", "tokenUri", "token_uri"])?;
        let client_name = document.text(&["clientName", "client_name"])?;
        check_id("clientID", &client_id)?;
        check_id("keyID", &key_id)?;
        if client_name.as_ref().is_some_and(|name| name.chars().any(char::is_control)) {
            return Err(CredentialsError::new("clientName", CredentialsErrorKind::Identifier));
        }
        let token_uri = TokenUri::parse(&token_uri)?;
        let unusable =
            |problem| CredentialsError::new("privateKey", CredentialsErrorKind::PrivateKey(problem));
        let key = pem::rsa_key(&private_key).map_err(unusable)?;
        let signer = JwtIssuer::with_key(key).map_err(|_| unusable(crate::KeyProblem::Malformed))?;
        Ok(Self(Arc::new(Inner {
            client_id: client_id.trim().into(),
            client_name: client_name.map(|name| name.as_str().into()),
            key_id: key_id.trim().into(),
            token_uri,
            signer,
        })))
    }

    /// Uses a key that stays inside its device or agent: `signer` signs assertions and data tokens.
    ///
    /// The algorithm must be RS256. Tokens come from Skyflow's production endpoint unless
    /// [`ServiceAccountKey::with_token_uri`] names another. The signer is called on the thread that needs the
    /// signature, once per bearer token and once per signed data token.
    ///
    /// ```
    /// use skyflow_auth::ServiceAccountKey;
    /// use skyflow_auth::signer::{Algorithm, Error, JwtSigner, Signer};
    ///
    /// /// Asks an HSM for a signature.
    /// struct Hsm;
    ///
    /// impl Signer<Vec<u8>> for Hsm {
    ///     fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
    ///         // Send the message, or its SHA-256 digest, to the device.
    /// #       let _ = message;
    ///         Err(Error::new())
    ///     }
    /// }
    ///
    /// impl JwtSigner for Hsm {
    ///     fn algorithm(&self) -> Algorithm {
    ///         Algorithm::RS256
    ///     }
    /// }
    ///
    /// let key = ServiceAccountKey::with_signer("client id", "key id", Hsm)?;
    /// assert_eq!(key.key_id(), "key id");
    /// # Ok::<(), skyflow_auth::CredentialsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails when an id is blank, has control characters or more than 256 characters, and when the signer's algorithm is
    /// not RS256.
    pub fn with_signer(
        client_id: impl Into<String>,
        key_id: impl Into<String>,
        signer: impl JwtSigner + Send + Sync + 'static,
    ) -> Result<Self, CredentialsError> {
        let (client_id, key_id): (String, String) = (client_id.into(), key_id.into());
        for (field, id) in [("clientID", &client_id), ("keyID", &key_id)] {
            if id.trim().is_empty() {
                return Err(CredentialsError::new(field, CredentialsErrorKind::Empty));
            }
            check_id(field, id)?;
        }
        let unusable = |problem| CredentialsError::new("signer", CredentialsErrorKind::PrivateKey(problem));
        if signer.algorithm() != Algorithm::RS256 {
            return Err(unusable(crate::KeyProblem::NotRsa));
        }
        let signer =
            JwtIssuer::with_signer(Arc::new(signer)).map_err(|_| unusable(crate::KeyProblem::Malformed))?;
        Ok(Self(Arc::new(Inner {
            client_id: client_id.trim().into(),
            client_name: None,
            key_id: key_id.trim().into(),
            token_uri: TokenUri::parse(DEFAULT_TOKEN_URI)?,
            signer,
        })))
    }

    /// Takes tokens from another server.
    ///
    /// # Errors
    ///
    /// Fails as [`TokenUri::parse`] does.
    pub fn with_token_uri(self, uri: &str) -> Result<Self, CredentialsError> {
        let Inner { client_id, client_name, key_id, signer, .. } = &*self.0;
        Ok(Self(Arc::new(Inner {
            client_id: client_id.clone(),
            client_name: client_name.clone(),
            key_id: key_id.clone(),
            token_uri: TokenUri::parse(uri)?,
            signer: signer.clone(),
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

    pub(crate) fn signer(&self) -> &JwtIssuer {
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
                && a.signer.is_same(&b.signer)
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

/// The maximum size of a file with credentials.
pub(crate) const FILE_LIMIT: usize = 64 * 1024;

/// The maximum length of an id: those of Skyflow have 32 characters.
const ID_LIMIT: usize = 256;

pub(crate) fn read_file(path: &Path) -> Result<SmallFile, CredentialsError> {
    if path.as_os_str().is_empty() {
        return Err(CredentialsError::new("credentials file", CredentialsErrorKind::Empty));
    }
    SmallFile::read(path, FILE_LIMIT).map_err(CredentialsError::file)
}

pub(crate) fn text_of(file: SmallFile) -> Result<Zeroizing<String>, CredentialsError> {
    file.into_text().map_err(CredentialsError::file)
}

/// Ids travel in claims and appear in logs.
pub(crate) fn check_id(field: &'static str, id: &str) -> Result<(), CredentialsError> {
    let id = id.trim();
    match id.chars().count() > ID_LIMIT || id.chars().any(char::is_control) {
        true => Err(CredentialsError::new(field, CredentialsErrorKind::Identifier)),
        false => Ok(()),
    }
}
