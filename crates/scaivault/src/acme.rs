//! Certificates of public authorities, by ACME.

mod poller;

pub use self::poller::OrderPoller;
use crate::api::acme;
use crate::api::types::{self, AcmeChallenge, AcmeEnvironment, AcmeOrderStatus, AcmeProvider};
use crate::call::{page_setters, setters};
use crate::client::area;
use crate::mode::Mode;
use crate::model::model;
use crate::page::paged;
use crate::{Call, Page, Timestamp};

area! {
    /// The ACME accounts and orders of a client. The server talks to the authority; an order is polled until it ends.
    ///
    /// ```
    /// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
    /// let account = client
    ///     .acme()
    ///     .create_account("letsencrypt-production", "letsencrypt", "certs@acme.example")
    ///     .environment("production")
    ///     .await?;
    /// let order = client.acme().issue(&account.id, ["api.acme.example"], "dns-01").auto_renew(true).await?;
    /// let order = client.acme().wait_for(&order.id).send().await?;
    /// println!("certificate {:?}", order.certificate_id);
    /// # Ok(()) }
    /// ```
    Acme
}

model! {
    /// An account with an authority. Its key stays on the server.
    AcmeAccount from AcmeAccount {
        /// The id.
        id: String,
        /// The name.
        name: Option<String>,
        /// The authority.
        provider: Option<AcmeProvider>,
        /// Whether it is the authority's production or its staging.
        environment: Option<AcmeEnvironment>,
        /// The address that the authority writes to.
        email: Option<String>,
        /// The state of the account.
        status: Option<String>,
        /// When it was created.
        created_at: Option<Timestamp>,
    }
}

model! {
    /// An order of a certificate.
    AcmeOrder from AcmeOrder {
        /// The id.
        id: String,
        /// The account.
        account_id: Option<String>,
        /// The domains.
        domains: Vec<String>,
        /// How control over the domains is proven.
        challenge_type: Option<AcmeChallenge>,
        /// The state: `pending`, `processing`, `valid` or `invalid`.
        status: Option<AcmeOrderStatus>,
        /// Whether the certificate is renewed before it expires.
        auto_renew: Option<bool>,
        /// The certificate, when the order is valid.
        certificate_id: Option<String>,
        /// Why the order is invalid.
        error: Option<String>,
        /// When it was placed.
        created_at: Option<Timestamp>,
    }
}

paged! {
    acme::ListAccounts => AcmeAccountList.data as AcmeAccount;
    acme::ListOrders => AcmeOrderList.data as AcmeOrder;
}

impl<M: Mode> Acme<M> {
    /// Lists accounts.
    pub fn list_accounts(&self) -> Call<acme::ListAccounts, Page<AcmeAccount>, M> {
        self.call(acme::ListAccounts::new())
    }

    /// Registers an account with an authority: `letsencrypt`, `zerossl`, `buypass`, `google` or `custom`.
    pub fn create_account(
        &self,
        name: impl Into<String>,
        provider: impl Into<AcmeProvider>,
        email: impl Into<String>,
    ) -> Call<acme::CreateAccount, AcmeAccount, M> {
        self.call(acme::CreateAccount::new(types::AcmeAccountCreate::new(name, provider, email)))
    }

    /// Returns an account.
    pub fn get_account(&self, id: impl Into<String>) -> Call<acme::GetAccount, AcmeAccount, M> {
        self.call(acme::GetAccount::new(id))
    }

    /// Deletes an account.
    pub fn delete_account(&self, id: impl Into<String>) -> Call<acme::DeleteAccount, (), M> {
        self.call(acme::DeleteAccount::new(id)).gone_is(|| ())
    }

    /// Lists orders.
    pub fn list_orders(&self) -> Call<acme::ListOrders, Page<AcmeOrder>, M> {
        self.call(acme::ListOrders::new())
    }

    /// Orders a certificate for domains; a wildcard needs the challenge `dns-01`.
    pub fn issue(
        &self,
        account_id: impl Into<String>,
        domains: impl IntoIterator<Item = impl Into<String>>,
        challenge_type: impl Into<AcmeChallenge>,
    ) -> Call<acme::CreateOrder, AcmeOrder, M> {
        let body = types::AcmeOrderCreate::new(account_id, domains, challenge_type);
        let wildcard = body.domains.iter().any(|domain| domain.starts_with("*."));
        let operation = match &body {
            body if body.domains.is_empty() => Err(crate::Error::invalid("domains", "must not be empty")),
            body if wildcard && body.challenge_type != AcmeChallenge::Dns01 => {
                Err(crate::Error::invalid("challenge_type", "must be dns-01 for a wildcard"))
            }
            _ => Ok(acme::CreateOrder::new(body)),
        };
        self.try_call(operation).hint("an order may exist")
    }

    /// Returns an order.
    pub fn get_order(&self, id: impl Into<String>) -> Call<acme::GetOrder, AcmeOrder, M> {
        self.call(acme::GetOrder::new(id))
    }

    /// Orders the certificate of an order again.
    pub fn renew_order(&self, id: impl Into<String>) -> Call<acme::RenewOrder, AcmeOrder, M> {
        self.call(acme::RenewOrder::new(id))
    }

    /// Polls an order until it is valid.
    pub fn wait_for(&self, order_id: impl Into<String>) -> OrderPoller<M> {
        OrderPoller::new(self, order_id.into())
    }
}

page_setters!(acme::ListAccounts, acme::ListOrders);

setters!(acme::CreateAccount {
    /// Chooses the authority's `production` or `staging`.
    environment(environment: impl Into<AcmeEnvironment>) => |op| { op.body = op.body.environment(environment); op };
    /// Sets the directory of a `custom` authority.
    directory_url(url: impl Into<String>) => |op| { op.body = op.body.directory_url(url); op };
});

setters!(acme::ListOrders {
    /// Lists the orders of one account.
    account(id: impl Into<String>) => |list| list.account_id(id);
    /// Lists orders in this state.
    status(status: impl Into<AcmeOrderStatus>) => |list| list.status(status.into().as_str());
});

setters!(acme::CreateOrder {
    /// Says whether the certificate is renewed before it expires.
    auto_renew(yes: bool) => |op| { op.body = op.body.auto_renew(yes); op };
});
