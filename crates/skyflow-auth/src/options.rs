use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::{CredentialsError, CredentialsErrorKind, TokenUri};

/// The longest life of an assertion that the server accepts.
pub(crate) const MAX_LIFETIME: Duration = Duration::from_secs(3600);

/// The maximum length of a role id.
const ROLE_LIMIT: usize = 256;

/// The identity of an end user that a bearer token speaks for: the `ctx` claim.
///
/// A text, an object whose keys are made of `A-Z a-z 0-9 _`, a number or a bool; what an object holds is free.
///
/// ```
/// use serde_json::json;
/// use skyflow_auth::Context;
///
/// assert!(Context::new("user-7").is_ok());
/// assert!(Context::new(json!({"department": "billing", "level": 3})).is_ok());
/// assert!(Context::new(json!({"not-a-key": 1})).is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Context(Value);

impl Context {
    /// Checks a context.
    ///
    /// # Errors
    ///
    /// Fails with [`CredentialsErrorKind::Context`] for a blank text, an empty object, a list or null, and with
    /// [`CredentialsErrorKind::ContextKey`] for an object with a key that the server refuses.
    pub fn new(value: impl Into<Value>) -> Result<Self, CredentialsError> {
        let value = value.into();
        let usable = match &value {
            Value::String(text) => !text.trim().is_empty(),
            Value::Object(object) => {
                let wrong = |key: &&String| {
                    key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                };
                if let Some(key) = object.keys().find(wrong) {
                    return Err(CredentialsError::context_key(key));
                }
                !object.is_empty()
            }
            Value::Number(_) | Value::Bool(_) => true,
            Value::Null | Value::Array(_) => false,
        };
        if usable {
            Ok(Self(value))
        } else {
            Err(CredentialsError::new("context", CredentialsErrorKind::Context))
        }
    }

    /// Returns the claim.
    pub fn as_value(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context([REDACTED])")
    }
}

/// Options of a bearer token: roles, an end user's context, another token URI, a shorter lifetime.
///
/// ```
/// use std::time::Duration;
/// use skyflow_auth::TokenOptions;
///
/// let options = TokenOptions::new()
///     .roles(["b6d1b4f0", "c0ffee00"])?
///     .context("user-7")?
///     .lifetime(Duration::from_secs(600))?;
/// # let _ = options;
/// # Ok::<(), skyflow_auth::CredentialsError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenOptions {
    roles: Vec<Box<str>>,
    context: Option<Context>,
    token_uri: Option<TokenUri>,
    lifetime: Option<Duration>,
}

