//! Files, opened and read with bounds: no size and no kind of file makes a caller wait for ever.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// How often a pipe is looked at while its content is awaited.
const PIPE_INTERVAL: Duration = Duration::from_millis(10);

/// How often in total: 3 s.
const PIPE_LOOKS: u32 = 300;

/// A small file that was read whole, such as a key, a certificate or a list of settings. Its content is wiped when it is
/// dropped.
pub struct SmallFile {
    content: Zeroizing<Vec<u8>>,
    metadata: Metadata,
}

impl SmallFile {
    /// Reads a file of at most `limit` bytes.
    ///
    /// The content of a pipe is read once and has 3 seconds to arrive; it is gone afterwards, so keep it. Devices are read
    /// up to the limit.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::FileTooLarge`] when the file is larger, with [`ErrorKind::TimedOut`] when a pipe has no
    /// content in time, with [`ErrorKind::PermissionDenied`] when the path is a link to a file of another owner, who is
    /// not root, and when the file cannot be opened or read.
    pub fn read(path: impl AsRef<Path>, limit: usize) -> io::Result<Self> {
        Self::read_opened(path.as_ref(), open(path.as_ref())?, limit)
    }

    /// Reads a regular file of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// Fails as [`SmallFile::read`] does, and when it is no regular file.
    pub fn read_regular(path: impl AsRef<Path>, limit: usize) -> io::Result<Self> {
        Self::read_opened(path.as_ref(), open_regular(path.as_ref())?, limit)
    }

    fn read_opened(path: &Path, mut file: File, limit: usize) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if is_link_of_another(path, &metadata) {
            return Err(io::Error::new(
                ErrorKind::PermissionDenied,
                "the link and its file have different owners",
            ));
        }
        if metadata.is_file() && metadata.len() > limit as u64 {
            return Err(ErrorKind::FileTooLarge.into());
        }
        // One byte more than allowed. It never grows, so no copy is left behind.
        let mut content = Zeroizing::new(Vec::with_capacity(limit.saturating_add(1)));
        let is_pipe = is_pipe(&metadata);
        let mut looks = 0;
        loop {
            let room = (limit + 1).saturating_sub(content.len());
            match file.by_ref().take(room as u64).read_to_end(&mut content) {
                // Until a writer has opened a pipe, it looks as if it had ended.
                Ok(0) if is_pipe && content.is_empty() => {}
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            looks += 1;
            if looks > PIPE_LOOKS {
                return Err(ErrorKind::TimedOut.into());
            }
            std::thread::sleep(PIPE_INTERVAL);
        }
        match content.len() > limit {
            true => Err(ErrorKind::FileTooLarge.into()),
            false => Ok(Self { content, metadata }),
        }
    }

    /// Returns the content.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// Takes the content as text.
    ///
    /// # Errors
    ///
    /// Fails with [`ErrorKind::InvalidData`] when it is not UTF-8.
    pub fn into_text(mut self) -> io::Result<Zeroizing<String>> {
        match String::from_utf8(std::mem::take(&mut *self.content)) {
            Ok(text) => Ok(Zeroizing::new(text)),
            Err(error) => {
                drop(Zeroizing::new(error.into_bytes()));
                Err(io::Error::new(ErrorKind::InvalidData, "not UTF-8"))
            }
        }
    }

    /// Tells whether it is a regular file, which can be read again.
    pub fn is_regular(&self) -> bool {
        self.metadata.is_file()
    }

    /// Returns the permission bits when the group or others have any of them; always `None` where files have none.
    pub fn open_to_others(&self) -> Option<u32> {
        permissions(&self.metadata).filter(|mode| mode & 0o077 != 0)
    }
}

impl std::fmt::Debug for SmallFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SmallFile({} bytes)", self.content.len())
    }
}

/// Opens a regular file for reading.
///
/// # Errors
///
/// Fails when it is anything else, without waiting for the other end of a pipe, and when it cannot be opened.
pub fn open_regular(path: impl AsRef<Path>) -> io::Result<File> {
    let file = open(path.as_ref())?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("not a regular file")),
    }
}

/// Does work that may block, such as reading a file, on a thread of its own.
///
/// It needs no runtime. A runtime that ends does not wait for the work.
///
/// # Errors
///
/// Fails when the operating system starts no thread, and when the work panics.
pub async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (send, done) = oneshot::channel();
    std::thread::Builder::new().name("file-reader".into()).spawn(move || {
        // The caller may have stopped waiting.
        let _ = send.send(work());
    })?;
    done.await.map_err(|_| io::Error::other("the thread that reads files panicked"))
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    // Opening a pipe would wait for its other end; for regular files the flag means nothing.
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(unix)]
fn is_pipe(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;

    metadata.file_type().is_fifo()
}

#[cfg(not(unix))]
fn is_pipe(_: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn permissions(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;

    Some(metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn permissions(_: &Metadata) -> Option<u32> {
    None
}

/// Tells whether the path is a link that someone else than the owner of its file, or root, can redirect.
#[cfg(unix)]
fn is_link_of_another(path: &Path, target: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    let link = std::fs::symlink_metadata(path);
    link.is_ok_and(|link| link.is_symlink() && link.uid() != 0 && link.uid() != target.uid())
}

#[cfg(not(unix))]
fn is_link_of_another(_: &Path, _: &Metadata) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
