//! Replaces the sensitive data of a text with each kind of token.

use std::error::Error;

use skyflow::{DateShift, DeidentifyTextRequest, DetectEntity, TokenFormat, TokenKind};
use skyflow_examples::embedded_vault;

const TEXT: &str = "My name is Zoë Miller, born 5 June 1990. Card 4111 1111 1111 1111, SSN 123-45-6789, \
                    mail zoe.miller@example.com or call (415) 555-2671. My colleague John Doe knows more.";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;
    let detect = vault.detect();

    let response = detect.deidentify_text(DeidentifyTextRequest::new(TEXT)).await?;
    println!("counted:    {}", response.processed_text);
    println!("            {:?} words, {:?} characters", response.word_count, response.char_count);
    for entity in &response.entities {
        // Positions are counted in characters, and strings in bytes: `slice` knows the difference.
        let value = entity.text_index.and_then(|index| index.slice(TEXT));
        let token = entity.processed_index.and_then(|index| index.slice(&response.processed_text));
        println!("            {} is {}", value.unwrap_or("?"), token.unwrap_or("?"));
        assert_eq!(value, Some(entity.value.as_str()));
    }

    let only = DeidentifyTextRequest::new(TEXT)
        .entities([DetectEntity::SSN, DetectEntity::CREDIT_CARD])
        .token_format(TokenFormat::of(TokenKind::EntityOnly));
    println!("named only: {}", detect.deidentify_text(only).await?.processed_text);

    let shifted = DeidentifyTextRequest::new(TEXT)
        .entities([DetectEntity::DOB])
        .shift_dates(DateShift::days(10, 30).entities([DetectEntity::DOB]));
    println!("shifted:    {}", detect.deidentify_text(shifted).await?.processed_text);

    let ruled = DeidentifyTextRequest::new(TEXT).allow_regex(["John"]).restrict_regex(["123-45-6789"]);
    println!("ruled:      {}", detect.deidentify_text(ruled).await?.processed_text);
    Ok(())
}
