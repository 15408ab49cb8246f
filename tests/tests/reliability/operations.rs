//! Every public operation of the client, with what a repeat of it does.

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, pin_mut};
use serde_json::json;
use skyflow::api::audit::ListEvents;
use skyflow::api::types::BinLookupRequest;
use skyflow::{
    BatchOperation, BatchRequest, CallOptions, Connection, DeidentifyFileRequest, DeidentifyTextRequest,
    DeleteRequest, Detect, DetokenizeRequest, Error, FileSource, GetRequest, GuardrailsRequest,
    InsertRequest, InvokeConnectionRequest, QueryRequest, ReidentifyFileRequest, ReidentifyTextRequest,
    TokenFormat, TokenKind, TokenizeRequest, UpdateRequest, UploadFileRequest, Vault,
};

/// Which failures an operation is repeated after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Any that a repeat may resolve, and it reads only.
    Reads,
    /// Any that a repeat may resolve.
    Repeatable,
    /// Only those that prove that nothing was executed.
    WritesAgain,
    /// As [`Class::Repeatable`], but the content can be read once.
    ReadOnce,
    /// Only those before anything is sent: a third party executes it.
    ThirdParty,
    /// As [`Class::Repeatable`], because the caller says so.
    MarkedThirdParty,
}

/// The handles that an operation may need.
#[derive(Clone)]
pub(crate) struct Handles {
    pub(crate) vault: Vault,
    pub(crate) detect: Detect,
    pub(crate) connection: Connection,
    /// A file of more than a chunk.
    pub(crate) file: PathBuf,
}

pub(crate) struct PublicOperation {
    pub(crate) name: &'static str,
    pub(crate) class: Class,
    pub(crate) attempts: usize,
    pub(crate) run: fn(Handles) -> BoxFuture<'static, Result<(), Error>>,
}

const ID: &str = "b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c";

fn row() -> serde_json::Value {
    json!({"email": "a@example.com", "name": "Jane Doe"})
}

fn upload(file: FileSource) -> UploadFileRequest {
    UploadFileRequest::new("persons", "photo", file)
}

fn bytes() -> FileSource {
    FileSource::bytes("a.txt", "content")
}

macro_rules! operation {
    ($name:literal, $class:ident, $attempts:literal, |$handles:ident| $call:expr) => {
        PublicOperation {
            name: $name,
            class: Class::$class,
            attempts: $attempts,
            run: |$handles| async move { $call.await.map(drop) }.boxed(),
        }
    };
}

