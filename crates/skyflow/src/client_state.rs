//! What the vaults and connections of a client share: transport, stack, tokens, clock and log level.

use std::sync::Arc;

use skyflow_auth::{AuthHeader, AuthLayer, Credentials, HostGuard, TokenProviders};
use skyflow_http::{BaseUri, Clock, DynLayer, HttpService, LogControl, Stack};

use crate::Error;
use crate::call_log::DatabaseCalls;
use crate::call_settings::CallSettings;
use crate::handle::{EndUsers, Handle};

/// The part of a client that never changes; services of vaults and connections are built from it.
pub(crate) struct ClientState {
    pub(crate) transport: HttpService,
    /// The transport of this SDK, where it is used.
    #[cfg(feature = "transport")]
    pub(crate) own_transport: Option<skyflow_http::Transport>,
    pub(crate) stack: Stack,
    pub(crate) operation_layers: Vec<DynLayer>,
    /// A service of the caller's, to which nothing is added.
    pub(crate) service: Option<HttpService>,
    pub(crate) providers: TokenProviders,
    pub(crate) log: LogControl,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ClientState {
    /// Opens a connection to a server, where this SDK makes the connections.
    #[cfg(feature = "transport")]
    pub(crate) async fn open_connection(&self, origin: &str) -> Result<(), Error> {
        let (Some(transport), Ok(uri)) = (&self.own_transport, origin.parse()) else { return Ok(()) };
        transport.warm_up(&uri).await.map_err(|error| Error::from_service(error.into()))
    }

    #[cfg(not(feature = "transport"))]
    pub(crate) async fn open_connection(&self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    /// Builds the handle of one vault or connection: its layers and retry budget, and the shared transport and tokens.
    pub(crate) fn handle(
        &self,
        settings: &CallSettings,
        layers: &[DynLayer],
        credentials: Option<&Credentials>,
        header: AuthHeader,
        base: BaseUri,
        vault_id: Option<&str>,
    ) -> Result<Handle, Error> {
        if let Some(service) = &self.service {
            return Ok(Handle::new(service.clone(), base, None, self.log.clone()));
        }
        let credentials = match credentials {
            Some(credentials) => credentials.clone(),
            None => Credentials::from_env()?,
        };
        let tokens = self.providers.get(&credentials)?;
        let auth = AuthLayer::new(tokens, header, HostGuard::new(base.clone()));
        let layers = self.operation_layers.iter().chain(layers).cloned();
        let calls = self.log.clone().calls(&DatabaseCalls);
        let calls = match vault_id {
            Some(id) => calls.namespace(id),
            None => calls,
        };
        let stack = settings.apply(self.stack.clone().partition())?.log_control(calls);
        let stack = layers.fold(stack, Stack::operation_layer);
        let service = stack.auth(auth).build(self.transport.clone());
        let end_users = EndUsers::new(self.providers.clone(), credentials);
        Ok(Handle::new(service, base, Some(end_users), self.log.clone()))
    }
}
