//! The operations of the vault, one file each. They are synchronous: an operation is one transaction.

mod audit;
mod batch;
mod card_lookup;
pub(crate) mod connection_fields;
mod delete;
#[cfg(feature = "detect")]
pub(crate) mod detect;
mod detokenize;
mod files;
mod get;
mod insert;
mod parameters;
mod query;
mod tokenize;
mod update;
mod write;

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};
use skyflow_http::Body;

pub(crate) use parameters::QueryParameters;

use crate::auth::{Caller, bearer, exchange};
use crate::clock::Now;
use crate::errors::{ApiError, ApiResult};
use crate::routes::{Operation, Parameters};
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
}

pub(crate) enum ReplyBody {
    Json(Value),
    File {
        content_type: String,
        content: Vec<u8>,
    },
    /// A response that was made elsewhere, such as by the target of a connection.
    Made(Box<http::Response<Body>>),
}

impl Reply {
    pub(crate) fn json(body: Value) -> Self {
        Self { status: StatusCode::OK, body: ReplyBody::Json(body), records: 0, failed: 0 }
    }

    fn file(content_type: String, content: Vec<u8>) -> Self {
        let body = ReplyBody::File { content_type, content };
        Self { status: StatusCode::OK, body, records: 1, failed: 0 }
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
        Operation::AuthenticationGetToken => return (None, exchange::get_token(call)),
        Operation::EmulatorDownloadFile => return (None, files::download(call)),
        _ => {}
    }
    let caller = match bearer::authenticate(call.state, call.headers, call.now) {
        Ok(caller) => caller,
        Err(error) => return (None, Err(error)),
    };
    let outcome = run_for(&caller, operation, call);
    (Some(caller), outcome)
}

fn run_for(caller: &Caller, operation: Operation, call: &Call<'_>) -> ApiResult<Reply> {
    if operation.is_in_vault() && call.path.get("vault_id") != call.state.vault_id {
        return Err(ApiError::no_such_resource());
    }
    match operation {
        // Served before this point.
        Operation::AuthenticationGetToken
        | Operation::EmulatorDownloadFile
        | Operation::ConnectionsInvokeOutbound
        | Operation::ConnectionsInvokeInbound => Err(ApiError::internal()),
        Operation::RecordsBatch => batch::batch(call, caller),
        Operation::RecordsList => get::list(call, caller),
        Operation::RecordsInsert => insert::insert(call, caller),
        Operation::RecordsBulkDelete => delete::bulk_delete(call, caller),
        Operation::RecordsGet => get::get_one(call, caller),
        Operation::RecordsUpdate => update::update(call, caller),
        Operation::RecordsDelete => delete::delete_one(call, caller),
        Operation::RecordsUploadFile => files::upload(call, caller),
        Operation::RecordsUploadFileV2 => files::upload_v2(call, caller),
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

/// Puts a value under a column name, in which a dot leads into a nested object.
pub(crate) fn put_nested(target: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            target.insert(name.to_owned(), value);
        }
        Some((parent, rest)) => {
            let inner = target.entry(parent).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put_nested(inner, rest, value);
            }
        }
    }
}
