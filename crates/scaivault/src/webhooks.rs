//! Webhooks, and the check of what they deliver.

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod signature;

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub use self::signature::{Delivery, SignatureError, Verifier};
pub use crate::api::types::WebhookFilters;
use crate::api::types::{self, DeliveryStatus, EventType, WebhookListDeliveriesStatus};
use crate::api::webhooks;
use crate::call::{duration_setter, page_setters, setters};
use crate::client::area;
use crate::mode::Mode;
use crate::model::{FromWire, IncompleteResponse, model};
use crate::page::{paged, whole};
use crate::{Call, Error, Page, Timestamp};

area! {
    /// The webhooks of a client. A receiver checks deliveries with `Verifier`, which needs the feature `aws-lc-rs` or `ring`.
    Webhooks
}

model! {
    /// A webhook. Its secret is never returned.
    Webhook from Webhook {
        /// The id.
        id: String,
        /// The name.
        name: Option<String>,
        /// Where events are sent.
        url: Option<String>,
        /// Which events are sent.
        events: Vec<EventType>,
        /// Which secrets the events are about.
        filters: Option<WebhookFilters>,
        /// Whether events are sent.
        enabled: Option<bool>,
        /// The state.
        status: Option<String>,
        /// When it was created.
        created_at: Option<Timestamp>,
    }
}

model! {
    /// The result of a test delivery.
    WebhookTest from WebhookTestResult {
        /// The id of the delivery.
        delivery_id: Option<String>,
        /// How it ended.
        status: Option<String>,
        /// The status of the receiver's response.
        response_code: Option<u64>,
        /// How long it took, in milliseconds.
        duration_ms: Option<u64>,
    }
}

model! {
    /// A delivery that was tried.
    WebhookDelivery from WebhookDelivery {
        /// The id.
        id: Option<String>,
        /// The event.
        event_id: Option<String>,
        /// What happened.
        event_type: Option<EventType>,
        /// When it was tried.
        timestamp: Option<Timestamp>,
        /// How it ended.
        status: Option<DeliveryStatus>,
    }
}

impl crate::model::Field<Vec<EventType>> for Vec<EventType> {
    fn read(_: &'static str, member: Self) -> Result<Self, IncompleteResponse> {
        Ok(member)
    }
}

impl FromWire<WebhookFilters> for WebhookFilters {
    fn from_wire(filters: Self) -> Result<Self, IncompleteResponse> {
        Ok(filters)
    }
}

paged! {
    webhooks::ListDeliveries => WebhookDeliveryList.deliveries as WebhookDelivery;
}

whole! {
    WebhookList.webhooks as Webhook;
}

impl<M: Mode> Webhooks<M> {
    /// Lists webhooks.
    pub fn list(&self) -> Call<webhooks::List, Page<Webhook>, M> {
        self.call(webhooks::List::new())
    }

    /// Creates a webhook that sends these events to an `https` URL, signed with a secret.
    pub fn create(
        &self,
        name: impl Into<String>,
        url: impl Into<String>,
        secret: impl Into<skyflow_types::Secret>,
        events: impl IntoIterator<Item = impl Into<EventType>>,
    ) -> Call<webhooks::Create, Webhook, M> {
        let secret: skyflow_types::Secret = secret.into();
        let body = types::WebhookCreate::new(name, url, secret.expose(), events);
        let operation = match body.events.is_empty() {
            true => Err(Error::invalid("events", "must not be empty")),
            false => Ok(webhooks::Create::new(body)),
        };
        self.try_call(operation)
    }

    /// Returns a webhook.
    pub fn get(&self, id: impl Into<String>) -> Call<webhooks::Get, Webhook, M> {
        self.call(webhooks::Get::new(id))
    }

    /// Changes what the call sets of a webhook.
    pub fn update(&self, id: impl Into<String>) -> Call<webhooks::Update, Webhook, M> {
        self.call(webhooks::Update::new(id, types::WebhookPatch::default()))
    }

    /// Deletes a webhook.
    pub fn delete(&self, id: impl Into<String>) -> Call<webhooks::Delete, (), M> {
        self.call(webhooks::Delete::new(id)).gone_is(|| ())
    }

    /// Sends a test event.
    pub fn test(&self, id: impl Into<String>) -> Call<webhooks::Test, WebhookTest, M> {
        self.call(webhooks::Test::new(id))
    }

    /// Lists deliveries.
    pub fn deliveries(
        &self,
        id: impl Into<String>,
    ) -> Call<webhooks::ListDeliveries, Page<WebhookDelivery>, M> {
        self.call(webhooks::ListDeliveries::new(id))
    }
}

page_setters!(webhooks::ListDeliveries);

setters!(webhooks::Create {
    /// Limits the events to some secrets.
    filters(filters: WebhookFilters) => |op| { op.body = op.body.filters(filters); op };
    /// Says whether events are sent.
    enabled(yes: bool) => |op| { op.body = op.body.enabled(yes); op };
});

setters!(webhooks::Update {
    /// Sets the name.
    name(name: impl Into<String>) => |op| { op.body = op.body.name(name); op };
    /// Sets where events are sent.
    url(url: impl Into<String>) => |op| { op.body = op.body.url(url); op };
    /// Replaces the secret; the server signs with the new one at once.
    secret(secret: impl Into<skyflow_types::Secret>) => |op| {
        let secret: skyflow_types::Secret = secret.into();
        op.body = op.body.secret(secret.expose());
        op
    };
    /// Sets which events are sent.
    events(events: impl IntoIterator<Item = impl Into<EventType>>) => |op| { op.body = op.body.events(events); op };
    /// Limits the events to some secrets.
    filters(filters: WebhookFilters) => |op| { op.body = op.body.filters(filters); op };
    /// Says whether events are sent.
    enabled(yes: bool) => |op| { op.body = op.body.enabled(yes); op };
});

duration_setter!(webhooks::Update,
    /// Sets how long receivers still know the secret before.
    previous_secret_ttl => |op, value| op.body.previous_secret_ttl = Some(value));

setters!(webhooks::ListDeliveries {
    /// Lists deliveries that ended like this.
    status(status: impl Into<WebhookListDeliveriesStatus>) => |list| list.status(status);
});
