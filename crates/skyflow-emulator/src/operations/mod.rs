//! The operations of the vault, one file each. They are synchronous: an operation is one transaction.

mod assertion_grant;
mod audit;
mod batch;
mod card_lookup;
pub(crate) mod connection_fields;
mod delete;
#[cfg(feature = "detect")]
pub(crate) mod detect;
mod detokenize;
mod exchange_grant;
mod files;
mod get;
mod insert;
mod members;
mod parameters;
mod query;
mod token_exchange;
mod tokenize;
mod update;
mod upload;
mod write;

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use skyflow_http::Body;

pub(crate) use parameters::QueryParameters;

use crate::audit::AuditDetails;
use crate::auth::Caller;
use crate::clock::Now;
use crate::errors::{ApiError, ApiResult};
use crate::routes::{Operation, Parameters, Unsupported};
use crate::schema::CompiledTable;
use crate::state::State;

/// A request, read and decoded as far as every operation needs it.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a Arc<State>,
    pub(crate) now: Now,
    pub(crate) path: &'a Parameters,
    pub(crate) query: QueryParameters,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    /// Scheme and authority under which the caller reaches the vault.
    pub(crate) origin: &'a str,
}

impl Call<'_> {
    /// Reads the body as JSON. The error says where, and never what: the body holds values.
    pub(crate) fn json<'b, T: Deserialize<'b>>(&'b self) -> ApiResult<T> {
        serde_json::from_slice(self.body).map_err(|error| {
            let problem =
                if error.is_data() { "does not have the expected shape" } else { "is not valid JSON" };
            ApiError::bad_request(format!(
                "Invalid request. The body {problem} (line {}, column {}).",
                error.line(),
                error.column()
            ))
        })
    }

    /// Refuses a request that names another vault, or none, where the body or the query says which.
    #[cfg(feature = "detect")]
    pub(crate) fn require_vault(&self, vault_id: Option<&str>) -> ApiResult<()> {
        match vault_id.filter(|id| !id.is_empty()) {
            Some(id) if id == self.state.vault_id => Ok(()),
            Some(_) => Err(ApiError::no_such_resource()),
            None => {
                Err(ApiError::bad_request("Invalid request. vault_id is missing. Specify a valid vault ID."))
            }
        }
    }

    /// Refuses a request with more rows than the vault takes at once.
    fn check_rows(&self, verb: &str, rows: &str, count: usize) -> ApiResult<()> {
        let limit = self.state.row_limit;
        if count <= limit {
            return Ok(());
        }
        Err(ApiError::bad_request(format!(
            "{verb} failed. The request has {count} {rows}. Specify at most {limit}."
        )))
    }

    pub(crate) fn table(&self) -> ApiResult<&Arc<CompiledTable>> {
        self.table_named(self.path.get("table_name"))
    }

    pub(crate) fn table_named(&self, name: &str) -> ApiResult<&Arc<CompiledTable>> {
        self.state.schema.table(name).ok_or_else(|| ApiError::unknown_table(name))
    }
}

/// A successful response.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: ReplyBody,
    /// Counted in the journal.
    pub(crate) records: usize,
    pub(crate) failed: usize,
    /// What the audit log tells beside status and caller.
    pub(crate) audit: AuditDetails,
}

pub(crate) enum ReplyBody {
    Json(String),
    File {
        content_type: String,
        content_disposition: String,
        content: Vec<u8>,
    },
    /// A response that was made elsewhere, such as by the target of a connection.
    Made(Box<http::Response<Body>>),
}

impl Reply {
    pub(crate) fn json(body: Value) -> Self {
        Self::text(body.to_string())
    }

    /// Writes a body that holds values: [`Value`] would round their numbers.
    pub(crate) fn serialized(body: &impl Serialize) -> ApiResult<Self> {
        serde_json::to_string(body).map(Self::text).map_err(|_| ApiError::internal())
    }

    fn text(body: String) -> Self {
        Self {
            status: StatusCode::OK,
            body: ReplyBody::Json(body),
            records: 0,
            failed: 0,
            audit: AuditDetails::default(),
        }
    }

    /// Passes a response on that was made elsewhere.
    pub(crate) fn made(response: http::Response<Body>) -> Self {
        let status = response.status();
        Self { status, body: ReplyBody::Made(Box::new(response)), ..Self::text(String::new()) }
    }

    fn file(content_type: String, content: Vec<u8>, name: &str, inline: bool) -> Self {
        let disposition = if inline { "inline" } else { "attachment" };
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let content_disposition = format!("{disposition}; filename*=UTF-8''{name}");
        let body = ReplyBody::File { content_type, content_disposition, content };
        Self { body, records: 1, ..Self::text(String::new()) }
    }

