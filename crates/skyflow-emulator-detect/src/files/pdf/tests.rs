use lopdf::content::Content;
use lopdf::{Dictionary, Document, Object, Stream};

use super::fonts::Fonts;
use super::{glyphs, inherited_resources};
use crate::files::planted::{
    MAIL, NAME, NUMBER, ReplacePlanted, assert_nothing_planted, keep, redact, run, survive_cuts,
};
use crate::files::samples::{PLANTED, pdf::pdf};
use crate::files::{FileOptions, FileProblem, process};

pub(super) fn dictionary(entries: &[(&str, Object)]) -> Dictionary {
    entries.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.clone())).collect()
}

pub(super) fn name(text: &str) -> Object {
    Object::Name(text.into())
}

pub(super) fn helvetica() -> Dictionary {
    dictionary(&[("Type", name("Font")), ("Subtype", name("Type1")), ("BaseFont", name("Helvetica"))])
}

/// A document of one page, which `change` may spoil.
pub(super) fn document(
    font: Dictionary,
    content: &str,
    change: impl FnOnce(&mut Document, lopdf::ObjectId),
) -> Vec<u8> {
    let mut document = Document::with_version("1.7");
    let pages = document.new_object_id();
    let contents = document.add_object(Stream::new(Dictionary::new(), content.as_bytes().to_vec()));
    let fonts = dictionary(&[("F1", font.into())]);
    let page = document.add_object(dictionary(&[
        ("Type", name("Page")),
        ("Parent", pages.into()),
        ("Contents", contents.into()),
        ("Resources", dictionary(&[("Font", fonts.into())]).into()),
    ]));
    let kids: Object = vec![page.into()].into();
    document
        .objects
        .insert(pages, dictionary(&[("Type", name("Pages")), ("Kids", kids), ("Count", 1.into())]).into());
    let catalog = document.add_object(dictionary(&[("Type", name("Catalog")), ("Pages", pages.into())]));
    document.trailer.set("Root", catalog);
    change(&mut document, page);
    let mut written = Vec::new();
    document.save_to(&mut written).unwrap();
    written
}

pub(super) fn page(content: &str) -> Vec<u8> {
    document(helvetica(), content, |_, _| {})
}

pub(super) fn problem(content: &[u8]) -> String {
    match run("pdf", content) {
        Err(problem) => problem.to_string(),
        Ok(_) => panic!("the file is processed"),
    }
}

/// What a page shows: each glyph with its place.
fn shown(content: &[u8]) -> Vec<(String, i64, i64)> {
    let document = Document::load_mem(content).unwrap();
    let page = document.page_iter().next().unwrap();
    let operations = Content::decode(&document.get_page_content(page)).unwrap().operations;
    let shown =
        glyphs::shown(&document, &inherited_resources(&document, page), &operations, &mut Fonts::new());
    let place = |value: f64| (value * 100.0).round() as i64;
    let place_of = |glyph: &glyphs::Glyph| glyph.space.apply(0.0, 0.0);
    let glyphs = shown.glyphs.iter().map(|glyph| (glyph.text.clone().unwrap(), place_of(glyph)));
    glyphs.map(|(text, (x, y))| (text, place(x), place(y))).collect()
}

pub(super) fn passages(content: &[u8]) -> Vec<String> {
    let mut rewrite = ReplacePlanted::default();
    process("pdf", content, &FileOptions::default(), None, &mut rewrite).unwrap();
    rewrite.passages
}

#[test]
fn nothing_planted_survives_in_any_object() {
    let redacted = redact("pdf", &pdf(&PLANTED).unwrap());
    assert_nothing_planted(&redacted);
    let again = run("pdf", &redacted).unwrap();
    assert_eq!(again.pages, Some(1));
    let text = passages(&redacted).join("\n");
    assert!(text.contains("We have charged the card [CREDIT_CARD_1] on file"), "{text}");
    for gone in ["Ada", "Quill", "4929", "quill"] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
}

#[test]
fn what_is_not_edited_stays_where_it_is() {
    let sample = page(&format!(
        "q 2 0 0 2 9 9 cm BT /F1 10 Tf 3 Tw 1 Tc 80 Tz 12 TL 50 100 Td [(before {NAME} ) -300 (be) 20 (hind)] TJ \
         ({NAME} then) ' 1 2 (a {MAIL} b) \" ET Q BT /F1 8 Tf 20 20 Td (a {NUMBER} b) Tj (c) Tj ET"
    ));
    let redacted = redact("pdf", &sample);
    assert_nothing_planted(&redacted);
    let before = shown(&sample);
    let after = shown(&redacted);
    // Labels come last.
    let kept = after.iter().take_while(|(text, ..)| text != "[").count();
    assert!(after[..kept].iter().all(|glyph| before.contains(glyph)), "{after:?}");
    let text: String = after[..kept].iter().map(|(text, ..)| text.as_str()).collect();
    assert_eq!(text, "before  behind thena  ba  bc");
    assert_eq!(shown(&keep("pdf", &sample)), before);
}

