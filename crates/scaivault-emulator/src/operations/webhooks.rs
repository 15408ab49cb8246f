//! Webhooks and subscriptions.

use scaivault::PathPattern;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::{Call, Reply, page, page_body};
use crate::events::{SubscriptionDocument, WebhookDocument, deliver};
use crate::failure::{Failure, Outcome, invalid};
use crate::state::State;

#[derive(Deserialize)]
struct Write {
    name: Option<String>,
    url: Option<String>,
    secret: Option<String>,
    events: Option<Vec<String>>,
    filters: Option<Value>,
    enabled: Option<bool>,
}

fn find(state: &State, call: &Call) -> Outcome<WebhookDocument> {
    state.find("webhook", &call.tenant, call.parameter("id"), "webhook_not_found")
}

fn shown(webhook: &WebhookDocument) -> Value {
    json!({
        "id": webhook.id,
        "name": webhook.name,
        "url": webhook.url,
        "events": webhook.events,
        "filters": webhook.filters,
        "enabled": webhook.enabled,
        "status": if webhook.enabled { "active" } else { "disabled" },
        "created_at": webhook.created_at,
    })
}

/// Webhooks need `https`; a receiver on this machine may do without.
fn checked_url(url: String) -> Outcome<String> {
    skyflow_http::BaseUri::parse(&url).map_err(|error| Failure::field("url", error.problem()))?;
    Ok(url)
}

pub(crate) fn list(state: &State, call: &Call) -> Outcome<Reply> {
    let webhooks = state.store.list::<WebhookDocument>("webhook", &call.tenant)?;
    let webhooks: Vec<_> = webhooks.iter().map(|(_, webhook)| shown(webhook)).collect();
    Reply::ok(&json!({ "webhooks": webhooks }))
}

pub(crate) fn create(state: &State, call: &Call) -> Outcome<Reply> {
    let body: Write = call.json()?;
    let missing = |field: &str| Failure::field(field, "is required");
    let webhook = WebhookDocument {
        id: state.id("wh"),
        name: body.name.ok_or_else(|| missing("name"))?,
        url: checked_url(body.url.ok_or_else(|| missing("url"))?)?,
        secret: body.secret.filter(|secret| !secret.is_empty()).ok_or_else(|| missing("secret"))?,
        events: body.events.filter(|events| !events.is_empty()).ok_or_else(|| missing("events"))?,
        filters: body.filters.unwrap_or_else(|| json!({})),
        enabled: body.enabled.unwrap_or(true),
        created_at: call.time(),
    };
    state.put("webhook", &call.tenant, &webhook.id, &webhook)?;
    Reply::created(&shown(&webhook))
}

pub(crate) fn get(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&shown(&find(state, call)?))
}

pub(crate) fn update(state: &State, call: &Call) -> Outcome<Reply> {
    let body: Write = call.json()?;
    let mut webhook = find(state, call)?;
    webhook.name = body.name.unwrap_or(webhook.name);
    webhook.url = body.url.map(checked_url).transpose()?.unwrap_or(webhook.url);
    webhook.secret = body.secret.unwrap_or(webhook.secret);
    webhook.events = body.events.unwrap_or(webhook.events);
    webhook.filters = body.filters.unwrap_or(webhook.filters);
    webhook.enabled = body.enabled.unwrap_or(webhook.enabled);
    state.put("webhook", &call.tenant, &webhook.id, &webhook)?;
    Reply::ok(&shown(&webhook))
}

pub(crate) fn delete(state: &State, call: &Call) -> Outcome<Reply> {
    let webhook = find(state, call)?;
    state.store.remove("webhook", &call.tenant, &webhook.id)?;
    Reply::nothing()
}

pub(crate) fn test(state: &State, call: &Call) -> Outcome<Reply> {
    let webhook = find(state, call)?;
    let event = json!({
        "event_id": state.id("evt"),
        "event_type": "secret.updated",
        "timestamp": call.time(),
        "tenant_id": call.tenant,
        "identity_id": call.caller.identity.id,
        "path": "test/webhook",
        "data": { "test": true },
        "request_id": call.request_id,
    });
    let id = deliver(state, &call.tenant, &webhook, event)?;
    Reply::ok(&json!({ "delivery_id": id, "status": "pending" }))
}

pub(crate) fn deliveries(state: &State, call: &Call) -> Outcome<Reply> {
    let webhook = find(state, call)?;
    let all = state.store.list::<Value>("delivery", &call.tenant)?;
    let deliveries: Vec<(usize, Value)> = all
        .into_iter()
        .rev()
        .map(|(_, delivery)| delivery)
        .filter(|delivery| delivery["webhook_id"] == webhook.id.as_str())
        .filter(|delivery| call.query("status").is_none_or(|status| delivery["status"] == status))
        .enumerate()
        .collect();
    let (deliveries, cursor) = page(&state.epoch, call, deliveries, 100, |(at, _)| format!("{at:010}"))?;
    Reply::ok(&page_body(
        "deliveries",
        deliveries.into_iter().map(|(_, delivery)| delivery).collect(),
        cursor,
    ))
}

