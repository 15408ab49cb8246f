//! Values in places of a PDF that no page shows, or not as text.

use lopdf::{Dictionary, Document, Object, Stream};
use serde_json::json;

use super::tests::{dictionary, document, helvetica, name, page, passages, problem};
use crate::files::planted::{MAIL, NAME, NUMBER, assert_nothing_planted, by_the_rules, redact};

/// A page with an annotation that looks like this.
fn annotated(appearance: impl FnOnce(&mut Document) -> Object) -> Vec<u8> {
    document(helvetica(), "BT /F1 9 Tf 9 9 Td (text) Tj ET", |document, page| {
        let appearance = appearance(document);
        let annotation =
            dictionary(&[("Subtype", name("FreeText")), ("AP", dictionary(&[("N", appearance)]).into())]);
        // Annotations may be in the array itself.
        document.get_dictionary_mut(page).unwrap().set("Annots", vec![annotation.into()]);
    })
}

/// What draws a value, and says of itself only this.
fn drawing(value: &str, says: &[(&str, Object)]) -> Stream {
    let fonts = dictionary(&[("F1", helvetica().into())]);
    let mut kind = dictionary(says);
    kind.set("Resources", dictionary(&[("Font", fonts.into())]));
    Stream::new(kind, format!("BT /F1 9 Tf 9 9 Td ({value}) Tj ET").into_bytes())
}

#[test]
fn annotation_text_is_replaced_in_any_stream() {
    let frame = || ("BBox", Object::from(vec![0.into(), 0.into(), 99.into(), 99.into()]));
    for says in [vec![frame()], Vec::new(), vec![frame(), ("Subtype", name("Other"))]] {
        let direct = annotated(|document| document.add_object(drawing(NAME, &says)).into());
        assert_nothing_planted(&redact("pdf", &direct));
        let states = annotated(|document| {
            let shown = document.add_object(drawing(NAME, &says));
            let other = document.add_object(drawing(MAIL, &says));
            let states = dictionary(&[("On", shown.into()), ("Off", other.into())]);
            document.add_object(states).into()
        });
        assert_nothing_planted(&redact("pdf", &states));
    }
}

#[test]
fn text_of_untyped_objects_is_replaced() {
    let sample = document(helvetica(), "BT /F1 9 Tf (text) Tj ET /X Do", |document, page| {
        let object = document.add_object(drawing(NAME, &[]));
        let page = document.get_dictionary_mut(page).unwrap();
        let resources = page.get_mut(b"Resources").unwrap().as_dict_mut().unwrap();
        resources.set("XObject", dictionary(&[("X", object.into())]));
    });
    assert_nothing_planted(&redact("pdf", &sample));
}

#[test]
fn invisible_text_is_refused_and_never_kept() {
    let far = "9".repeat(18);
    for hidden in [
        "/F1 0 Tf".to_owned(),
        "/F1 0.0000000001 Tf".to_owned(),
        "/F1 12 Tf 0 Tz".to_owned(),
        "/F1 12 Tf 7 Tr".to_owned(),
        "/F1 12 Tf 3 Tr".to_owned(),
        "/F1 12 Tf 0 0 0 0 50 600 Tm".to_owned(),
        "/F1 12 Tf 1 0 0 0 50 600 Tm".to_owned(),
        "/F1 12 Tf 0 0 0 1 50 600 Tm".to_owned(),
        format!("/F1 12 Tf {far} 0 Td"),
    ] {
        let content =
            format!("BT /F1 9 Tf 9 9 Td (seen) Tj ET BT {hidden} 50 600 Td (Card 4111 1111 1111 1111) Tj ET");
        let problem = problem(&page(&content));
        assert!(problem.starts_with("page 1 of the PDF has "), "{hidden}: {problem}");
        assert!(!problem.contains("4111"));
    }
    // Singular from the space around.
    assert!(problem(&page("0 0 0 0 9 9 cm BT /F1 9 Tf (unseen) Tj ET")).contains("without a size"));
}

