use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::files::FileProblem;

/// What all parts of a package may unfold to.
const UNFOLDED_LIMIT: u64 = 128 << 20;
const PARTS_LIMIT: usize = 10_000;
/// What one part may unfold to: it is looked at as a whole.
const PART_LIMIT: u64 = 64 << 20;
/// The container of encrypted packages.
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// The parts of an Office file, in the order of the archive.
pub(super) struct Package {
    pub(super) parts: Vec<Part>,
}

pub(super) struct Part {
    pub(super) name: String,
    pub(super) content: Vec<u8>,
}

impl Package {
    pub(super) fn read(content: &[u8]) -> Result<Self, FileProblem> {
        Self::read_within(content, UNFOLDED_LIMIT)
    }

    pub(super) fn read_within(content: &[u8], limit: u64) -> Result<Self, FileProblem> {
        if content.starts_with(OLE) {
            return Err(FileProblem::unsupported(
                "the file is encrypted or of the older binary format; the embedded vault processes neither",
            ));
        }
        let broken = || FileProblem::broken("the file is not a valid archive of its format");
        let mut archive = ZipArchive::new(Cursor::new(content)).map_err(|_| broken())?;
        if archive.len() > PARTS_LIMIT {
            return Err(FileProblem::too_large(format!("the file has more than {PARTS_LIMIT} parts")));
        }
        let mut left = limit;
        let mut parts = Vec::new();
        for index in 0..archive.len() {
            let entry = archive.by_index(index).map_err(|_| broken())?;
            if entry.is_dir() {
                continue;
            }
            let name = entry.name().map_err(|_| broken())?.into_owned();
            // The sizes that the archive declares may lie.
            let mut unfolded = Vec::new();
            let mut entry = entry.take(left.min(PART_LIMIT) + 1);
            entry.read_to_end(&mut unfolded).map_err(|_| broken())?;
            let length = unfolded.len() as u64;
            left = left.checked_sub(length).filter(|_| length <= PART_LIMIT).ok_or_else(|| {
                FileProblem::too_large(format!(
                    "the file unfolds to more than {} MiB, or a part of it to more than {} MiB",
                    limit >> 20,
                    PART_LIMIT >> 20
                ))
            })?;
            parts.push(Part { name, content: unfolded });
        }
        Ok(Self { parts })
    }

    /// Writes a new archive: comments, extra fields, times and unlisted bytes of the old one are not carried over.
    pub(super) fn write(&self) -> Result<Vec<u8>, FileProblem> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default());
        let unwritable = |_| FileProblem::broken("a part of the file has a name that no archive can hold");
        for part in &self.parts {
            archive.start_file(part.name.as_str(), options).map_err(unwritable)?;
            archive.write_all(&part.content).map_err(|error| unwritable(error.into()))?;
        }
        Ok(archive.finish().map_err(unwritable)?.into_inner())
    }

    /// Returns a part; names differ in more than case.
    pub(super) fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name.eq_ignore_ascii_case(name))
    }
}
