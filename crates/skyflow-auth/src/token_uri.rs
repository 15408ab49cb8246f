use std::fmt;

use http::Uri;
use http::uri::{Authority, PathAndQuery};
use skyflow_http::BaseUri;

use crate::{CredentialsError, CredentialsErrorKind};

/// The maximum length: the text is repeated in each assertion.
const LONGEST: usize = 2048;

/// The `tokenURI` of a service account: the audience of its assertions and the address they are sent to.
///
/// It is `https://`, or `http://` when the host is loopback. Its text is the audience, unchanged; requests go to
/// its scheme, host and port only, with the fixed path of the API.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenUri {
    text: Box<str>,
    origin: BaseUri,
}

impl TokenUri {
    /// Reads a token URI.
    ///
    /// # Errors
    ///
    /// Fails with [`CredentialsErrorKind::TokenUri`] when it is no URL, has more than 2048 characters, carries user information or a fragment, or is
    /// `http://` to a host that is not loopback; with [`CredentialsErrorKind::Empty`] when it is blank.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        const FIELD: &str = "tokenURI";
        let text = text.trim();
        if text.is_empty() {
            return Err(CredentialsError::new(FIELD, CredentialsErrorKind::Empty));
        }
        let wrong = || CredentialsError::new(FIELD, CredentialsErrorKind::TokenUri);
        if text.len() > LONGEST {
            return Err(wrong());
        }
        // The request does not use the path, so only the part before it must be a usable address.
        let without_query = text.split_once('?').map_or(text, |(before, _)| before);
        let base = BaseUri::parse(without_query).map_err(|_| wrong())?;
        let origin = BaseUri::parse(&base.origin()).map_err(|_| wrong())?;
        if text.contains(['#', '\\']) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong());
        }
        let uri: Uri = origin.join(&PathAndQuery::from_static("/")).map_err(|_| wrong())?;
        let has_port = |authority: &Authority| authority.as_str().len() > authority.host().len();
        // A port that is no port would count as the default one when origins are compared.
        if uri.authority().is_none_or(|a| has_port(a) && a.port_u16().is_none()) {
            return Err(wrong());
        }
        Ok(Self { text: text.into(), origin })
    }

    /// Returns the whole text: the `aud` of an assertion.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns scheme, host and port, where requests for tokens go.
    pub fn origin(&self) -> &BaseUri {
        &self.origin
    }

    pub(crate) fn endpoint(&self, path: &'static str) -> Result<Uri, CredentialsError> {
        self.origin
            .join(&PathAndQuery::from_static(path))
            .map_err(|_| CredentialsError::new("tokenURI", CredentialsErrorKind::TokenUri))
    }
}

impl fmt::Debug for TokenUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A query may hold anything; scheme and host are all that helps in a log.
        write!(f, "TokenUri({})", self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audience_keeps_the_text_of_the_token_uri() {
        for (text, endpoint) in [
            ("https://manage.skyflowapis.com/v1/auth/sa/oauth/token", "https://manage.skyflowapis.com/t"),
            ("https://h:8443/custom/token?x=1", "https://h:8443/t"),
            ("http://127.0.0.1:9/v1/auth/sa/oauth/token", "http://127.0.0.1:9/t"),
        ] {
            let uri = TokenUri::parse(text).unwrap();
            assert_eq!(uri.as_str(), text);
            assert_eq!(uri.endpoint("/t").unwrap(), endpoint);
        }
    }

    #[test]
    #[expect(non_snake_case, reason = "S02 is the id of the promise")]
    fn rel_S02_leaking_token_uris_are_refused() {
        for text in [
            "http://manage.skyflowapis.com/v1/auth/sa/oauth/token",
            "manage.skyflowapis.com/v1/auth/sa/oauth/token",
            "ftp://manage.skyflowapis.com",
            "https://",
            "https:///v1",
            "https:manage.skyflowapis.com",
            "//manage.skyflowapis.com",
            "http://127.0.0.1.evil.example/token",
            "http://127.0.0.1@evil.example/token",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "http://localhost%2eevil.example",
            "http://0.0.0.0/token",
            "http://0/token",
            "http://127.1/token",
            "http://0x7f.0.0.1/token",
            "http://2130706433/token",
            "http://017700000001/token",
            "http://[::ffff:127.0.0.1]/token",
            "http://[::2]/token",
            "http://[::]/token",
            "http://169.254.169.254/latest/meta-data",
            "http://metadata.google.internal/token",
            "http://10.0.0.1/token",
            "http://192.168.1.1/token",
            "https://user@manage.skyflowapis.com/token",
            "https://user:password@manage.skyflowapis.com/token",
            "https://manage.skyflowapis.com#@evil.example",
            "https://manage.skyflowapis.com\\@evil.example",
            "https://manage.skyflowapis.com/\r\nhost: evil.example",
            "https://manage.skyflowapis.com /token",
            "https://manage skyflowapis.com/token",
            "https://manage.skyflowapis.com/../token",
            "https://manage.skyflowapis.com:99999/token",
            "https://manage.skyflowapis.com/t\u{feff}oken",
            "https://manage.skyflowapis.com/token?x=\u{200b}",
            "https://manage.skyflowapis.com/tök",
            "https://mänage.skyflowapis.com/token",
            "javascript:alert(1)",
            "data:text/plain,x",
            "file:///etc/passwd",
            "unix:/run/x",
            "gopher://h/x",
            "ws://h/x",
            "HTTP://evil.example",
            "null",
            &format!("https://manage.skyflowapis.com/{}", "x".repeat(2048)),
        ] {
            let error = TokenUri::parse(text).err().unwrap_or_else(|| panic!("{text} was accepted"));
            assert_eq!(error.kind(), CredentialsErrorKind::TokenUri, "{text}");
        }
        assert_eq!(TokenUri::parse("  ").unwrap_err().kind(), CredentialsErrorKind::Empty);
    }
}
