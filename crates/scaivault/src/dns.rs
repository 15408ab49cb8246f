//! DNS providers for ACME challenges.

use skyflow_http::rest::Json;

use crate::api::dns;
use crate::api::types::{self, DnsProviderType};
use crate::call::{page_setters, setters};
use crate::client::area;
use crate::mode::Mode;
use crate::model::model;
use crate::page::paged;
use crate::{Call, Page};

area! {
    /// The DNS providers of a client.
    Dns
}

model! {
    /// A DNS provider. Its credentials are never returned.
    DnsProvider from DnsProvider {
        /// The id.
        id: String,
        /// The name.
        name: Option<String>,
        /// Which service it is.
        provider_type: Option<DnsProviderType>,
        /// The zones that it manages.
        managed_zones: Vec<String>,
        /// Whether it is in use.
        is_active: Option<bool>,
    }
}

paged! {
    dns::List => DnsProviderList.data as DnsProvider;
}

impl<M: Mode> Dns<M> {
    /// Lists DNS providers.
    pub fn list(&self) -> Call<dns::List, Page<DnsProvider>, M> {
        self.call(dns::List::new())
    }

    /// Creates a DNS provider. `credentials` is an object of the provider's own.
    pub fn create(
        &self,
        name: impl Into<String>,
        provider_type: impl Into<DnsProviderType>,
        credentials: Json,
    ) -> Call<dns::Create, DnsProvider, M> {
        self.call(dns::Create::new(types::DnsProviderCreate::new(name, provider_type, credentials)))
    }

    /// Returns a DNS provider.
    pub fn get(&self, id: impl Into<String>) -> Call<dns::Get, DnsProvider, M> {
        self.call(dns::Get::new(id))
    }

    /// Changes a DNS provider by the members of an object.
    pub fn update(&self, id: impl Into<String>, changes: Json) -> Call<dns::Update, DnsProvider, M> {
        self.call(dns::Update::new(id, changes))
    }

    /// Deletes a DNS provider.
    pub fn delete(&self, id: impl Into<String>) -> Call<dns::Delete, (), M> {
        self.call(dns::Delete::new(id)).gone_is(|| ())
    }
}

page_setters!(dns::List);

setters!(dns::Create {
    /// Sets the zones that the provider manages.
    managed_zones(zones: impl IntoIterator<Item = impl Into<String>>) => |op| { op.body = op.body.managed_zones(zones); op };
    /// Says whether the server checks the credentials first.
    verify(yes: bool) => |op| { op.body = op.body.verify(yes); op };
});
