use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipWriter};

use super::person::Person;

/// Packs the parts of an Office file, each filled in for a person.
pub(crate) fn pack(parts: &[(&str, &str)], person: &Person<'_>) -> std::io::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    // The same parts give the same bytes.
    let options = SimpleFileOptions::default().last_modified_time(DateTime::default());
    for (name, template) in parts {
        archive.start_file(*name, options)?;
        archive.write_all(person.fill(template.trim_start()).as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}

/// The properties of an Office file, which name people too.
pub(crate) const CORE: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>Account of {name}</dc:title><dc:creator>{name}</dc:creator><cp:keywords>{mail}</cp:keywords><dc:description>{NAME}</dc:description><cp:lastModifiedBy>{name}</cp:lastModifiedBy><dcterms:created xsi:type="dcterms:W3CDTF">2026-01-01T00:00:00Z</dcterms:created></cp:coreProperties>"#;

pub(crate) const APP: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Pages>1</Pages><Manager>{name}</Manager><HyperlinkBase>https://example.com/{mail}</HyperlinkBase></Properties>"#;

pub(crate) const CUSTOM: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"><property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="2" name="Card"><vt:i8>{card}</vt:i8></property><property fmtid="{D5CDD505-2E9C-101B-9397-08002B2CF9AE}" pid="3" name="{name}"><vt:lpwstr>{mail}</vt:lpwstr></property></Properties>"#;

/// The relationships of a package whose main part is named; `thumbnail.jpeg` is a picture of the first page.
pub(crate) fn package_relationships(main: &str) -> String {
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="{package}"><Relationship Id="rId1" Type="{office}/officeDocument" Target="{main}"/><Relationship Id="rId2" Type="{package}/metadata/core-properties" Target="docProps/core.xml"/><Relationship Id="rId3" Type="{office}/extended-properties" Target="docProps/app.xml"/><Relationship Id="rId4" Type="{office}/custom-properties" Target="docProps/custom.xml"/><Relationship Id="rId5" Type="{package}/metadata/thumbnail" Target="docProps/thumbnail.jpeg"/></Relationships>"#
    )
}

/// The content types of a package: the parts beside the properties, each with the end of its type.
pub(crate) fn types(parts: &[(&str, &str)]) -> String {
    let office = "application/vnd.openxmlformats-officedocument";
    let overrides: String = parts
        .iter()
        .map(|(part, kind)| format!(r#"<Override PartName="/{part}" ContentType="{office}.{kind}+xml"/>"#))
        .collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Default Extension="jpeg" ContentType="image/jpeg"/>{overrides}<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/><Override PartName="/docProps/app.xml" ContentType="{office}.extended-properties+xml"/><Override PartName="/docProps/custom.xml" ContentType="{office}.custom-properties+xml"/></Types>"#
    )
}

/// The relationships of a part: id, end of the type, target; targets with a scheme are outside of the package.
pub(crate) fn relationships(entries: &[(&str, &str, &str)]) -> String {
    let entries: String = entries
        .iter()
        .map(|(id, kind, target)| {
            let mode = if target.contains(':') { r#" TargetMode="External""# } else { "" };
            format!(
                r#"<Relationship Id="{id}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"{mode}/>"#
            )
        })
        .collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{entries}</Relationships>"#
    )
}
