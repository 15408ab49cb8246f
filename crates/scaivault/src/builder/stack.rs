//! The client's services, made from the settings of its builder.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use skyflow_http::auth::{AuthHeader, AuthLayer, HostGuard, Refusal};
use skyflow_http::layers::{MetadataLayer, RetryLayer};
use skyflow_http::{BaseUri, HttpService, LogControl, Stack, rest};

use super::ClientBuilder;
use crate::cache::Registry;
use crate::credentials::{Credentials, Exchange};
use crate::environment::Environment;
use crate::handle::{Handle, Shared, tenant_header};
use crate::refusal::{self, ErrorCodeLayer};
use crate::tasks::Tasks;
use crate::{Error, ErrorCode};

/// The managed service.
const MANAGED: &str = "https://scaivault.scailabs.ai";

/// The token endpoint of the managed service.
const TOKEN_URL: &str = "https://scaikey.scailabs.ai/oauth/token";

impl<M> ClientBuilder<M> {
    pub(super) fn handle(self, tasks: Tasks) -> Result<Handle, Error> {
        let environment = &self.environment;
        let (field, url) = match self.base_url {
            Some(url) => ("base_url", url),
            None => environment.base_url().unwrap_or_else(|| ("base_url", MANAGED.to_owned())),
        };
        let base = BaseUri::parse(&url).map_err(|error| Error::config(field, error.problem()))?;
        let tenant = match self.tenant {
            Some(tenant) => Some(("tenant", tenant)),
            None => environment.tenant(),
        };
        let tenant = tenant
            .map(|(field, tenant)| tenant_header(&tenant).map_err(|error| error.in_field(field)))
            .transpose()
            .map_err(Error::Config)?;
        for (field, limit) in [("timeout", Some(self.timeout)), ("deadline", self.deadline)] {
            if limit == Some(Duration::ZERO) {
                return Err(Error::config(field, "must be greater than zero"));
            }
        }
        let source = match self.credentials {
            Some(source) => source,
            None => environment.credentials()?,
        };
        let transport = match self.transport {
            Some(transport) => transport,
            None => built_in_transport(environment)?,
        };

        let log = LogControl::new(self.log).product_name("scaivault");
        let retry = RetryLayer::new(Arc::clone(&self.clock))
            .max_attempts(NonZeroU32::MIN.saturating_add(self.max_retries))
            .backoff(self.backoff)
            .retry_after_slack(Duration::MAX)
            .internal_error_retries(self.internal_retries);
        let metadata = MetadataLayer::new(concat!("scaivault-rust/", env!("CARGO_PKG_VERSION")))
            .map_err(|error| Error::config("user_agent", error.to_string()))?;
        let stack = Stack::new(Arc::clone(&self.clock))
            .attempt_timeout(self.timeout)
            .default_metadata(metadata)
            .retry(retry)
            .log_control(log.clone());
        let stack = match self.deadline {
            Some(deadline) => stack.deadline(deadline),
            None => stack.no_deadline(),
        };

        let exchange = Exchange {
            service: stack.clone().partition().build(transport.clone()),
            url: self.token_url.unwrap_or_else(|| TOKEN_URL.to_owned()),
            scopes: self.scopes,
            clock: Arc::clone(&self.clock),
            log: log.clone(),
        };
        let tokens = Credentials::new(source, exchange)?.into_provider();
        let header = AuthHeader::bearer().refusal(expired_tokens_are_replaced);
        let auth = AuthLayer::new(tokens, header, HostGuard::new(base.clone()));
        let stack = self.layers.into_iter().fold(stack, Stack::operation_layer);
        let stack = self.attempt_layers.into_iter().fold(stack, Stack::attempt_layer);
        let service = stack.auth(auth).build(ErrorCodeLayer::around(transport));
        let shared = Shared {
            clock: self.clock,
            caches: Registry::default(),
            tasks,
            retry_writes: self.retry_writes,
            log,
        };
        Ok(Handle::new(rest::Client::new(service, base), tenant, shared))
    }
}

/// Another token helps only where this one has expired: a revoked one was revoked for a reason.
fn expired_tokens_are_replaced(headers: &HeaderMap) -> Refusal {
    match refusal::code(headers) {
        Some(ErrorCode::TokenExpired) => Refusal::BeforeActing,
        _ => Refusal::NotTheToken,
    }
}

#[cfg(feature = "transport")]
fn built_in_transport(environment: &Environment) -> Result<HttpService, Error> {
    let mut transport = skyflow_http::Transport::builder();
    if let Some((field, path)) = environment.ca_file() {
        let pem =
            std::fs::read(path).map_err(|error| Error::config(field, format!("cannot be read: {error}")))?;
        transport = transport
            .add_root_certificates_pem(&pem)
            .map_err(|error| Error::config(field, format!("cannot be used: {error}")))?;
    }
    Ok(transport.build().into_service())
}

#[cfg(not(feature = "transport"))]
fn built_in_transport(_: &Environment) -> Result<HttpService, Error> {
    Err(Error::config(
        "transport",
        "is missing: enable the feature hyper, hyper-ring or transport, or set one",
    ))
}
