use aws_lc_rs::digest::{SHA256, digest};
use http::header::CONTENT_TYPE;
use rusqlite::Connection;
use serde_json::json;
use skyflow_types::TokenMode;

use super::files::{cell_of, check_record, file_column, metadata};
use super::parameters::invalid;
use super::write::Writer;
use super::{Call, Reply};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};
use crate::exact::Exact;
use crate::file_type;
use crate::multipart::{self, Part};
use crate::schema::CompiledTable;
use crate::store::files::{self, FileRow};
use crate::store::records;

/// The name of the part that holds the file where the form names the column.
const FILE: &str = "file";
/// The parts that hold no file.
const TEXTS: [&str; 4] = ["tableName", "columnName", "skyflowID", "returnFileMetadata"];

/// Uploads a file to a record that exists. Without `columnName` the one part of the form is called as its column.
pub(super) fn upload(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Write)?;
    let form = Form::read(call)?;
    let table = call.table()?;
    let id = call.path.get("id").to_owned();
    let column = match form.text("columnName") {
        name if name.is_empty() => form.file()?.name.clone(),
        name => name,
    };
    call.state.store.write(|transaction| form.store(transaction, call, table, &id, &column))?;
    Ok(Reply::json(json!({ "skyflow_id": id })).counting(1, 0))
}

/// Uploads a file to a record that exists, or to a new one when no id is given.
pub(super) fn upload_v2(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Write)?;
    let form = Form::read(call)?;
    let table = call.table_named(&form.text("tableName"))?;
    let column = form.text("columnName");
    let with_metadata = match form.text("returnFileMetadata").to_ascii_lowercase().as_str() {
        "" | "false" => false,
        "true" => true,
        _ => return Err(invalid("returnFileMetadata", "true or false")),
    };
    let (id, file) = call.state.store.write(|transaction| -> ApiResult<_> {
        let id = match form.text("skyflowID") {
            id if id.is_empty() => writer(call, transaction).insert_empty(table)?,
            id => id,
        };
        let file = form.store(transaction, call, table, &id, &column)?;
        Ok((id, file))
    })?;
    let mut body = json!({ "skyflowID": id });
    if with_metadata && let Some(members) = body.as_object_mut() {
        members.insert("fileMetadata".to_owned(), json!({ column: metadata(&file) }));
    }
    Ok(Reply::json(body).counting(1, 0))
}

fn writer<'a>(call: &'a Call<'_>, connection: &'a Connection) -> Writer<'a> {
    Writer { state: call.state, connection, now: call.now, mode: TokenMode::Disable }
}

/// An upload form.
struct Form<'a>(Vec<Part<'a>>);

impl<'a> Form<'a> {
    fn read(call: &Call<'a>) -> ApiResult<Self> {
        let content_type = call.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let parts = multipart::parse(content_type.unwrap_or_default(), call.body);
        parts
            .map(Self)
            .ok_or_else(|| ApiError::bad_request("Invalid request. The body is not multipart/form-data."))
    }

    fn text(&self, name: &str) -> String {
        self.0.iter().find(|part| part.name == name).map(Part::text).unwrap_or_default()
    }

    /// Returns the one part that is not a text.
    fn file(&self) -> ApiResult<&Part<'a>> {
        let mut files = self.0.iter().filter(|part| !TEXTS.contains(&part.name.as_str()));
        match (files.next(), files.next()) {
            (Some(part), None) => Ok(part),
            (Some(_), Some(_)) => {
                Err(ApiError::bad_request("Upload failed. The form has several files. Specify one file."))
            }
            (None, _) => Err(ApiError::bad_request("Upload failed. The file is missing. Specify a file.")),
        }
    }

    /// Stores the file of the form in a cell; returns what is known about it.
    fn store(
        &self,
        connection: &Connection,
        call: &Call<'_>,
        table: &CompiledTable,
        id: &str,
        column: &str,
    ) -> ApiResult<FileRow> {
        let column = file_column(table, column, "Upload")?;
        let part = self.file()?;
        if part.name != FILE && part.name != column.name {
            return Err(ApiError::bad_request("Upload failed. The file is missing. Specify a file."));
        }
        check_record(connection, table, id, "Upload")?;
        // A path is reduced to the name of the file, whatever system it comes from.
        let given = part.file_name.as_deref().unwrap_or_default();
        let name = given.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or("file");
        let content_type = file_type::of(name, part.content);
        if !column.file_types.is_empty() {
            let allowed = column.file_types.iter().any(|allowed| same_type(allowed, content_type));
            if !allowed || file_type::by_extension(name) != Some(content_type) {
                return Err(ApiError::bad_request(format!(
                    "Upload failed. Column {} does not accept this type of file.",
                    column.name
                )));
            }
        }
        let file = FileRow {
            file_name: name.to_owned(),
            content_type: content_type.to_owned(),
            size: i64::try_from(part.content.len()).unwrap_or(i64::MAX),
            infected: file_type::is_infected(part.content),
            uploaded_at: call.now.millis(),
        };
        files::put(connection, &cell_of(table, column, id), &file, part.content)?;
        records::update(connection, table, id, &[(column, &Exact::from(name))])?;
        writer(call, connection).tokenize_file(table, column, id, &fingerprint(part.content))?;
        Ok(file)
    }
}

/// The text that the token of a file is made from: equal files have equal deterministic tokens.
fn fingerprint(content: &[u8]) -> String {
    digest(&SHA256, content).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn same_type(allowed: &str, found: &str) -> bool {
    allowed == found || (allowed == "image/jpg" && found == "image/jpeg")
}
