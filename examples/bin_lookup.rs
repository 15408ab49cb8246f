//! Looks up the issuer of a card by the first digits of its number.

use std::error::Error;

use skyflow::api::types::BinLookupRequest;
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;
    for card in vault.bin_lookup(BinLookupRequest::default().bin("411111")).await? {
        println!(
            "{} {} of {}, {}",
            card.card_scheme.unwrap_or_default(),
            card.card_type.unwrap_or_default(),
            card.issuer_name.unwrap_or_default(),
            card.country_code.unwrap_or_default(),
        );
    }
    Ok(())
}