#[test]
fn zero_width_blanks_are_ignored() {
    redact("pdf", &page("BT /F1 9 Tf 9 9 Td (seen) Tj /F1 0 Tf (  ) Tj ET"));
    redact("pdf", &page("0.001 0 0 0.001 0 0 cm BT /F1 900 Tf 9000 9000 Td (small) Tj ET"));
}

#[test]
fn names_holding_values_are_refused_unquoted() {
    let with = |key: &str, value: Object| {
        document(helvetica(), "BT /F1 9 Tf 9 9 Td (text) Tj ET", |document, _| {
            document.catalog_mut().unwrap().set(key, value);
        })
    };
    for spelling in [NAME, MAIL, NUMBER] {
        let named = dictionary(&[(spelling, vec![Object::Null].into())]);
        let states = dictionary(&[("N", named.clone().into())]);
        let nested: Object = vec![dictionary(&[("AP", states.into()), ("AS", name(spelling))]).into()].into();
        let state = dictionary(&[("AS", name(spelling))]);
        for sample in [
            with("Dests", named.into()),
            with("Other", nested),
            with("Other", state.into()),
            page(&format!("BT /F1 9 Tf 9 9 Td (text) Tj ET /{} BMC EMC", spelling.replace(' ', "#20"))),
        ] {
            let problem = problem(&sample);
            assert!(problem.contains("names inside the PDF"), "{problem}");
            assert!(!problem.contains(spelling), "{problem}");
        }
    }
    // Those without a value are kept.
    redact("pdf", &with("Dests", dictionary(&[("A chapter", vec![Object::Null].into())]).into()));
}

#[test]
fn names_written_by_programs_are_not_values() {
    for usual in [
        "Times New Roman,Bold",
        "Comic Sans MS",
        "ABCDEF+Courier New",
        "Arial Unicode MS",
        "Book Antiqua",
        "Franklin Gothic Medium",
        "Gill Sans MT",
        "Lucida Console",
        "Bradley Hand ITC",
        "PANTONE 185 C",
        "PANTONE Reflex Blue C",
        "Dunkelgr\u{fc}n",
        "Adobe.PPKLite",
        "X 12",
        "Im1234567",
        "R12345678",
        "Chapter 1",
        "page 1",
        "_Toc123456789",
        "_Ref1234567890",
        "section.1.2.3.4.5.6.7",
        "\u{5b8b}\u{4f53}",
    ] {
        let sample = document(helvetica(), "BT /F1 9 Tf 9 9 Td (text) Tj ET", |document, _| {
            document.catalog_mut().unwrap().set("Other", name(usual));
        });
        if let Err(problem) = by_the_rules("pdf", &sample, json!({})) {
            panic!("{usual}: {problem}");
        }
    }
}

#[test]
fn fonts_named_like_people_are_renamed() {
    for font in ["Georgia Pro", NAME] {
        let mut named = helvetica();
        named.set("BaseFont", name(font));
        named.set("FontDescriptor", dictionary(&[("FontName", name(font))]));
        let sample = document(named, "BT /F1 9 Tf 9 9 Td (text) Tj ET", |_, _| {});
        assert_nothing_planted(&redact("pdf", &sample));
        by_the_rules("pdf", &sample, json!({})).unwrap();
    }
}

#[test]
fn layers_and_fields_are_not_taken_for_keys() {
    let content = "BT /F1 12 Tf 50 600 Td (The Background is in the background, in this State.) Tj ET";
    let group = |layer: &str, customer: &str| {
        document(helvetica(), content, |document, _| {
            let group = document.add_object(dictionary(&[
                ("Type", name("OCG")),
                ("Name", Object::string_literal(layer)),
                ("State", Object::string_literal("State")),
                ("T", Object::string_literal(layer)),
            ]));
            let layers = dictionary(&[("OCGs", vec![group.into()].into())]);
            document.catalog_mut().unwrap().set("OCProperties", layers);
            let info = dictionary(&[
                ("Company", Object::string_literal("Zorblax")),
                ("Customer Name", Object::string_literal(customer)),
            ]);
            let info = document.add_object(info);
            document.trailer.set("Info", info);
        })
    };
    let processed = by_the_rules("pdf", &group("Background", "Xavi Quorl"), json!({})).unwrap();
    let texts = passages(&processed).join("\n");
    assert!(texts.contains("The Background is in the background, in this State."), "{texts}");
    assert!(texts.lines().filter(|line| *line == "Background").count() == 2, "{texts}");
    // The properties of the document are called by people, and still known for what they are.
    assert!(!texts.contains("Zorblax") && !texts.contains("Quorl"), "{texts}");
}

