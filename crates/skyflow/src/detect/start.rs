//! From a request to a run at the server: the file is read, checked and sent to the endpoint of its kind.

use skyflow_api::types as wire;
use skyflow_api::{ApiErrorBody, Base64, Operation, Response, files};

use super::file_format::{FileKind, format_of, has_vault_tokens, own_extension};
use super::options::fill_options;
use super::output::{Destination, OutputDirectory, file_stem};
use super::{DeidentifyFileRequest, Detect};
use crate::elements::Lenient;
use crate::handle::{Call, ReadAs};
use crate::{Error, FileSource};

/// Starts a run. Everything that can be found out before the run is paid for is found out first.
pub(super) async fn start(
    detect: &Detect,
    request: DeidentifyFileRequest,
) -> Result<(String, Option<OutputDirectory>), Error> {
    // The endpoint is not known yet; this one takes files of any kind.
    let refused = |error: Error| error.in_operation(files::Deidentify::INFO.name);
    request.check().map_err(refused)?;
    let given = request.data_format.as_deref();
    let has_vault_tokens = request.options.has_vault_tokens();
    let (format, content, directory) =
        opened(request.file, given, has_vault_tokens, &request.destination).await.map_err(refused)?;
    let skyflow_id = request.skyflow_id;
    let vault_id = detect.vault_id().as_str();
    let run_id = match FileKind::of(&format) {
        FileKind::Text => {
            let mut file = wire::TextFileData::new(content, format);
            file.skyflow_id = skyflow_id;
            let mut body = wire::DeidentifyTextRequest::new(vault_id, file);
            fill_options!(body, request.options);
            send(detect, files::DeidentifyText::new(body)).await
        }
        FileKind::Audio => {
            let mut file = wire::AudioFileData::new(content, format);
            file.skyflow_id = skyflow_id;
            let mut body = wire::DeidentifyAudioRequest::new(vault_id, file);
            body.output_processed_audio = request.output_processed_audio;
            body.output_transcription = request.output_transcription.map(|kind| kind.as_str().into());
            body.bleep_gain = request.bleep.gain;
            body.bleep_frequency = request.bleep.frequency.map(Into::into);
            body.bleep_start_padding = request.bleep.start_padding.map(|padding| padding.as_secs_f64());
            body.bleep_stop_padding = request.bleep.stop_padding.map(|padding| padding.as_secs_f64());
            fill_options!(body, request.options);
            send(detect, files::DeidentifyAudio::new(body)).await
        }
        FileKind::Pdf => {
            let mut file = wire::PdfFileData::new(content, format);
            file.skyflow_id = skyflow_id;
            let mut body = wire::DeidentifyPdfRequest::new(vault_id, file);
            body.density = request.pixel_density.map(Into::into);
            body.max_resolution = request.max_resolution.map(Into::into);
            fill_options!(body, request.options);
            send(detect, files::DeidentifyPdf::new(body)).await
        }
        FileKind::Image => {
            let mut file = wire::ImageFileData::new(content, format);
            file.skyflow_id = skyflow_id;
            let mut body = wire::DeidentifyImageRequest::new(vault_id, file);
            body.masking_method = request.masking_method.map(|method| method.as_str().into());
            body.output_processed_image = request.output_processed_image;
            body.output_ocr_text = request.output_ocr_text;
            fill_options!(body, request.options);
            send(detect, files::DeidentifyImage::new(body)).await
        }
        FileKind::Presentation => {
            let mut file = wire::PresentationFileData::new(content, format);
            file.skyflow_id = skyflow_id;
            let mut body = wire::DeidentifyPresentationRequest::new(vault_id, file);
            fill_options!(body, request.options);
            send(detect, files::DeidentifyPresentation::new(body)).await
        }
        FileKind::Spreadsheet => {
            let mut file = wire::SpreadsheetFileData::new(content, format);
            file.skyflow_id = skyflow_id;
            let mut body = wire::DeidentifySpreadsheetRequest::new(vault_id, file);
            fill_options!(body, request.options);
            send(detect, files::DeidentifySpreadsheet::new(body)).await
        }
        FileKind::Document => {
            let mut file = wire::DocumentFileData::new(content, format);
            file.skyflow_id = skyflow_id;
            let mut body = wire::DeidentifyDocumentRequest::new(vault_id, file);
            fill_options!(body, request.options);
            send(detect, files::DeidentifyDocument::new(body)).await
        }
        FileKind::StructuredText => {
            let mut file = wire::StructuredTextFileData::new(content, format);
            file.skyflow_id = skyflow_id;
            let mut body = wire::DeidentifyStructuredTextRequest::new(vault_id, file);
            fill_options!(body, request.options);
            send(detect, files::DeidentifyStructuredText::new(body)).await
        }
        FileKind::Any => {
            let mut file = wire::FileData::new(content, format);
            file.skyflow_id = skyflow_id;
            let mut body = wire::DeidentifyFileRequest::new(vault_id, file);
            fill_options!(body, request.options);
            send(detect, files::Deidentify::new(body)).await
        }
    }?;
    Ok((run_id, directory))
}

