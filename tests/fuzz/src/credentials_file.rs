//! The text of a `credentials.json`, in which the bytes 1 and 2 are replaced by a private key and a name.

use serde_json::{Value, json};
use skyflow_auth::{Credentials, CredentialsError, ServiceAccountKey};

use crate::json::unambiguous;
use crate::shown::{NAME, assert_is_one_line, shown};

const TOKEN_URI: &str = "https://manage.skyflowapis.com/v1/auth/sa/oauth/token";
const FIELDS: [&str; 4] = ["clientID", "keyID", "tokenURI", "privateKey"];

/// Checks one input.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let in_json = key().replace('\n', "\\n");
    let text = text.replace('\u{1}', &in_json).replace('\u{2}', NAME);
    let account = ServiceAccountKey::from_json(&text);
    match (&account, Credentials::from_json(&text)) {
        (Ok(account), Ok(credentials)) => {
            assert_eq!(Credentials::service_account(account.clone()), credentials);
            hides_the_key(&format!("{account:?} {account:#?} {credentials:?}"));
        }
        (Err(one), Err(other)) => {
            assert_eq!((one.field(), one.kind()), (other.field(), other.kind()));
            hides_the_text(one);
            hides_the_text(&skyflow::Error::from(other));
        }
        _ => panic!("an account and its credentials are the same document"),
    }
    if let Ok(account) = &account {
        is_sound(account);
        reads_itself(account);
    }
    if let Some([client_id, key_id]) = usable(&text) {
        let account = account.unwrap_or_else(|error: CredentialsError| panic!("refused: {error}"));
        assert_eq!([account.client_id(), account.key_id()], [client_id, key_id]);
    }
}

/// Returns a private key that no account has.
fn key() -> &'static str {
    include_str!("key.pem")
}

fn hides_the_key(text: &str) {
    let secret = key().lines().filter(|line| !line.starts_with('-')).filter_map(|line| line.get(..24));
    // The first lines of every key are alike.
    for part in secret.skip(1) {
        assert!(!text.contains(part), "a part of the key is in {text}");
    }
}

fn hides_the_text(error: &dyn std::error::Error) {
    let shown = shown(error);
    hides_the_key(&shown);
    assert!(!shown.contains(NAME), "{shown}");
    assert_is_one_line(error);
}

fn is_sound(account: &ServiceAccountKey) {
    for id in [account.client_id(), account.key_id()] {
        assert!(!id.is_empty() && id.trim() == id && id.chars().count() <= 256, "{id:?}");
        assert!(!id.contains(char::is_control), "{id:?}");
    }
    let uri = account.token_uri().as_str().to_ascii_lowercase();
    let is_local =
        ["http://localhost", "http://127.", "http://[::1]"].iter().any(|start| uri.starts_with(start));
    assert!(uri.starts_with("https://") || is_local, "{uri}");
    assert!(uri.bytes().all(|byte| byte.is_ascii_graphic()), "{uri:?}");
}

/// What was read is the same when it is written and read again.
fn reads_itself(account: &ServiceAccountKey) {
    let [client_id, key_id, token_uri, private_key] = FIELDS;
    let written = json!({
        client_id: account.client_id(),
        key_id: account.key_id(),
        token_uri: account.token_uri().as_str(),
        private_key: key(),
        "clientName": account.client_name(),
    });
    let read = ServiceAccountKey::from_json(&written.to_string()).expect("it was read before");
    assert_eq!((read.client_id(), read.key_id()), (account.client_id(), account.key_id()));
    assert_eq!((read.client_name(), read.token_uri()), (account.client_name(), account.token_uri()));
}

/// Returns both ids of a document that must be accepted: nothing in it can be read in two ways.
fn usable(text: &str) -> Option<[String; 2]> {
    let document = unambiguous(text.as_bytes())?;
    let members = document.as_object()?;
    if members.keys().any(|name| !FIELDS.contains(&name.as_str())) {
        return None;
    }
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    if text("privateKey")? != key() || text("tokenURI")? != TOKEN_URI {
        return None;
    }
    let id = |name: &str| {
        let id = text(name)?.trim();
        let is_id = !id.is_empty() && id.chars().count() <= 100 && !id.contains(char::is_control);
        is_id.then(|| id.to_owned())
    };
    // Control characters beside an id are not part of it, and may be refused.
    let is_clean = |name: &str| text(name).is_some_and(|text| !text.contains(char::is_control));
    (is_clean("clientID") && is_clean("keyID")).then_some([id("clientID")?, id("keyID")?])
}
