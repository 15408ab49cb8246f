use std::borrow::Cow;
use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId, decode_text_string, text_string};

use super::names;
use crate::files::{FileProblem, rewriter::Rewriter};
use crate::rewrite::apply;

/// Entries that are dropped in any position: embedded files, scripts, private data of other programs, and what says the
/// same as the text in a form that is not looked into.
const DROPPED: [&[u8]; 16] = [
    b"AA",
    b"AF",
    b"Collection",
    b"EF",
    b"EmbeddedFiles",
    b"JS",
    b"JavaScript",
    b"Metadata",
    b"PieceInfo",
    b"Private",
    b"RC",
    b"RV",
    b"RichMediaContent",
    b"SpiderInfo",
    b"Thumb",
    b"XFA",
];
/// Entries of a signature that are dropped: it is invalid after the edit, but names who signed.
const SIGNATURE: [&[u8]; 8] =
    [b"ByteRange", b"Cert", b"ContactInfo", b"Contents", b"Location", b"Name", b"Reason", b"Reference"];
/// Strings that are not text.
const STRUCTURE: [&[u8]; 9] =
    [b"CharSet", b"CreationDate", b"DA", b"DS", b"ID", b"M", b"ModDate", b"Ordering", b"Registry"];
/// The names of fonts, to which nothing refers: any that is not in the file is shown by another that fits.
const FONTS: [&[u8]; 2] = [b"BaseFont", b"FontName"];
/// How deep objects may be nested in each other.
const DEPTH_LIMIT: usize = 200;

/// Drops what is not looked into, and rewrites every other string that is outside of content streams.
pub(super) fn rewrite(document: &mut Document, rewriter: &mut Rewriter<'_>) -> Result<(), FileProblem> {
    for key in [&b"Prev"[..], b"XRefStm", b"ID"] {
        document.trailer.remove(key);
    }
    drop_values_in_streams(document);
    let ids: Vec<ObjectId> = document.objects.keys().copied().collect();
    let properties = document.trailer.get(b"Info").and_then(Object::as_reference).ok();
    for id in ids {
        match document.objects.get_mut(&id) {
            // People name properties, and say by that what they are.
            Some(Object::Dictionary(dictionary)) if Some(id) == properties => {
                dictionary_strings(dictionary, true, 0, rewriter)?;
            }
            Some(object) => object_strings(object, "", 0, rewriter)?,
            None => {}
        }
    }
    let mut trailer = std::mem::take(&mut document.trailer);
    let result = dictionary_strings(&mut trailer, false, 0, rewriter);
    document.trailer = trailer;
    result
}

/// The value of a field may be a stream of text, which no reader shows.
fn drop_values_in_streams(document: &mut Document) {
    let is_stream = |object: &Object| matches!(object, Object::Stream(_));
    let streams: BTreeSet<ObjectId> =
        document.objects.iter().filter(|(_, object)| is_stream(object)).map(|(id, _)| *id).collect();
    for dictionary in document.objects.values_mut().filter_map(|object| object.as_dict_mut().ok()) {
        for key in [&b"V"[..], b"DV"] {
            if dictionary.get(key).and_then(Object::as_reference).is_ok_and(|id| streams.contains(&id)) {
                dictionary.remove(key);
            }
        }
    }
}

/// Rewrites the strings of an object.
pub(super) fn object_strings(
    object: &mut Object,
    label: &str,
    depth: usize,
    rewriter: &mut Rewriter<'_>,
) -> Result<(), FileProblem> {
    if depth > DEPTH_LIMIT {
        return Err(FileProblem::too_large(format!(
            "the file nests PDF objects deeper than {DEPTH_LIMIT} levels"
        )));
    }
    match object {
        Object::String(..) => {
            let Ok(text) = decode_text_string(object) else {
                *object = text_string("");
                return Ok(());
            };
            let edits = rewriter.edits_aside(&text, label)?;
            if !edits.is_empty() {
                *object = text_string(&apply(&text, &edits));
            }
        }
        // The colours of a palette.
        Object::Array(elements)
            if elements.first().is_some_and(|first| first.as_name().is_ok_and(|name| name == b"Indexed")) => {
        }
        Object::Array(elements) => {
            for element in elements {
                object_strings(element, label, depth + 1, rewriter)?;
            }
        }
        Object::Dictionary(dictionary) => dictionary_strings(dictionary, false, depth, rewriter)?,
        Object::Stream(stream) => dictionary_strings(&mut stream.dict, false, depth, rewriter)?,
        _ => {}
    }
    Ok(())
}

/// Rewrites the strings of a dictionary; most of its keys have a meaning of their own in PDF, such as `Name`, which is
/// that of a layer, and say nothing about a text.
fn dictionary_strings(
    dictionary: &mut Dictionary,
    keys_are_labels: bool,
    depth: usize,
    rewriter: &mut Rewriter<'_>,
) -> Result<(), FileProblem> {
    for key in DROPPED {
        dictionary.remove(key);
    }
    if dictionary.has(b"ByteRange") {
        for key in SIGNATURE {
            dictionary.remove(key);
        }
    }
    for (key, value) in dictionary.iter_mut() {
        if let Object::Name(name) = value
            && FONTS.contains(&key.as_slice())
        {
            names::rewrite(name, rewriter)?;
        }
        if !STRUCTURE.contains(&key.as_slice()) {
            let label = if keys_are_labels { String::from_utf8_lossy(key) } else { Cow::default() };
            object_strings(value, &label, depth + 1, rewriter)?;
        }
    }
    Ok(())
}
