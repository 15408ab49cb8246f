//! Who calls in a replay: a service account with a key made for this run, an API key, bearer tokens.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use skyflow::Secret;
use skyflow_auth::{Credentials, CredentialsConfig, CredentialsError, ServiceAccountKey};
use skyflow_testkit::API_KEY;

use crate::json::Json;

const CLIENT_ID: &str = "svc-client-0001";
const KEY_ID: &str = "key-0001";
const TOKEN_URI: &str = "https://peerlab-manage.skyflowapis.com/v1/auth/sa/oauth/token";

/// The key pair of the service account, and the directory its files are in.
pub struct Identity {
    pem: String,
    public: Vec<u8>,
    directory: tempfile::TempDir,
}

/// A description of credentials in a trace that the replay does not know.
#[derive(Debug)]
pub struct UnknownCredentials(pub String);

impl Identity {
    /// Returns the identity of this process; the key is made at the first use.
    ///
    /// # Panics
    ///
    /// Panics when no key can be made or the temporary directory cannot be written: then nothing can be replayed.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Identity> = OnceLock::new();
        SHARED.get_or_init(|| {
            let key = KeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be made");
            let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).expect("an RSA key has a PKCS#8 form");
            let body = STANDARD.encode(der.as_ref());
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
            let directory = tempfile::tempdir().expect("a temporary directory can be made");
            Self { pem, public: key.public_key().as_ref().to_vec(), directory }
        })
    }

    /// Returns the document of the service account, changed as the trace says; `words` are those of the refusal.
    fn document(&self, mutation: &str, message: &str) -> Result<String, UnknownCredentials> {
        let mut document = Json::object([
            ("clientID", Json::text(CLIENT_ID)),
            ("clientName", Json::text("peerlab")),
            ("keyID", Json::text(KEY_ID)),
            ("tokenURI", Json::text(TOKEN_URI)),
            ("privateKey", Json::text(&self.pem)),
        ]);
        let word = mutation.to_ascii_lowercase().replace(['-', '_', ' '], "");
        let field =
            ["privatekey", "clientid", "keyid", "tokenuri"].into_iter().find(|name| word.contains(name));
        let bad =
            ["bad", "invalid", "garbage", "http", "wrong", "broken"].iter().any(|how| word.contains(how));
        match (word.as_str(), field) {
            ("" | "none" | "missing", _) => {}
            ("snake" | "snakecase", _) => return Ok(renamed(&document, snake)),
            ("camel" | "camelcase", _) => return Ok(renamed(&document, camel)),
            ("notjson" | "badjson" | "invalidjson", _) => return Ok("{not json".to_owned()),
            ("empty", _) => return Ok(String::new()),
            ("badkey" | "badpem" | "garbagekey", _) => document.set("privateKey", Json::text("not a key")),
            (_, Some("privatekey")) if bad => document.set("privateKey", Json::text("not a key")),
            (_, Some("tokenuri")) if word.contains("http") => {
                document.set("tokenURI", Json::text(TOKEN_URI.replace("https:", "http:")));
            }
            (_, Some("tokenuri")) if bad => document.set("tokenURI", Json::text("not a url")),
            (_, Some(field)) if !bad => drop_member(&mut document, field),
            // The recorder's description is ambiguous; the refusal tells what it means.
            _ => match told(message) {
                Some(("document", _)) => return Ok("{not json".to_owned()),
                Some((field, Some(value))) => document.set(field, Json::text(value)),
                Some((field, None)) => drop_member(&mut document, &field.to_ascii_lowercase()),
                None => return Err(UnknownCredentials(format!("credentials.mutate `{mutation}`"))),
            },
        }
        Ok(document.to_string())
    }

    fn file(&self, mutation: &str, message: &str) -> Result<PathBuf, UnknownCredentials> {
        let path =
            self.directory.path().join(format!("credentials-{}.json", mutation.replace(['/', '\\'], "-")));
        if mutation == "missing" {
            return Ok(path);
        }
        std::fs::write(&path, self.document(mutation, message)?)
            .map_err(|error| UnknownCredentials(error.to_string()))?;
        Ok(path)
    }

    /// Makes the service account of a trace, for the functions that need no vault.
    pub fn account(
        &self,
        of: &Json,
        message: &str,
    ) -> Result<Result<ServiceAccountKey, CredentialsError>, UnknownCredentials> {
        if let Some((key, _)) =
            of.members().iter().find(|(key, _)| !matches!(key.as_str(), "kind" | "mutate"))
        {
            return Err(UnknownCredentials(format!("credentials.{key}")));
        }
        let mutation = of.get("mutate").as_str().unwrap_or_default();
        match of.get("kind").as_str().unwrap_or("string") {
            "string" | "env" => Ok(ServiceAccountKey::from_json(&self.document(mutation, message)?)),
            "path" => Ok(ServiceAccountKey::from_path(self.file(mutation, message)?)),
            other => Err(UnknownCredentials(format!("credentials.kind `{other}`"))),
        }
    }

    /// Makes the credentials of a trace; `None` when it has none.
    ///
    /// The kind `env` means a text in `SKYFLOW_CREDENTIALS`, which is read like any other; a process of several threads
    /// cannot set its own environment.
    pub fn credentials(
        &self,
        of: &Json,
        now: SystemTime,
        message: &str,
    ) -> Result<Option<Given>, UnknownCredentials> {
        const KNOWN: [&str; 6] = ["kind", "mutate", "roles", "context", "token_uri", "value"];
        if let Some((key, _)) = of.members().iter().find(|(key, _)| !KNOWN.contains(&key.as_str())) {
            return Err(UnknownCredentials(format!("credentials.{key}")));
        }
        let mutation = of.get("mutate").as_str().unwrap_or_default();
        let value = of.get("value").as_str();
        let secret = |text: &str| Some(Secret::from(text.to_owned()));
        let mut config = CredentialsConfig::new();
        match of.get("kind").as_str().unwrap_or("api_key") {
            "none" => return Ok(None),
            "api_key" => config.api_key = secret(value.unwrap_or(API_KEY)),
            "bad_api_key" | "invalid_api_key" | "malformed_api_key" => config.api_key = secret("sky-bad"),
            "string" | "env" => config.credentials_string = secret(&self.document(mutation, message)?),
            "path" => config.path = Some(self.file(mutation, message)?.to_string_lossy().into_owned()),
            "token" => config.token = secret(value.unwrap_or(&jwt(&token_claims(now, 3600), "own"))),
            "expired_token" => config.token = secret(&jwt(&token_claims(now, -3600), "own")),
            "bad_token" | "invalid_token" | "malformed_token" | "opaque_token" | "garbage_token" => {
                config.token = secret("not-a-jwt");
            }
            "multiple" | "both" | "two" => {
                config.api_key = secret(API_KEY);
                config.token = secret(&jwt(&token_claims(now, 3600), "own"));
            }
            other => return Err(UnknownCredentials(format!("credentials.kind `{other}`"))),
        }
        let roles = of.get("roles");
        if !roles.is_null() {
            let texts: Option<Vec<String>> =
                roles.elements().iter().map(|role| role.as_str().map(ToOwned::to_owned)).collect();
            match (roles, texts) {
                (Json::List(_), Some(texts)) => config.roles = Some(texts),
                _ => return Ok(Some(Given::OtherType("credentials.roles".to_owned()))),
            }
        }
        if !of.get("context").is_null() {
            config.context = Some(of.get("context").to_value());
        }
        match of.get("token_uri") {
            Json::Null => {}
            Json::Text(uri) => config.token_uri = Some(uri.clone()),
            _ => return Ok(Some(Given::OtherType("credentials.token_uri".to_owned()))),
        }
        Ok(Some(Given::Tried(Credentials::try_from(config))))
    }

    /// Splits a token that this run's key has signed into header and claims.
    pub fn verified(&self, token: &str) -> Option<(Json, Json)> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public)
            .verify(signed.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?)
            .ok()?;
        Some((part(header)?, part(claims)?))
    }
}

