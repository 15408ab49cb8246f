use http::Request;
use skyflow_http::Body;

use crate::requests::traces;
use crate::support::{Response, TOKEN_PATH, send};
use crate::vault::Place;

/// What the service refuses, by the recorded call: the status, and why.
const REFUSED: &[(&str, u16, &str)] = &[
    ("bearer_ctx_bad_key", 400, "the keys of a context are letters, digits and _"),
    ("detokenize_not_found", 404, "the token is unknown"),
    ("insert_byot_disable_with_tokens", 400, "tokens without a mode for them"),
    ("insert_homogeneous_with_upsert", 400, "the two exclude each other"),
    ("insert_empty_record", 400, "a record without fields"),
    ("update_only_skyflow_id", 400, "a record without fields"),
    ("update_empty_skyflow_id", 404, "no id in the path"),
    ("update_skyflow_id_reserved_chars", 404, "a slash in the id is sent as it is"),
    ("update_tokens_with_disable", 400, "tokens without a mode for them"),
    ("update_byot_strict_mismatch", 400, "not every field has a token"),
    ("get_detect_run_reserved_chars", 404, "a slash in the id is sent as it is"),
    ("get_id_reserved_chars", 404, "the ids are unknown"),
    ("get_by_column_reserved_chars", 400, "the column is unknown"),
    ("deidentify_file_no_extension", 400, "the format is a piece of the path"),
    ("upload_object_without_name", 400, "the form has no file"),
    ("invoke_path_param_injection", 501, "the path is one of the management API"),
];

/// Files with vault tokens: the published description has them for texts, and the vault need not.
const EITHER: [&str; 2] = ["deidentify_file_txt_all_options", "deidentify_file_vault_token_format"];

/// The refusal that is known for a request of a call, if any.
fn refusal(case: &str, sdk: &str, is_poll: bool) -> Option<u16> {
    if is_poll && case.starts_with("deidentify") {
        return None;
    }
    let known = REFUSED.iter().find(|(known, _, _)| *known == case);
    // The Node SDK encodes paths.
    let is_encoded = sdk == "node" && case.ends_with("reserved_chars") && case.starts_with("update");
    known.filter(|_| !is_encoded).map(|(_, status, _)| *status)
}

#[tokio::test]
async fn recorded_requests_of_both_sdks_are_accepted() {
    let traces = traces();
    let mut place = Place::new(&traces);
    let mut problems = Vec::new();
    let mut sent = 0;
    for trace in &traces {
        for recorded in &trace.requests {
            place.fill(recorded).await;
            let response = match place.token_request(recorded) {
                Some(body) => {
                    let request = Request::post(TOKEN_PATH).body(Body::from(body.to_string())).unwrap();
                    send(&place.client.vault, request).await
                }
                None => {
                    let put = place.replacements().await;
                    let request = recorded.sendable(&put).request(&place.client.bearer).unwrap();
                    send(&place.client.vault, request).await
                }
            };
            sent += 1;
            if let Some(problem) =
                problem(&response, &trace.case, refusal(&trace.case, &trace.sdk, recorded.is_poll()))
            {
                problems.push(format!("{} {}: {problem}", trace.sdk, trace.case));
            }
        }
    }
    assert!(sent > 380, "{sent}");
    assert!(problems.is_empty(), "{} of {sent}:\n{}", problems.len(), problems.join("\n"));
}

/// Compares a response with what is expected: success, or a known refusal.
fn problem(response: &Response, case: &str, refusal: Option<u16>) -> Option<String> {
    let status = response.status.as_u16();
    let is_expected = (status == 400 && EITHER.contains(&case))
        || refusal.map_or(response.status.is_success(), |refusal| refusal == status);
    (!is_expected).then(|| format!("{status} {}", response.body))
}