/// Only its owner sees a subscription.
fn own(state: &State, call: &Call) -> Outcome<SubscriptionDocument> {
    let found: SubscriptionDocument =
        state.find("subscription", &call.tenant, call.parameter("id"), "subscription_not_found")?;
    match found.identity_id == call.caller.identity.id {
        true => Ok(found),
        false => Err(Failure::new("subscription_not_found", "there is no such subscription")),
    }
}

fn shown_subscription(subscription: &SubscriptionDocument) -> Value {
    json!({
        "id": subscription.id,
        "name": subscription.name,
        "status": "active",
        "identity_id": subscription.identity_id,
        "paths": subscription.paths,
        "events": subscription.events,
        "delivery": subscription.delivery,
    })
}

pub(crate) fn list_subscriptions(state: &State, call: &Call) -> Outcome<Reply> {
    let all = state.store.list::<SubscriptionDocument>("subscription", &call.tenant)?;
    let own = all.iter().filter(|(_, subscription)| subscription.identity_id == call.caller.identity.id);
    let shown: Vec<_> = own.map(|(_, subscription)| shown_subscription(subscription)).collect();
    Reply::ok(&json!({ "subscriptions": shown }))
}

#[derive(Deserialize)]
struct SubscriptionWrite {
    name: Option<String>,
    paths: Option<Vec<String>>,
    events: Option<Vec<String>>,
    delivery: Option<Value>,
}

fn checked_paths(paths: Vec<String>) -> Outcome<Vec<String>> {
    if paths.is_empty() {
        return Err(Failure::field("paths", "must not be empty"));
    }
    for path in &paths {
        PathPattern::new(path).map_err(invalid("invalid_glob"))?;
    }
    Ok(paths)
}

pub(crate) fn create_subscription(state: &State, call: &Call) -> Outcome<Reply> {
    let body: SubscriptionWrite = call.json()?;
    let missing = |field: &str| Failure::field(field, "is required");
    let mut delivery = body.delivery.ok_or_else(|| missing("delivery"))?;
    if let Some(members) = delivery.as_object_mut() {
        members.remove("secret");
    }
    let subscription = SubscriptionDocument {
        id: state.id("sub"),
        name: body.name.ok_or_else(|| missing("name"))?,
        identity_id: call.caller.identity.id.clone(),
        paths: checked_paths(body.paths.unwrap_or_default())?,
        events: body.events.filter(|events| !events.is_empty()).ok_or_else(|| missing("events"))?,
        delivery,
        buffer: Vec::new(),
        lost: false,
    };
    state.put("subscription", &call.tenant, &subscription.id, &subscription)?;
    Reply::created(&shown_subscription(&subscription))
}

pub(crate) fn get_subscription(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&shown_subscription(&own(state, call)?))
}

pub(crate) fn update_subscription(state: &State, call: &Call) -> Outcome<Reply> {
    let body: SubscriptionWrite = call.json()?;
    let mut subscription = own(state, call)?;
    if let Some(paths) = body.paths {
        subscription.paths = checked_paths(paths)?;
    }
    subscription.events = body.events.unwrap_or(subscription.events);
    subscription.delivery = body.delivery.unwrap_or(subscription.delivery);
    state.put("subscription", &call.tenant, &subscription.id, &subscription)?;
    Reply::ok(&shown_subscription(&subscription))
}

pub(crate) fn delete_subscription(state: &State, call: &Call) -> Outcome<Reply> {
    let subscription = own(state, call)?;
    state.store.remove("subscription", &call.tenant, &subscription.id)?;
    Reply::nothing()
}

/// Returns the events after the one that the poll names.
fn after<'a>(subscription: &'a SubscriptionDocument, since: Option<&str>) -> Outcome<&'a [Value]> {
    let Some(since) = since else { return Ok(&subscription.buffer) };
    match subscription.buffer.iter().position(|event| event["event_id"] == since) {
        Some(at) => Ok(subscription.buffer.get(at + 1..).unwrap_or_default()),
        // It was acknowledged, unless events have left the buffer unread.
        None if !subscription.lost => Ok(&subscription.buffer),
        None => Err(Failure::new("invalid_request", "since_event_id is no longer kept: events are lost")),
    }
}

/// Tells whether a poll has to wait.
pub(crate) fn has_nothing(state: &State, call: &Call) -> bool {
    let Ok(subscription) = own(state, call) else { return false };
    after(&subscription, call.query("since_event_id")).is_ok_and(<[Value]>::is_empty)
}

pub(crate) fn poll(state: &State, call: &Call) -> Outcome<Reply> {
    let maximum = call.number("max_events")?.unwrap_or(100).min(1_000);
    let maximum = usize::try_from(maximum).unwrap_or(usize::MAX);
    let subscription = own(state, call)?;
    let events = after(&subscription, call.query("since_event_id"))?;
    let returned: Vec<&Value> = events.iter().take(maximum).collect();
    Reply::ok(&json!({ "events": returned, "has_more": events.len() > maximum }))
}

pub(crate) fn ack(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        event_ids: Vec<String>,
    }
    let body: Body = call.json()?;
    let mut subscription = own(state, call)?;
    let is_acknowledged = |event: &Value| {
        event["event_id"].as_str().is_some_and(|id| body.event_ids.iter().any(|known| known == id))
    };
    subscription.buffer.retain(|event| !is_acknowledged(event));
    state.put("subscription", &call.tenant, &subscription.id, &subscription)?;
    Reply::nothing()
}
