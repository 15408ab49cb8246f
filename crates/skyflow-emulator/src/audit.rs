//! The log of calls, in the form of Skyflow's audit API.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::auth::{AuthKind, Caller};
use crate::clock::Now;
use crate::routes::Operation;
use crate::timestamps;
use skyflow_testkit::Random;

/// One event, newest last.
#[derive(Clone)]
pub(crate) struct AuditEvent {
    pub(crate) at: i64,
    pub(crate) change_id: String,
    pub(crate) body: Value,
}

/// The last events, up to a limit.
pub(crate) struct AuditLog {
    limit: usize,
    events: Mutex<VecDeque<AuditEvent>>,
}

/// What an operation adds to its event.
#[derive(Default)]
pub(crate) struct AuditDetails {
    /// A further page of a listing of events, which is no event: a reader would never reach the end, because each listing adds one.
    pub(crate) is_further_page: bool,
    /// The request itself, where it is a statement.
    pub(crate) content: String,
    /// The table, where the path does not name it.
    pub(crate) table: Option<String>,
    /// The outcomes of the entries of a batch.
    pub(crate) nested: Vec<NestedResponse>,
}

/// The outcome of one entry of a batch.
#[derive(Serialize)]
pub(crate) struct NestedResponse {
    pub(crate) code: u16,
    /// Empty on success.
    pub(crate) message: String,
    /// `TYPE/id`, or empty.
    pub(crate) identifier: String,
}

/// What an event tells about a request.
pub(crate) struct Observed<'a> {
    pub(crate) operation: Operation,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) peer: String,
    pub(crate) caller: Option<&'a Caller>,
    /// The page that a browser sent the request from.
    pub(crate) origin: String,
    pub(crate) status: StatusCode,
    /// The message of an error.
    pub(crate) problem: Option<String>,
    pub(crate) details: AuditDetails,
    pub(crate) vault_id: &'a str,
    pub(crate) account_id: &'a str,
    pub(crate) received: Now,
    pub(crate) finished: Now,
}

impl AuditLog {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, events: Mutex::default() }
    }

    pub(crate) fn add(&self, observed: Observed<'_>) {
        let event = event(observed);
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push_back(event);
        while events.len() > self.limit {
            events.pop_front();
        }
    }

    pub(crate) fn snapshot(&self) -> Vec<AuditEvent> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

fn event(observed: Observed<'_>) -> AuditEvent {
    let change_id = Random::system().uuid();
    let at = observed.received.millis();
    let timestamp = timestamps::sql(at);
    let finished = timestamps::sql(observed.finished.millis());
    let (action, resource) = kind_of(observed.operation);
    let caller = observed.caller;
    let auth_mode = match caller.map(|caller| caller.kind) {
        Some(AuthKind::BearerToken) => "SERVICE_ACCOUNT_JWT",
        Some(AuthKind::ApiKey) => "API_KEY",
        Some(AuthKind::ExchangedToken) => "STS",
        _ => "AUTH_NONE",
    };
    let context = match caller.and_then(|caller| caller.context.as_ref()) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let mut resources = vec![format!("ACCOUNT/{}", observed.account_id)];
    resources.extend(observed.details.table.map(|table| format!("TABLE/{table}")));
    resources.push(format!("VAULT/{}", observed.vault_id));
    let mut body = json!({
        "context": {
            "changeID": change_id,
            "requestID": observed.request_id,
            "traceID": "",
            "sessionID": "",
            "actor": caller.map_or("", |caller| &caller.client_id),
            "actorType": if caller.is_some() { "SERVICE_ACCOUNT" } else { "NONE" },
            "accessType": "API",
            "ipAddress": observed.peer,
            "origin": observed.origin,
            "authMode": auth_mode,
            "jwtID": caller.and_then(|caller| caller.token_id.as_deref()).unwrap_or_default(),
            "bearerTokenContextID": context,
        },
        "request": {
            "data": { "content": observed.details.content },
            "apiName": api_name(observed.operation),
            "workspaceID": "",
            "vaultID": if observed.operation.is_in_vault() { observed.vault_id } else { "" },
            "tags": if observed.operation == Operation::QueryExecute { vec!["dml"] } else { Vec::new() },
            "timestamp": timestamp,
            "actionType": action,
            "resourceType": resource,
            "httpInfo": { "URI": observed.path, "method": observed.method.as_str() },
        },
        "response": {
            "code": observed.status.as_u16(),
            "message": match &observed.problem {
                Some(problem) => problem.as_str(),
                None if observed.status.is_success() => "success",
                None => observed.status.canonical_reason().unwrap_or_default(),
            },
            "data": null,
            "timestamp": finished,
        },
        "parentAccountID": "",
        "accountID": observed.account_id,
        "resourceIDs": resources,
    });
    let mut add = |place: &str, name: &str, value: Value| {
        if let Some(members) = body.pointer_mut(place).and_then(Value::as_object_mut) {
            members.insert(name.to_owned(), value);
        }
    };
    // Members that some events have only.
    if let Some(key_id) = caller.and_then(|caller| caller.key_id.as_deref()) {
        add("/context", "keyID", key_id.into());
    }
    if let Some(subject) = caller.and_then(|caller| caller.subject.as_deref()) {
        add("/context", "subject", subject.into());
    }
    if !observed.details.nested.is_empty() {
        add("/response", "nestedResponse", json!(observed.details.nested));
    }
    AuditEvent { at, change_id, body }
}

