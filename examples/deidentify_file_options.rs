//! De-identifies an image, a recording and a PDF, each with the options of its kind.

use std::error::Error;
use std::time::Duration;

use skyflow::{
    Bleep, DeidentifyFileRequest, DetectEntity, DetectRun, FileSource, MaskingMethod, TokenFormat, TokenKind,
    Transcription, VaultConfig,
};
use skyflow::{Credentials, Skyflow};
use skyflow_emulator::{CannedRun, EmbeddedVault};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The embedded vault does not process audio, and images only with an OCR program: their results are canned.
    let image = CannedRun::of_format("png").output("redacted_image", "png", "the image with boxes").output(
        "redacted_text",
        "txt",
        "My name is [NAME_1].",
    );
    let recording = CannedRun::of_format("mp3")
        .output("redacted_audio", "mp3", "the recording with tones")
        .output("redacted_transcription", "txt", "My name is [NAME_1].")
        .duration_seconds(3.5);
    let server = EmbeddedVault::builder().canned_run(image).canned_run(recording).build()?.serve().await?;
    let credentials = Credentials::from_json(server.credentials_json().expose())?;
    let config =
        VaultConfig::with_base_url(server.vault().vault_id(), server.base_url()).credentials(credentials);
    let detect = Skyflow::builder().vault(config).build()?.default_detect()?;

    let image = DeidentifyFileRequest::new(FileSource::bytes("passport.png", "pixels"))
        .masking_method(MaskingMethod::Blackbox)
        .output_processed_image(true)
        .output_ocr_text(true);
    print("image", &detect.deidentify_file(image).await?.into_success()?);

    let bleep = Bleep::new().gain(-6.0).frequency(1000).start_padding(Duration::from_millis(200));
    let recording = DeidentifyFileRequest::new(FileSource::bytes("call.mp3", "sound"))
        .output_processed_audio(true)
        .output_transcription(Transcription::Plaintext)
        .bleep(bleep);
    print("recording", &detect.deidentify_file(recording).await?.into_success()?);

    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("files/sample.pdf");
    let pdf = DeidentifyFileRequest::new(FileSource::path(path))
        .entities([DetectEntity::NAME, DetectEntity::SSN])
        .token_format(TokenFormat::of(TokenKind::EntityOnly))
        .restrict_regex([r"\d{3}-\d{2}-\d{4}"])
        .pixel_density(300)
        .max_resolution(2000);
    print("PDF", &detect.deidentify_file(pdf).await?.into_success()?);
    server.shutdown().await;
    Ok(())
}

fn print(name: &str, run: &DetectRun) {
    let kinds: Vec<_> =
        run.outputs.iter().filter_map(|output| output.kind.as_ref()).map(|kind| kind.as_str()).collect();
    println!(
        "{name}: {}; {:?} seconds, {:?} pages",
        kinds.join(", "),
        run.duration_in_seconds,
        run.page_count
    );
}
