//! Subscriptions to events.

use std::time::Duration;

use skyflow_http::rest::Json;

use crate::api::subscriptions;
pub use crate::api::types::SubscriptionDelivery;
use crate::api::types::{self, EventType};
use crate::call::setters;
use crate::client::area;
use crate::mode::Mode;
use crate::model::{Field, FromWire, IncompleteResponse, model};
use crate::page::whole;
use crate::syntax::pattern_of;
use crate::{Call, Error, InvalidInput, Page, PathPattern, Timestamp};

area! {
    /// The subscriptions of a client. [`Secrets::watch`](crate::Secrets::watch) uses one for the versions of a secret.
    Subscriptions
}

model! {
    /// A subscription to events.
    Subscription from Subscription {
        /// The id.
        id: String,
        /// The name.
        name: Option<String>,
        /// The state.
        status: Option<String>,
        /// Whose subscription it is.
        identity_id: Option<String>,
        /// The patterns of the paths that the events are about.
        paths: Vec<String>,
        /// Which events.
        events: Vec<String>,
    }
}

/// Something that has happened to a secret, a policy or a certificate.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// The id; an event may come more than once.
    pub event_id: String,
    /// What happened.
    pub event_type: Option<EventType>,
    /// When it happened.
    pub timestamp: Option<Timestamp>,
    /// In which tenant.
    pub tenant_id: Option<String>,
    /// Who did it.
    pub identity_id: Option<String>,
    /// To which secret.
    pub path: Option<String>,
    /// What the event adds; its members depend on the type.
    pub data: Option<Json>,
    /// The server's name for the request that caused it.
    pub request_id: Option<String>,
}

impl FromWire<types::Event> for Event {
    fn from_wire(wire: types::Event) -> Result<Self, IncompleteResponse> {
        Ok(Self {
            event_id: wire.event_id.ok_or(IncompleteResponse("event_id"))?,
            event_type: wire.event_type,
            timestamp: Field::read("timestamp", wire.timestamp)?,
            tenant_id: wire.tenant_id,
            identity_id: wire.identity_id,
            path: wire.path,
            data: wire.data,
            request_id: wire.request_id,
        })
    }
}

impl FromWire<types::EventBatch> for Page<Event> {
    fn from_wire(batch: types::EventBatch) -> Result<Self, IncompleteResponse> {
        Self::read(batch.events, None, batch.has_more)
    }
}

whole! {
    SubscriptionList.subscriptions as Subscription;
}

/// How long an attempt may take longer than the poll itself.
pub(crate) const POLL_SLACK: Duration = Duration::from_secs(10);

/// The longest poll.
const MAX_WAIT: Duration = Duration::from_secs(60);

impl<M: Mode> Subscriptions<M> {
    /// Lists subscriptions.
    pub fn list(&self) -> Call<subscriptions::List, Page<Subscription>, M> {
        self.call(subscriptions::List::new())
    }

    /// Creates a subscription whose events are polled.
    pub fn create<P>(
        &self,
        name: impl Into<String>,
        paths: impl IntoIterator<Item = P>,
        events: impl IntoIterator<Item = impl Into<EventType>>,
    ) -> Call<subscriptions::Create, Subscription, M>
    where
        P: TryInto<PathPattern>,
        P::Error: Into<InvalidInput>,
    {
        let patterns: Result<Vec<String>, Error> = paths
            .into_iter()
            .enumerate()
            .map(|(at, path)| Ok(pattern_of(format!("paths[{at}]"), path)?.to_string()))
            .collect();
        let body = patterns.and_then(|paths| match paths.is_empty() {
            true => Err(Error::invalid("paths", "must not be empty")),
            false => {
                let delivery = SubscriptionDelivery::new("polling");
                Ok(types::SubscriptionCreate::new(name, paths, events, delivery))
            }
        });
        self.try_call(body.map(subscriptions::Create::new))
    }

    /// Returns a subscription.
    pub fn get(&self, id: impl Into<String>) -> Call<subscriptions::Get, Subscription, M> {
        self.call(subscriptions::Get::new(id))
    }

    /// Changes what the call sets of a subscription.
    pub fn update(&self, id: impl Into<String>) -> Call<subscriptions::Update, Subscription, M> {
        self.call(subscriptions::Update::new(id, types::SubscriptionPatch::default()))
    }

    /// Deletes a subscription.
    pub fn delete(&self, id: impl Into<String>) -> Call<subscriptions::Delete, (), M> {
        self.call(subscriptions::Delete::new(id)).gone_is(|| ())
    }

    /// Waits for events, for 30 s unless [`wait`](Call::wait) says otherwise. A poll may take 10 s longer than that,
    /// whatever the timeout of the client is.
    pub fn poll(&self, id: impl Into<String>) -> Call<subscriptions::Poll, Page<Event>, M> {
        self.call(subscriptions::Poll::new(id)).wait(Duration::from_secs(30))
    }

    /// Acknowledges events, which then do not come again.
    pub fn ack(
        &self,
        id: impl Into<String>,
        event_ids: impl IntoIterator<Item = impl Into<String>>,
    ) -> Call<subscriptions::Ack, (), M> {
        self.call(subscriptions::Ack::new(id, types::EventAck::new(event_ids)))
    }
}

setters!(subscriptions::Create {
    /// Delivers the events in another way than by polls.
    delivery(delivery: SubscriptionDelivery) => |op| { op.body.delivery = delivery; op };
    /// Limits the events; the members of the object are not documented.
    filters(filters: Json) => |op| { op.body = op.body.filters(filters); op };
});

setters!(subscriptions::Update {
    /// Sets which events.
    events(events: impl IntoIterator<Item = impl Into<EventType>>) => |op| { op.body = op.body.events(events); op };
    /// Sets how the events are delivered.
    delivery(delivery: SubscriptionDelivery) => |op| { op.body = op.body.delivery(delivery); op };
});

setters!(subscriptions::Poll {
    /// Returns events after this one only.
    since(event_id: impl Into<String>) => |poll| poll.since_event_id(event_id);
    /// Sets how many events are returned at most; 100 by default.
    max_events(events: u32) => |poll| poll.max_events(events.into());
});

impl<T, M: Mode> Call<subscriptions::Poll, T, M> {
    /// Sets how long the server waits for an event: whole seconds, 60 at most.
    pub fn wait(self, wait: Duration) -> Self {
        let wait = wait.min(MAX_WAIT);
        let seconds = i64::try_from(wait.as_secs()).unwrap_or_default();
        self.timeout(wait + POLL_SLACK).with(|poll| poll.timeout(seconds))
    }
}
