//! De-identifies the files of a directory, each in its own format, and writes the results into another one.
//!
//! `cargo run --example deidentify_file -- FILE…` takes your files; by default it takes those of `examples/files`.

use std::error::Error;
use std::path::PathBuf;

use skyflow::{DeidentifyFileRequest, FileSource, RunStatus, TokenFormat, TokenKind};
use skyflow_examples::{embedded_vault, sample_files};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (_server, vault) = embedded_vault().await?;
    let detect = vault.detect();
    let named: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let files = if named.is_empty() { sample_files()? } else { named };
    let results = std::env::temp_dir().join("skyflow-deidentified");

    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A run makes several files; a directory for each keeps apart what belongs together.
        let directory = results.join(&name);
        std::fs::create_dir_all(&directory)?;
        let request = DeidentifyFileRequest::new(FileSource::path(&file))
            .token_format(TokenFormat::of(TokenKind::EntityUniqueCounter))
            .output_directory(&directory)
            .overwrite(true);
        let run = detect.deidentify_file(request).await?;
        match run.status {
            RunStatus::Success => {
                println!("{name}: {:?} words, {} entities", run.word_count, run.entities()?.len());
                run.saved.iter().for_each(|path| println!("  {}", path.display()));
            }
            status => println!("{name}: {status}: {}", run.message.unwrap_or_default()),
        }
    }
    Ok(())
}