/// A file whose second page shows this, and can name these objects.
fn second_page(content: &str, objects: impl FnOnce(&mut Document) -> Dictionary) -> Vec<u8> {
    document(helvetica(), "BT /F1 9 Tf 9 9 Td (text) Tj ET", |document, page| {
        let objects = objects(document);
        let mut second = document.get_dictionary(page).unwrap().clone();
        let contents = document.add_object(Stream::new(Dictionary::new(), content.as_bytes().to_vec()));
        second.set("Contents", contents);
        second.get_mut(b"Resources").unwrap().as_dict_mut().unwrap().set("XObject", objects);
        let pages = second.get(b"Parent").unwrap().as_reference().unwrap();
        let second = document.add_object(second);
        let pages = document.get_dictionary_mut(pages).unwrap();
        pages.set("Count", 2);
        pages.get_mut(b"Kids").unwrap().as_array_mut().unwrap().push(second.into());
    })
}

const INLINE_PICTURE: &str = "q 9 0 0 9 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q";

#[test]
fn pages_with_scans_in_content_or_form_fail() {
    let scan = problem(&second_page(INLINE_PICTURE, |_| Dictionary::new()));
    assert!(scan.starts_with("page 2 of the PDF has a picture"), "{scan}");
    redact("pdf", &page(&format!("{INLINE_PICTURE} BT /F1 9 Tf 9 9 Td (text) Tj ET")));
    let wrapped = |text: &str| {
        second_page("/X Do", |document| {
            let kind = |resources: Dictionary| {
                dictionary(&[("Subtype", name("Form")), ("Resources", resources.into())])
            };
            let scan = document.add_object(Stream::new(dictionary(&[("Subtype", name("Image"))]), vec![0]));
            let shown = dictionary(&[("XObject", dictionary(&[("I", scan.into())]).into())]);
            let inner = document.add_object(Stream::new(kind(shown), b"/I Do".to_vec()));
            let fonts = dictionary(&[("F1", helvetica().into())]);
            let shown =
                dictionary(&[("XObject", dictionary(&[("Y", inner.into())]).into()), ("Font", fonts.into())]);
            let content = format!("/Y Do BT /F1 9 Tf 9 9 Td ({text}) Tj ET");
            let outer = document.add_object(Stream::new(kind(shown), content.into_bytes()));
            dictionary(&[("X", outer.into())])
        })
    };
    assert!(problem(&wrapped("")).starts_with("page 2 of the PDF has a picture"));
    // The text of a page may be in a form as well, as printers put several pages on one.
    assert_nothing_planted(&redact("pdf", &wrapped(NAME)));
    let inline = second_page("/X Do", |document| {
        let form = dictionary(&[("Subtype", name("Form")), ("Resources", Dictionary::new().into())]);
        let form = document.add_object(Stream::new(form, INLINE_PICTURE.as_bytes().to_vec()));
        dictionary(&[("X", form.into())])
    });
    assert!(problem(&inline).starts_with("page 2 of the PDF has a picture"));
}

#[test]
fn inline_images_are_kept_or_refused() {
    let text = "BT /F1 9 Tf 9 9 Td (text) Tj ET";
    let kept = redact("pdf", &page(&format!("{INLINE_PICTURE} {text}")));
    let kept = Document::load_mem(&kept).unwrap();
    let content = kept.get_page_content(kept.page_iter().next().unwrap());
    assert!(content.windows(7).any(|window| window == b" ID x\nE"), "{}", String::from_utf8_lossy(&content));
    let packed = format!("BI /W 1 /H 1 /BPC 8 /CS /G /F /AHx ID 00> EI {text}");
    assert!(problem(&page(&packed)).contains("compressed picture"));
}
