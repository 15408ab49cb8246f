use std::fmt;
use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use skyflow_api::types;
use tokio::io::AsyncWriteExt;

use crate::Error;

pub use skyflow_api::types::ProcessedFileType as OutputKind;

/// The longest name of a file, in bytes: what the usual file systems take.
const NAME_LIMIT: usize = 255;
/// The longest extension that a server's answer gives a file.
const EXTENSION_LIMIT: usize = 16;
/// How many names are tried before a directory is taken to be full of them.
const NUMBERS: u32 = 10_000;

/// One file that Detect made.
#[derive(Clone)]
#[non_exhaustive]
pub struct DetectOutput {
    /// The content.
    pub content: Bytes,
    /// What it is, such as `redacted_file` or `entities`; `None` when the server does not say.
    pub kind: Option<OutputKind>,
    /// The extension that goes with the content, as the server says it; empty when it does not.
    pub extension: String,
}

impl DetectOutput {
    pub(super) fn new(
        content: Option<skyflow_api::Base64>,
        kind: Option<OutputKind>,
        extension: Option<String>,
    ) -> Self {
        Self {
            content: content.unwrap_or_default().into_bytes(),
            kind,
            extension: extension.unwrap_or_default(),
        }
    }

    pub(super) fn from_wire(wire: types::ProcessedFile) -> Self {
        Self::new(wire.processed_file, wire.processed_file_type, wire.processed_file_extension)
    }
}

impl fmt::Debug for DetectOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetectOutput")
            .field("content", &self.content.len())
            .field("kind", &self.kind)
            .field("extension", &self.extension)
            .finish()
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
        /// `processed-<name>.<extension>`, after the file's name without its extension; the answer tells where they are.
        /// With a directory for each file it is seen which belong together.
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
    pub(super) async fn open(&self, stem: String) -> Result<Option<OutputDirectory>, Error> {
        let Some(directory) = &self.directory else { return Ok(None) };
        let refused = |source: io::Error| {
            let problem = match source.kind() {
                io::ErrorKind::NotFound => "does not exist",
                _ => "is not a directory that can be written to",
            };
            Error::invalid("output_directory", problem).with_source(source)
        };
        // From here on it is this directory, whatever becomes of links and of the working directory.
        let path = tokio::fs::canonicalize(directory).await.map_err(refused)?;
        let opened = OutputDirectory { path, stem, overwrite: self.overwrite };
        opened.probe().await.map_err(refused)?;
        Ok(Some(opened))
    }
}

/// A directory that outputs are written into, and what they are called.
#[derive(Clone)]
pub(super) struct OutputDirectory {
    path: PathBuf,
    stem: String,
    overwrite: bool,
}

impl OutputDirectory {
    /// Makes a file and removes it: permissions, quotas and read-only file systems are known only by trying.
    async fn probe(&self) -> io::Result<()> {
        let (path, file) = self.create(|number| format!(".processed-{number}.tmp")).await?;
        drop(file);
        tokio::fs::remove_file(path).await
    }

    /// Writes each output into a file of its own; the paths are in the order of the outputs.
    pub(super) async fn save(&self, outputs: &[DetectOutput]) -> Result<Vec<PathBuf>, Error> {
        let mut saved: Vec<PathBuf> = Vec::with_capacity(outputs.len());
        for output in outputs {
            let path = self.write(output, &saved).await.map_err(Error::unsaved)?;
            saved.push(path);
        }
        Ok(saved)
    }

    async fn write(&self, output: &DetectOutput, siblings: &[PathBuf]) -> io::Result<PathBuf> {
        let extension = clean_extension(&output.extension);
        let name = |number| file_name(&self.stem, number, &extension);
        if !self.overwrite {
            let (path, mut file) = self.create(name).await?;
            let unfinished = Unfinished(Some(path.clone()));
            fill(&mut file, &output.content).await?;
            unfinished.finish();
            return Ok(path);
        }
        // Outputs of one run never replace each other.
        let target = (1..=NUMBERS).map(name).map(|name| self.path.join(name));
        let target =
            target.into_iter().find(|path| !siblings.contains(path)).ok_or(io::ErrorKind::AlreadyExists)?;
        // A file that is renamed replaces a link itself and not what it points to, and is never seen half written.
        let (temporary, mut file) = self.create(|number| format!(".processed-{number}.tmp")).await?;
        let unfinished = Unfinished(Some(temporary.clone()));
        fill(&mut file, &output.content).await?;
        tokio::fs::rename(&temporary, &target).await?;
        unfinished.finish();
        Ok(target)
    }

    /// Creates a file that was not there, under the first name that is free.
    async fn create(&self, name: impl Fn(u32) -> String) -> io::Result<(PathBuf, tokio::fs::File)> {
        for number in 1..=NUMBERS {
            let path = self.path.join(name(number));
            // It follows no link: whatever has the name already is left alone.
            match tokio::fs::OpenOptions::new().write(true).create_new(true).open(&path).await {
                Ok(file) => return Ok((path, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

async fn fill(file: &mut tokio::fs::File, content: &[u8]) -> io::Result<()> {
    file.write_all(content).await?;
    file.flush().await
}

/// A file that is being written: half of it is not left behind, also when nobody waits for the rest any more.
struct Unfinished(Option<PathBuf>);

impl Unfinished {
    fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            // There is nobody to tell, and the file may be gone.
            let _ = std::fs::remove_file(path);
        }
    }
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
    if clean.is_empty() { "bin".to_owned() } else { clean.to_ascii_lowercase() }
}

/// The prefix keeps names such as `CON` from being devices on Windows.
fn file_name(stem: &str, number: u32, extension: &str) -> String {
    let suffix = if number > 1 { format!("-{number}") } else { String::new() };
    let room = NAME_LIMIT.saturating_sub("processed-.".len() + suffix.len() + extension.len());
    let stem = stem.get(..stem.floor_char_boundary(room)).unwrap_or_default();
    format!("processed-{stem}{suffix}.{extension}")
}
