//! Audit events: each as the bindings know it, and as the server sent it.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::Deref;

use futures_core::Stream;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use skyflow_api::runtime::null_as_default;
use skyflow_api::{Json, Operation, audit, types};

use super::Vault;
use crate::Error;
use crate::elements::Strict;
use crate::handle::ReadAs;

/// Describes one audited call. It derefs to the members that are documented, and [`AuditEvent::raw`] has them all;
/// `Serialize` writes the event as the server sent it.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct AuditEvent {
    #[serde(skip)]
    event: types::AuditEvent,
    raw: Json,
}

impl AuditEvent {
    /// A member of an unexpected shape is absent among the documented ones, and keeps no other from being read.
    fn of(raw: Json) -> Self {
        Self { event: raw.decode_lenient().unwrap_or_default(), raw }
    }

    /// Returns the event as JSON text, byte for byte as the server sent it; keep it out of logs.
    pub fn raw(&self) -> &str {
        self.raw.get()
    }

    /// Returns the documented members.
    pub fn into_event(self) -> types::AuditEvent {
        self.event
    }
}

impl Deref for AuditEvent {
    type Target = types::AuditEvent;

    fn deref(&self) -> &types::AuditEvent {
        &self.event
    }
}

/// A page whose events are not taken apart.
#[derive(Deserialize)]
struct RawEvents {
    #[serde(deserialize_with = "null_as_default")]
    event: Vec<Json>,
    #[serde(rename = "nextOps")]
    next_ops: Option<Json>,
}

/// The pages that are still to be read.
struct Pages {
    next: Option<audit::ListEvents>,
    /// The cursors of the pages that were requested, as hashes. A server that returns to one would be asked forever.
    seen: HashSet<u64>,
}

impl Vault {
    /// Lists audit events of an account, page after page, until the caller stops or there are no more.
    ///
    /// Each page is requested when its first event is; a failed page ends the stream with its error. So does a server that
    /// returns to a page that was read before: with an error of kind [`ErrorKind::Decode`](crate::ErrorKind::Decode).
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use futures_util::TryStreamExt;
    /// use skyflow::api::audit::ListEvents;
    ///
    /// let mut events = std::pin::pin!(vault.audit_events(ListEvents::new("<account id>").limit(100)));
    /// while let Some(event) = events.try_next().await? {
    ///     println!("{:?}", event.request.as_ref().and_then(|request| request.api_name.as_deref()));
    /// }
    /// # Ok(()) }
    /// ```
    pub fn audit_events(
        &self,
        request: audit::ListEvents,
    ) -> impl Stream<Item = Result<AuditEvent, Error>> + Send + use<> {
        let vault = self.clone();
        let hasher = RandomState::new();
        let start = Pages { next: Some(request), seen: HashSet::new() };
        stream::try_unfold(start, move |mut pages| {
            let (vault, hasher) = (vault.clone(), hasher.clone());
            async move {
                let Some(request) = pages.next.take() else { return Ok::<_, Error>(None) };
                if let Some(cursor) = &request.after_change_id
                    && !pages.seen.insert(hasher.hash_one(cursor))
                {
                    let error =
                        Error::bad_response("the response names a page that was read before as the next one");
                    return Err(error.in_operation(audit::ListEvents::INFO.name));
                }
                let page = vault.send(ReadAs::<_, Strict<RawEvents>>::new(request.clone())).await?.body;
                let next = page.next_ops.and_then(|next| next.decode_lenient().ok());
                let next = next.and_then(|next| following(request, next));
                pages.next = next.filter(|_| !page.event.is_empty());
                let events = page.event.into_iter().map(AuditEvent::of);
                Ok(Some((stream::iter(events).map(Ok), pages)))
            }
        })
        .try_flatten()
    }
}

/// The next page starts after the last event; an offset and an order cannot be combined with that.
fn following(mut request: audit::ListEvents, after: types::AuditAfterOptions) -> Option<audit::ListEvents> {
    let change_id = after.change_id.filter(|id| !id.is_empty())?;
    // A server that points to the current page would be requested forever.
    if request.after_change_id.as_ref() == Some(&change_id) {
        return None;
    }
    request.after_change_id = Some(change_id);
    request.after_timestamp = after.timestamp;
    request.offset = None;
    request.sort_by = None;
    request.order_by = None;
    Some(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_is_serialized_as_the_server_sent_it() {
        let sent = r#"{"request":{"apiName":"insert"},"undocumented":{"n":1.10}}"#;
        let event = AuditEvent::of(Json::parse(sent).unwrap());
        assert_eq!(serde_json::to_string(&event).unwrap(), sent);
    }
}
