//! A presentation of two slides with notes, a comment and a chart.

use super::archive::{APP, CORE, CUSTOM, pack, package_relationships, relationships, types};
use super::person::Person;

const SPACE: &str = r#"xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main""#;
const GROUP: &str =
    r#"<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>"#;

/// A box with paragraphs; its alternative text names the person.
fn shape(paragraphs: &str) -> String {
    format!(
        r#"<p:sp><p:nvSpPr><p:cNvPr id="2" name="Title 1" descr="{{name}}"/><p:cNvSpPr/><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm><a:off x="838200" y="365125"/><a:ext cx="7515600" cy="1325563"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr><p:txBody><a:bodyPr/><a:lstStyle/>{paragraphs}</p:txBody></p:sp>"#
    )
}

fn slide(root: &str, shapes: &str) -> String {
    let map = match root {
        "sldMaster" => {
            r#"<p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/><p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst>"#
        }
        _ => "",
    };
    format!("<p:{root} {SPACE}><p:cSld><p:spTree>{GROUP}{shapes}</p:spTree></p:cSld>{map}</p:{root}>")
}

/// Makes the presentation.
pub(crate) fn slides(person: &Person<'_>) -> std::io::Result<Vec<u8>> {
    let kinds = [
        ("ppt/presentation.xml", "presentationml.presentation.main"),
        ("ppt/slides/slide1.xml", "presentationml.slide"),
        ("ppt/slides/slide2.xml", "presentationml.slide"),
        ("ppt/slideMasters/slideMaster1.xml", "presentationml.slideMaster"),
        ("ppt/slideLayouts/slideLayout1.xml", "presentationml.slideLayout"),
        ("ppt/notesSlides/notesSlide1.xml", "presentationml.notesSlide"),
        ("ppt/comments/comment1.xml", "presentationml.comments"),
        ("ppt/commentAuthors.xml", "presentationml.commentAuthors"),
    ];
    let presentation = format!(
        r#"<p:presentation {SPACE}><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/></p:sldMasterIdLst><p:sldIdLst><p:sldId id="256" r:id="rId2"/><p:sldId id="257" r:id="rId3"/></p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>"#
    );
    let split = "<a:p><a:r><a:t>Hello {name1}</a:t></a:r><a:r><a:rPr b=\"1\"/><a:t>{name2}!</a:t></a:r></a:p><a:p><a:r><a:t>Card {card}</a:t></a:r><a:br/><a:r><a:t>{mail}</a:t></a:r></a:p>";
    let second = "<a:p><a:r><a:t>{NAME}</a:t></a:r></a:p><a:p><a:r><a:t>Kept &lt;as is&gt;</a:t></a:r></a:p>";
    let comments = format!(
        r#"<p:cmLst {SPACE}><p:cm authorId="0" dt="2026-01-01T00:00:00.000" idx="1"><p:pos x="10" y="10"/><p:text>Ask {{name}}</p:text></p:cm></p:cmLst>"#
    );
    let authors = format!(
        r#"<p:cmAuthorLst {SPACE}><p:cmAuthor id="0" name="{{name}}" initials="AQ" lastIdx="1" clrIdx="0"/></p:cmAuthorLst>"#
    );
    let layout = ("rId1", "slideLayout", "../slideLayouts/slideLayout1.xml");
    let of_presentation = relationships(&[
        ("rId1", "slideMaster", "slideMasters/slideMaster1.xml"),
        ("rId2", "slide", "slides/slide1.xml"),
        ("rId3", "slide", "slides/slide2.xml"),
        ("rId4", "commentAuthors", "commentAuthors.xml"),
    ]);
    let of_first = relationships(&[
        layout,
        ("rId2", "notesSlide", "../notesSlides/notesSlide1.xml"),
        ("rId3", "comments", "../comments/comment1.xml"),
        ("rId4", "hyperlink", "mailto:{mail}"),
    ]);
    let master = ("rId1", "slideMaster", "../slideMasters/slideMaster1.xml");
    pack(
        &[
            ("[Content_Types].xml", &types(&kinds)),
            ("_rels/.rels", &package_relationships("ppt/presentation.xml")),
            ("ppt/presentation.xml", &presentation),
            ("ppt/_rels/presentation.xml.rels", &of_presentation),
            ("ppt/slides/slide1.xml", &slide("sld", &shape(split))),
            ("ppt/slides/_rels/slide1.xml.rels", &of_first),
            ("ppt/slides/slide2.xml", &slide("sld", &shape(second))),
            ("ppt/slides/_rels/slide2.xml.rels", &relationships(&[layout])),
            ("ppt/slideMasters/slideMaster1.xml", &slide("sldMaster", "")),
            ("ppt/slideMasters/_rels/slideMaster1.xml.rels", &relationships(&[layout])),
            ("ppt/slideLayouts/slideLayout1.xml", &slide("sldLayout", "")),
            ("ppt/slideLayouts/_rels/slideLayout1.xml.rels", &relationships(&[master])),
            ("ppt/notesSlides/notesSlide1.xml", &slide("notes", &shape(split))),
            (
                "ppt/notesSlides/_rels/notesSlide1.xml.rels",
                &relationships(&[("rId1", "slide", "../slides/slide1.xml")]),
            ),
            ("ppt/comments/comment1.xml", &comments),
            ("ppt/commentAuthors.xml", &authors),
            ("docProps/core.xml", CORE),
            ("docProps/app.xml", APP),
            ("docProps/custom.xml", CUSTOM),
            ("docProps/thumbnail.jpeg", "not a picture, but it could show {name}"),
        ],
        person,
    )
}