#[test]
fn values_are_found_in_any_glyph_encoding() {
    let (first, last) = NAME.split_once(' ').unwrap();
    let letters: String = MAIL.chars().map(|c| format!("({c}) Tj ")).collect();
    for content in [
        format!("[({first}) -600 ({last})] TJ"),
        format!("({first}) Tj 0 -13 Td ({last}) Tj"),
        format!("(x) Tj 0 -40 Td ({last}) Tj -40 0 Td ({first}) Tj"),
        letters,
        format!("[({}) 30 ({})] TJ", &NUMBER[..7], &NUMBER[7..]),
        format!("<{}> Tj", NAME.bytes().map(|byte| format!("{byte:02x} ")).collect::<String>()),
    ] {
        let mut rewrite = ReplacePlanted::default();
        let sample = page(&format!("BT /F1 12 Tf 100 700 Td {content} ET"));
        let run = process("pdf", &sample, &FileOptions::default(), None, &mut rewrite).unwrap();
        assert_eq!(rewrite.labels.len(), 1, "{content}: {:?}", rewrite.passages);
        assert_nothing_planted(&run.outputs[0].content);
    }
}

#[test]
fn columns_are_read_downwards_and_rows_across() {
    let sample = page(
        "BT /F1 10 Tf 50 700 Td (Ada) Tj 200 0 Td (other) Tj -200 -12 Td (Quillfeather) Tj 200 0 Td (column) Tj ET",
    );
    assert_eq!(
        passages(&sample),
        ["Ada\tother\t\nQuillfeather\tcolumn\t\n", "Ada Quillfeather\n\nother column\n\n"]
    );
}

#[test]
fn two_byte_codes_use_the_table_of_the_file() {
    let table = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /A def /CMapType 2 def\n\
        1 begincodespacerange <0000> <FFFF> endcodespacerange\n\
        1 beginbfchar <1000> <0040> endbfchar 1 beginbfrange <1020> <107E> <0020> endbfrange\n\
        endcmap CMapName currentdict /CMap defineresource pop end end";
    let codes: String = NAME.chars().map(|c| format!("{:04x}", u32::from(c) + 0x1000)).collect();
    let font = dictionary(&[
        ("Type", name("Font")),
        ("Subtype", name("Type0")),
        ("Encoding", name("Identity-H")),
        (
            "DescendantFonts",
            vec![dictionary(&[("W", vec![0x1041.into(), vec![500.into()].into()].into())]).into()].into(),
        ),
    ]);
    let content = format!("BT /F1 12 Tf 10 10 Td <{codes}> Tj ET");
    let with_table = document(font.clone(), &content, |document, page| {
        let table = document.add_object(Stream::new(Dictionary::new(), table.as_bytes().to_vec()));
        let page = document.get_dictionary_mut(page).unwrap();
        let resources = page.get_mut(b"Resources").unwrap().as_dict_mut().unwrap();
        let fonts = resources.get_mut(b"Font").unwrap().as_dict_mut().unwrap();
        fonts.get_mut(b"F1").unwrap().as_dict_mut().unwrap().set("ToUnicode", table);
    });
    assert_eq!(passages(&with_table), [format!("{NAME}\n\n")]);
    assert_nothing_planted(&redact("pdf", &with_table));
    assert!(problem(&document(font, &content, |_, _| {})).contains("page 1"));
}

#[test]
fn pages_that_need_recognition_are_refused() {
    assert!(problem(&page("0 0 10 10 re f")).contains("no text layer"));
    assert!(problem(&page("BT /F1 9 Tf 3 Tr (a) Tj ET")).contains("invisible"));
    assert!(problem(&page("BT /F2 9 Tf (a) Tj ET")).contains("Unicode mapping"));
    let scanned = document(helvetica(), "/I Do", |document, page| {
        let image = document.add_object(Stream::new(dictionary(&[("Subtype", name("Image"))]), vec![0]));
        let page = document.get_dictionary_mut(page).unwrap();
        let objects = dictionary(&[("I", image.into())]);
        page.set("Resources", dictionary(&[("XObject", objects.into())]));
    });
    assert!(problem(&scanned).contains("picture"));
}

#[test]
fn encrypted_files_are_refused() {
    for password in ["", "secret"] {
        let sample = document(helvetica(), "BT /F1 9 Tf (a) Tj ET", |document, _| {
            let id = Object::string_literal("0123456789abcdef");
            document.trailer.set("ID", vec![id.clone(), id]);
            let version = lopdf::EncryptionVersion::V1 {
                document,
                owner_password: "owner",
                user_password: password,
                permissions: lopdf::Permissions::all(),
            };
            let state = lopdf::EncryptionState::try_from(version).unwrap();
            document.encrypt(&state).unwrap();
        });
        assert!(problem(&sample).contains("encrypted"));
    }
}

