//! A Word document that says the same in as many places as people do.

use super::archive::{APP, CORE, CUSTOM, pack, package_relationships, relationships, types};
use super::person::Person;

const BODY: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" xmlns:v="urn:schemas-microsoft-com:vml"><w:body>
<w:p><w:pPr><w:jc w:val="center"/></w:pPr><w:bookmarkStart w:id="0" w:name="{name}"/><w:r><w:rPr><w:b/></w:rPr><w:t>Account of {name}</w:t></w:r><w:bookmarkEnd w:id="0"/></w:p>
<w:p><w:r><w:t xml:space="preserve">Dear </w:t></w:r><w:r w:rsidR="00AA11BB"><w:t>{name1}</w:t></w:r><w:proofErr w:type="spellStart"/><w:r><w:rPr><w:i/></w:rPr><w:t>{name2} and</w:t></w:r><w:r><w:t xml:space="preserve"> family,</w:t><w:br/><w:t>your card {card1}</w:t></w:r><w:r><w:t>{card2} is ready.</w:t></w:r></w:p>
<w:p><w:r><w:t>Write to </w:t></w:r><w:hyperlink r:id="rId6" w:tooltip="{mail}"><w:r><w:t>{mail1}</w:t></w:r><w:r><w:t>{mail2}</w:t></w:r></w:hyperlink><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> HYPERLINK "mailto:{mail1}</w:instrText></w:r><w:r><w:instrText>{mail2}" </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>.</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>
<w:p><w:r><w:t>Owner: {name1}</w:t></w:r><w:ins w:id="1" w:author="{name}" w:date="2026-01-01T00:00:00Z"><w:r><w:t>x</w:t></w:r></w:ins><w:del w:id="2" w:author="{name}" w:date="2026-01-01T00:00:00Z"><w:r><w:delText>{name2}</w:delText></w:r></w:del></w:p>
<w:tbl><w:tblPr><w:tblCaption w:val="Card of {name}"/></w:tblPr><w:tblGrid><w:gridCol w:w="3000"/><w:gridCol w:w="3000"/></w:tblGrid><w:tr><w:tc><w:p><w:r><w:t>Name</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Card</w:t></w:r></w:p></w:tc></w:tr><w:tr><w:tc><w:p><w:r><w:t>{NAME}</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>{card}</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
<w:p><w:r><w:t>Box:</w:t></w:r><w:r><w:pict><v:shape id="s1" alt="{name}" style="width:200pt;height:40pt"><v:textbox><w:txbxContent><w:p><w:r><w:t>{name1}</w:t></w:r><w:r><w:t>{name2}</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict></w:r><w:r><w:t>end</w:t></w:r><w:r><w:commentReference w:id="0"/></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>
<w:sdt><w:sdtPr><w:alias w:val="{name}"/><w:tag w:val="{mail}"/></w:sdtPr><w:sdtContent><w:p><w:r><w:t>Untouched &amp; kept.</w:t></w:r></w:p></w:sdtContent></w:sdt>
<w:sectPr><w:headerReference w:type="default" r:id="rId1"/><w:footerReference w:type="default" r:id="rId2"/></w:sectPr></w:body></w:document>"#;

const SPACE: &str = r#"xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main""#;

/// Makes the document.
pub(crate) fn word(person: &Person<'_>) -> std::io::Result<Vec<u8>> {
    let main = "wordprocessingml.document.main";
    let kinds = [
        ("word/document.xml", main),
        ("word/header1.xml", "wordprocessingml.header"),
        ("word/footer1.xml", "wordprocessingml.footer"),
        ("word/comments.xml", "wordprocessingml.comments"),
        ("word/footnotes.xml", "wordprocessingml.footnotes"),
    ];
    let part = |root: &str, inside: &str| format!("<w:{root} {SPACE}>{inside}</w:{root}>");
    let split = "<w:p><w:r><w:t>{name1}</w:t></w:r><w:r><w:t>{name2}</w:t><w:tab/><w:t>x</w:t></w:r></w:p><w:p><w:r><w:t>{mail1}</w:t></w:r><w:r><w:t>{mail2}</w:t></w:r></w:p>";
    let comment = format!(
        r#"<w:comment w:id="0" w:author="{{name}}" w:initials="AQ" w:date="2026-01-01T00:00:00Z">{}</w:comment>"#,
        "<w:p><w:r><w:t>Ask {name}</w:t></w:r></w:p>"
    );
    let separators = r#"<w:footnote w:type="separator" w:id="0"><w:p><w:r><w:separator/></w:r></w:p></w:footnote><w:footnote w:type="continuationSeparator" w:id="1"><w:p><w:r><w:continuationSeparator/></w:r></w:p></w:footnote>"#;
    let footnote = r#"<w:footnote w:id="2"><w:p><w:r><w:t>Card {card}</w:t></w:r></w:p></w:footnote>"#;
    let targets = relationships(&[
        ("rId1", "header", "header1.xml"),
        ("rId2", "footer", "footer1.xml"),
        ("rId3", "comments", "comments.xml"),
        ("rId4", "footnotes", "footnotes.xml"),
        ("rId5", "customXml", "../customXml/item1.xml"),
        ("rId6", "hyperlink", "mailto:{mail}?subject={name}"),
    ]);
    pack(
        &[
            ("[Content_Types].xml", &types(&kinds)),
            ("_rels/.rels", &package_relationships("word/document.xml")),
            ("word/document.xml", BODY),
            ("word/_rels/document.xml.rels", &targets),
            ("word/header1.xml", &part("hdr", split)),
            ("word/footer1.xml", &part("ftr", split)),
            ("word/comments.xml", &part("comments", &comment)),
            ("word/footnotes.xml", &part("footnotes", &format!("{separators}{footnote}"))),
            ("customXml/item1.xml", r#"<customer id="{card}"><!-- {name} --><mail>{mail}</mail></customer>"#),
            ("docProps/core.xml", CORE),
            ("docProps/app.xml", APP),
            ("docProps/custom.xml", CUSTOM),
            ("docProps/thumbnail.jpeg", "not a picture, but it could show {name}"),
        ],
        person,
    )
}