/// What became of the credentials of a trace.
pub enum Given {
    Tried(Result<Credentials, CredentialsError>),
    /// An option of a type that the Rust API does not take.
    OtherType(String),
}

/// The claims of the tokens that the recording server issues.
fn token_claims(now: SystemTime, life: i64) -> Json {
    Json::object([
        ("iss", Json::text("peerlab")),
        ("sub", Json::text("svc")),
        ("exp", Json::number(seconds(now) + life)),
    ])
}

/// Makes a token whose signature is a name; it is not verified.
pub fn jwt(claims: &Json, name: &str) -> String {
    let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", encode(r#"{"alg":"none","typ":"JWT"}"#), encode(&claims.to_string()), encode(name))
}

/// Returns the claims of a token without a look at its signature.
pub fn claims_of(token: &str) -> Option<Json> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    part(claims).filter(|claims| matches!(claims, Json::Object(_)))
}

fn part(encoded: &str) -> Option<Json> {
    Json::parse(std::str::from_utf8(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?).ok()
}

pub fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

/// Returns the field that a refusal of the official SDK names, and its contents.
fn told(message: &str) -> Option<(&'static str, Option<&'static str>)> {
    const TOLD: [(&str, &str, Option<&str>); 7] = [
        ("Unable to read private key", "privateKey", None),
        ("Unable to read client ID", "clientID", None),
        ("Unable to read key ID", "keyID", None),
        ("Unable to read token URI", "tokenURI", None),
        ("The token URI must be", "tokenURI", Some("not a url")),
        ("Invalid private key format", "privateKey", Some("not a key")),
        ("Specify credentials as a string", "document", None),
    ];
    TOLD.into_iter().find(|(start, ..)| message.contains(start)).map(|(_, field, value)| (field, value))
}

fn drop_member(document: &mut Json, folded: &str) {
    if let Json::Object(members) = document {
        members.retain(|(name, _)| name.to_ascii_lowercase() != folded);
    }
}

fn renamed(document: &Json, name: fn(&str) -> &str) -> String {
    let members = document.members().iter();
    Json::object(members.map(|(key, value)| (name(key).to_owned(), value.clone()))).to_string()
}

fn snake(name: &str) -> &str {
    match name {
        "clientID" => "client_id",
        "clientName" => "client_name",
        "keyID" => "key_id",
        "tokenURI" => "token_uri",
        "privateKey" => "private_key",
        other => other,
    }
}

fn camel(name: &str) -> &str {
    match name {
        "clientID" => "clientId",
        "keyID" => "keyId",
        "tokenURI" => "tokenUri",
        other => other,
    }
}
