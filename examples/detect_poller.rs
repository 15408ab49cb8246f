//! Waits for a run that takes longer than a call may wait, and continues to wait for it in another process.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use skyflow::http::ManualClock;
use skyflow::{DeidentifyFileRequest, FileSource};
use skyflow_emulator::EmbeddedVault;
use skyflow_examples::in_process;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A run takes ten minutes here, by a clock that the example moves.
    let clock = ManualClock::new();
    let embedded = EmbeddedVault::builder()
        .clock(Arc::new(clock.clone()))
        .detect_run_time(Duration::from_secs(600))
        .build()?;
    let client = || Ok::<_, Box<dyn Error>>(in_process(&embedded)?.build()?);

    let file = FileSource::bytes("letter.txt", "Dear Mr. John Doe, your SSN is 123-45-6789.");
    let request = DeidentifyFileRequest::new(file).wait_time(Duration::from_secs(1));
    let run = client()?.default_detect()?.deidentify_file(request).await?;
    println!("after a second: {}", run.status);

    // All that another process needs is the run id.
    let run_id = run.run_id;
    let mut minutes = 0;
    let run = client()?
        .default_detect()?
        .run(run_id)?
        .pauses(Duration::from_millis(50), Duration::from_millis(200))
        .on_progress(move |run| {
            println!("after {minutes} minutes: {}", run.status);
            minutes += 4;
            clock.advance(Duration::from_secs(240));
        })
        .wait()
        .await?
        .into_success()?;
    let file = run.file().ok_or("no file")?;
    println!("{}", String::from_utf8_lossy(&file.content));
    Ok(())
}
