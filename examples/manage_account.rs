//! Lists the vaults of a workspace and the roles of each, through the Management API.
//!
//! The embedded vault does not have this API, so a scripted service responds here, in the form of the API description.
//! Without `transport`, the same program lists a real account.

use std::error::Error;

use serde_json::json;
use skyflow_auth::Credentials;
use skyflow_management::types::ResourceType;
use skyflow_management::{Client, roles, vaults};
use skyflow_testkit::{Reply, Scripted};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = management_host();
    let client = Client::builder()
        .account_id("a451b783713e4424a7d761bb7bbc84eb")
        .credentials(Credentials::api_key("sky-abcde-0123456789abcdef0123456789abcdef")?)
        .transport(service.service())
        .build()?;

    let found = client.send(vaults::List::new("w2d4").limit("10")).await?.into_body();
    for vault in &found.vaults {
        let (Some(id), Some(name)) = (&vault.id, &vault.name) else { continue };
        println!("{name}: {:?}", vault.status);
        let found = client.send(roles::List::new(id, ResourceType::Vault)).await?.into_body();
        for definition in found.roles.iter().filter_map(|role| role.definition.as_ref()) {
            println!(
                "  {:?} with {} permissions",
                definition.name,
                definition.permissions.iter().flatten().count()
            );
        }
    }

    let error = client.send(vaults::Get::new("unknown")).await.err().ok_or("this vault does not exist")?;
    println!("unknown: not found: {}, {error}", error.is_not_found());

    let accounts: Vec<_> =
        service.requests().iter().map(|sent| sent.header("x-skyflow-account-id").to_owned()).collect();
    println!("{} calls for account {}", accounts.len(), accounts[0]);
    Ok(())
}

/// Responds as the management host does.
fn management_host() -> Scripted {
    Scripted::from_fn(|request| match (request.uri.path(), request.uri.query().unwrap_or_default()) {
        ("/v1/vaults", _) => Reply::json(
            200,
            &json!({"vaults": [
                {"ID": "v1", "name": "customers", "status": "ACTIVE"},
                {"ID": "v2", "name": "payments", "status": "CREATION_IN_PROGRESS"},
            ]}),
        ),
        ("/v1/roles", "resource.ID=v1&resource.type=VAULT") => Reply::json(
            200,
            &json!({"roles": [
                {"ID": "r1", "definition": {"name": "VAULT_OWNER", "permissions": ["vault.read", "vault.update"], "type": "SYSTEM"}},
                {"ID": "r2", "definition": {"name": "SUPPORT", "permissions": ["records.read"], "type": "CUSTOM"}},
            ]}),
        ),
        ("/v1/roles", _) => Reply::json(200, &json!({"roles": []})),
        _ => Reply::json(
            404,
            &json!({"error": {"grpc_code": 5, "http_code": 404, "http_status": "Not Found", "details": [],
                "message": "The requested resource wasn't found."}}),
        ),
    })
}
