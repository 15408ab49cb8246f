//! Where the content of an output is: in the response, or at a path.

use bytes::Bytes;
use serde::Deserialize;
use skyflow_api::runtime::{decode_json, lossy_members, lossy_string};
use skyflow_api::types::{OutputType, ProcessedFile};
use skyflow_api::{DecodeError, Json, types};

use crate::elements::{Elements, Lenient, ReadBody, list_of, whole};

/// A file as the server returns it: its content, or its path.
pub(super) struct OutputFile {
    pub(super) file: ProcessedFile,
    pub(super) path: Option<String>,
}

impl From<ProcessedFile> for OutputFile {
    fn from(file: ProcessedFile) -> Self {
        Self { file, path: None }
    }
}

/// A run, and its outputs, each read on its own.
pub(super) struct ReadRun {
    pub(super) run: types::DetectRunResponse,
    pub(super) outputs: Elements<OutputFile>,
}

impl ReadBody for ReadRun {
    type Value = Self;

    fn read(body: &Bytes) -> Result<Self, DecodeError> {
        let mut run = match decode_json::<types::DetectRunResponse>(body) {
            Ok(run) if !is_path(run.output_type.as_ref()) => run,
            _ => {
                let run = Lenient::<types::DetectRunResponse>::read(body)?;
                let list = list_of(body, "output").unwrap_or_default();
                let at_paths = is_path(run.output_type.as_ref());
                let outputs = list.into_iter().map(|output| read(output, at_paths)).collect();
                return Ok(Self { run, outputs });
            }
        };
        let outputs = std::mem::take(&mut run.output);
        Ok(Self { run, outputs: outputs.into_iter().map(|file| Ok(file.into())).collect() })
    }
}

/// A re-identified file.
pub(super) struct ReadFile {
    pub(super) response: types::ReidentifyFileResponse,
    pub(super) output: Option<Result<OutputFile, Json>>,
}

impl ReadBody for ReadFile {
    type Value = Self;

    fn read(body: &Bytes) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Output {
            output: Option<Json>,
        }
        let mut response = match decode_json::<types::ReidentifyFileResponse>(body) {
            Ok(response) if !is_path(response.output_type.as_ref()) => response,
            _ => Lenient::<types::ReidentifyFileResponse>::read(body)?,
        };
        let at_paths = is_path(response.output_type.as_ref());
        if let Some(output) =
            response.output.take().filter(|output| output.processed_file.is_some() && !at_paths)
        {
            let mut file = ProcessedFile::default();
            file.processed_file = output.processed_file;
            file.processed_file_type = output.processed_file_type.map(|kind| kind.as_str().into());
            file.processed_file_extension = output.processed_file_extension;
            return Ok(Self { response, output: Some(Ok(file.into())) });
        }
        let output = whole(body).and_then(|json| json.decode::<Output>().ok()).and_then(|found| found.output);
        Ok(Self { response, output: output.map(|output| read(output, at_paths)) })
    }
}

/// Tells whether the files are paths: `EFS_PATH`, in any spelling.
fn is_path(kind: Option<&OutputType>) -> bool {
    kind.is_some_and(|kind| kind.as_str().to_ascii_uppercase().ends_with("PATH"))
}

/// Reads an output. Text that is no Base64 is a path too, where the response does not say that it is Base64.
fn read(output: Json, at_paths: bool) -> Result<OutputFile, Json> {
    if !output.get().starts_with('{') {
        return Err(output);
    }
    let members = lossy_members(output.get());
    let text =
        members.iter().rev().find(|(name, _)| matches!(name.as_str(), "processedFile" | "processed_file"));
    let text = text.and_then(|(_, value)| lossy_string(value.get()));
    if at_paths {
        let mut file = output.decode_lenient::<ProcessedFile>().unwrap_or_default();
        file.processed_file = None;
        return Ok(OutputFile { file, path: text });
    }
    match output.decode::<ProcessedFile>() {
        Ok(file) => Ok(file.into()),
        Err(_) => {
            let file = output.decode_lenient::<ProcessedFile>().unwrap_or_default();
            match text {
                // What is left is an output without its content.
                Some(text) if file.processed_file.is_none() && !looks_like_path(&text) => Err(output),
                Some(text) if file.processed_file.is_none() => Ok(OutputFile { file, path: Some(text) }),
                _ => Ok(file.into()),
            }
        }
    }
}

fn looks_like_path(text: &str) -> bool {
    text.starts_with(['/', '\\']) || text.contains("://") || text.starts_with("./") || text.contains(":\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(body: &str) -> Vec<Result<(usize, Option<String>), String>> {
        let read = ReadRun::read(&Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let shown =
            |output: OutputFile| (output.file.processed_file.unwrap_or_default().as_ref().len(), output.path);
        read.outputs.into_iter().map(|output| output.map(shown).map_err(|raw| raw.get().to_owned())).collect()
    }

    #[test]
    fn path_is_never_decoded_as_content() {
        for kind in ["EFS_PATH", "efs_path", "Efs_Path"] {
            // The second one is valid Base64.
            for path in ["/efs/run-1/processed.txt", "efs/run1/abcd"] {
                for (file, extension) in [
                    ("processedFile", "processedFileExtension"),
                    ("processed_file", "processed_file_extension"),
                ] {
                    let body = format!(
                        r#"{{"output":[{{"{file}":"{path}","{extension}":"txt"}}],"outputType":"{kind}","status":"SUCCESS"}}"#
                    );
                    assert_eq!(outputs(&body), [Ok((0, Some(path.to_owned())))], "{body}");
                }
            }
        }
    }

    #[test]
    fn bad_output_loses_neither_others_nor_the_run() {
        let body = r#"{"status":"SUCCESS","size":"x","outputType":"BASE64","output":[
            {"processedFile":"YWJj","processedFileType":7},{"processedFile":"n0 base64!"},7,{"processedFile":"YQ=="},
            {"processedFile":"/efs/a-path.txt"},{"processedFile":8}]}"#;
        let found = outputs(body);
        assert_eq!(found[0], Ok((3, None)));
        assert_eq!(found[1], Err(r#"{"processedFile":"n0 base64!"}"#.to_owned()));
        assert_eq!(found[2], Err("7".to_owned()));
        assert_eq!(found[3], Ok((1, None)));
        assert_eq!(found[4], Ok((0, Some("/efs/a-path.txt".to_owned()))));
        assert_eq!(found[5], Ok((0, None)));
        let read = ReadRun::read(&Bytes::copy_from_slice(body.as_bytes())).unwrap();
        assert_eq!((read.run.status.unwrap().as_str(), read.run.size), ("SUCCESS", None));
    }

    #[test]
    fn restored_file_may_be_a_path_too() {
        let body = br#"{"status":"SUCCESS","output_type":"EFS_PATH","output":{"processed_file":"/efs/x","processed_file_extension":"txt"}}"#;
        let read = ReadFile::read(&Bytes::from_static(body)).unwrap();
        assert_eq!(read.output.unwrap().ok().unwrap().path.as_deref(), Some("/efs/x"));
    }
}
