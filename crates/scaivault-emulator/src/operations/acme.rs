//! ACME accounts and orders. No authority is asked: orders advance by polls, and end in a certificate of an authority of
//! the server's own.

use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Call, Reply, page, page_body};
use crate::events::{Event, emit};
use crate::failure::{Failure, Outcome};
use crate::order_fault::OrderFault;
use crate::pki::authorities;
use crate::pki::certificates::{self, Subject};
use crate::state::State;

#[derive(Serialize, Deserialize)]
struct OrderDocument {
    id: String,
    account_id: String,
    domains: Vec<String>,
    challenge_type: String,
    status: String,
    auto_renew: bool,
    certificate_id: Option<String>,
    error: Option<String>,
    created_at: String,
}

pub(crate) fn create_account(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        name: String,
        provider: String,
        environment: Option<String>,
        email: String,
        directory_url: Option<String>,
    }
    let body: Body = call.json()?;
    if !["letsencrypt", "zerossl", "buypass", "google", "custom"].contains(&body.provider.as_str()) {
        return Err(Failure::field("provider", "is unknown"));
    }
    if body.provider == "custom" && body.directory_url.is_none() {
        return Err(Failure::field("directory_url", "is required for a custom provider"));
    }
    if !body.email.contains('@') {
        return Err(Failure::field("email", "must be an address"));
    }
    let id = state.id("acct");
    let account = json!({
        "id": id,
        "name": body.name,
        "provider": body.provider,
        "environment": body.environment.unwrap_or_else(|| "production".to_owned()),
        "email": body.email,
        "directory_url": body.directory_url,
        "status": "valid",
        "created_at": call.time(),
    });
    state.put("acme_account", &call.tenant, &id, &account)?;
    Reply::created(&account)
}

fn account(state: &State, call: &Call, id: &str) -> Outcome<Value> {
    state.find("acme_account", &call.tenant, id, "acme_account_not_found")
}

pub(crate) fn list_accounts(state: &State, call: &Call) -> Outcome<Reply> {
    let mut accounts = state.store.list::<Value>("acme_account", &call.tenant)?;
    accounts.sort_by(|a, b| a.0.cmp(&b.0));
    let (accounts, cursor) = page(&state.epoch, call, accounts, 100, |(id, _)| id.clone())?;
    Reply::ok(&page_body("data", accounts.into_iter().map(|(_, account)| account).collect(), cursor))
}

pub(crate) fn get_account(state: &State, call: &Call) -> Outcome<Reply> {
    Reply::ok(&account(state, call, call.parameter("id"))?)
}

pub(crate) fn delete_account(state: &State, call: &Call) -> Outcome<Reply> {
    account(state, call, call.parameter("id"))?;
    state.store.remove("acme_account", &call.tenant, call.parameter("id"))?;
    Reply::nothing()
}

pub(crate) fn create_order(state: &State, call: &Call) -> Outcome<Reply> {
    #[derive(Deserialize)]
    struct Body {
        account_id: String,
        domains: Vec<String>,
        challenge_type: String,
        #[serde(default)]
        auto_renew: bool,
    }
    let body: Body = call.json()?;
    account(state, call, &body.account_id)?;
    if body.domains.is_empty() {
        return Err(Failure::field("domains", "must not be empty"));
    }
    if !["http-01", "dns-01", "tls-alpn-01"].contains(&body.challenge_type.as_str()) {
        return Err(Failure::field("challenge_type", "is unknown"));
    }
    if body.challenge_type != "dns-01" && body.domains.iter().any(|domain| domain.starts_with("*.")) {
        return Err(Failure::field("challenge_type", "must be dns-01 for a wildcard"));
    }
    place(state, call, body.account_id, body.domains, body.challenge_type, body.auto_renew)
}

fn place(
    state: &State,
    call: &Call,
    account_id: String,
    domains: Vec<String>,
    challenge_type: String,
    auto_renew: bool,
) -> Outcome<Reply> {
    let order = OrderDocument {
        id: state.id("ord"),
        account_id,
        domains,
        challenge_type,
        status: "pending".to_owned(),
        auto_renew,
        certificate_id: None,
        error: None,
        created_at: call.time(),
    };
    state.put("acme_order", &call.tenant, &order.id, &order)?;
    Reply::created(&order)
}

fn order(state: &State, call: &Call) -> Outcome<OrderDocument> {
    state.find("acme_order", &call.tenant, call.parameter("id"), "acme_order_not_found")
}

pub(crate) fn list_orders(state: &State, call: &Call) -> Outcome<Reply> {
    let mut orders = state.store.list::<Value>("acme_order", &call.tenant)?;
    let matches = |order: &Value, name: &str| call.query(name).is_none_or(|wanted| order[name] == wanted);
    orders.retain(|(_, order)| matches(order, "account_id") && matches(order, "status"));
    orders.sort_by(|a, b| a.0.cmp(&b.0));
    let (orders, cursor) = page(&state.epoch, call, orders, 100, |(id, _)| id.clone())?;
    Reply::ok(&page_body("data", orders.into_iter().map(|(_, order)| order).collect(), cursor))
}

/// Each poll takes the order one step further: from pending to processing, and from there to valid.
pub(crate) fn get_order(state: &State, call: &Call) -> Outcome<Reply> {
    let mut order = order(state, call)?;
    let fault = {
        let faults = state.order_faults.lock().unwrap_or_else(PoisonError::into_inner);
        order.domains.iter().find_map(|domain| faults.get(domain).cloned())
    };
    match (order.status.as_str(), fault) {
        ("valid" | "invalid", _) => return Reply::ok(&order),
        (_, Some(OrderFault::Stuck(status))) => order.status = status,
        ("pending", _) => order.status = "processing".to_owned(),
        (_, Some(OrderFault::Invalid(reason))) => {
            order.status = "invalid".to_owned();
            order.error = Some(reason);
        }
        _ => {
            let ca = authorities::acme(state, &call.tenant, call.now)?;
            let subject = Subject { names: order.domains.clone(), ..Subject::default() };
            let lifetime = 90 * 86_400_000;
            let issued = certificates::issue_with(state, call, &ca, "acme", &subject, lifetime, None)?;
            order.certificate_id = Some(issued.id);
            order.status = "valid".to_owned();
            let data = json!({ "certificate_id": order.certificate_id, "domains": order.domains });
            emit(state, call, &Event { kind: "certificate.issued", path: None, data })?;
        }
    }
    state.put("acme_order", &call.tenant, &order.id, &order)?;
    Reply::ok(&order)
}

pub(crate) fn renew_order(state: &State, call: &Call) -> Outcome<Reply> {
    let known = order(state, call)?;
    let reply = place(state, call, known.account_id, known.domains, known.challenge_type, known.auto_renew)?;
    Ok(Reply { status: http::StatusCode::OK, ..reply })
}