#[test]
fn earlier_revisions_are_gone() {
    let mut sample = pdf(&PLANTED).unwrap();
    let mut revision =
        lopdf::IncrementalDocument::create_from(sample.clone(), Document::load_mem(&sample).unwrap());
    let id = revision.get_prev_documents().trailer.get(b"Info").unwrap().as_reference().unwrap();
    revision.new_document.objects.insert(id, dictionary(&[("Author", Object::string_literal("x"))]).into());
    sample.clear();
    revision.save_to(&mut sample).unwrap();
    assert_eq!(sample.windows(5).filter(|window| window == b"%%EOF").count(), 2);
    assert_nothing_planted(&redact("pdf", &sample));
}

#[test]
fn objects_that_lead_in_circles_are_survived() {
    let content = format!("BT /F1 9 Tf ({NAME}) Tj ET /X Do");
    let circles = document(helvetica(), &content, |document, page| {
        let form = document.new_object_id();
        let objects = dictionary(&[("X", form.into())]);
        let resources = dictionary(&[("XObject", objects.clone().into())]);
        let kind = [("Subtype", name("Form")), ("Resources", resources.into())];
        document.objects.insert(form, Stream::new(dictionary(&kind), b"/X Do".to_vec()).into());
        let pages = document.get_dictionary(page).unwrap().get(b"Parent").unwrap().as_reference().unwrap();
        let dictionary = document.get_dictionary_mut(pages).unwrap();
        dictionary.set("Parent", pages);
        dictionary.get_mut(b"Kids").unwrap().as_array_mut().unwrap().push(pages.into());
        let own = document.new_object_id();
        document.objects.insert(own, Object::Reference(own));
        document.get_dictionary_mut(page).unwrap().set("Annots", own);
    });
    assert_nothing_planted(&redact("pdf", &circles));
}

#[test]
fn decompression_bombs_and_deep_objects_fail() {
    let bomb = document(helvetica(), "", |document, page| {
        let mut stream = Stream::new(Dictionary::new(), vec![b' '; 65 << 20]);
        stream.compress().unwrap();
        let stream = document.add_object(stream);
        document.get_dictionary_mut(page).unwrap().set("Contents", stream);
    });
    assert!(bomb.len() < 1 << 20);
    assert!(matches!(run("pdf", &bomb), Err(FileProblem::TooLarge(_))));
    let deep = page(&format!("BT /F1 9 Tf (a) Tj {} ET", "[".repeat(100_000)));
    let _ = run("pdf", &deep);
    let deep =
        String::from_utf8_lossy(&page("BT /F1 9 Tf (a) Tj ET")).replace("/Count 1", &"[".repeat(100_000));
    let _ = run("pdf", deep.as_bytes());
}

/// Makes a document whose page has this content, compressed.
fn compressed(content: &[u8]) -> Vec<u8> {
    document(helvetica(), "", |document, page| {
        let mut stream = Stream::new(Dictionary::new(), content.to_vec());
        stream.compress().unwrap();
        let stream = document.add_object(stream);
        document.get_dictionary_mut(page).unwrap().set("Contents", stream);
    })
}

#[test]
fn operator_bombs_are_refused_before_they_are_kept() {
    for content in [b"q Q ".repeat(800_000), b"BT (a) Tj ET ".repeat(400_000), b"[(a)] TJ ".repeat(400_000)] {
        let bomb = compressed(&content);
        assert!(bomb.len() < 100_000, "{}", bomb.len());
        assert!(matches!(run("pdf", &bomb), Err(FileProblem::TooLarge(_))));
    }
    for operands in [b"1 ".repeat(1_000_001), b"[]".repeat(1_000_001), b"/a".repeat(1_000_001)] {
        let bomb = compressed(&[b"[".to_vec(), operands, b"] TJ".to_vec()].concat());
        assert!(matches!(run("pdf", &bomb), Err(FileProblem::TooLarge(_))));
    }
}

#[test]
fn font_tables_are_unfolded_within_a_limit() {
    let bomb = document(helvetica(), "BT /F1 9 Tf (a) Tj ET", |document, page| {
        let mut table = Stream::new(Dictionary::new(), vec![b' '; 5 << 20]);
        table.compress().unwrap();
        let table = document.add_object(table);
        let resources = document.get_dictionary_mut(page).unwrap().get_mut(b"Resources").unwrap();
        let fonts = resources.as_dict_mut().unwrap().get_mut(b"Font").unwrap().as_dict_mut().unwrap();
        fonts.get_mut(b"F1").unwrap().as_dict_mut().unwrap().set("ToUnicode", table);
    });
    assert!(matches!(run("pdf", &bomb), Err(FileProblem::TooLarge(_))));
}

#[test]
fn cut_files_are_survived() {
    survive_cuts("pdf", &pdf(&PLANTED).unwrap());
    assert!(matches!(run("pdf", b"%PDF-1.7 nothing"), Err(FileProblem::Broken(_))));
}
