//! A call that fails looks the same to its caller over each protocol.

use http::StatusCode;
use serde_json::json;
use skyflow::{Credentials, ErrorKind, GetRequest, InsertRequest};
use skyflow_emulator::Fault;

use crate::places::Place;

/// What a caller learns of a failed call.
type Failure = (ErrorKind, Option<u16>, bool, u32);

type Make = fn() -> Fault;

#[tokio::test]
async fn faults_look_alike_over_every_protocol() {
    let faults: [(&str, Make); 8] = [
        ("status", || Fault::status(StatusCode::SERVICE_UNAVAILABLE)),
        ("close", Fault::close_before_response),
        ("commit", Fault::commit_then_close),
        ("html", Fault::html_502),
        ("empty", Fault::empty_body),
        ("json", Fault::bad_json),
        ("cut", Fault::truncate_body),
        ("shape", Fault::wrong_shape),
    ];
    let mut seen: Vec<Vec<(&str, Failure)>> = Vec::new();
    for place in Place::all().await {
        let key = Credentials::api_key(place.vault().api_key().expose()).unwrap();
        let vault = place.client_over(place.transport(), key).default_vault().unwrap();
        let mut failures = Vec::new();
        for (name, fault) in faults {
            for is_write in [true, false] {
                place.vault().inject(fault());
                let row = InsertRequest::new("table1").record(json!({"name": "Ada"}));
                let error = match is_write {
                    true => vault.insert(row).await.unwrap_err(),
                    false => vault.get(GetRequest::new("table1").all_rows()).await.unwrap_err(),
                };
                place.vault().clear_faults();
                let failure =
                    (error.kind(), error.http_code(), error.may_have_been_applied(), error.attempts());
                failures.push((name, failure));
            }
        }
        seen.push(failures);
    }
    for other in &seen[1..] {
        assert_eq!(other, &seen[0]);
    }
}
