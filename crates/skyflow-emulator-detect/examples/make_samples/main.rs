//! Makes the sample files of `examples/files`: `cargo run -p skyflow-emulator-detect --example make_samples -- examples/files`
//!
//! Everyone in them is invented, and the same program always makes the same bytes.

mod archive;
mod excel;
mod pdf;
mod person;
mod slides;
mod texts;
mod word;

use std::path::PathBuf;

use person::Person;

const PERSON: Person<'_> =
    Person { name: "Maya Lindqvist", card: "4111111111111111", mail: "maya.lindqvist@example.com" };

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("examples/files"), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    let files = [
        ("docx", word::word(&PERSON)?),
        ("xlsx", excel::excel(&PERSON)?),
        ("pptx", slides::slides(&PERSON)?),
        ("pdf", pdf::pdf(&PERSON)?),
    ];
    for (format, content) in texts::texts(&PERSON).into_iter().chain(files) {
        std::fs::write(folder.join(format!("sample.{format}")), content)?;
    }
    Ok(())
}
