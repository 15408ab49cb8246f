//! The log of calls, in the form of Skyflow's audit API.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use http::{Method, StatusCode};
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

/// What an event tells about a request.
pub(crate) struct Observed<'a> {
    pub(crate) operation: Operation,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) request_id: &'a str,
    pub(crate) peer: String,
    pub(crate) caller: Option<&'a Caller>,
    pub(crate) status: StatusCode,
    pub(crate) vault_id: &'a str,
    pub(crate) account_id: &'a str,
    pub(crate) received: Now,
    pub(crate) finished: Now,
}

impl AuditLog {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, events: Mutex::default() }
    }

    pub(crate) fn add(&self, observed: &Observed<'_>) {
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

fn event(observed: &Observed<'_>) -> AuditEvent {
    let change_id = Random::system().uuid();
    let at = observed.received.millis();
    let timestamp = timestamps::sql(at);
    let finished = timestamps::sql(observed.finished.millis());
    let (action, resource) = kind_of(observed.operation);
    let caller = observed.caller;
    let auth_mode = match caller.map(|caller| caller.kind) {
        Some(AuthKind::BearerToken) => "SERVICE_ACCOUNT_JWT",
        Some(AuthKind::ApiKey) => "PAT_JWT",
        _ => "AUTH_NONE",
    };
    let context = match caller.and_then(|caller| caller.context.as_ref()) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let body = json!({
        "context": {
            "changeID": change_id,
            "requestID": observed.request_id,
            "traceID": "",
            "sessionID": "",
            "actor": caller.map_or("", |caller| &caller.client_id),
            "actorType": if caller.is_some() { "SERVICE_ACCOUNT" } else { "NONE" },
            "accessType": "API",
            "ipAddress": observed.peer,
            "origin": "",
            "authMode": auth_mode,
            "jwtID": caller.and_then(|caller| caller.token_id.as_deref()).unwrap_or_default(),
            "bearerTokenContextID": context,
        },
        "request": {
            "data": { "content": "" },
            "apiName": observed.operation.name(),
            "workspaceID": "",
            "vaultID": if observed.operation.is_in_vault() { observed.vault_id } else { "" },
            "tags": [],
            "timestamp": timestamp,
            "actionType": action,
            "resourceType": resource,
            "httpInfo": { "URI": observed.path, "method": observed.method.as_str() },
        },
        "response": {
            "code": observed.status.as_u16(),
            "message": observed.status.canonical_reason().unwrap_or_default(),
            "data": { "content": "" },
            "timestamp": finished,
        },
        "parentAccountID": "",
        "accountID": observed.account_id,
        "resourceIDs": [format!("VAULT/{}", observed.vault_id)],
    });
    AuditEvent { at, change_id, body }
}

fn kind_of(operation: Operation) -> (&'static str, &'static str) {
    match operation {
        Operation::AuthenticationGetToken => ("LOGIN", "SERVICE_ACCOUNT"),
        Operation::RecordsBatch | Operation::QueryExecute => ("EXECUTE", "RECORD"),
        Operation::RecordsList => ("LIST", "RECORD"),
        Operation::RecordsInsert => ("CREATE", "RECORD"),
        Operation::RecordsGet | Operation::BinLookupListCards => ("READ", "RECORD"),
        Operation::RecordsUpdate => ("UPDATE", "RECORD"),
        Operation::RecordsDelete | Operation::RecordsBulkDelete => ("DELETE", "RECORD"),
        Operation::TokensDetokenize | Operation::TokensTokenize => ("READ", "TOKEN"),
        Operation::RecordsUploadFile | Operation::RecordsUploadFileV2 => ("CREATE", "FILE"),
        Operation::RecordsDeleteFile => ("DELETE", "FILE"),
        Operation::RecordsGetFileScanStatus | Operation::EmulatorDownloadFile => ("READ", "FILE"),
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