/// Finds out whether the output can be written, and reads the file.
async fn opened(
    file: FileSource,
    given_format: Option<&str>,
    with_vault_tokens: bool,
    destination: &Destination,
) -> Result<(String, Base64, Option<OutputDirectory>), Error> {
    let name = file.name();
    let format = format_of(&name, given_format)?;
    // The rule of the documentation; the Node, Go and Java SDKs refuse vault tokens for any file.
    if with_vault_tokens && !has_vault_tokens(&format) {
        let problem = "must not be a vault token: only csv, json, jsonl, txt and xml files support them";
        return Err(Error::invalid("token_format", problem));
    }
    let directory = destination.open(file_stem(&name), own_extension(&name, &format)).await?;
    let content = file.into_content().await?;
    if content.is_empty() {
        return Err(Error::invalid("file", "must not be empty"));
    }
    Ok((format, content.into(), directory))
}

async fn send<O>(detect: &Detect, operation: O) -> Result<String, Error>
where
    O: Operation<Output = wire::StartRunResponse, Error = ApiErrorBody>,
{
    let read = |response: Response<wire::StartRunResponse>| {
        let run_id = response.body.run_id.as_deref().and_then(last_segment);
        // A server that repeats a token there would bring it into errors.
        let run_id = run_id.filter(|id| response.progress.hide_sent(id) == **id);
        run_id.map(ToOwned::to_owned).ok_or_else(|| Error::bad_response("the response does not name the run"))
    };
    let call = Call::new(ReadAs::<_, Lenient<wire::StartRunResponse>>::new(operation));
    detect.vault.handle.call(Ok(call), read).await
}

/// Returns the id of a run. Servers name it by the id, by the path of its status, or by the URL.
fn last_segment(run_id: &str) -> Option<&str> {
    let path = run_id.split(['?', '#']).next().unwrap_or_default().trim().trim_end_matches('/');
    let id = path.rsplit('/').next().unwrap_or_default().trim();
    // A dot segment would be another path, and a scheme is all that is left of `https://`.
    (!matches!(id, "" | "." | "..") && !id.ends_with(':')).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_are_read_from_urls_and_paths() {
        let id = "9c4e2d1a-5b6c-4d7e-8f90-a1b2c3d4e5f6";
        for named in [
            id.to_owned(),
            format!(" {id}\n"),
            format!("/v1/detect/runs/{id}"),
            format!("v1/detect/runs/{id}/"),
            format!("https://cluster.vault.skyflowapis.com/v1/detect/runs/{id}?vault_id=a/b"),
            format!("https://cluster.vault.skyflowapis.com/v1/detect/runs/{id}#part"),
        ] {
            assert_eq!(last_segment(&named), Some(id), "{named}");
        }
        for nothing in ["", " ", "/", "?vault_id=v", "..", "/runs/..", "https://"] {
            assert_eq!(last_segment(nothing), None, "{nothing}");
        }
    }
}