    pub(crate) fn counting(mut self, records: usize, failed: usize) -> Self {
        self.records = records;
        self.failed = failed;
        self
    }
}

/// Runs an operation; also tells who called, as far as that became known.
pub(crate) fn run(operation: Operation, call: &Call<'_>) -> (Option<Caller>, ApiResult<Reply>) {
    match operation {
        Operation::AuthenticationGetToken => return (None, assertion_grant::get_token(call)),
        Operation::AuthenticationExchangeToken => return (None, exchange_grant::get_token(call)),
        Operation::EmulatorDownloadFile => return (None, files::download(call)),
        _ => {}
    }
    let caller = match call.state.bearer_tokens.authenticate(&call.state.store, call.headers, call.now) {
        Ok(caller) => caller,
        Err(error) => return (None, Err(error)),
    };
    let outcome = run_for(&caller, operation, call);
    (Some(caller), outcome)
}

/// Refuses an operation that the vault does not have. A caller without access to the vault learns nothing of it.
pub(crate) fn refuse(
    operation: &Unsupported,
    state: &State,
    headers: &HeaderMap,
    now: Now,
) -> (Option<Caller>, ApiResult<Reply>) {
    match state.bearer_tokens.authenticate(&state.store, headers, now) {
        Ok(caller) => {
            let what = format!("the operation {}", operation.name);
            (Some(caller), Err(ApiError::not_emulated(&what)))
        }
        Err(error) => (None, Err(error)),
    }
}

fn run_for(caller: &Caller, operation: Operation, call: &Call<'_>) -> ApiResult<Reply> {
    if operation.is_in_vault() && call.path.get("vault_id") != call.state.vault_id {
        return Err(ApiError::no_such_resource());
    }
    match operation {
        // Served before this point.
        Operation::AuthenticationGetToken
        | Operation::AuthenticationExchangeToken
        | Operation::EmulatorDownloadFile
        | Operation::ConnectionsInvokeOutbound
        | Operation::ConnectionsInvokeInbound => Err(ApiError::internal()),
        Operation::TokenExchangeListConfigs => token_exchange::list(call, caller),
        Operation::TokenExchangeCreateConfig => token_exchange::create(call, caller),
        Operation::TokenExchangeGetConfig => token_exchange::get(call, caller),
        Operation::TokenExchangeUpdateConfig => token_exchange::update(call, caller),
        Operation::TokenExchangeDeleteConfig => token_exchange::delete(call, caller),
        Operation::RecordsBatch => batch::batch(call, caller),
        Operation::RecordsList => get::list(call, caller),
        Operation::RecordsInsert => insert::insert(call, caller),
        Operation::RecordsBulkDelete => delete::bulk_delete(call, caller),
        Operation::RecordsGet => get::get_one(call, caller),
        Operation::RecordsUpdate => update::update(call, caller),
        Operation::RecordsDelete => delete::delete_one(call, caller),
        Operation::RecordsUploadFile => upload::upload(call, caller),
        Operation::RecordsUploadFileV2 => upload::upload_v2(call, caller),
        Operation::RecordsGetFilesUploadStatus => files::upload_status(call, caller),
        Operation::RecordsDeleteFile => files::delete_file(call, caller),
        Operation::RecordsGetFileScanStatus => files::scan_status(call, caller),
        Operation::QueryExecute => query::query(call, caller),
        Operation::BinLookupListCards => card_lookup::list_cards(call, caller),
        Operation::AuditListEvents => audit::list_events(call, caller),
        Operation::TokensDetokenize => detokenize::detokenize(call, caller),
        Operation::TokensTokenize => tokenize::tokenize(call, caller),
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
        | Operation::FilesGetRun
        | Operation::DetectConfigurationsCreate
        | Operation::DetectConfigurationsList
        | Operation::DetectConfigurationsGet
        | Operation::DetectConfigurationsUpdate
        | Operation::DetectConfigurationsDelete
        | Operation::DetectV2DeidentifyString
        | Operation::DetectV2ReidentifyString
        | Operation::DetectV2CheckGuardrails
        | Operation::DetectV2DeidentifyFile
        | Operation::DetectV2ReidentifyFile
        | Operation::DetectV2GetRun => {
            #[cfg(feature = "detect")]
            return detect::run(operation, call, caller);
            #[cfg(not(feature = "detect"))]
            Err(ApiError::missing_feature("detect"))
        }
    }
}
