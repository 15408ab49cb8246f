use http::header::{self, HeaderMap, HeaderName};

/// Says what a `401` tells about the request it is the response to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The server rejected the token before it acted: the request is sent again with another token.
    BeforeActing,
    /// The token is not the reason. The response is passed on and the token stays in use.
    NotTheToken,
    /// It is unknown whether the server acted: the request is not sent again and the token is not used again.
    Unknown,
}

/// Reads from the headers of a `401` what it tells.
pub type RefusalRule = fn(&HeaderMap) -> Refusal;

/// The text before a token in its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scheme(pub(super) Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Kind {
    #[default]
    Bearer,
    None,
    Named(&'static str),
}

impl Scheme {
    /// Writes `Bearer <token>`.
    pub const BEARER: Self = Self(Kind::Bearer);

    /// Writes the token alone.
    pub const NONE: Self = Self(Kind::None);

    /// Writes `<name> <token>`; `None` when `name` is not made of letters, digits and dashes.
    pub fn named(name: &'static str) -> Option<Self> {
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        is_name.then_some(Self(Kind::Named(name)))
    }
}

/// Describes the header that a token travels in.
///
/// ```
/// use http::HeaderName;
/// use skyflow_http::auth::{AuthHeader, Refusal, Scheme};
///
/// // A gateway that passes on the `401` of the server behind it.
/// let header = AuthHeader::new(HeaderName::from_static("x-gateway-token"), Scheme::NONE)
///     .keep_existing()
///     .refusal(|response| match response.contains_key("x-gateway-refused") {
///         true => Refusal::BeforeActing,
///         false => Refusal::NotTheToken,
///     });
/// # let _ = header;
/// ```
#[derive(Debug, Clone)]
pub struct AuthHeader {
    pub(super) name: HeaderName,
    pub(super) scheme: Scheme,
    pub(super) keeps_existing: bool,
    pub(super) refusal: RefusalRule,
}

impl AuthHeader {
    /// Uses `Authorization: Bearer <token>`.
    pub fn bearer() -> Self {
        Self::new(header::AUTHORIZATION, Scheme::BEARER)
    }

    /// Uses `name`. A value that a request already has is replaced, and a `401` means that the server did not act.
    pub fn new(name: HeaderName, scheme: Scheme) -> Self {
        Self { name, scheme, keeps_existing: false, refusal: |_| Refusal::BeforeActing }
    }

    /// Sends a request that already has the header as it is, without a token.
    pub fn keep_existing(mut self) -> Self {
        self.keeps_existing = true;
        self
    }

    /// Sets what a `401` tells, for servers that pass on the `401` of another one.
    pub fn refusal(mut self, rule: RefusalRule) -> Self {
        self.refusal = rule;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_names_that_split_the_header_are_refused() {
        assert!(Scheme::named("Acme-Token").is_some());
        for name in ["", "a b", "a\r\nx:", "ü"] {
            assert!(Scheme::named(name).is_none(), "{name:?}");
        }
    }
}
