use std::error::Error;
use std::fmt::{self, Debug};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keeps what a subscriber writes, for the assertions of a test. Clones share the content.
///
/// It is a writer for `tracing_subscriber::fmt().with_writer(output.writer())`.
///
/// ```
/// use std::io::Write;
/// use skyflow_testkit::Output;
///
/// let output = Output::default();
/// writeln!(output.writer()(), "got a token")?;
/// output.note("and more");
/// assert_eq!(output.text(), "got a token\nand more\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Output(Arc<Mutex<Vec<u8>>>);

impl Output {
    /// Returns a function that makes a writer, as `tracing-subscriber` takes it.
    pub fn writer(&self) -> impl Fn() -> Self + Send + Sync + 'static {
        let output = self.clone();
        move || output.clone()
    }

    /// Adds a line.
    pub fn note(&self, line: impl AsRef<[u8]>) {
        let mut content = self.lock();
        content.extend_from_slice(line.as_ref());
        content.push(b'\n');
    }

    /// Adds an error and its sources, with `Display`, `{:?}` and `{:#?}` of each.
    pub fn note_error(&self, error: &(dyn Error + 'static)) {
        for cause in std::iter::successors(Some(error), |&cause| cause.source()) {
            self.note(format!("{cause} {cause:?} {cause:#?}"));
        }
    }

    /// Returns what was written so far. Bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock()).into_owned()
    }

    /// Returns what was written since the last call of this method.
    pub fn take(&self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut *self.lock())).into_owned()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Output({} bytes)", self.lock().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the outer error")]
    struct Outer(#[source] fmt::Error);

    #[test]
    fn taken_text_is_not_returned_again() {
        let output = Output::default();
        let mut writer = output.clone();
        writer.write_all(b"one\xff").unwrap();
        assert_eq!(output.take(), "one\u{fffd}");
        output.note_error(&Outer(fmt::Error));
        let noted = output.take();
        for (part, count) in [("the outer error", 1), ("Outer(", 2), (&fmt::Error.to_string(), 1)] {
            assert_eq!(noted.matches(part).count(), count, "{part} in {noted}");
        }
        assert_eq!((output.text(), format!("{output:?}")), (String::new(), "Output(0 bytes)".to_owned()));
    }
}