impl TokenOptions {
    /// Asks for every role of the service account, without a context, for 60 minutes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Narrows the token to these role ids.
    ///
    /// # Errors
    ///
    /// Fails when the list is empty, or when an element is blank, has more than 256 characters or holds white space: the
    /// wire joins them by spaces, so one element with a space would be two roles.
    pub fn roles<I>(mut self, roles: I) -> Result<Self, CredentialsError>
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.roles.clear();
        for role in roles {
            let role: String = role.into();
            let is_one_word = !role.chars().any(|c| c.is_whitespace() || c.is_control());
            if role.is_empty() || role.len() > ROLE_LIMIT || !is_one_word {
                return Err(CredentialsError::new("roles", CredentialsErrorKind::Role));
            }
            self.roles.push(role.into());
        }
        if self.roles.is_empty() {
            return Err(CredentialsError::new("roles", CredentialsErrorKind::Empty));
        }
        Ok(self)
    }

    /// Makes the token speak for an end user.
    ///
    /// # Errors
    ///
    /// Fails as [`Context::new`] does.
    pub fn context(self, context: impl Into<Value>) -> Result<Self, CredentialsError> {
        Ok(self.with_context(Context::new(context)?))
    }

    /// Makes the token speak for an end user whose context is already checked.
    pub fn with_context(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    /// Takes another token URI than the one in the credentials, for the address and for the audience.
    ///
    /// # Errors
    ///
    /// Fails as [`TokenUri::parse`] does.
    pub fn token_uri(mut self, uri: &str) -> Result<Self, CredentialsError> {
        self.token_uri = Some(TokenUri::parse(uri)?);
        Ok(self)
    }

    /// Asks for a token that lives shorter than 60 minutes. Whole seconds count.
    ///
    /// # Errors
    ///
    /// Fails when it is shorter than a second or longer than 60 minutes.
    pub fn lifetime(mut self, lifetime: Duration) -> Result<Self, CredentialsError> {
        if lifetime < Duration::from_secs(1) || lifetime > MAX_LIFETIME {
            return Err(CredentialsError::new("lifetime", CredentialsErrorKind::Lifetime));
        }
        self.lifetime = Some(lifetime);
        Ok(self)
    }

    /// Takes unset options from `base`.
    pub(crate) fn or(self, base: &Self) -> Self {
        let base = base.clone();
        Self {
            roles: if self.roles.is_empty() { base.roles } else { self.roles },
            context: self.context.or(base.context),
            token_uri: self.token_uri.or(base.token_uri),
            lifetime: self.lifetime.or(base.lifetime),
        }
    }

    pub(crate) fn context_ref(&self) -> Option<&Context> {
        self.context.as_ref()
    }

    pub(crate) fn token_uri_ref(&self) -> Option<&TokenUri> {
        self.token_uri.as_ref()
    }

    pub(crate) fn lifetime_asked(&self) -> Option<Duration> {
        self.lifetime
    }

    /// `role:a role:b`, or nothing without roles.
    pub(crate) fn scope(&self) -> Option<String> {
        let roles: Vec<String> = self.roles.iter().map(|role| format!("role:{role}")).collect();
        (!roles.is_empty()).then(|| roles.join(" "))
    }

    /// The first option that only means something to a service account.
    pub(crate) fn first_set(&self) -> Option<&'static str> {
        if !self.roles.is_empty() {
            Some("roles")
        } else if self.context.is_some() {
            Some("context")
        } else if self.token_uri.is_some() {
            Some("tokenURI")
        } else {
            self.lifetime.map(|_| "lifetime")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn roles_are_joined_by_one_space() {
        let options = TokenOptions::new().roles(["r1", "r2"]).unwrap();
        assert_eq!(options.scope().as_deref(), Some("role:r1 role:r2"));
        assert_eq!(TokenOptions::new().scope(), None);
    }

    #[test]
    fn empty_blank_and_malformed_roles_are_refused() {
        let refused = |roles: &[&str]| TokenOptions::new().roles(roles.iter().copied()).unwrap_err().kind();
        assert_eq!(refused(&[]), CredentialsErrorKind::Empty);
        for role in ["", " ", "a b", "a role:admin", "a\n", "a\tb", "a\u{0}", &"r".repeat(257)] {
            assert_eq!(refused(&["ok", role]), CredentialsErrorKind::Role, "{role:?}");
        }
    }

    #[test]
    fn context_is_a_string_object_number_or_bool() {
        for good in [json!("u"), json!({"a_1": {"b-c": []}}), json!(7), json!(1.5), json!(false)] {
            assert_eq!(Context::new(good.clone()).unwrap().as_value(), &good);
        }
        for bad in [json!(""), json!("  "), json!({}), json!([]), json!(["u"]), json!(null)] {
            assert_eq!(Context::new(bad).unwrap_err().kind(), CredentialsErrorKind::Context);
        }
        for key in ["bad-key", "", "a b", "ü", "a.b", "a\n"] {
            let error = Context::new(json!({ "ok": 1, key: 1 })).unwrap_err();
            assert_eq!(error.kind(), CredentialsErrorKind::ContextKey, "{key:?}");
        }
        assert_eq!(
            Context::new(json!({"bad-key": 1})).unwrap_err().to_string(),
            "context has a key that is not made of letters, digits and underscores: bad-key"
        );
    }

    #[test]
    fn a_lifetime_is_between_a_second_and_an_hour() {
        for (seconds, good) in [(0, false), (1, true), (3600, true), (3601, false)] {
            assert_eq!(TokenOptions::new().lifetime(Duration::from_secs(seconds)).is_ok(), good, "{seconds}");
        }
    }

    #[test]
    fn debug_shows_no_context() {
        let options = TokenOptions::new().context("canary-context").unwrap();
        assert!(!format!("{options:?}").contains("canary"));
    }
}
