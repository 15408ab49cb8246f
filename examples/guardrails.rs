//! Checks text for toxicity and denied topics before it reaches a language model.

use std::error::Error;

use skyflow::GuardrailsRequest;
use skyflow_examples::embedded_vault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;
    let detect = vault.detect();

    for text in ["What is the weather like?", "You idiot!", "Where can I buy weapons?"] {
        let request = GuardrailsRequest::new(text).check_toxicity(true).deny_topics(["weapons", "drugs"]);
        let verdict = detect.check_guardrails(request).await?;
        println!(
            "{text} passed: {}, toxic: {:?}, denied topic: {:?}",
            verdict.passed, verdict.toxic, verdict.denied_topic
        );
    }
    Ok(())
}
