//! The default responses of the recording server.

use super::Sent;
use crate::json::Json;
use crate::wire;

/// Returns the response to a request that no recording has.
pub(super) fn to(sent: &Sent) -> (u16, Json) {
    let segments = wire::segments(&sent.path);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let body = Json::parse(&String::from_utf8_lossy(&sent.body)).unwrap_or(Json::Null);
    match (sent.method.as_str(), segments.as_slice()) {
        ("POST", ["v1", "auth", "sa", "oauth", "token"]) => (200, token()),
        ("POST", ["v1", "vaults", _, "query"]) => (200, rows(2)),
        ("POST", ["v1", "vaults", _, "detokenize"]) => (200, detokenized(&body)),
        ("POST", ["v1", "vaults", _, "tokenize"]) => (200, tokenized(&body)),
        ("POST", ["v1", "vaults", vault]) => (200, batch(vault, &body)),
        ("POST", ["v1", "vaults", _, _]) => (200, inserted(&body)),
        ("GET", ["v1", "vaults", _, _]) => (200, rows(1)),
        ("PUT", ["v1", "vaults", _, _, id]) => (200, updated(id)),
        ("DELETE", ["v1", "vaults", _, _]) => {
            (200, Json::object([("RecordIDResponse", body.get("skyflow_ids").clone())]))
        }
        ("POST", ["v1", "detect", "deidentify", "string"]) => (200, deidentified()),
        ("POST", ["v1", "detect", "reidentify", "string"]) => {
            (200, Json::object([("text", Json::text("My name is Jane Doe and my SSN is 123-45-6789."))]))
        }
        ("POST", ["v1", "detect", "deidentify", "file", ..]) => {
            (200, Json::object([("run_id", Json::text("run-0001"))]))
        }
        ("GET", ["v1", "detect", "runs", _]) => (200, run()),
        ("POST", ["v2", "vaults", _, "files", "upload"]) => {
            (200, Json::object([("skyflowID", Json::text(id(7))), ("fileMetadata", Json::Null)]))
        }
        (method, _) => (404, no_route(method, &sent.path)),
    }
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn token() -> Json {
    let claims =
        [("iss", Json::text("peerlab")), ("sub", Json::text("svc")), ("exp", Json::text("now+3600"))];
    let token = Json::object([("kind", Json::text("jwt")), ("claims", Json::object(claims))]);
    Json::object([("accessToken", token), ("tokenType", Json::text("Bearer"))])
}

fn records(records: impl IntoIterator<Item = Json>) -> Json {
    Json::object([("records", Json::List(records.into_iter().collect()))])
}

fn rows(count: usize) -> Json {
    records((0..count).map(|number| {
        let fields = [("name", Json::text("S***ar")), ("skyflow_id", Json::text(id(number)))];
        Json::object([("fields", Json::object(fields)), ("tokens", Json::Null)])
    }))
}

fn tokens(fields: &Json, number: usize) -> Json {
    Json::object(
        fields.members().iter().map(|(name, _)| (name.clone(), Json::text(format!("tok-{name}-{number}")))),
    )
}

fn inserted_row(record: &Json, wanted: &Json, number: usize) -> Json {
    let tokens =
        if wanted.as_bool() == Some(true) { tokens(record.get("fields"), number) } else { Json::Null };
    Json::object([("skyflow_id", Json::text(id(number))), ("tokens", tokens)])
}

fn inserted(body: &Json) -> Json {
    let wanted = body.get("tokenization");
    records(body.get("records").elements().iter().enumerate().map(|(n, row)| inserted_row(row, wanted, n)))
}

fn batch(vault: &str, body: &Json) -> Json {
    let entries = body.get("records").elements().iter().enumerate().map(|(number, row)| {
        let inner = records([inserted_row(row, row.get("tokenization"), number)]);
        Json::object([("Body", inner), ("Status", Json::number(200))])
    });
    Json::object([("vaultID", Json::text(vault)), ("responses", Json::List(entries.collect()))])
}

fn updated(id: &str) -> Json {
    Json::object([("skyflow_id", Json::text(id)), ("tokens", Json::Null)])
}

fn detokenized(body: &Json) -> Json {
    records(body.get("detokenizationParameters").elements().iter().map(|parameter| {
        Json::object([
            ("token", parameter.get("token").clone()),
            ("valueType", Json::text("STRING")),
            ("value", Json::text("4111111111111111")),
            ("error", Json::Null),
        ])
    }))
}

fn tokenized(body: &Json) -> Json {
    let count = body.get("tokenizationParameters").elements().len();
    records((0..count).map(|number| Json::object([("token", Json::text(format!("tok-{number}")))])))
}

/// The recording server finds the same two entities in every text.
fn deidentified() -> Json {
    let entity = |name: &str, value: &str, at: [i64; 4], scores: &[(&str, f64)]| {
        let places = ["start_index", "end_index", "start_index_processed", "end_index_processed"];
        let scores = scores.iter().map(|(label, score)| (*label, Json::number(score)));
        Json::object([
            ("token", Json::text(format!("{name}_1"))),
            ("value", Json::text(value)),
            ("location", Json::object(places.into_iter().zip(at.map(Json::number)))),
            ("entity_type", Json::text(name)),
            ("entity_scores", Json::object(scores)),
        ])
    };
    let found = vec![
        entity("NAME", "Jane Doe", [11, 19, 11, 19], &[("NAME", 0.9823), ("NAME_GIVEN", 0.51)]),
        entity("SSN", "123-45-6789", [34, 45, 34, 41], &[("SSN", 0.9411)]),
    ];
    Json::object([
        ("processed_text", Json::text("My name is [NAME_1] and my SSN is [SSN_1].")),
        ("entities", Json::List(found)),
        ("word_count", Json::number(9)),
        ("character_count", Json::number(46)),
    ])
}

fn run() -> Json {
    let output = |content: &str, kind: &str, extension: &str| {
        Json::object([
            ("processedFile", Json::text(content)),
            ("processedFileType", Json::text(kind)),
            ("processedFileExtension", Json::text(extension)),
        ])
    };
    let outputs = vec![
        output("cmVkYWN0ZWQgY29udGVudA==", "redacted_file", "txt"),
        output("W3siZW50aXR5IjoiTkFNRSJ9XQ==", "entities", "json"),
    ];
    let counts = [("wordCount", Json::number(2)), ("characterCount", Json::number(16))];
    Json::object([
        ("status", Json::text("SUCCESS")),
        ("outputType", Json::text("BASE64")),
        ("message", Json::text("")),
        ("output", Json::List(outputs)),
        ("size", Json::number(0.05)),
        ("wordCharacterCount", Json::object(counts)),
        ("duration", Json::number(0)),
        ("pages", Json::number(0)),
        ("slides", Json::number(0)),
    ])
}

fn no_route(method: &str, path: &str) -> Json {
    let error = Json::object([
        ("grpc_code", Json::number(5)),
        ("http_code", Json::number(404)),
        ("http_status", Json::text("Not Found")),
        ("message", Json::text(format!("no route for {method} {path}"))),
        ("details", Json::List(Vec::new())),
    ]);
    Json::object([("error", error)])
}
