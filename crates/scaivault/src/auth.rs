//! What the server knows about callers and tokens.

use skyflow_types::Secret;

pub use crate::api::types::TokenExchange;
use crate::api::{auth, types};
use crate::client::area;
use crate::mode::Mode;
use crate::model::{FromWire, IncompleteResponse, model};
use crate::{Call, Timestamp};

area! {
    /// Tokens and their owners.
    Auth
}

model! {
    /// The caller.
    Whoami from Whoami {
        /// The identity, such as `user:alice@acme.example`.
        identity_id: String,
        /// What it is.
        identity_type: Option<String>,
        /// Its name.
        display_name: Option<String>,
        /// Its tenant.
        tenant_id: Option<String>,
        /// Its partner.
        partner_id: Option<String>,
        /// What the token may be used for.
        scopes: Vec<String>,
        /// Its groups.
        groups: Vec<String>,
        /// Its roles.
        roles: Vec<String>,
        /// When it last proved a second factor.
        mfa_verified_at: Option<Timestamp>,
        /// When the token ends.
        token_expires_at: Option<Timestamp>,
    }
}

model! {
    /// A token, as the server knows it.
    TokenInfo from IntrospectResult {
        /// Whether it can be used.
        active: bool,
        /// Whose it is.
        identity_id: Option<String>,
        /// What its owner is.
        identity_type: Option<String>,
        /// The tenant.
        tenant_id: Option<String>,
        /// What it may be used for.
        scopes: Vec<String>,
        /// When it ends.
        expires_at: Option<Timestamp>,
        /// When it was issued.
        issued_at: Option<Timestamp>,
    }
}

/// A token that was issued for the token of a workload.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ExchangedToken {
    /// The token.
    pub access_token: Secret,
    /// For how many seconds it is valid.
    pub expires_in: Option<u64>,
    /// What it may be used for.
    pub scope: Option<String>,
}

impl FromWire<types::Token> for ExchangedToken {
    fn from_wire(wire: types::Token) -> Result<Self, IncompleteResponse> {
        Ok(Self {
            access_token: wire.access_token.map(Secret::new).ok_or(IncompleteResponse("access_token"))?,
            expires_in: wire.expires_in.and_then(|seconds| seconds.try_into().ok()),
            scope: wire.scope,
        })
    }
}

impl<M: Mode> Auth<M> {
    /// Returns who the caller is.
    pub fn whoami(&self) -> Call<auth::Whoami, Whoami, M> {
        self.call(auth::Whoami::new())
    }

    /// Returns what the server knows about another token. It needs the scope `admin`.
    pub fn introspect(&self, token: impl Into<Secret>) -> Call<auth::Introspect, TokenInfo, M> {
        let token: Secret = token.into();
        self.call(auth::Introspect::new(types::Introspect::new(token.expose())))
    }

    /// Exchanges the token of a workload (Kubernetes, AWS, GCP, GitHub) for one of ScaiVault.
    pub fn exchange(&self, exchange: TokenExchange) -> Call<auth::Exchange, ExchangedToken, M> {
        self.call(auth::Exchange::new(exchange))
    }
}
