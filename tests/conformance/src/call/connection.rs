//! Third parties, called through a connection.

use skyflow::{Connection, ConnectionData, InvokeConnectionRequest, InvokeConnectionResponse};

use super::arguments::{Arguments, Stop, inexpressible, text};
use super::finished;
use crate::json::Json;
use crate::outcome::Outcome;

/// Makes a call of a connection; its URL is an argument of the recorded call and was given to the client.
pub async fn connection_call(connection: &Connection, args: &Json) -> Outcome {
    let request = match request(args) {
        Ok(request) => request,
        Err(stop) => return *stop,
    };
    finished(connection.invoke(request).await, |response| shown(&response)).unwrap_or_else(|stop| *stop)
}

fn request(args: &Json) -> Result<InvokeConnectionRequest, Stop> {
    const KNOWN: [&str; 6] = ["method", "url", "path_params", "query_params", "headers", "body"];
    let args = Arguments::of("invoke", args, &KNOWN)?;
    let mut request = match args.text("method")?.as_deref() {
        Some("GET") => InvokeConnectionRequest::get(),
        None | Some("POST") => InvokeConnectionRequest::post(),
        Some("PUT") => InvokeConnectionRequest::put(),
        Some("PATCH") => InvokeConnectionRequest::patch(),
        Some("DELETE") => InvokeConnectionRequest::delete(),
        Some(_) => return Err(inexpressible("method", "is none of the choices".to_owned())),
    };
    for (name, value) in args.raw("path_params").members() {
        request = request.path_param(name.as_str(), text(&format!("path_params.{name}"), value)?);
    }
    if !args.raw("query_params").is_null() {
        request = request.query_params(args.raw("query_params"));
    }
    for (name, value) in args.raw("headers").members() {
        request = request.header(name.as_str(), text(&format!("headers.{name}"), value)?);
    }
    Ok(if args.has("body") { request.body(args.raw("body")) } else { request })
}

fn shown(response: &InvokeConnectionResponse) -> Json {
    let data = match &response.data {
        ConnectionData::Empty => Json::text(""),
        ConnectionData::Json(json) => Json::parse(json.get()).unwrap_or(Json::Null),
        ConnectionData::Form(pairs) => {
            Json::object(pairs.iter().map(|(name, value)| (name.as_str(), Json::text(value))))
        }
        ConnectionData::Text(text) => Json::text(text),
        ConnectionData::Bytes(bytes) => Json::text(String::from_utf8_lossy(bytes)),
        other => Json::text(format!("{other:?}")),
    };
    let request_id = Json::text_or_null(response.metadata.request_id.as_ref());
    Json::object([
        ("type", Json::text("InvokeConnectionResponse")),
        ("data", data),
        ("metadata", Json::object([("request_id", request_id)])),
        ("errors", Json::List(Vec::new())),
    ])
}
