//! The Management description, version 2026.04.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use skyflow_api::{ApiErrorBody, ErrorBody, authentication};
use skyflow_management::{
    accounts, detect_configurations, member_roles, roles, service_account_keys, service_accounts,
    token_exchange, types, vaults,
};

use crate::{keeps, reads_as, sends};

#[test]
fn token_responses_are_read_in_both_spellings() {
    let camel = json!({"accessToken": "t", "tokenType": "Bearer"});
    keeps::<authentication::GetToken>("token endpoint, schema", &camel);
    // The example of the same operation.
    let snake = json!({"access_token": "t", "token_type": "Bearer"});
    reads_as::<authentication::GetToken>("token endpoint, example", &snake, &camel);
    let issued = "urn:ietf:params:oauth:token-type:jwt";
    reads_as::<token_exchange::GetToken>(
        "outside tokens, example",
        &json!({"access_token": "t", "issued_token_type": issued, "token_type": "Bearer"}),
        &json!({"accessToken": "t", "issuedTokenType": issued, "tokenType": "Bearer"}),
    );
}

#[test]
fn service_account_is_created_without_its_resource() {
    let account = types::CreateServiceAccountData::default().name("billing").display_name("Billing");
    let body = types::CreateServiceAccountRequest::default().account_id("a1").service_account(account);
    sends(
        "service account create, example",
        service_accounts::Create::new(body),
        "POST /v1/serviceAccounts",
        &json!({"accountID": "a1", "serviceAccount": {"name": "billing", "displayName": "Billing"}}),
    );
    keeps::<service_accounts::Create>(
        "service account create",
        &json!({
            "clientID": "c1", "clientName": "billing", "keyID": "k1", "privateKey": "p",
            "tokenURI": "https://manage.skyflowapis.com/v1/auth/sa/oauth/token",
            "keyValidAfterTime": "2022-06-09T17:00:19Z", "keyValidBeforeTime": "2023-06-09T17:00:19Z",
            "apiKeyID": "", "apiKey": "", "keyAlgorithm": "KEY_ALG_RSA_2048",
        }),
    );
    sends(
        "key rotation",
        service_account_keys::Rotate::new("s1", "k1"),
        "PUT /v1/serviceAccounts/s1/keys/k1/rotate",
        &json!(null),
    );
}

#[test]
fn audit_blocks_and_conditions_are_kept() {
    let audit = json!({"CreatedBy": "u1", "LastModifiedBy": "", "CreatedOn": "2022-06-09 17:00:19.681177519 +0000 UTC",
        "LastModifiedOn": ""});
    let vault = json!({"ID": "v1", "name": "customers", "namespace": "skyflow:s/account:a/vault:v1", "status": "CREATION_IN_PROGRESS",
        "BasicAudit": audit, "openapiSpec": ""});
    keeps::<vaults::Get>("vault", &json!({"vault": vault, "workspaceID": "w1"}));
    keeps::<member_roles::List>(
        "roles of a member",
        &json!({"roleToResource": [{
            "role": {"ID": "r1", "definition": {"name": "VAULT_OWNER", "type": "SYSTEM"}, "BasicAudit": audit},
            "resource": {"ID": "v1", "type": "VAULT"},
        }]}),
    );
    let body = types::AssignRoleRequest::default().id("r1").condition("request.context == 'user-7'");
    sends(
        "role assign",
        roles::Assign::new(body),
        "POST /v1/roles/assign",
        &json!({"ID": "r1", "condition": "request.context == 'user-7'"}),
    );
}

#[test]
fn lists_of_the_older_groups_have_dotted_names() {
    sends(
        "roles of a resource",
        roles::List::new("v1", types::ResourceType::Vault).name("VAULT_OWNER"),
        "GET /v1/roles?resource.ID=v1&resource.type=VAULT&name=VAULT_OWNER",
        &json!(null),
    );
    sends(
        "accounts",
        accounts::List::new().offset("0").limit("25"),
        "GET /v1/accounts?offset=0&limit=25",
        &json!(null),
    );
}

#[test]
fn token_exchange_configurations_are_listed() {
    let config = json!({"ID": "x1", "name": "outside", "issuer": "https://issuer.example.test", "publicKeyJWKURI": "https://issuer.example.test/keys",
        "contextClaims": ["sub"], "serviceAccountIDs": ["s1"], "accountID": "a1"});
    keeps::<token_exchange::ListConfigs>("STS configurations", &json!({"stsConfigs": [config]}));
    let body = types::CreateStsConfigRequest::new("https://issuer.example.test");
    sends(
        "STS configuration",
        token_exchange::CreateConfig::new(body),
        "POST /v1/sts/config",
        &json!({"issuer": "https://issuer.example.test"}),
    );
}

#[test]
fn column_mappings_are_read_in_both_spellings() {
    let mapping =
        json!([{"entity_types": ["gender_sexuality"], "table_name": "table1", "column_name": "gender"}]);
    for member in ["column_mappings", "columns_mappings"] {
        let image = json!({"masking_method": "blackout"});
        let body = json!({"vault_id": "v1", "configuration_id": "c1", "image": image, member: mapping});
        keeps::<detect_configurations::Get>("Detect configuration, schema and example", &body);
    }
}

#[test]
fn conflicts_have_grpc_code_10() {
    let body = json!({"error": {"grpc_code": 10, "http_code": 409, "http_status": "Conflict", "message": "m", "details": []}});
    let error = ApiErrorBody::read(StatusCode::CONFLICT, &HeaderMap::new(), &Bytes::from(body.to_string()));
    assert_eq!((error.grpc_code, error.http_status.as_deref()), (Some(10), Some("Conflict")));
}
