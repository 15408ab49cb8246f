//! Waits for a run that takes longer than 64 seconds, and goes on waiting for it in another process.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use skyflow::http::ManualClock;
use skyflow::{Credentials, DeidentifyFileRequest, FileSource, Skyflow, VaultConfig};
use skyflow_emulator::EmbeddedVault;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A clock that moves when somebody waits, so that the example takes no ten minutes.
    let clock = Arc::new(ManualClock::auto_advancing());
    let embedded =
        EmbeddedVault::builder().clock(clock.clone()).detect_run_time(Duration::from_secs(600)).build()?;
    let config = VaultConfig::new(embedded.vault_id(), embedded.cluster_id())
        .credentials(Credentials::api_key(embedded.api_key().clone())?);
    let client = || {
        Skyflow::builder().vault(config.clone()).transport(embedded.service()).clock(clock.clone()).build()
    };

    let detect = client()?.default_detect()?;
    let file = FileSource::bytes("letter.txt", "Dear Mr. John Doe, your SSN is 123-45-6789.");
    let run = detect.deidentify_file(DeidentifyFileRequest::new(file)).await?;
    println!("after 64 seconds: {}", run.status);

    // All that another process needs is the run id.
    let run_id = run.run_id;
    let elsewhere = client()?.default_detect()?;
    let mut asked = 0;
    let run = elsewhere
        .run(run_id)?
        .pauses(Duration::from_secs(5), Duration::from_secs(60))
        .on_progress(move |run| {
            asked += 1;
            println!("  answer {asked}: {}", run.status);
        })
        .wait()
        .await?
        .into_success()?;
    let file = run.file().ok_or("no file")?;
    println!("{}", String::from_utf8_lossy(&file.content));
    Ok(())
}
