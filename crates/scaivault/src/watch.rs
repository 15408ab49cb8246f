//! The versions of a secret, as they appear.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use futures_util::stream;
use serde::Deserialize;

use crate::api::types::{self, EventType};
use crate::api::{secrets, subscriptions};
use crate::handle::Handle;
use crate::mode::{Async, Mode};
use crate::model::FromWire;
use crate::secrets::{Secrets, checked};
use crate::subscriptions::{Event, POLL_SLACK};
use crate::{Error, InvalidInput, Page, SecretPath};

/// A version of a secret that has appeared.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretChange {
    /// The path.
    pub path: SecretPath,
    /// The number of the version that is current now.
    pub version: u64,
}

/// A watch that is not started yet.
#[must_use = "a watch does nothing until its changes are read"]
pub struct WatchSecret<M = Async> {
    mode: M,
    handle: Handle,
    path: Result<SecretPath, Error>,
    wait: Duration,
    interval: Duration,
}

impl<M: Mode> Secrets<M> {
    /// Watches a secret: first its current version, then each newer one.
    ///
    /// Events are polled with a subscription, which is deleted when the watch ends; without the right to subscribe, the
    /// metadata is polled. Versions rise strictly: an event that comes twice is reported once, and after a gap in the
    /// events the metadata is read again. Outages are waited out.
    ///
    /// ```
    /// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut changes = client.secrets().watch("app/db/password").changes();
    /// while let Some(change) = changes.try_next().await? {
    ///     let secret = client.secrets().read("app/db/password").version(change.version).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub fn watch<P>(&self, path: P) -> WatchSecret<M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        WatchSecret {
            mode: self.mode.clone(),
            handle: self.handle.clone(),
            path: checked(path),
            wait: Duration::from_secs(30),
            interval: Duration::from_secs(30),
        }
    }
}

impl<M: Mode> WatchSecret<M> {
    /// Sets how long one poll for events waits; 30 s by default, 60 s at most. A poll may take 10 s longer, whatever the
    /// timeout of the client is.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait.min(Duration::from_secs(60));
        self
    }

    /// Sets how often the metadata is read without the right to subscribe; 30 s by default, with jitter.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Starts the watch, and returns its changes.
    ///
    /// They end with an error when the secret is deleted or the right to it is lost.
    pub fn changes(self) -> M::Items<SecretChange> {
        let Self { mode, handle, path, wait, interval } = self;
        mode.items(stream::unfold(Some((handle, path, None)), move |state| async move {
            let (handle, path, watcher) = state?;
            let mut watcher = match (watcher, path) {
                (Some(watcher), _) => watcher,
                (None, Ok(path)) => Watcher::new(handle.clone(), path, wait, interval),
                (None, Err(error)) => return Some((Err(error), None)),
            };
            match watcher.next().await {
                Ok(change) => {
                    let path = watcher.path.clone();
                    Some((Ok(change), Some((handle, Ok(path), Some(watcher)))))
                }
                Err(error) => Some((Err(error), None)),
            }
        }))
    }
}

/// How many ids of events are remembered.
const REMEMBERED: usize = 1_000;

/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

struct Watcher {
    handle: Handle,
    path: SecretPath,
    wait: Duration,
    interval: Duration,
    last: u64,
    stage: Stage,
    subscription: Option<String>,
    since: Option<String>,
    seen: VecDeque<String>,
    pause: Duration,
}

/// The next step.
#[derive(Clone, Copy)]
enum Stage {
    /// Reads the metadata, and then goes on with the other stage.
    Read {
        and_subscribe: bool,
    },
    Subscribe,
    Poll,
    /// Reads the metadata from time to time.
    Wait,
}

impl Watcher {
    fn new(handle: Handle, path: SecretPath, wait: Duration, interval: Duration) -> Self {
        Self {
            handle,
            path,
            wait,
            interval,
            last: 0,
            stage: Stage::Read { and_subscribe: true },
            subscription: None,
            since: None,
            seen: VecDeque::new(),
            pause: Duration::from_secs(1),
        }
    }

