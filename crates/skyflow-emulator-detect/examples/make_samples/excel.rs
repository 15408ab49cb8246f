//! A workbook with shared strings, numbers, formulas, comments and properties.

use super::archive::{APP, CORE, CUSTOM, pack, package_relationships, relationships, types};
use super::person::Person;

const SPACE: &str = r#"xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships""#;

const ROWS: &str = r#"<sheetData>
<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is><t>Mail</t></is></c><c r="D1" t="s"><v>4</v></c></row>
<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2"><v>{card}</v></c><c r="C2" t="inlineStr"><is><r><t>{mail1}</t></r><r><t>{mail2}</t></r></is></c><c r="D2"><v>12.5</v></c></row>
<row r="3"><c r="A3" t="s"><v>3</v></c><c r="B3" t="n"><v>{exponent}</v></c><c r="C3" t="str"><f>"to " &amp; "{mail}" &amp; '{name}'!A1</f><v>to {mail}</v></c><c r="D3"><f>SUM(D2)</f><v>12.5</v></c></row>
</sheetData>"#;

/// Makes the workbook.
pub(crate) fn excel(person: &Person<'_>) -> std::io::Result<Vec<u8>> {
    let kinds = [
        ("xl/workbook.xml", "spreadsheetml.sheet.main"),
        ("xl/worksheets/sheet1.xml", "spreadsheetml.worksheet"),
        ("xl/worksheets/sheet2.xml", "spreadsheetml.worksheet"),
        ("xl/sharedStrings.xml", "spreadsheetml.sharedStrings"),
        ("xl/styles.xml", "spreadsheetml.styles"),
        ("xl/comments1.xml", "spreadsheetml.comments"),
    ];
    let workbook = format!(
        r#"<workbook {SPACE}><sheets><sheet name="Accounts" sheetId="1" r:id="rId1"/><sheet name="{{name}}" sheetId="2" r:id="rId2"/></sheets><definedNames><definedName name="Card" comment="of {{name}}">'{{name}}'!$A$1</definedName></definedNames></workbook>"#
    );
    let strings = format!(
        r#"<sst {SPACE} count="5" uniqueCount="5"><si><t>Customer</t></si><si><t>Card</t></si><si><t>{{name}}</t></si><si><r><t xml:space="preserve">Mr </t></r><r><rPr><b/></rPr><t>{{name1}}</t></r><r><t>{{name2}} and</t></r><r><t xml:space="preserve"> co</t></r></si><si><t>Amount</t></si></sst>"#
    );
    let styles = format!(
        r#"<styleSheet {SPACE}><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="1"><xf/></cellXfs></styleSheet>"#
    );
    let first = format!(
        r#"<worksheet {SPACE}>{ROWS}<dataValidations count="1"><dataValidation type="none" sqref="A2" promptTitle="Who" prompt="{{name}}" showInputMessage="1"/></dataValidations><hyperlinks><hyperlink ref="C2" r:id="rId2" tooltip="{{mail}}"/></hyperlinks><headerFooter><oddHeader>&amp;C{{name}}</oddHeader></headerFooter></worksheet>"#
    );
    let second = format!(
        r#"<worksheet {SPACE}><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>{{NAME}}</t></is></c></row></sheetData></worksheet>"#
    );
    let comments = format!(
        r#"<comments {SPACE}><authors><author>{{name}}</author></authors><commentList><comment ref="A2" authorId="0"><text><r><t>Call {{name1}}</t></r><r><t>{{name2}}</t></r></text></comment></commentList></comments>"#
    );
    let of_workbook = relationships(&[
        ("rId1", "worksheet", "worksheets/sheet1.xml"),
        ("rId2", "worksheet", "worksheets/sheet2.xml"),
        ("rId3", "sharedStrings", "sharedStrings.xml"),
        ("rId4", "styles", "styles.xml"),
    ]);
    let of_sheet =
        relationships(&[("rId1", "comments", "../comments1.xml"), ("rId2", "hyperlink", "mailto:{mail}")]);
    pack(
        &[
            ("[Content_Types].xml", &types(&kinds)),
            ("_rels/.rels", &package_relationships("xl/workbook.xml")),
            ("xl/workbook.xml", &workbook),
            ("xl/_rels/workbook.xml.rels", &of_workbook),
            ("xl/worksheets/sheet1.xml", &first),
            ("xl/worksheets/_rels/sheet1.xml.rels", &of_sheet),
            ("xl/worksheets/sheet2.xml", &second),
            ("xl/sharedStrings.xml", &strings),
            ("xl/styles.xml", &styles),
            ("xl/comments1.xml", &comments),
            ("docProps/core.xml", CORE),
            ("docProps/app.xml", APP),
            ("docProps/custom.xml", CUSTOM),
            ("docProps/thumbnail.jpeg", "not a picture, but it could show {name}"),
        ],
        person,
    )
}
