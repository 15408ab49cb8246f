//! Bearer tokens and API keys of vault calls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aws_lc_rs::hmac;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{AuthKind, Caller};
use super::jws::{self, Jws};
use super::keys;
use super::role::Role;
use super::role_ids;
use crate::clock::Now;
use crate::errors::{ApiError, ApiResult};
use crate::store::{Store, accounts, settings};
use skyflow_testkit::Random;

#[derive(Deserialize)]
struct BearerClaims {
    sub: String,
    exp: i64,
    jti: String,
    generation: i64,
    roles: Vec<String>,
    ctx: Option<Value>,
    /// The key that bought the token.
    key: Option<String>,
    /// The user of another issuer whose token was exchanged.
    act_for: Option<String>,
}

/// What a bearer token says about its owner.
pub(crate) struct Grant<'a> {
    pub(crate) account_id: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) roles: &'a [String],
    pub(crate) context: Option<&'a Value>,
    pub(crate) proof: Proof<'a>,
}

/// What a bearer token was given for.
pub(crate) enum Proof<'a> {
    /// An assertion, signed with this key.
    Key(&'a str),
    /// The token of another issuer, for this user.
    OutsideToken(&'a str),
}

/// The setting that counts how often bearer tokens were revoked.
const GENERATION: &str = "bearer_generation";

/// Issues bearer tokens, and knows the callers by them.
pub(crate) struct BearerTokens {
    key: hmac::Key,
    lifetime: Duration,
    /// Tokens of an earlier generation are revoked.
    generation: AtomicI64,
    role_ids: HashMap<String, Role>,
}

impl BearerTokens {
    /// Takes the stored key and generation, made when there are none yet.
    pub(crate) fn load(
        connection: &Connection,
        lifetime: Duration,
        role_ids: HashMap<String, Role>,
    ) -> rusqlite::Result<Self> {
        let key =
            settings::get_or_make(connection, "bearer_key", || Random::system().bytes::<32>().to_vec())?;
        let generation = settings::get(connection, GENERATION)?
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, i64::from_be_bytes);
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            lifetime,
            generation: AtomicI64::new(generation),
            role_ids,
        })
    }

    /// Returns the id of a role, for the scope of a token request.
    pub(crate) fn role_id(&self, role: Role) -> &str {
        self.role_ids.iter().find(|(_, known)| **known == role).map_or("", |(id, _)| id)
    }

    /// Makes a bearer token that expires.
    pub(crate) fn issue(&self, now: Now, grant: &Grant<'_>) -> String {
        let life = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let mut claims = json!({
            "iss": "skyflow-emulator",
            "sub": grant.client_id,
            "accountID": grant.account_id,
            "jti": Random::system().uuid(),
            "iat": now.seconds(),
            "exp": now.seconds().saturating_add(life),
            "generation": self.generation.load(Ordering::SeqCst),
            "roles": grant.roles,
        });
        let (key, subject) = match grant.proof {
            Proof::Key(key) => (Some(Value::from(key)), None),
            Proof::OutsideToken(subject) => (None, Some(Value::from(subject))),
        };
        let optional = [("ctx", grant.context.cloned()), ("key", key), ("act_for", subject)];
        if let Some(members) = claims.as_object_mut() {
            members.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        }
        jws::sign(&self.key, &claims)
    }

    /// Revokes the tokens issued so far.
    pub(crate) fn revoke_all(&self, store: &Store) -> rusqlite::Result<()> {
        let next = self.generation.fetch_add(1, Ordering::SeqCst) + 1;
        store.write(|transaction| settings::set(transaction, GENERATION, &next.to_be_bytes()))
    }

    /// Finds out who sends a request.
    pub(crate) fn authenticate(&self, store: &Store, headers: &HeaderMap, now: Now) -> ApiResult<Caller> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let credential = match header.split_once(' ') {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim(),
            _ => return Err(ApiError::unauthorized()),
        };
        self.authenticate_credential(store, credential, now)
    }

    /// Finds out whose an API key or a bearer token is.
    pub(crate) fn authenticate_credential(
        &self,
        store: &Store,
        credential: &str,
        now: Now,
    ) -> ApiResult<Caller> {
        if credential.starts_with("sky-") {
            self.owner_of_api_key(store, credential)
        } else {
            self.owner_of_bearer(store, credential, now)
        }
    }

    fn roles_of<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Vec<Role> {
        ids.filter_map(|id| self.role_ids.get(id).copied()).collect()
    }

    fn owner_of_api_key(&self, store: &Store, api_key: &str) -> ApiResult<Caller> {
        let account = store.read(|connection| match accounts::api_key(connection, api_key)? {
            Some(key) if key.enabled => accounts::account(connection, &key.client_id),
            _ => Ok(None),
        })?;
        let Some(account) = account else { return Err(ApiError::unauthorized()) };
        Ok(Caller {
            kind: AuthKind::ApiKey,
            roles: self.roles_of(role_ids(&account.roles)),
            client_id: account.client_id,
            token_id: None,
            key_id: Some(keys::api_key_id(api_key)),
            subject: None,
            context: None,
            enforce_signed_tokens: account.enforce_signed_tokens,
        })
    }

    fn owner_of_bearer(&self, store: &Store, token: &str, now: Now) -> ApiResult<Caller> {
        let claims: BearerClaims = Jws::parse(token)
            .filter(|jws| jws.is_signed_by(&self.key))
            .and_then(|jws| jws.claims())
            .ok_or_else(ApiError::unauthorized)?;
        if claims.exp <= now.seconds() {
            return Err(ApiError::expired_bearer());
        }
        if claims.generation != self.generation.load(Ordering::SeqCst) {
            return Err(ApiError::unauthorized());
        }
        let account = store.read(|connection| accounts::account(connection, &claims.sub))?;
        let Some(account) = account else { return Err(ApiError::unauthorized()) };
        let roles: Vec<Role> = self.roles_of(claims.roles.iter().map(String::as_str));
        Ok(Caller {
            kind: if claims.act_for.is_some() { AuthKind::ExchangedToken } else { AuthKind::BearerToken },
            client_id: account.client_id,
            token_id: Some(claims.jti),
            key_id: claims.key,
            subject: claims.act_for,
            roles,
            context: claims.ctx,
            enforce_signed_tokens: account.enforce_signed_tokens,
        })
    }
}
