//! Files of this machine, for reading whole and for sending.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::StreamBody;
use skyflow_http::{Body, files};
use tokio::runtime::Handle;

/// How much of a file is in memory at a time. A file that is not larger is read when it is opened.
pub(crate) const CHUNK: usize = 64 * 1024;

/// A regular file that was opened for sending.
pub(crate) struct StoredFile {
    pub(crate) body: Body,
    /// The length of a body that does not know it; `None` when the operating system does not know it either.
    pub(crate) length: Option<u64>,
}

impl StoredFile {
    /// Opens a file for sending. A small one is read, so that its length is certain; a large one stays open, so that it
    /// can be sent again even if another file takes its place.
    pub(crate) async fn open(path: &Path) -> io::Result<Self> {
        let path = path.to_owned();
        blocking(move || {
            let (file, metadata) = open(&path)?;
            let mut start = Vec::new();
            (&file).take(CHUNK as u64 + 1).read_to_end(&mut start)?;
            if start.len() <= CHUNK {
                return Ok(Self { body: start.into(), length: None });
            }
            // Files of `/proc` have no length, and their content changes.
            let Some(length) = Some(metadata.len()).filter(|length| *length >= start.len() as u64) else {
                return Ok(Self { body: Body::new(read_in_chunks(Arc::new(file))), length: None });
            };
            Ok(Self { body: reopenable(file, &metadata), length: Some(length) })
        })
        .await
    }
}

/// Reads a whole file.
pub(crate) async fn read(path: &Path) -> io::Result<Bytes> {
    let path = path.to_owned();
    blocking(move || {
        let (mut file, metadata) = open(&path)?;
        // No more than the file: a buffer that grows by doubling could be twice as large.
        let mut content = Vec::new();
        let length = usize::try_from(metadata.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
        content.try_reserve_exact(length)?;
        file.read_to_end(&mut content)?;
        Ok(content.into())
    })
    .await
}

/// Opens a regular file.
fn open(path: &Path) -> io::Result<(File, Metadata)> {
    let file = files::open_regular(path)?;
    let metadata = file.metadata()?;
    Ok((file, metadata))
}

/// Makes a body that reads the file from its start each time, and fails when it was changed after the first time.
fn reopenable(file: File, metadata: &Metadata) -> Body {
    let (file, opened_as) = (Arc::new(file), Version::of(metadata));
    let was_sent = Arc::new(AtomicBool::new(false));
    Body::reopenable(move || {
        let (file, was_sent) = (Arc::clone(&file), Arc::clone(&was_sent));
        let check = move |file: &File| {
            let is_changed =
                was_sent.swap(true, Ordering::Relaxed) && Version::of(&file.metadata()?) != opened_as;
            if is_changed { Err(io::Error::other("the file has changed since it was sent")) } else { Ok(()) }
        };
        read_with(file, check)
    })
}

/// Tells whether a file was changed, as far as its metadata show it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Version {
    length: u64,
    modified: Option<SystemTime>,
}

impl Version {
    fn of(metadata: &Metadata) -> Self {
        Self { length: metadata.len(), modified: metadata.modified().ok() }
    }
}

type Chunks = StreamBody<stream::BoxStream<'static, io::Result<http_body::Frame<Bytes>>>>;

fn read_in_chunks(file: Arc<File>) -> Chunks {
    read_with(file, |_| Ok(()))
}

/// Reads a file from its start, and calls `check` before the first chunk.
fn read_with(file: Arc<File>, check: impl Fn(&File) -> io::Result<()> + Clone + Send + 'static) -> Chunks {
    let chunks = stream::try_unfold(0_u64, move |offset| {
        let (file, check) = (Arc::clone(&file), check.clone());
        async move {
            let chunk = blocking(move || {
                if offset == 0 {
                    check(&file)?;
                }
                read_at(&file, offset)
            })
            .await?;
            let next = offset.saturating_add(chunk.len() as u64);
            Ok((!chunk.is_empty()).then(|| (http_body::Frame::data(chunk), next)))
        }
    });
    StreamBody::new(Box::pin(chunks))
}

/// Reads a chunk at a position: the copies of a body share the open file, but not its cursor.
fn read_at(file: &File, offset: u64) -> io::Result<Bytes> {
    let mut chunk = vec![0; CHUNK];
    let mut length = 0;
    while let Some(rest) = chunk.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match read_some_at(file, rest, offset + length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    chunk.truncate(length);
    Ok(chunk.into())
}

#[cfg(unix)]
fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_some_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

/// Runs file access where it may block.
async fn blocking<T: Send + 'static>(
    access: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let runtime = Handle::try_current().map_err(io::Error::other)?;
    runtime.spawn_blocking(access).await.map_err(io::Error::other)?
}
