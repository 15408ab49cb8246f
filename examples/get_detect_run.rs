//! Starts to de-identify a file, and gets the state of the run later, without waiting.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use skyflow::http::ManualClock;
use skyflow::{DeidentifyFileRequest, FileSource};
use skyflow_emulator::EmbeddedVault;
use skyflow_examples::in_process;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A run takes a minute here, by a clock that the example moves.
    let clock = ManualClock::new();
    let embedded = EmbeddedVault::builder()
        .clock(Arc::new(clock.clone()))
        .detect_run_time(Duration::from_secs(60))
        .build()?;
    let detect = in_process(&embedded)?.build()?.default_detect()?;

    let file = FileSource::bytes("letter.txt", "Dear Mr. John Doe, your SSN is 123-45-6789.");
    let poller = detect.start_deidentify_file(DeidentifyFileRequest::new(file)).await?;
    let run_id = poller.run_id().to_owned();

    let run = detect.get_detect_run(&run_id).await?;
    println!("started: {}, {} outputs", run.status, run.outputs.len());
    clock.advance(Duration::from_secs(60));
    let run = detect.get_detect_run(&run_id).await?.into_success()?;
    println!("a minute later: {}, {:?} words", run.status, run.word_count);
    let file = run.file().ok_or("no file")?;
    println!("{}: {}", file.file_name, String::from_utf8_lossy(&file.content));
    Ok(())
}
