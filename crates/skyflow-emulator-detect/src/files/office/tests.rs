use std::collections::BTreeSet;
use std::io::{Cursor, Write};

use serde_json::json;

use super::package::Package;
use crate::files::planted::{
    NAME, NUMBER, ReplacePlanted, assert_nothing_planted, by_the_rules, keep, redact, replaced, run,
    survive_cuts, unfold,
};
use crate::files::samples::{PLANTED, excel::excel, slides::slides, word::word};
use crate::files::xml::{Token, local, tokens};
use crate::files::{FileOptions, FileProblem, process};

fn samples() -> [(&'static str, Vec<u8>); 3] {
    [
        ("docx", word(&PLANTED).unwrap()),
        ("xlsx", excel(&PLANTED).unwrap()),
        ("pptx", slides(&PLANTED).unwrap()),
    ]
}

fn part(content: &[u8], name: &str) -> String {
    let package = Package::read(content).unwrap();
    String::from_utf8(package.part(name).unwrap().content.clone()).unwrap()
}

#[test]
fn nothing_planted_survives_in_any_part() {
    for (format, sample) in samples() {
        let redacted = redact(format, &sample);
        assert_nothing_planted(&redacted);
        for (name, content) in unfold(&redacted).into_iter().skip(1) {
            let text = String::from_utf8(content).unwrap();
            tokens(&text).unwrap_or_else(|problem| panic!("{name}: {problem}"));
            assert!(!text.contains("feather") && !text.contains("Ada Q"), "{name}: {text}");
        }
    }
}

#[test]
fn relationships_and_content_types_have_parts() {
    for (format, sample) in samples() {
        let redacted = redact(format, &sample);
        let names: BTreeSet<String> = unfold(&redacted).into_iter().skip(1).map(|(name, _)| name).collect();
        assert!(!names.iter().any(|name| name.contains("thumbnail")));
        let types = part(&redacted, "[Content_Types].xml");
        for name in types.split("PartName=\"/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(names.contains(name), "{name}");
        }
        assert!(!part(&redacted, "_rels/.rels").contains("thumbnail"));
    }
}

#[test]
fn what_is_not_edited_stays_byte_for_byte() {
    for (format, sample) in samples() {
        let (before, after) =
            (Package::read(&sample).unwrap(), Package::read(&keep(format, &sample)).unwrap());
        for part in &after.parts {
            let original = before.part(&part.name).unwrap();
            // The picture of the first page goes in any case.
            if part.name != "_rels/.rels" {
                assert_eq!(part.content, original.content, "{}", part.name);
            }
        }
        assert_eq!(after.parts.len() + 1, before.parts.len());
    }
}

#[test]
fn edit_across_runs_lands_in_the_first_run() {
    let document = part(&redact("docx", &word(&PLANTED).unwrap()), "word/document.xml");
    assert!(
        document.contains("<w:t>[NAME_1]</w:t>")
            || document.contains("<w:t xml:space=\"preserve\">[NAME_1]</w:t>"),
        "{document}"
    );
    assert!(document.contains("<w:t xml:space=\"preserve\"> and</w:t>"), "{document}");
    assert!(document.contains("<w:delText xml:space=\"preserve\"></w:delText>"), "{document}");
    assert!(document.contains("Untouched &amp; kept."));
    assert!(
        document.contains("w:name=\"NAME_1\"") && document.contains("HYPERLINK \"mailto:[EMAIL_ADDRESS_1]")
    );
}

#[test]
fn numbers_under_a_header_become_strings() {
    let mut rewrite = ReplacePlanted::default();
    let sample = excel(&PLANTED).unwrap();
    let run = process("xlsx", &sample, &FileOptions::default(), None, &mut rewrite).unwrap();
    for label in ["Customer", "Card", "Mail"] {
        assert!(rewrite.labels.iter().any(|known| known == label), "{label}: {:?}", rewrite.labels);
    }
    let sheet = part(&run.outputs[0].content, "xl/worksheets/sheet1.xml");
    assert!(sheet.contains("<c t=\"str\" r=\"B2\"><v>[CREDIT_CARD_1]</v></c>"), "{sheet}");
    assert!(sheet.contains("<c r=\"B3\" t=\"str\"><v>[CREDIT_CARD_1]</v></c>"), "{sheet}");
    assert!(
        sheet.contains(
            "<f>\"to \" &amp; \"[EMAIL_ADDRESS_1]\" &amp; 'NAME_1'!A1</f><v>to [EMAIL_ADDRESS_1]</v>"
        )
    );
    assert!(sheet.contains("<c r=\"D2\"><v>12.5</v></c>"));
    let workbook = part(&run.outputs[0].content, "xl/workbook.xml");
    assert!(
        workbook.contains("<sheet name=\"NAME_1\"") && workbook.contains(">'NAME_1'!$A$1<"),
        "{workbook}"
    );
}

#[test]
fn renamed_sheets_stay_apart_with_references() {
    let workbook = r#"<workbook><sheets><sheet name="Ada Quillfeather"/><sheet name="Bo O'Larkin"/></sheets>
        <definedName name="x">'Bo O''Larkin'!$A$1+'Ada Quillfeather'!$A$1</definedName></workbook>"#;
    let sheet = r#"<worksheet><hyperlink location="'Bo O''Larkin'!A1"/></worksheet>"#;
    let sample = with_part(&excel(&PLANTED).unwrap(), "xl/workbook.xml", workbook.as_bytes());
    let sample = with_part(&sample, "xl/worksheets/sheet9.xml", sheet.as_bytes());
    let people = [NAME, "Bo O'Larkin", "Bo O''Larkin"].map(|person| (person, "[NAME]"));
    let processed = replaced("xlsx", &sample, &people);
    let workbook = part(&processed, "xl/workbook.xml");
    for kept in [r#"<sheet name="NAME"/><sheet name="NAME_2"/>"#, ">'NAME_2'!$A$1+'NAME'!$A$1<"] {
        assert!(workbook.contains(kept), "{workbook}");
    }
    let sheet = part(&processed, "xl/worksheets/sheet9.xml");
    assert!(sheet.contains(r#"location="'NAME_2'!A1""#), "{sheet}");
}

#[test]
fn formulas_and_names_of_things_are_kept() {
    let workbook = r#"<workbook><sheets><sheet name="Accounts"/><sheet name="Mercy Hospital billing 2024"/></sheets>
        <definedName name="_xlnm.Print_Area">Accounts!$A$1:$C$9</definedName>
        <definedName name="x">'Mercy Hospital billing 2024'!$A$1</definedName></workbook>"#;
    let sheet = r#"<worksheet><f>SUM($B$2:$B$9)*C$1</f><f>VLOOKUP(A2,$A$1:$C$40,2,FALSE)</f>
        <f>Accounts!$A$1&amp;"for Mr. John Doe"</f></worksheet>"#;
    let theme = r#"<a:theme name="Office"><a:clrScheme name="Office"/><cellStyle name="Normal"/></a:theme>"#;
    let strings = "<sst><si><t>Our office is in normal use</t></si></sst>";
    let mut sample = excel(&PLANTED).unwrap();
    for (name, content) in [
        ("xl/workbook.xml", workbook),
        ("xl/worksheets/sheet1.xml", sheet),
        ("xl/theme/theme1.xml", theme),
        ("xl/sharedStrings.xml", strings),
    ] {
        sample = with_part(&sample, name, content.as_bytes());
    }
    let processed = by_the_rules("xlsx", &sample, json!({})).unwrap();
    let renamed = "ORGANIZATION_MEDICAL_FACILITY_1";
    assert_eq!(part(&processed, "xl/workbook.xml"), workbook.replace("Mercy Hospital billing 2024", renamed));
    // The first name is that of the author.
    assert_eq!(part(&processed, "xl/worksheets/sheet1.xml"), sheet.replace("John Doe", "[NAME_2]"));
    assert_eq!(part(&processed, "xl/theme/theme1.xml"), theme);
    assert_eq!(part(&processed, "xl/sharedStrings.xml"), strings);
}

#[test]
fn first_table_row_is_the_header_of_cells() {
    let mut rewrite = ReplacePlanted::default();
    process("docx", &word(&PLANTED).unwrap(), &FileOptions::default(), None, &mut rewrite).unwrap();
    assert!(rewrite.labels.contains(&"Name".to_owned()) && rewrite.labels.contains(&"Card".to_owned()));
}

#[test]
fn slides_and_pages_are_counted() {
    assert_eq!(run("pptx", &slides(&PLANTED).unwrap()).unwrap().slides, Some(2));
    let run = run("docx", &word(&PLANTED).unwrap()).unwrap();
    assert_eq!((run.slides, run.pages), (None, Some(1)));
}

#[test]
fn the_passages_come_in_the_same_order_each_time() {
    for (format, sample) in samples() {
        let passages = || {
            let mut rewrite = ReplacePlanted::default();
            process(format, &sample, &FileOptions::default(), None, &mut rewrite).unwrap();
            rewrite.passages
        };
        assert_eq!(passages(), passages());
    }
}

#[test]
fn a_property_that_was_a_number_becomes_a_text() {
    let redacted = redact("docx", &word(&PLANTED).unwrap());
    let custom = part(&redacted, "docProps/custom.xml");
    assert!(custom.contains("<vt:lpwstr>[CREDIT_CARD_1]</vt:lpwstr>"), "{custom}");
    let names = tokens(&custom).unwrap();
    let name = |token: &Token| match token {
        Token::Start { name, .. } | Token::End { name, .. } => Some(local(&custom[name.clone()]).to_owned()),
        _ => None,
    };
    assert!(names.iter().filter_map(name).all(|name| name != "i8"));
    assert!(part(&redacted, "docProps/core.xml").contains("2026-01-01T00:00:00Z</dcterms:created>"));
}

/// Adds a part to a sample.
fn with_part(sample: &[u8], name: &str, content: &[u8]) -> Vec<u8> {
    let mut package = Package::read(sample).unwrap();
    package.parts.retain(|part| part.name != name);
    package.parts.push(super::package::Part { name: name.into(), content: content.into() });
    package.write().unwrap()
}

#[test]
fn files_within_files_are_refused() {
    let sample = word(&PLANTED).unwrap();
    for name in
        ["word/embeddings/oleObject1.bin", "word/vbaProject.bin", "word/afchunk.rtf", "word/media/a.mp4"]
    {
        let problem = run("docx", &with_part(&sample, name, b"x")).err();
        assert!(matches!(problem, Some(FileProblem::Unsupported(_))), "{name}");
    }
    assert!(run("docx", &with_part(&sample, "word/media/image1.png", b"\x89PNG")).is_ok());
    let named = with_part(&sample, &format!("word/media/{NAME}.png"), b"\x89PNG");
    assert!(matches!(run("docx", &named), Err(FileProblem::Unsupported(_))));
}

#[test]
fn values_in_odd_markup_are_found() {
    let (first, last) = NAME.split_at(7);
    let odd = format!(
        "<x:p xmlns:x=\"u\"><x:t>{first}<![CDATA[{}]]><!-- {NAME} -->{}</x:t><?{NAME}?></x:p>",
        &last[..2],
        &last[2..]
    );
    let redacted = redact("docx", &with_part(&word(&PLANTED).unwrap(), "word/odd.xml", odd.as_bytes()));
    assert_nothing_planted(&redacted);
    let changed = part(&redacted, "word/odd.xml");
    assert_eq!(changed, "<x:p xmlns:x=\"u\"><x:t xml:space=\"preserve\">[NAME_1]</x:t></x:p>");
    let sheet = format!(
        "<worksheet><row><c r=\"A1\"><v>{}<!-- -->{}</v></c></row></worksheet>",
        &NUMBER[..5],
        &NUMBER[5..]
    );
    let redacted =
        redact("xlsx", &with_part(&excel(&PLANTED).unwrap(), "xl/worksheets/sheet9.xml", sheet.as_bytes()));
    assert_eq!(
        part(&redacted, "xl/worksheets/sheet9.xml"),
        "<worksheet><row><c t=\"str\" r=\"A1\"><v>[CREDIT_CARD_1]</v></c></row></worksheet>"
    );
}

#[test]
fn what_is_no_office_file_is_broken() {
    assert!(matches!(run("docx", b"text"), Err(FileProblem::Broken(_))));
    assert!(matches!(run("docx", &excel(&PLANTED).unwrap()), Err(FileProblem::Broken(_))));
    assert!(matches!(run("xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), Err(FileProblem::Unsupported(_))));
    let broken = with_part(&word(&PLANTED).unwrap(), "word/x.xml", b"<a>");
    assert!(matches!(run("docx", &broken), Err(FileProblem::Broken(_))));
}

#[test]
fn decompression_bomb_archives_are_refused() {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let zeros = vec![0; 1 << 20];
    archive.start_file("a", zip::write::SimpleFileOptions::default()).unwrap();
    (0..4).for_each(|_| archive.write_all(&zeros).unwrap());
    let bomb = archive.finish().unwrap().into_inner();
    assert!(bomb.len() < 1 << 16);
    assert!(matches!(Package::read_within(&bomb, 1 << 20), Err(FileProblem::TooLarge(_))));
    assert!(Package::read_within(&bomb, 4 << 20).is_ok());
}

#[test]
fn cut_archives_are_survived() {
    for (format, sample) in samples() {
        survive_cuts(format, &sample);
    }
}
