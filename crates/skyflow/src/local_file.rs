//! A file of this machine whose content is sent: streamed, and opened again when it has to be sent again.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use skyflow_http::{Body, files};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt};

/// How much of a file is in memory at a time.
const CHUNK: usize = 64 * 1024;

/// A regular file that is open.
pub(crate) struct LocalFile {
    path: PathBuf,
    file: File,
    version: Version,
}

/// What differs when a file has been written or replaced.
#[derive(Clone, PartialEq, Eq)]
struct Version {
    length: u64,
    modified: Option<SystemTime>,
    identity: Option<(u64, u64)>,
}

impl LocalFile {
    /// Opens a regular file; a pipe or a device is an error, without a wait for its other end.
    pub(crate) async fn open(path: &Path) -> io::Result<Self> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let file = files::open_regular(&path)?;
            let version = Version::of(&file.metadata()?);
            Ok::<_, io::Error>((path, file, version))
        });
        let (path, file, version) = opened.await.map_err(io::Error::other)??;
        Ok(Self { path, file: File::from_std(file), version })
    }

    pub(crate) fn length(&self) -> u64 {
        self.version.length
    }

    pub(crate) fn into_reader(self) -> File {
        self.file
    }

    /// Streams the content. A copy of the body opens the file again, and fails when the file has changed.
    pub(crate) fn into_body(self) -> Body {
        let Self { path, file, version } = self;
        let path: Arc<Path> = path.into();
        let first = Mutex::new(Some(file));
        Body::reopenable(move || {
            let source = match first.lock().unwrap_or_else(PoisonError::into_inner).take() {
                Some(file) => Source::Open(file),
                None => Source::Closed(Arc::clone(&path), version.clone()),
            };
            Body::from_stream(stream::try_unfold(source, |source| async move {
                let file = match source {
                    Source::Open(file) => file,
                    Source::Closed(path, version) => reopen(&path, &version).await?,
                };
                Ok::<_, io::Error>(next_chunk(file).await?.map(|(chunk, file)| (chunk, Source::Open(file))))
            }))
        })
    }
}

enum Source {
    Open(File),
    Closed(Arc<Path>, Version),
}

async fn reopen(path: &Path, version: &Version) -> io::Result<File> {
    let again = LocalFile::open(path).await?;
    match again.version == *version {
        true => Ok(again.file),
        false => Err(io::Error::other("the file has changed since it was sent first")),
    }
}

impl Version {
    fn of(metadata: &Metadata) -> Self {
        Self { length: metadata.len(), modified: metadata.modified().ok(), identity: identity(metadata) }
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}

/// Streams a reader until its end; it is read once.
pub(crate) fn streamed<R: AsyncRead + Send + Unpin + 'static>(reader: R) -> Body {
    Body::from_stream(stream::try_unfold(reader, next_chunk))
}

async fn next_chunk<R: AsyncRead + Unpin>(mut reader: R) -> io::Result<Option<(Bytes, R)>> {
    let mut chunk = BytesMut::with_capacity(CHUNK);
    // A reader may give little at a time, and a chunk keeps the memory of a whole one.
    while chunk.len() < CHUNK && reader.read_buf(&mut chunk).await? > 0 {}
    Ok((!chunk.is_empty()).then(|| (chunk.freeze(), reader)))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text_of(body: Body) -> Option<String> {
        let content = body.collect(usize::MAX).await.ok()?;
        Some(String::from_utf8(content.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn unchanged_file_is_sent_again_as_it_was() {
        let path = std::env::temp_dir().join(format!("skyflow-local-file-{}", std::process::id()));
        let content = "x".repeat(3 * CHUNK + 1);
        std::fs::write(&path, &content).unwrap();
        let body = LocalFile::open(&path).await.unwrap().into_body();
        let (copy, changed) = (body.try_clone().unwrap(), body.try_clone().unwrap());
        assert_eq!(text_of(body).await.as_deref(), Some(content.as_str()));
        assert_eq!(text_of(copy).await.as_deref(), Some(content.as_str()));

        // The same length, under another identity.
        let next = path.with_extension("next");
        std::fs::write(&next, "y".repeat(content.len())).unwrap();
        std::fs::rename(&next, &path).unwrap();
        assert_eq!(text_of(changed).await, None);
        std::fs::remove_file(&path).unwrap();
    }
}
