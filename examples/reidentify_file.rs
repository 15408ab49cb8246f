//! Replaces the vault tokens of a file with values. De-identified files have no vault tokens; de-identified text has.

use std::error::Error;

use skyflow::{
    DeidentifyTextRequest, DetectEntity, FileSource, ReidentifyFileRequest, TokenFormat, TokenKind,
};
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;
    let detect = vault.detect();

    let note = DeidentifyTextRequest::new("Jane Doe, SSN 123-45-6789, called.")
        .token_format(TokenFormat::of(TokenKind::VaultToken));
    let note = detect.deidentify_text(note).await?.processed_text;
    let table = format!("ticket,note\n17,\"{note}\"\n");
    println!("stored:   {}", table.lines().last().unwrap_or_default());

    let request = ReidentifyFileRequest::new(FileSource::bytes("tickets.csv", table))
        .masked_entities([DetectEntity::SSN]);
    let response = detect.reidentify_file(request).await?;
    let file = response.output.ok_or("no file")?;
    println!("restored: {}", String::from_utf8_lossy(&file.content).lines().last().unwrap_or_default());
    Ok(())
}
