//! Events, and their way to subscriptions and webhooks.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use scaivault::PathPattern;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use skyflow_http::{Body, HttpService, Transport};

use crate::call::{Call, hex, member, set, time};
use crate::failure::Outcome;
use crate::outbox::Outgoing;
use crate::state::State;

/// How many events a subscription keeps for polls.
pub(crate) const BUFFER: usize = 1_000;

/// How often a delivery is tried.
const TRIES: u32 = 3;

/// A subscription as it is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct SubscriptionDocument {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) identity_id: String,
    pub(crate) paths: Vec<String>,
    pub(crate) events: Vec<String>,
    pub(crate) delivery: Value,
    pub(crate) buffer: Vec<Value>,
    /// The newest event that has left the buffer unread.
    pub(crate) lost: bool,
}

/// A webhook as it is stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct WebhookDocument {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) secret: String,
    pub(crate) events: Vec<String>,
    pub(crate) filters: Value,
    pub(crate) enabled: bool,
    pub(crate) created_at: String,
}

/// What an event is about.
pub(crate) struct Event<'a> {
    pub(crate) kind: &'a str,
    pub(crate) path: Option<&'a str>,
    pub(crate) data: Value,
}

/// Records an event of a request.
pub(crate) fn emit(state: &State, call: &Call, event: &Event<'_>) -> Outcome<()> {
    publish(state, &call.tenant, &call.caller.identity.id, Some(&call.request_id), call.now, event)
}

/// Records an event and hands it to subscriptions and webhooks.
pub(crate) fn publish(
    state: &State,
    tenant: &str,
    identity: &str,
    request_id: Option<&str>,
    now: i64,
    event: &Event<'_>,
) -> Outcome<()> {
    let body = json!({
        "event_id": state.id("evt"),
        "event_type": event.kind,
        "timestamp": time(now),
        "tenant_id": tenant,
        "partner_id": "ptn_emulator",
        "identity_id": identity,
        "path": event.path,
        "data": event.data,
        "request_id": request_id,
    });
    for (id, mut subscription) in state.store.list::<SubscriptionDocument>("subscription", tenant)? {
        let wants = subscription.events.iter().any(|kind| kind == event.kind);
        let concerns = event.path.is_some_and(|path| {
            subscription
                .paths
                .iter()
                .any(|pattern| PathPattern::new(pattern).is_ok_and(|pattern| pattern.matches(path)))
        });
        if wants && concerns {
            subscription.buffer.push(body.clone());
            if subscription.buffer.len() > BUFFER {
                subscription.buffer.remove(0);
                subscription.lost = true;
            }
            state.put("subscription", tenant, &id, &subscription)?;
            state.news.notify_waiters();
        }
    }
    for (_, webhook) in state.store.list::<WebhookDocument>("webhook", tenant)? {
        let wants = webhook.enabled && webhook.events.iter().any(|kind| kind == event.kind);
        let prefix = webhook.filters.get("path_prefix").and_then(Value::as_str);
        let concerns = prefix.is_none_or(|prefix| event.path.is_some_and(|path| path.starts_with(prefix)));
        if wants && concerns {
            deliver(state, tenant, &webhook, body.clone())?;
        }
    }
    Ok(())
}

/// Queues the delivery of an event, and returns its id.
pub(crate) fn deliver(
    state: &State,
    tenant: &str,
    webhook: &WebhookDocument,
    event: Value,
) -> Outcome<String> {
    let delivery_id = state.id("del");
    let document = json!({
        "id": delivery_id,
        "webhook_id": webhook.id,
        "event_id": member(&event, "event_id"),
        "event_type": member(&event, "event_type"),
        "timestamp": member(&event, "timestamp"),
        "status": "pending",
    });
    state.put("delivery", tenant, &delivery_id, &document)?;
    state.outbox.lock().unwrap_or_else(PoisonError::into_inner).push(Outgoing {
        tenant: tenant.to_owned(),
        delivery_id: delivery_id.clone(),
        url: webhook.url.clone(),
        secret: webhook.secret.clone(),
        event,
    });
    Ok(delivery_id)
}

/// Sends what is queued, in tasks of the current runtime; without one the deliveries stay queued.
pub(crate) fn send_queued(state: &Arc<State>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let queued = std::mem::take(&mut *state.outbox.lock().unwrap_or_else(PoisonError::into_inner));
    for outgoing in queued {
        runtime.spawn(send(Arc::clone(state), outgoing));
    }
}

async fn send(state: Arc<State>, outgoing: Outgoing) {
    let transport = Transport::new().into_service();
    let started = state.now();
    let mut code = None;
    for attempt in 0..TRIES {
        if attempt > 0 {
            state.clock.sleep(Duration::from_secs(1 << attempt)).await;
        }
        code = attempt_to_send(&state, &transport, &outgoing).await;
        if code.is_some_and(|code| (200..300).contains(&code)) {
            break;
        }
    }
    let succeeded = code.is_some_and(|code| (200..300).contains(&code));
    let _working = state.working();
    let document: Option<Value> =
        state.store.get("delivery", &outgoing.tenant, &outgoing.delivery_id).ok().flatten();
    if let Some(mut document) = document {
        set(&mut document, "status", if succeeded { "success" } else { "failed" });
        set(&mut document, "response_code", code);
        set(&mut document, "duration_ms", state.now() - started);
        let _ = state.put("delivery", &outgoing.tenant, &outgoing.delivery_id, &document);
    }
}

/// Signs and sends a delivery; each attempt has its own timestamp.
async fn attempt_to_send(state: &State, transport: &HttpService, outgoing: &Outgoing) -> Option<u16> {
    let body = outgoing.event.to_string();
    let timestamp = state.now().div_euclid(1000).to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, outgoing.secret.as_bytes());
    let signature = hmac::sign(&key, format!("{timestamp}.{body}").as_bytes());
    let text = |name: &str| member(&outgoing.event, name).as_str().unwrap_or_default().to_owned();
    let request = http::Request::post(outgoing.url.as_str())
        .header("content-type", "application/json")
        .header("user-agent", "ScaiVault-Webhook/1.0")
        .header("x-scaivault-event-id", text("event_id"))
        .header("x-scaivault-event-type", text("event_type"))
        .header("x-scaivault-timestamp", timestamp)
        .header("x-scaivault-signature", format!("sha256={}", hex(signature.as_ref())))
        .body(Body::from(body))
        .ok()?;
    Some(transport.send(request).await.ok()?.status().as_u16())
}
