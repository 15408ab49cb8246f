//! A letter on one page: two fonts, a table, text in several ways of writing it, and properties.

use lopdf::{Dictionary, Document, Object, Stream, StringFormat};

use super::person::Person;

const CONTENT: &str = r"% made for {name}
BT /F1 20 Tf 72 760 Td (Account of {name}) Tj ET
BT /F2 11 Tf 14 TL 72 720 Td (Dear {name},) Tj T* T*
[(thank you for your order. W) 60 (e have charged the card ) ({card1}) -20 ({card2})] TJ
(on file, and we will write to {first}) ' T* ({last} at {mail} once it is shipped.) Tj T*
/Span <</ActualText (Copy of {name})>> BDC (You need not do anything.) Tj EMC ET
0.9 g 72 596 451 20 re f 0 g
BT /F1 11 Tf 78 602 Td (Customer) Tj 150 0 Td (Card) Tj 150 0 Td (Mail) Tj ET
BT /F2 11 Tf 78 580 Td ({name}) Tj 150 0 Td ({card}) Tj 150 0 Td ({mail}) Tj ET
BT /F2 11 Tf 78 562 Td (Tom Okafor) Tj 150 0 Td (on delivery) Tj 150 0 Td (none) Tj ET
0.5 w 72 556 451 60 re S
q 0.866 0.5 -0.5 0.866 380 420 cm BT /F1 16 Tf 1 0 0 rg 0 0 Td (Paid by {name}) Tj ET Q
BT /F3 11 Tf 1 0 0 1 72 500 Tm <{codes}> Tj ET
q 1 0 0 1 72 460 cm /X1 Do Q
";

/// Makes the letter.
pub(crate) fn pdf(person: &Person<'_>) -> std::io::Result<Vec<u8>> {
    let mut document = Document::with_version("1.5");
    let name = |text: &str| Object::Name(text.into());
    let text = |template: &str| Object::String(person.fill(template).into_bytes(), StringFormat::Literal);
    let font = |base: &str| {
        let parts =
            [("Type", "Font"), ("Subtype", "Type1"), ("BaseFont", base), ("Encoding", "WinAnsiEncoding")];
        dictionary(parts.map(|(key, value)| (key, name(value))))
    };
    let bold = document.add_object(font("Helvetica-Bold"));
    let plain = document.add_object(font("Times-Roman"));

    // The codes of the third font are in no encoding: only the names of its glyphs say what they mean.
    let signed = person.fill("Signed: {name}");
    let mut letters: Vec<char> = signed.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    let glyph = |letter: char| match letter {
        ' ' => "space".to_owned(),
        ':' => "colon".to_owned(),
        letter => letter.to_string(),
    };
    let names = letters.iter().map(|letter| name(&glyph(*letter)));
    let differences: Vec<Object> = std::iter::once(128.into()).chain(names).collect();
    let codes =
        |c: char| letters.iter().position(|letter| *letter == c).map(|index| format!("{:02X}", 128 + index));
    let codes: String = signed.chars().filter_map(codes).collect();
    let mut odd = font("Courier");
    odd.set("Encoding", dictionary([("Type", name("Encoding")), ("Differences", differences.into())]));
    let odd = document.add_object(odd);
    let fonts: Object = dictionary([("F1", bold.into()), ("F2", plain.into()), ("F3", odd.into())]).into();

    let form = person.fill("BT /F2 11 Tf 0 10 Td (In a form: {mail}) Tj ET");
    let form = document.add_object(Stream::new(
        dictionary([
            ("Type", name("XObject")),
            ("Subtype", name("Form")),
            ("BBox", vec![0.into(), 0.into(), 300.into(), 30.into()].into()),
            ("Resources", dictionary([("Font", fonts.clone())]).into()),
        ]),
        form.into_bytes(),
    ));
    let resources = dictionary([("Font", fonts), ("XObject", dictionary([("X1", form.into())]).into())]);
    let mut content =
        Stream::new(Dictionary::new(), person.fill(CONTENT).replace("{codes}", &codes).into_bytes());
    content.compress().map_err(std::io::Error::other)?;
    let content = document.add_object(content);

    let rect: Object = vec![378.into(), 576.into(), 520.into(), 592.into()].into();
    let link = document.add_object(dictionary([
        ("Type", name("Annot")),
        ("Subtype", name("Link")),
        ("Rect", rect),
        ("Contents", text("Mail to {name}")),
        ("A", dictionary([("S", name("URI")), ("URI", text("mailto:{mail}"))]).into()),
    ]));
    let pages = document.new_object_id();
    let page = document.add_object(dictionary([
        ("Type", name("Page")),
        ("Parent", pages.into()),
        ("MediaBox", vec![0.into(), 0.into(), 595.into(), 842.into()].into()),
        ("Resources", resources.into()),
        ("Contents", content.into()),
        ("Annots", vec![link.into()].into()),
    ]));
    document.objects.insert(
        pages,
        dictionary([("Type", name("Pages")), ("Kids", vec![page.into()].into()), ("Count", 1.into())]).into(),
    );
    let metadata = person.fill("<x:xmpmeta xmlns:x='adobe:ns:meta/'><creator>{name}</creator></x:xmpmeta>");
    let kind = dictionary([("Type", name("Metadata")), ("Subtype", name("XML"))]);
    let metadata = document.add_object(Stream::new(kind, metadata.into_bytes()));
    let attached = document.add_object(Stream::new(Dictionary::new(), person.fill("{card}").into_bytes()));
    let attached = dictionary([
        ("Type", name("Filespec")),
        ("F", text("{name}.txt")),
        ("EF", dictionary([("F", attached.into())]).into()),
    ]);
    let files = dictionary([("Names", vec![text("{name}.txt"), attached.into()].into())]);
    let outline = document.new_object_id();
    let entry =
        document.add_object(dictionary([("Title", text("Account of {name}")), ("Parent", outline.into())]));
    document.objects.insert(
        outline,
        dictionary([("First", entry.into()), ("Last", entry.into()), ("Count", 1.into())]).into(),
    );
    let catalog = document.add_object(dictionary([
        ("Type", name("Catalog")),
        ("Pages", pages.into()),
        ("Metadata", metadata.into()),
        ("Outlines", outline.into()),
        ("Names", dictionary([("EmbeddedFiles", files.into())]).into()),
    ]));
    let info =
        dictionary([("Author", text("{name}")), ("Subject", text("{card}")), ("Keywords", text("{mail}"))]);
    let info = document.add_object(info);
    document.trailer.set("Root", catalog);
    document.trailer.set("Info", info);
    let mut written = Vec::new();
    document.save_to(&mut written)?;
    Ok(written)
}

fn dictionary<const N: usize>(entries: [(&str, Object); N]) -> Dictionary {
    entries.into_iter().map(|(key, value)| (key.as_bytes().to_vec(), value)).collect()
}
