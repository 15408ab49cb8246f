//! Requests that the official SDK did not make, because it refused the call.

use super::connection;
use crate::json::Json;
use crate::lab::Sent;
use crate::trace::{Call, Trace};
use crate::wire;

/// A request as it is promised.
#[derive(Debug, PartialEq, Eq)]
pub struct Promised {
    method: &'static str,
    origin: String,
    segments: Vec<String>,
    query: Vec<(String, String)>,
    body: Json,
}

/// Returns the request that a call makes; `None` for operations that send anything else than JSON.
pub fn request(trace: &Trace, call: &Call) -> Option<Promised> {
    let args = &call.args;
    if call.op == "invoke" {
        return invoked(call);
    }
    if let Some((method, path, query, body)) = super::detect::request(trace, call) {
        let below = ["v1", "detect"].into_iter().map(ToOwned::to_owned).chain(path);
        return Some(Promised { method, origin: origin(trace), segments: below.collect(), query, body });
    }
    let text = |name: &str| args.get(name).as_str().unwrap_or_default().to_owned();
    let (method, path, query, body) = match call.op.as_str() {
        "query" => (
            "POST",
            vec!["query".to_owned()],
            Vec::new(),
            Json::object([("query", args.get("query").clone())]),
        ),
        "get" => ("GET", vec![text("table")], list_query(args), Json::Null),
        "update" => {
            let data = args.get("data");
            let id = data.get("skyflow_id").as_str().unwrap_or_default().to_owned();
            ("PUT", vec![text("table"), id], Vec::new(), update_body(args))
        }
        "insert" if args.get("continue_on_error").as_bool() == Some(true) => {
            ("POST", Vec::new(), Vec::new(), batch_body(args))
        }
        "batch" => ("POST", Vec::new(), Vec::new(), super::batch::request(args)),
        "insert" => ("POST", vec![text("table")], Vec::new(), insert_body(args)),
        "delete" => (
            "DELETE",
            vec![text("table")],
            Vec::new(),
            Json::object([("skyflow_ids", args.get("ids").clone())]),
        ),
        "detokenize" => ("POST", vec!["detokenize".to_owned()], Vec::new(), detokenize_body(args)),
        "tokenize" => ("POST", vec!["tokenize".to_owned()], Vec::new(), tokenize_body(args)),
        _ => return None,
    };
    let segments = ["v1", "vaults", trace.vault_id()].into_iter().map(ToOwned::to_owned).chain(path);
    Some(Promised { method, origin: origin(trace), segments: segments.collect(), query, body })
}

fn origin(trace: &Trace) -> String {
    let domain = match trace.config.get("env").as_str() {
        Some("SANDBOX") => "skyflowapis-preview.com",
        Some("DEV") => "skyflowapis.dev",
        Some("STAGE") => "skyflowapis.tech",
        _ => "skyflowapis.com",
    };
    format!("https://{}.vault.{domain}", trace.cluster_id())
}

fn invoked(call: &Call) -> Option<Promised> {
    let method = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        .into_iter()
        .find(|method| call.args.get("method").as_str() == Some(method))?;
    Some(Promised {
        method,
        origin: connection::address(call).0,
        segments: connection::segments(call)?,
        query: connection::query(call),
        body: Json::parse(&connection::body(call)).unwrap_or(Json::Null),
    })
}

impl Promised {
    /// Says how a request differs from the promised one.
    pub fn holds_for(&self, sent: &Sent) -> Result<(), String> {
        let origin = format!("{}://{}", sent.scheme, sent.host);
        let body = Json::parse(&String::from_utf8_lossy(&sent.body)).unwrap_or(Json::Null);
        let same = self.method == sent.method
            && self.origin == origin
            && self.segments == wire::segments(&sent.path)
            && self.query == wire::pairs(&sent.query);
        let bodies = crate::compare::differing_body(&self.body, &body);
        match (same, bodies) {
            (true, None) => Ok(()),
            (_, differing) => Err(format!(
                "promised {self:?}, sent {} {origin}{}?{} {}, {}",
                sent.method,
                sent.path,
                sent.query,
                body,
                differing.unwrap_or_default()
            )),
        }
    }

    /// The same for the path alone: each value is one segment of it.
    pub fn path_holds_for(&self, sent: &Sent) -> Result<(), String> {
        let segments = wire::segments(&sent.path);
        if self.segments == segments && self.query == wire::pairs(&sent.query) {
            Ok(())
        } else {
            Err(format!("promised the path {:?}, sent {}?{}", self.segments, sent.path, sent.query))
        }
    }
}

