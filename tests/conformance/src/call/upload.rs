//! Files: the recording names them, and their content is what was recorded of them.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skyflow::{FileSource, UploadFileRequest, Vault};

use super::arguments::{Arguments, Stop, inexpressible, unknown};
use super::finished;
use crate::json::Json;
use crate::outcome::Outcome;
use crate::trace::Call;

pub(super) async fn upload_file(vault: &Vault, call: &Call) -> Result<Outcome, Stop> {
    const KNOWN: [&str; 5] = ["table", "column_name", "skyflow_id", "file", "file_name"];
    let args = Arguments::of("upload_file", &call.args, &KNOWN)?;
    let Some(description) = args.text("file")? else {
        return Err(inexpressible("file", "is missing".to_owned()));
    };
    let given_name = args.text("file_name")?;
    // It lives until the upload is over.
    let directory = tempfile::tempdir().map_err(|error| unknown(error.to_string()))?;
    let (form, name) = description.split_once(':').unwrap_or(("", description.as_str()));
    let content = content(call);
    let source = match (form, &given_name) {
        ("path", given) => {
            let path = directory.path().join(name.replace('/', "_"));
            if !is_missing(call, name) {
                std::fs::write(&path, content).map_err(|error| unknown(error.to_string()))?;
            }
            named(FileSource::path(path), given.as_deref())
        }
        ("base64", given) => {
            FileSource::base64(given.as_deref().unwrap_or_default(), STANDARD.encode(content))
        }
        ("rawbase64", given) => FileSource::base64(given.as_deref().unwrap_or_default(), name),
        ("object", given) => named(FileSource::reader(name, Cursor::new(content)), given.as_deref()),
        ("nameless", given) => FileSource::reader(given.as_deref().unwrap_or_default(), Cursor::new(content)),
        _ => return Err(unknown(format!("file `{description}`"))),
    };
    let column = args.required("column_name")?;
    let mut request = UploadFileRequest::new(args.required("table")?, column, source);
    if let Some(id) = args.text("skyflow_id")? {
        request = request.skyflow_id(id);
    }
    finished(vault.upload_file(request).await, |response| {
        Json::object([
            ("type", Json::text("FileUploadResponse")),
            ("skyflow_id", Json::text(response.skyflow_id)),
            ("errors", Json::List(Vec::new())),
        ])
    })
}

fn named(source: FileSource, name: Option<&str>) -> FileSource {
    match name {
        Some(name) => source.file_name(name),
        None => source,
    }
}

/// A file that the recording machine did not have: its name says so, and the call was refused.
pub(super) fn is_missing(call: &Call, name: &str) -> bool {
    call.refused()
        && ["not-exist", "missing", "no-such"].iter().any(|word| name.replace('_', "-").contains(word))
}

/// The bytes of the file: the recording holds them only where they were sent.
fn content(call: &Call) -> Vec<u8> {
    let parts = call.exchanges.first().map(|exchange| exchange.request.body.get("parts").elements());
    let file = parts.unwrap_or_default().iter().find(|part| part.get("name").as_str() == Some("file"));
    file.map_or_else(|| b"content".to_vec(), |part| recorded_bytes(part.get("content")))
}

/// Reads the content of a recorded part. A long one was cut, and is filled up to its length.
pub(crate) fn recorded_bytes(content: &Json) -> Vec<u8> {
    let mut bytes = match (content.get("text"), content.get("base64_prefix")) {
        (Json::Text(text), _) => text.clone().into_bytes(),
        (_, Json::Text(prefix)) => STANDARD.decode(prefix.trim_end_matches('…')).unwrap_or_default(),
        _ => Vec::new(),
    };
    let length = content.get("len").as_i64().and_then(|length| usize::try_from(length).ok());
    bytes.resize(length.unwrap_or(bytes.len()), 0);
    bytes
}
