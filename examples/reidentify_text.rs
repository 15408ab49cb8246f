//! Replaces vault tokens with values: in clear, masked or redacted, as the request says.

use std::error::Error;

use skyflow::{
    Credentials, DeidentifyTextRequest, DetectEntity, ReidentifyTextRequest, Skyflow, TokenFormat, TokenKind,
    VaultConfig,
};
use skyflow_emulator::{NewServiceAccount, Role};
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (server, vault) = embedded_vault().await?;
    let detect = vault.detect();
    let text = "My name is Jane Doe and my SSN is 123-45-6789.";

    let request = DeidentifyTextRequest::new(text).token_format(TokenFormat::of(TokenKind::VaultToken));
    let tokens = detect.deidentify_text(request).await?.processed_text;
    println!("tokens:   {tokens}");

    let plain = detect.reidentify_text(ReidentifyTextRequest::new(&tokens)).await?.processed_text;
    println!("plain:    {plain}");
    assert_eq!(plain, text);

    let request = ReidentifyTextRequest::new(&tokens)
        .masked_entities([DetectEntity::SSN])
        .redacted_entities([DetectEntity::NAME]);
    println!("partly:   {}", detect.reidentify_text(request).await?.processed_text);

    // Only Detect Invokers and Vault Owners may call Detect: a viewer is refused.
    let viewer = NewServiceAccount::new("support").role(Role::VaultViewer);
    let key = server.vault().create_service_account(viewer)?.create_key()?;
    let config = VaultConfig::with_base_url(server.vault().vault_id(), server.base_url())
        .credentials(Credentials::from_json(key.credentials_json(&server.token_uri()).expose())?);
    let support = Skyflow::builder().vault(config).build()?.default_detect()?;
    let refused = support.reidentify_text(ReidentifyTextRequest::new(&tokens)).await.err();
    println!("a viewer: {:?}", refused.and_then(|error| error.http_code()));
    Ok(())
}