    /// Waits for the next version.
    async fn next(&mut self) -> Result<SecretChange, Error> {
        loop {
            let step = match self.stage {
                Stage::Read { .. } => self.read().await,
                Stage::Subscribe => self.subscribe().await,
                Stage::Poll => self.poll().await,
                Stage::Wait => {
                    let pause = self.interval.mul_f64(0.9 + 0.2 * fastrand::f64());
                    self.handle.clock().sleep(pause).await;
                    self.stage = Stage::Read { and_subscribe: false };
                    Ok(None)
                }
            };
            match step {
                Ok(version) => {
                    self.pause = Duration::from_secs(1);
                    if let Some(version) = version.filter(|version| *version > self.last) {
                        self.last = version;
                        self.handle.changed(&self.path);
                        return Ok(SecretChange { path: self.path.clone(), version });
                    }
                }
                Err(error) if error.is_outage() => {
                    let asked = error.retry_after().unwrap_or_default();
                    let pause = self.pause.mul_f64(0.5 + fastrand::f64()).max(asked);
                    self.handle.clock().sleep(pause).await;
                    self.pause = self.pause.saturating_mul(2).min(LONGEST_PAUSE);
                    if matches!(self.stage, Stage::Poll) {
                        // Events may have been lost meanwhile.
                        self.stage = Stage::Read { and_subscribe: false };
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn read(&mut self) -> Result<Option<u64>, Error> {
        let response = self.handle.send(secrets::ReadMetadata::new(self.path.as_str())).await?;
        let version = response.body.and_then(|info| info.version).and_then(|version| version.try_into().ok());
        self.stage = match (self.stage, &self.subscription) {
            (Stage::Read { and_subscribe: true }, _) => Stage::Subscribe,
            (_, Some(_)) => Stage::Poll,
            (_, None) => Stage::Wait,
        };
        Ok(version)
    }

    async fn subscribe(&mut self) -> Result<Option<u64>, Error> {
        let delivery = types::SubscriptionDelivery::new("polling");
        let events = [
            EventType::SecretCreated,
            EventType::SecretUpdated,
            EventType::SecretRotated,
            EventType::SecretDeleted,
        ];
        let body = types::SubscriptionCreate::new("watch", [self.path.as_str()], events, delivery);
        match self.handle.send(subscriptions::Create::new(body)).await {
            Ok(response) => {
                self.subscription = response.body.id;
                self.since = None;
                // A version may have appeared between the read and the subscription.
                self.stage = Stage::Read { and_subscribe: false };
                Ok(None)
            }
            Err(error) if error.is_outage() => Err(error),
            // Without the right to subscribe, or where there are no subscriptions.
            Err(_) => {
                self.stage = Stage::Wait;
                Ok(None)
            }
        }
    }

    async fn poll(&mut self) -> Result<Option<u64>, Error> {
        let Some(id) = self.subscription.clone() else {
            self.stage = Stage::Wait;
            return Ok(None);
        };
        let seconds = i64::try_from(self.wait.as_secs()).unwrap_or_default();
        let mut operation = subscriptions::Poll::new(id.as_str()).timeout(seconds);
        if let Some(since) = &self.since {
            operation = operation.since_event_id(since.as_str());
        }
        let limit = self.wait + POLL_SLACK;
        let options = self.handle.options.attempt_timeout(limit).deadline(limit * 2);
        let batch = match self.handle.send_with(operation, options).await {
            Ok(response) => Page::<Event>::from_wire(response.body),
            Err(Error::NotFound(_) | Error::Validation(_)) => {
                // The subscription is gone, or the server has forgotten the event: events are lost.
                self.subscription = None;
                self.stage = Stage::Subscribe;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let Ok(batch) = batch else {
            self.stage = Stage::Read { and_subscribe: false };
            return Ok(None);
        };
        let mut newest = None;
        let mut ids = Vec::new();
        for event in batch.data {
            ids.push(event.event_id.clone());
            self.since = Some(event.event_id.clone());
            if !self.is_new(&event) {
                continue;
            }
            match version_of(&event) {
                Some(version) => newest = newest.max(Some(version)),
                // A deletion, or an event whose data cannot be read.
                None => self.stage = Stage::Read { and_subscribe: false },
            }
        }
        if !ids.is_empty() {
            // Events that are not acknowledged come again, and are known by their ids.
            let _ = self.handle.send(subscriptions::Ack::new(id, types::EventAck::new(ids))).await;
        }
        Ok(newest)
    }

    /// Tells whether an event is about this secret and comes for the first time.
    fn is_new(&mut self, event: &Event) -> bool {
        if event.path.as_deref().is_some_and(|path| path != self.path.as_str())
            || self.seen.contains(&event.event_id)
        {
            return false;
        }
        self.seen.push_back(event.event_id.clone());
        if self.seen.len() > REMEMBERED {
            self.seen.pop_front();
        }
        true
    }
}

/// Reads the version that an event is about.
fn version_of(event: &Event) -> Option<u64> {
    #[derive(Deserialize)]
    struct Data {
        new_version: Option<u64>,
        version: Option<u64>,
    }
    let data: Data = event.data.as_ref()?.decode().ok()?;
    data.new_version.or(data.version)
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let Some(id) = self.subscription.take() else { return };
        let handle = self.handle.clone();
        let delete = async move {
            // One that stays is the server's to clean up.
            let _ = handle.send(subscriptions::Delete::new(id)).await;
        };
        let _ = self.handle.shared.tasks.spawn(delete);
    }
}

impl<M> fmt::Debug for WatchSecret<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchSecret").field("path", &self.path.as_ref().ok()).finish_non_exhaustive()
    }
}