/// Lists all of them; an operation whose class depends on its arguments stands here once for each class.
pub(crate) fn all() -> Vec<PublicOperation> {
    vec![
        operation!("insert", WritesAgain, 3, |h| h.vault.insert(InsertRequest::new("persons").record(row()))),
        operation!("insert, continue", WritesAgain, 3, |h| h
            .vault
            .insert(InsertRequest::new("persons").record(row()).continue_on_error(true))),
        operation!("insert, upsert", Repeatable, 3, |h| h
            .vault
            .insert(InsertRequest::new("persons").record(row()).upsert("email"))),
        operation!("insert, upsert, continue", Repeatable, 3, |h| h
            .vault
            .insert(InsertRequest::new("persons").record(row()).upsert("email").continue_on_error(true))),
        operation!("insert, upsert without its column", WritesAgain, 3, |h| h
            .vault
            .insert(InsertRequest::new("persons").record(json!({"name": "Jane Doe"})).upsert("email"))),
        operation!("update", Repeatable, 3, |h| h.vault.update(UpdateRequest::new("persons", ID, row()))),
        operation!("get", Reads, 3, |h| h.vault.get(GetRequest::new("persons").ids([ID]))),
        operation!("get one", Reads, 3, |h| h.vault.get_one(GetRequest::new("persons").ids([ID]))),
        operation!("get pages", Reads, 3, |h| async {
            let pages = h.vault.get_pages(GetRequest::new("persons").all_rows());
            pin_mut!(pages);
            pages.next().await.transpose()
        }),
        operation!("delete", Repeatable, 3, |h| h.vault.delete(DeleteRequest::new("persons", [ID]))),
        operation!("delete all rows", Repeatable, 3, |h| h.vault.delete_all_rows("persons")),
        operation!("query", Reads, 3, |h| h.vault.query(QueryRequest::new("SELECT * FROM persons"))),
        operation!("detokenize", Reads, 3, |h| h.vault.detokenize(DetokenizeRequest::new().token("t"))),
        operation!("tokenize", Reads, 3, |h| h.vault.tokenize(TokenizeRequest::new().value("v", "g"))),
        operation!("batch of gets", Reads, 3, |h| h.vault.batch(BatchRequest::new([
            BatchOperation::get("persons", ID),
            BatchOperation::get("cards", ID)
        ]))),
        operation!("batch of upserts", Repeatable, 3, |h| h.vault.batch(BatchRequest::new([
            BatchOperation::insert("persons", row()).upsert("email"),
            BatchOperation::update("persons", ID, row()),
            BatchOperation::get("persons", ID),
        ]))),
        operation!("batch, upsert without its column", WritesAgain, 3, |h| h.vault.batch(BatchRequest::new(
            [BatchOperation::insert("persons", json!({"email": null})).upsert("email"),]
        ))),
        operation!("batch with an insert", WritesAgain, 3, |h| h.vault.batch(BatchRequest::new([
            BatchOperation::get("persons", ID),
            BatchOperation::insert("persons", row()),
        ]))),
        operation!("batch with a delete", WritesAgain, 3, |h| h
            .vault
            .batch(BatchRequest::new([BatchOperation::delete("persons", ID)]))),
        operation!("upload bytes into a row", Repeatable, 2, |h| h
            .vault
            .upload_file(upload(bytes()).skyflow_id(ID))),
        operation!("upload a path into a row", Repeatable, 2, |h| h
            .vault
            .upload_file(upload(FileSource::path(h.file)).skyflow_id(ID))),
        operation!("upload a reader into a row", ReadOnce, 2, |h| h
            .vault
            .upload_file(upload(FileSource::reader("a.txt", &b"content"[..])).skyflow_id(ID))),
        operation!("upload a path as a row", WritesAgain, 2, |h| h
            .vault
            .upload_file(upload(FileSource::path(h.file)))),
        operation!("delete a file", Repeatable, 3, |h| h.vault.delete_file("persons", ID, "photo")),
        operation!("scan status", Reads, 3, |h| h.vault.file_scan_status("persons", ID, "photo")),
        operation!("audit events", Reads, 3, |h| async {
            let events = h.vault.audit_events(ListEvents::new("account"));
            pin_mut!(events);
            events.next().await.transpose()
        }),
        operation!("bin lookup", Reads, 3, |h| h.vault.bin_lookup(BinLookupRequest::default().bin("411111"))),
        operation!("deidentify text", Reads, 3, |h| h
            .detect
            .deidentify_text(DeidentifyTextRequest::new("Jane Doe"))),
        operation!("deidentify text, vault tokens", WritesAgain, 3, |h| h.detect.deidentify_text(
            DeidentifyTextRequest::new("Jane Doe").token_format(TokenFormat::of(TokenKind::VaultToken))
        )),
        operation!("reidentify text", Reads, 3, |h| h
            .detect
            .reidentify_text(ReidentifyTextRequest::new("[NAME_1]"))),
        operation!("deidentify file", WritesAgain, 3, |h| h
            .detect
            .start_deidentify_file(DeidentifyFileRequest::new(bytes()))),
        operation!("run", Reads, 3, |h| h.detect.get_detect_run("run-1")),
        operation!("reidentify file", Reads, 3, |h| h
            .detect
            .reidentify_file(ReidentifyFileRequest::new(bytes()))),
        operation!("guardrails", Reads, 3, |h| h
            .detect
            .check_guardrails(GuardrailsRequest::new("Jane Doe").check_toxicity(true))),
        operation!("connection", ThirdParty, 3, |h| h
            .connection
            .invoke(InvokeConnectionRequest::post().body(&json!({"card": "t"})))),
        operation!("connection, idempotent", MarkedThirdParty, 3, |h| async {
            let connection = h.connection.with_options(CallOptions::new().idempotent(true));
            connection.invoke(InvokeConnectionRequest::post().body(&json!({"card": "t"}))).await
        }),
    ]
}
