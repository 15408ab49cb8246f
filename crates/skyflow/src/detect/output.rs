use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Serialize, Serializer};

use super::output_file::OutputFile;
use crate::Error;
use crate::media_type::media_type_of;

pub use skyflow_api::types::ProcessedFileType as OutputKind;

/// The longest name of a file, in bytes: what the usual file systems take.
const NAME_LIMIT: usize = 255;
/// The longest extension that a server may give a file.
const EXTENSION_LIMIT: usize = 16;
/// How many names are tried before a directory is taken to be full of them.
const NUMBERS: u32 = 10_000;

/// One file that Detect made.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct DetectOutput {
    /// The content; Base64 where it is serialized. Empty when the server returns a path in its place.
    #[serde(serialize_with = "as_base64")]
    pub content: Bytes,
    /// Where the server has stored the file, when it returns a path (`EFS_PATH`) in place of the content. An output
    /// directory does not receive such a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What it is, such as `redacted_file` or `entities`; `None` when the server does not say.
    pub kind: Option<OutputKind>,
    /// The extension that goes with the content, as the server says it; empty when it does not. A saved file then has
    /// the extension of its input, and a list of entities `json`.
    pub extension: String,
    /// The media type that goes with the extension; `application/octet-stream` for one that is not known.
    pub media_type: &'static str,
    /// A name to store it under: `processed-<name>.<extension>`, after the file's name where it is known and after the
    /// run otherwise. It has no directory in it. No two outputs of a run have the same.
    pub file_name: String,
}

fn as_base64<S: Serializer>(content: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(content))
}

/// Names outputs after the file that they were made of.
pub(super) fn name_after(stem: &str, outputs: &mut [DetectOutput]) {
    let mut extensions: Vec<String> = Vec::with_capacity(outputs.len());
    for output in outputs {
        let extension = clean_extension(&output.extension);
        let same = extensions.iter().filter(|known| **known == extension).count();
        let number = u32::try_from(same + 1).unwrap_or(u32::MAX);
        output.file_name = file_name(stem, number, &extension);
        extensions.push(extension);
    }
}

impl DetectOutput {
    pub(super) fn from_wire(OutputFile { file, path }: OutputFile) -> Self {
        let extension = file.processed_file_extension.unwrap_or_default();
        Self {
            content: file.processed_file.unwrap_or_default().into_bytes(),
            path,
            kind: file.processed_file_type,
            media_type: media_type_of(&format!(".{extension}")),
            extension,
            file_name: String::new(),
        }
    }
}

impl fmt::Debug for DetectOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetectOutput")
            .field("content", &self.content.len())
            .field("path", &self.path.is_some())
            .field("kind", &self.kind)
            .field("extension", &self.extension)
            .finish_non_exhaustive()
    }
}

/// Where outputs are to go, as the request says it.
#[derive(Clone, Debug, Default)]
pub(super) struct Destination {
    pub(super) directory: Option<PathBuf>,
    pub(super) overwrite: bool,
}

/// Writes the setters that both requests for files have.
macro_rules! destination_setters {
    () => {
        /// Writes what is made into this directory, which must exist. The files are called
        /// `processed-<name>.<extension>`, after the file's name without its extension; the response tells where they
        /// are. With a directory for each file it is seen which belong together. Only their owner may read them, where
        /// the system has such permissions.
        pub fn output_directory(mut self, directory: impl Into<std::path::PathBuf>) -> Self {
            self.destination.directory = Some(directory.into());
            self
        }

        /// Replaces files of the same name in the output directory; otherwise a new file gets a number.
        pub fn overwrite(mut self, yes: bool) -> Self {
            self.destination.overwrite = yes;
            self
        }
    };
}

pub(super) use destination_setters;

impl Destination {
    /// Finds out whether the directory can be written to, before a run is paid for.
    ///
    /// Outputs of which the server does not say the extension get `extension`.
    pub(super) async fn open(&self, stem: String, extension: &str) -> Result<Option<OutputDirectory>, Error> {
        let Some(directory) = &self.directory else { return Ok(None) };
        let refused = |source: io::Error| {
            let problem = match source.kind() {
                io::ErrorKind::NotFound => "does not exist",
                _ => "is not a directory that can be written to",
            };
            Error::invalid("output_directory", problem).with_source(source)
        };
        // From here on it is this directory, whatever becomes of the working directory.
        let (directory, overwrite, extension) = (directory.clone(), self.overwrite, extension.to_owned());
        let opened = blocking(move || {
            let opened = OutputDirectory { path: fs::canonicalize(directory)?, stem, extension, overwrite };
            opened.probe()?;
            Ok(opened)
        });
        opened.await.map(Some).map_err(refused)
    }
}

/// A directory that outputs are written into, and what they are called.
#[derive(Clone)]
pub(super) struct OutputDirectory {
    path: PathBuf,
    stem: String,
    /// For outputs of which the server does not say the extension.
    extension: String,
    overwrite: bool,
}

