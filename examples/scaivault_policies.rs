//! Access policies: create, bind, test.

use scaivault::Client;
use scaivault_emulator::EmbeddedScaiVault;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Connects to an embedded server. Against a real one, `Client::from_env()` is all there is.
async fn connect() -> Result<(scaivault_emulator::Server, Client), Failure> {
    let server = EmbeddedScaiVault::builder().build()?.serve().await?;
    let token = server.vault().token().clone();
    let client = Client::builder().base_url(server.base_url()).token(token).build()?;
    Ok((server, client))
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    use scaivault::policies::{Permission, PolicyConditions, PolicyRule, PolicyTestContext};

    let (server, client) = connect().await?;
    let rule = PolicyRule::new("environments/production/**", ["read", "list"])
        .conditions(PolicyConditions::default().ip_ranges(["10.0.0.0/8"]).require_mfa(true));
    let policy = client
        .policies()
        .create("production-read-only", [rule])
        .description("Developers read production from VPN + MFA")
        .await?;
    client.policies().bind(&policy.id, "group", "group:developers").await?;
    let alice = scaivault_emulator::Identity::new("user:alice@acme.example").groups(["group:developers"]);
    server.vault().issue_token(alice)?;

    for mfa in [false, true] {
        let decision = client
            .policies()
            .test("user:alice@acme.example", "environments/production/salesforce/oauth", Permission::Read)
            .context(PolicyTestContext::default().source_ip("10.0.1.50").mfa_verified(mfa))
            .await?;
        println!("with a second factor {mfa}: allowed {}", decision.allowed);
    }
    Ok(())
}