/// The name of a query is the published one; those of the others are not published.
fn api_name(operation: Operation) -> &'static str {
    match operation {
        Operation::QueryExecute => "/v1.QueryService/ExecuteQuery",
        other => other.name(),
    }
}

fn kind_of(operation: Operation) -> (&'static str, &'static str) {
    match operation {
        Operation::AuthenticationGetToken => ("LOGIN", "SERVICE_ACCOUNT"),
        Operation::AuthenticationExchangeToken => ("LOGIN", "SERVICE_ACCOUNT"),
        Operation::TokenExchangeListConfigs => ("LIST", "ACCOUNT"),
        Operation::TokenExchangeCreateConfig => ("CREATE", "ACCOUNT"),
        Operation::TokenExchangeGetConfig => ("READ", "ACCOUNT"),
        Operation::TokenExchangeUpdateConfig => ("UPDATE", "ACCOUNT"),
        Operation::TokenExchangeDeleteConfig => ("DELETE", "ACCOUNT"),
        Operation::RecordsBatch => ("EXECUTE", "RECORD"),
        Operation::QueryExecute => ("READ", "RECORD"),
        Operation::RecordsList => ("LIST", "RECORD"),
        Operation::RecordsInsert => ("CREATE", "RECORD"),
        Operation::RecordsGet | Operation::BinLookupListCards => ("READ", "RECORD"),
        Operation::RecordsUpdate => ("UPDATE", "RECORD"),
        Operation::RecordsDelete | Operation::RecordsBulkDelete => ("DELETE", "RECORD"),
        Operation::TokensDetokenize | Operation::TokensTokenize => ("READ", "TOKEN"),
        Operation::RecordsUploadFile | Operation::RecordsUploadFileV2 => ("CREATE", "FILE"),
        Operation::RecordsDeleteFile => ("DELETE", "FILE"),
        Operation::RecordsGetFileScanStatus
        | Operation::RecordsGetFilesUploadStatus
        | Operation::EmulatorDownloadFile => ("READ", "FILE"),
        Operation::AuditListEvents => ("LIST", "AUDIT"),
        Operation::ConnectionsInvokeOutbound | Operation::ConnectionsInvokeInbound => {
            ("EXECUTE", "CONNECTION")
        }
        Operation::FilesGetRun | Operation::DetectV2GetRun => ("READ", "JOB"),
        Operation::DetectConfigurationsCreate => ("CREATE", "VAULT"),
        Operation::DetectConfigurationsList => ("LIST", "VAULT"),
        Operation::DetectConfigurationsGet => ("READ", "VAULT"),
        Operation::DetectConfigurationsUpdate => ("UPDATE", "VAULT"),
        Operation::DetectConfigurationsDelete => ("DELETE", "VAULT"),
        Operation::StringsDeidentify
        | Operation::StringsReidentify
        | Operation::GuardrailsCheck
        | Operation::FilesDeidentify
        | Operation::FilesDeidentifyText
        | Operation::FilesDeidentifyAudio
        | Operation::FilesDeidentifyDocument
        | Operation::FilesDeidentifyPdf
        | Operation::FilesDeidentifyImage
        | Operation::FilesDeidentifyPresentation
        | Operation::FilesDeidentifySpreadsheet
        | Operation::FilesDeidentifyStructuredText
        | Operation::FilesReidentify
        | Operation::DetectV2DeidentifyString
        | Operation::DetectV2ReidentifyString
        | Operation::DetectV2CheckGuardrails
        | Operation::DetectV2DeidentifyFile
        | Operation::DetectV2ReidentifyFile => ("EXECUTE", "VAULT"),
    }
}