/// Returns the query of a list; unset arguments are omitted.
fn list_query(args: &Json) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut add = |key: &str, value: &Json| {
        let value = match value {
            Json::Text(text) => text.clone(),
            other => other.to_string(),
        };
        pairs.push((key.to_owned(), value));
    };
    for (key, list) in [("skyflow_ids", "ids"), ("fields", "fields"), ("column_values", "column_values")] {
        args.get(list).elements().iter().for_each(|value| add(key, value));
    }
    for (key, name) in [
        ("redaction", "redaction_type"),
        ("column_name", "column_name"),
        ("downloadURL", "download_url"),
        ("order_by", "order_by"),
    ] {
        if !args.get(name).is_null() {
            add(key, args.get(name));
        }
    }
    for name in ["offset", "limit"] {
        let digits = match args.get(name) {
            Json::Text(digits) | Json::Number(digits) => digits.parse::<u64>().ok(),
            _ => None,
        };
        if let Some(count) = digits {
            add(name, &Json::number(count));
        }
    }
    if args.get("return_tokens").as_bool() == Some(true) {
        add("tokenization", &Json::Bool(true));
    }
    pairs.sort();
    pairs
}

fn rows(args: &Json) -> impl Iterator<Item = (&Json, &Json)> {
    args.get("values").elements().iter().enumerate().map(|(index, row)| (row, args.get("tokens").at(index)))
}

fn mode(args: &Json) -> Json {
    match args.get("token_mode").as_str() {
        None | Some("DISABLE") => Json::Null,
        Some(mode) => Json::text(mode),
    }
}

fn wants_tokens(args: &Json, otherwise: bool) -> Json {
    Json::Bool(args.get("return_tokens").as_bool().unwrap_or(otherwise))
}

fn insert_body(args: &Json) -> Json {
    let records = rows(args)
        .map(|(fields, tokens)| Json::object([("fields", fields.clone()), ("tokens", tokens.clone())]));
    let homogeneous = args.get("homogeneous").as_bool() == Some(true);
    Json::object([
        ("records", Json::List(records.collect())),
        ("tokenization", wants_tokens(args, true)),
        ("upsert", args.get("upsert").clone()),
        ("homogeneous", if homogeneous { Json::Bool(true) } else { Json::Null }),
        ("byot", mode(args)),
    ])
}

fn batch_body(args: &Json) -> Json {
    let records = rows(args).map(|(fields, tokens)| {
        Json::object([
            ("fields", fields.clone()),
            ("tokens", tokens.clone()),
            ("tableName", args.get("table").clone()),
            ("method", Json::text("POST")),
            ("tokenization", wants_tokens(args, true)),
            ("upsert", args.get("upsert").clone()),
        ])
    });
    let records = Json::List(records.collect());
    Json::object([("records", records), ("continueOnError", Json::Bool(true)), ("byot", mode(args))])
}

fn update_body(args: &Json) -> Json {
    let fields = args.get("data").members().iter().filter(|(key, _)| key != "skyflow_id");
    let record = [("fields", Json::object(fields.cloned())), ("tokens", args.get("tokens").clone())];
    Json::object([
        ("record", Json::object(record)),
        ("tokenization", wants_tokens(args, false)),
        ("byot", mode(args)),
    ])
}

fn detokenize_body(args: &Json) -> Json {
    let parameters = args.get("data").elements().iter().map(|item| {
        let given =
            [item.get("redaction_type"), item.get("redaction")].into_iter().find(|level| !level.is_null());
        let level = given.cloned().unwrap_or_else(|| Json::text("DEFAULT"));
        Json::object([("token", item.get("token").clone()), ("redaction", level)])
    });
    let go_on = args.get("continue_on_error").as_bool().unwrap_or(false);
    Json::object([
        ("detokenizationParameters", Json::List(parameters.collect())),
        ("continueOnError", Json::Bool(go_on)),
        ("downloadURL", args.get("download_url").clone()),
    ])
}

fn tokenize_body(args: &Json) -> Json {
    let parameters = args.get("values").elements().iter().map(|item| {
        Json::object([
            ("value", item.get("value").clone()),
            ("columnGroup", item.get("column_group").clone()),
        ])
    });
    Json::object([("tokenizationParameters", Json::List(parameters.collect()))])
}
