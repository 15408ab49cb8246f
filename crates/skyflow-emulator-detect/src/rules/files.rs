use skyflow_types::DetectEntity;

use super::shape::{LETTERS, Shape, Shapes};

/// Names of files, with the folders before them: known by the ending.
pub(super) fn files() -> Shapes {
    const ENDINGS: &str = "pdf|docx?|xlsx?|pptx?|txt|csv|tsv|json|jsonl|xml|ya?ml|toml|html?|md|rtf|odt|ods|png|jpe?g|gif|bmp|tiff?|svg|webp|heic|mp3|mp4|wav|avi|mov|mkv|zip|tar|gz|7z|rar|exe|dll|iso|dcm|log|sql|db|bak|eml|msg|ics|py|js|ts|rs|java|cpp|sh|bat|ini|cfg|conf|pem|key|parquet";
    Shapes(vec![
        Shape::new(
            DetectEntity::FILENAME,
            0.93,
            &format!(
                r"(?:[A-Za-z]:\\|~?/|\./|\\\\)?(?:[{LETTERS}0-9_.-]+[/\\])*[{LETTERS}0-9_-][{LETTERS}0-9_.()-]*\.(?i-u:{ENDINGS})"
            ),
        )
        .outside_addresses(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::assert_finds;

    #[test]
    fn names_with_a_known_ending_are_found() {
        for (text, expected) in [
            ("Open report_2024.pdf.", &[("filename", "report_2024.pdf")][..]),
            ("in C:\\Users\\jane\\notes.txt\r\n", &[("filename", "C:\\Users\\jane\\notes.txt")]),
            ("see /home/jane/résumé.docx", &[("filename", "/home/jane/résumé.docx")]),
            ("📎scan-01.JPG📎", &[("filename", "scan-01.JPG")]),
            ("a.pdfx and .pdf and e.g. this", &[]),
            ("Hello world. Txt me", &[]),
        ] {
            assert_finds(&files(), text, expected);
        }
    }
}
