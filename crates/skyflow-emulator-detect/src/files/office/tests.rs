use std::collections::BTreeSet;
use std::io::{Cursor, Write};

use serde_json::json;

use super::package::Package;
use crate::files::planted::{
    NAME, NUMBER, ReplacePlanted, assert_nothing_of, assert_nothing_planted, by_the_rules, keep, redact,
    replaced, run, survive_cuts, unfold,
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

const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// Makes a workbook of parts, of which each is known by its relationships alone.
fn workbook(parts: &[(&str, &str, &str)], relations: &[(&str, &str)]) -> Vec<u8> {
    let relations = |owner: &str| -> String {
        let of_owner =
            relations.iter().filter(|(from, _)| *from == owner).map(|(_, to)| to.split_once('=').unwrap());
        let each = of_owner.enumerate().map(|(index, (kind, target))| {
            let mode = if target.contains(':') { r#" TargetMode="External""# } else { "" };
            format!(r#"<Relationship Id="r{index}" Type="{OFFICE}/{kind}" Target="{target}"{mode}/>"#)
        });
        format!("<Relationships>{}</Relationships>", each.collect::<String>())
    };
    let mut package = Package { parts: Vec::new() };
    let mut add = |name: String, content: String| {
        package.parts.push(super::package::Part { name, content: content.into_bytes() });
    };
    let types = r#"<Override PartName="/book.xml" ContentType="x/spreadsheetml.sheet.main+xml"/>"#;
    add("[Content_Types].xml".into(), format!("<Types>{types}</Types>"));
    add("_rels/.rels".into(), relations(""));
    for (name, _, content) in parts {
        add((*name).into(), (*content).into());
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let slash = if folder.is_empty() { "" } else { "/" };
        add(format!("{folder}{slash}_rels/{file}.rels"), relations(name));
    }
    package.write().unwrap()
}

fn sheet(rows: &str) -> String {
    format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")
}

/// Writes the cells of a row without saying where they are.
fn row(cells: &[&str]) -> String {
    let cell = |text: &&str| match text.parse::<f64>() {
        Ok(_) => format!("<c><v>{text}</v></c>"),
        Err(_) => format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#),
    };
    format!("<row>{}</row>", cells.iter().map(cell).collect::<String>())
}

#[test]
fn sheets_and_pivot_caches_are_found_anywhere() {
    let rows =
        [row(&["Report", ""]), row(&["id", "SSN"]), row(&["1", "123456789"]), row(&["2", "123456788"])];
    let book =
        r#"<workbook xmlns:r="x"><sheets><sheet name="People" sheetId="1" r:id="r0"/></sheets></workbook>"#;
    let cache = r#"<pivotCacheDefinition refreshedBy="Zorb"><cacheFields><cacheField name="id"/><cacheField name="SSN"><sharedItems containsSemiMixedTypes="0" containsNumber="1" minValue="123456788" maxValue="123456789"><n v="123456789"/></sharedItems></cacheField></cacheFields></pivotCacheDefinition>"#;
    let records = r#"<pivotCacheRecords><r><n v="1"/><x v="0"/></r><r><n v="2"/><n v="123456788"/></r></pivotCacheRecords>"#;
    let chart = r#"<c:chartSpace xmlns:c="x"><c:strRef><c:f>People!$B$3:$B$4</c:f><c:strCache><c:pt idx="0"><c:v>123456789</c:v></c:pt></c:strCache></c:strRef></c:chartSpace>"#;
    let link = format!(
        r#"<externalLink><externalBook><sheetDataSet><sheetData sheetId="0">{}{}</sheetData></sheetDataSet></externalBook></externalLink>"#,
        r#"<row r="1"><cell r="A1" t="str"><v>SSN</v></cell></row>"#,
        r#"<row r="2"><cell r="A2"><v>123456789</v></cell></row>"#
    );
    let filtered = sheet(&rows.concat()).replace(
        "</worksheet>",
        r#"<autoFilter ref="A2:B4"><filterColumn colId="1"><filters><filter val="123456789"/></filters></filterColumn></autoFilter></worksheet>"#,
    );
    let parts = [
        ("book.xml", "", book),
        ("tabs/one.xml", "", filtered.as_str()),
        ("cache/def.xml", "", cache),
        ("cache/rec.xml", "", records),
        ("draw/chart.xml", "", chart),
        ("links/other.xml", "", link.as_str()),
    ];
    let relations = [
        ("", "officeDocument=book.xml"),
        ("book.xml", "worksheet=/tabs/one.xml"),
        ("book.xml", "pivotCacheDefinition=cache/def.xml"),
        ("book.xml", "externalLink=links/other.xml"),
        ("cache/def.xml", "pivotCacheRecords=rec.xml"),
        ("tabs/one.xml", "chart=../draw/chart.xml"),
        ("links/other.xml", "externalLinkPath=file:///C:\\Users\\Zorb%20Quux\\a.zz"),
    ];
    let processed = by_the_rules("xlsx", &workbook(&parts, &relations), json!({})).unwrap();
    let sheet = part(&processed, "tabs/one.xml");
    assert!(sheet.contains(r#"<c t="str"><v>[SSN_1]</v></c>"#), "{sheet}");
    assert!(sheet.contains("<t>SSN</t>") && sheet.contains(r#"<filter val="[SSN_1]"/>"#), "{sheet}");
    let cache = part(&processed, "cache/def.xml");
    assert!(cache.contains(r#"<cacheField name="SSN"><sharedItems    ><s v="[SSN_1]"/>"#), "{cache}");
    assert!(!cache.contains("Zorb"), "{cache}");
    let records = part(&processed, "cache/rec.xml");
    assert!(records.contains(r#"<r><n v="1"/><x v="0"/></r><r><n v="2"/><s v="[SSN_2]"/></r>"#), "{records}");
    assert!(part(&processed, "draw/chart.xml").contains("<c:v>[SSN_1]</c:v>"));
    let link = part(&processed, "links/other.xml");
    assert!(
        link.contains(r#"<v>SSN</v>"#) && link.contains(r#"<cell t="str" r="A2"><v>[SSN_1]</v>"#),
        "{link}"
    );
    assert_nothing_of(&["123456789", "123456788", "Zorb Quux"], &processed);
}

#[test]
fn forms_in_sheets_have_labels_beside_values() {
    let rows = [row(&["Name", "Zorb Quux"]), row(&["SSN", "123456789"]), row(&["Notes", "fine"])];
    let book =
        r#"<workbook xmlns:r="x"><sheets><sheet name="Form" sheetId="1" r:id="r0"/></sheets></workbook>"#;
    let content = sheet(&rows.concat());
    let parts = [("book.xml", "", book), ("s.xml", "", content.as_str())];
    let relations = [("", "officeDocument=book.xml"), ("book.xml", "worksheet=s.xml")];
    let processed = by_the_rules("xlsx", &workbook(&parts, &relations), json!({})).unwrap();
    let expected = content
        .replace("<t>Zorb Quux", "<t xml:space=\"preserve\">[NAME_1]")
        .replace("<c><v>123456789</v>", r#"<c t="str"><v>[SSN_1]</v>"#);
    assert_eq!(part(&processed, "s.xml"), expected);
}

#[test]
fn tables_and_forms_in_documents_are_labelled() {
    let cell = |text: &str| format!("<w:tc><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>");
    let row =
        |cells: &[&str]| format!("<w:tr>{}</w:tr>", cells.iter().map(|text| cell(text)).collect::<String>());
    let title = "<w:tr><w:tc><w:tcPr><w:gridSpan w:val=\"2\"/></w:tcPr><w:p><w:r><w:t>Report 2024</w:t></w:r></w:p></w:tc></w:tr>";
    let table =
        format!("<w:tbl>{title}{}{}</w:tbl>", row(&["First name", "SSN"]), row(&["Zorb", "123456789"]));
    let form = format!("<w:tbl>{}{}</w:tbl>", row(&["Last name", "Quux"]), row(&["CVV:", "123"]));
    let body = format!("<w:body xmlns:w=\"u\">{table}{form}</w:body>");
    let sample = with_part(&word(&PLANTED).unwrap(), "word/odd.xml", body.as_bytes());
    let odd = part(&by_the_rules("docx", &sample, json!({})).unwrap(), "word/odd.xml");
    for kept in ["First name", "SSN", "Last name", "CVV:", "Report 2024"] {
        assert!(odd.contains(&format!(">{kept}</w:t>")), "{odd}");
    }
    for value in ["Zorb", "123456789", "Quux", ">123<"] {
        assert!(!odd.contains(value), "{odd}");
    }
}

#[test]
fn names_in_stored_paths_are_removed() {
    let settings = r#"<w:settings xmlns:w="u" xmlns:r="r"><w:attachedTemplate r:id="r1"/><w:mailMerge><w:query w:val="SELECT * FROM `Zorb Quux`"/><w:odso><w:src r:id="r2"/></w:odso></w:mailMerge><w:x/></w:settings>"#;
    let relations = format!(
        r#"<Relationships><Relationship Id="r1" Type="{OFFICE}/attachedTemplate" Target="file:///C:\Users\Zorb%20Quux\Normal.dotm" TargetMode="External"/><Relationship Id="r2" Type="{OFFICE}/mailMergeSource" Target="file:///D:\Zorb%20Quux.xlsx" TargetMode="External"/></Relationships>"#
    );
    let sample = with_part(&word(&PLANTED).unwrap(), "word/settings.xml", settings.as_bytes());
    let sample = with_part(&sample, "word/_rels/settings.xml.rels", relations.as_bytes());
    let processed = by_the_rules("docx", &sample, json!({})).unwrap();
    let settings = part(&processed, "word/settings.xml");
    assert!(settings.ends_with(r#"<w:attachedTemplate r:id="r1"/><w:x/></w:settings>"#), "{settings}");
    assert_nothing_of(&["Zorb Quux", "Zorb"], &processed);
    let book = r#"<workbook><fileSharing userName="Zorb Quux"/><x15ac:absPath xmlns:x15ac="x" url="C:\Users\Zorb.Quux\"/></workbook>"#;
    let sample = with_part(&excel(&PLANTED).unwrap(), "xl/workbook.xml", book.as_bytes());
    let processed = by_the_rules("xlsx", &sample, json!({})).unwrap();
    assert_nothing_of(&["Zorb Quux", "Zorb.Quux"], &processed);
}
