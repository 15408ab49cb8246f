//! What the vaults and connections of a client share: transport, stack, tokens, clock and log level.

use std::sync::Arc;

use skyflow_auth::{AuthHeader, AuthLayer, Credentials, HostGuard, TokenProviders};
use skyflow_http::{BaseUri, Clock, DynLayer, HttpService, LogControl, Stack};

use crate::Error;

/// The part of a client that never changes; services of vaults and connections are built from it.
pub(crate) struct ClientState {
    pub(crate) transport: HttpService,
    pub(crate) stack: Stack,
    pub(crate) operation_layers: Vec<DynLayer>,
    /// A service of the caller's, to which nothing is added.
    pub(crate) service: Option<HttpService>,
    pub(crate) providers: TokenProviders,
    pub(crate) log: LogControl,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ClientState {
    /// Builds the service of one vault or connection: its layers and retry budget, and the shared transport and tokens.
    pub(crate) fn service(
        &self,
        layers: &[DynLayer],
        credentials: Option<&Credentials>,
        header: AuthHeader,
        base: &BaseUri,
    ) -> Result<HttpService, Error> {
        if let Some(service) = &self.service {
            return Ok(service.clone());
        }
        let layers = self.operation_layers.iter().chain(layers).cloned();
        let auth = self.auth(credentials, header, base)?;
        let stack = layers.fold(self.stack.clone().partition(), Stack::operation_layer);
        Ok(stack.auth(DynLayer::new(auth)).build(self.transport.clone()))
    }

    fn auth(
        &self,
        credentials: Option<&Credentials>,
        header: AuthHeader,
        base: &BaseUri,
    ) -> Result<AuthLayer, Error> {
        let credentials = match credentials {
            Some(credentials) => credentials.clone(),
            None => Credentials::from_env().map_err(Error::credentials)?,
        };
        let tokens = self.providers.get(&credentials).map_err(Error::credentials)?;
        Ok(AuthLayer::new(tokens, header, HostGuard::new(base.clone())))
    }
}