impl OutputDirectory {
    pub(super) fn overwriting(self, overwrite: bool) -> Self {
        Self { overwrite, ..self }
    }

    /// Makes a file and removes it: permissions, quotas and read-only file systems are known only by trying.
    fn probe(&self) -> io::Result<()> {
        let (path, file) = self.create(temporary_name)?;
        drop(file);
        fs::remove_file(path)
    }

    /// Writes each output into a separate file; the paths are in the order of the outputs.
    ///
    /// A write continues after its future was dropped, so that no partial file is left.
    pub(super) async fn save(&self, outputs: &[DetectOutput]) -> Result<Vec<PathBuf>, Error> {
        let (directory, outputs) = (self.clone(), outputs.to_vec());
        blocking(move || directory.write_all(&outputs)).await.map_err(Error::unsaved)
    }

    fn write_all(&self, outputs: &[DetectOutput]) -> io::Result<Vec<PathBuf>> {
        // A run takes its time, and another directory may have taken the place of this one.
        if fs::canonicalize(&self.path)? != self.path {
            return Err(io::Error::other("the path leads to another directory by now"));
        }
        let mut saved: Vec<PathBuf> = Vec::with_capacity(outputs.len());
        for output in outputs.iter().filter(|output| output.path.is_none()) {
            saved.push(self.write(output, &saved)?);
        }
        Ok(saved)
    }

    fn write(&self, output: &DetectOutput, siblings: &[PathBuf]) -> io::Result<PathBuf> {
        let extension = self.extension_of(output);
        let name = |number| file_name(&self.stem, number, &extension);
        if !self.overwrite {
            let (path, mut file) = self.create(name)?;
            return or_remove(path, |_| file.write_all(&output.content));
        }
        // Outputs of one run never replace each other.
        let target = (1..=NUMBERS).map(name).map(|name| self.path.join(name));
        let target =
            target.into_iter().find(|path| !siblings.contains(path)).ok_or(io::ErrorKind::AlreadyExists)?;
        // A file that is renamed replaces a link itself and not what it points to, and is never seen half written.
        let (temporary, mut file) = self.create(temporary_name)?;
        or_remove(temporary, |temporary| {
            file.write_all(&output.content)?;
            fs::rename(temporary, &target)
        })?;
        Ok(target)
    }

    fn extension_of(&self, output: &DetectOutput) -> String {
        let of_input = match output.kind {
            Some(OutputKind::Entities) => "json",
            _ => &self.extension,
        };
        let known = [output.extension.as_str(), of_input].map(clean_extension);
        known.into_iter().find(|extension| !extension.is_empty()).unwrap_or_else(|| "bin".to_owned())
    }

    /// Creates a file that was not there, under the first name that is free.
    fn create(&self, name: impl Fn(u32) -> String) -> io::Result<(PathBuf, fs::File)> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        // Files with values are readable by their owner only.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        for number in 1..=NUMBERS {
            let path = self.path.join(name(number));
            // It follows no link: whatever has the name already is left alone.
            match options.open(&path) {
                Ok(file) => return Ok((path, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

fn temporary_name(number: u32) -> String {
    format!(".processed-{number}.tmp")
}

/// Does the rest of what makes a file; when it fails, half a file is not left behind.
fn or_remove(path: PathBuf, rest: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<PathBuf> {
    match rest(&path) {
        Ok(()) => Ok(path),
        Err(error) => {
            // What went wrong is told; that the file could not be removed either would add nothing.
            let _ = fs::remove_file(&path);
            Err(error)
        }
    }
}

/// Does work with files on a thread that may wait for them.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// The name of a file without directories and extension, with nothing in it that means something to a file system.
pub(super) fn file_stem(file_name: &str) -> String {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    };
    let clean =
        |letter: char| if letter.is_alphanumeric() || "-_. ()".contains(letter) { letter } else { '_' };
    // Windows drops dots and spaces at the end of a name.
    let stem: String = stem.chars().map(clean).collect();
    match stem.trim_matches(['.', ' ']) {
        "" => "file".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

/// The extension comes from the server, and must not lead anywhere.
fn clean_extension(extension: &str) -> String {
    let clean: String = extension.chars().filter(char::is_ascii_alphanumeric).take(EXTENSION_LIMIT).collect();
    clean.to_ascii_lowercase()
}

/// The prefix keeps names such as `CON` from being devices on Windows.
fn file_name(stem: &str, number: u32, extension: &str) -> String {
    let suffix = if number > 1 { format!("-{number}") } else { String::new() };
    let room = NAME_LIMIT.saturating_sub("processed-.".len() + suffix.len() + extension.len());
    let end = (0..=room.min(stem.len())).rev().find(|end| stem.is_char_boundary(*end));
    let stem = end.and_then(|end| stem.get(..end)).unwrap_or_default();
    format!("processed-{stem}{suffix}.{extension}")
}
