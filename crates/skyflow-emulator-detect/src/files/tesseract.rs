use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::{Ocr, OcrError, OcrWord};

/// How long the program may take for a picture.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// How much the program may say about a picture.
const OUTPUT_LIMIT: u64 = 64 << 20;

/// Reads pictures with the program `tesseract`, which has to be installed.
///
/// ```
/// # use skyflow_emulator_detect::Tesseract;
/// match Tesseract::find() {
///     Some(tesseract) => println!("pictures are read with {tesseract:?}"),
///     None => println!("pictures cannot be processed"),
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Tesseract {
    program: PathBuf,
}

impl Tesseract {
    /// Looks for the program in the folders of `PATH`.
    pub fn find() -> Option<Self> {
        Self::find_in(&std::env::var_os("PATH")?)
    }

    fn find_in(path: &OsString) -> Option<Self> {
        let name = format!("tesseract{}", std::env::consts::EXE_SUFFIX);
        let programs = std::env::split_paths(path).map(|folder| folder.join(&name));
        let program = programs.filter(|program| program.is_absolute()).find(|program| program.is_file())?;
        Some(Self { program })
    }
}

impl Ocr for Tesseract {
    fn read(&self, png: &[u8]) -> Result<Vec<OcrWord>, OcrError> {
        let failed = |_| OcrError::new("the program tesseract could not be run");
        let mut child = Command::new(&self.program)
            .args(["stdin", "stdout", "tsv"])
            // The pictures are small and the vault has other things to do.
            .env("OMP_THREAD_LIMIT", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let output = output(&mut child, png);
        // After a failure the program may still run.
        if output.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().map_err(failed)?;
        let output = output?;
        if !status.success() {
            return Err(OcrError::new("the program tesseract did not understand the picture"));
        }
        Ok(words(&String::from_utf8_lossy(&output)))
    }
}

/// Hands the picture over and returns what the program says.
fn output(child: &mut Child, image: &[u8]) -> Result<Vec<u8>, OcrError> {
    let failed = || OcrError::new("the program tesseract could not be run");
    let (mut input, stdout) =
        (child.stdin.take().ok_or_else(failed)?, child.stdout.take().ok_or_else(failed)?);
    let image = image.to_vec();
    // A program that stops reading or never ends must not hold this thread: both ends have one of their own, which
    // ends with the program.
    std::thread::spawn(move || input.write_all(&image));
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut output = Vec::new();
        let read = stdout.take(OUTPUT_LIMIT).read_to_end(&mut output);
        let _ = sender.send(read.map(|_| output));
    });
    match receiver.recv_timeout(TIME_LIMIT) {
        Ok(output) => output.map_err(|_| failed()),
        Err(_) => Err(OcrError::new("the program tesseract took longer than 60 seconds")),
    }
}

/// Reads the words of a table whose columns are level, page, block, paragraph, line, word, left, top, width, height,
/// confidence and text.
fn words(table: &str) -> Vec<OcrWord> {
    let mut words = Vec::new();
    let mut line = 0;
    let mut last = None;
    for row in table.lines() {
        let columns: Vec<&str> = row.splitn(12, '\t').collect();
        let ["5", page, block, paragraph, number, _, left, top, width, height, _, text] = columns.as_slice()
        else {
            continue;
        };
        let place: Option<Vec<u32>> =
            [left, top, width, height].iter().map(|column| column.parse().ok()).collect();
        let Some([left, top, width, height]) = place.as_deref() else { continue };
        if text.trim().is_empty() {
            continue;
        }
        let of = [page, block, paragraph, number].map(|column| (*column).to_owned());
        if last.as_ref().is_some_and(|last| *last != of) {
            line += 1;
        }
        last = Some(of);
        words.push(OcrWord::new(text.trim(), line, [*left, *top, *width, *height]));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_from_the_table() {
        let table = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
            1\t1\t0\t0\t0\t0\t0\t0\t640\t480\t-1\t\n\
            5\t1\t1\t1\t1\t1\t36\t92\t60\t24\t96.1\tAda\n\
            5\t1\t1\t1\t1\t2\t109\t92\t61\t24\t95.0\tQuill\n\
            5\t1\t1\t1\t2\t1\t36\t126\t53\t24\t96\tx\n\
            5\t1\t1\t1\t2\t2\t36\tno number\t53\t24\t96\tx\n\
            5\t1\t1\t1\t2\t3\t36\t126\t53\t24\t96\t \n";
        let expected = [
            OcrWord::new("Ada", 0, [36, 92, 60, 24]),
            OcrWord::new("Quill", 0, [109, 92, 61, 24]),
            OcrWord::new("x", 1, [36, 126, 53, 24]),
        ];
        assert_eq!(words(table), expected);
    }

    #[test]
    fn the_program_is_looked_for_in_the_path_only() {
        assert!(Tesseract::find_in(&"/nowhere:relative".into()).is_none());
    }

    #[test]
    fn a_program_that_is_gone_is_an_error() {
        let gone = Tesseract { program: "/nowhere/tesseract".into() };
        assert_eq!(gone.read(b"").unwrap_err().to_string(), "the program tesseract could not be run");
    }
}
