use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, ObjectId, Stream};

/// Visits an object and everything within it; referenced objects are not within it.
pub(super) fn within(object: &Object) -> impl Iterator<Item = &Object> {
    // Objects may be nested deeper than calls may.
    let mut open = vec![object];
    std::iter::from_fn(move || {
        let object = open.pop()?;
        match object {
            Object::Array(elements) => open.extend(elements),
            Object::Dictionary(dictionary) => open.extend(dictionary.iter().map(|(_, value)| value)),
            Object::Stream(stream) => open.extend(stream.dict.iter().map(|(_, value)| value)),
            _ => {}
        }
        Some(object)
    })
}

/// Returns the dictionary that an object is or begins with.
pub(super) fn dictionary_of(object: &Object) -> Option<&Dictionary> {
    match object {
        Object::Dictionary(dictionary) => Some(dictionary),
        Object::Stream(stream) => Some(&stream.dict),
        _ => None,
    }
}

/// Finds the streams of drawing operations that pages, annotations and patterns show.
///
/// Readers show the appearance of an annotation whatever it says about itself, so that what it is used for decides.
pub(super) fn forms(document: &Document) -> BTreeSet<ObjectId> {
    let mut forms = BTreeSet::new();
    for (id, object) in &document.objects {
        if object.as_stream().is_ok_and(says_it_is_form) {
            forms.insert(*id);
        }
        for dictionary in within(object).filter_map(dictionary_of) {
            let appearances = dictionary.get_deref(b"AP", document).and_then(Object::as_dict);
            for (_, appearance) in appearances.into_iter().flatten() {
                forms.extend(stream(document, appearance).map(|(id, _)| id));
                let states = document.dereference(appearance).and_then(|(_, states)| states.as_dict());
                let states = states.into_iter().flatten();
                forms.extend(states.filter_map(|(_, state)| Some(stream(document, state)?.0)));
            }
            let shown = shown(document, dictionary, b"XObject");
            forms.extend(shown.filter(|(_, stream)| !stream.dict.has(b"Subtype")).map(|(id, _)| id));
        }
    }
    forms
}

fn says_it_is_form(stream: &Stream) -> bool {
    let dictionary = &stream.dict;
    // Shadings may have a box as well, but hold coordinates.
    let is_data = has_name(dictionary, b"Subtype", b"Image") || dictionary.has(b"ShadingType");
    has_name(dictionary, b"Subtype", b"Form")
        || dictionary.get(b"PatternType").is_ok_and(|kind| kind.as_i64().is_ok_and(|kind| kind == 1))
        || (dictionary.has(b"BBox") && !is_data)
}

fn has_name(dictionary: &Dictionary, key: &[u8], expected: &[u8]) -> bool {
    dictionary.get(key).is_ok_and(|name| name.as_name().is_ok_and(|name| name == expected))
}

fn stream<'a>(document: &'a Document, object: &'a Object) -> Option<(ObjectId, &'a Stream)> {
    let (id, object) = document.dereference(object).ok()?;
    Some((id?, object.as_stream().ok()?))
}

/// Returns the streams under a key of resources.
fn shown<'a>(
    document: &'a Document,
    resources: &'a Dictionary,
    key: &[u8],
) -> impl Iterator<Item = (ObjectId, &'a Stream)> {
    let objects = resources.get_deref(key, document).and_then(Object::as_dict);
    objects.into_iter().flatten().filter_map(|(_, object)| stream(document, object))
}

/// Tells whether resources hold a picture; those within the forms that they hold are not looked for.
pub(super) fn has_picture(document: &Document, resources: &Dictionary) -> bool {
    shown(document, resources, b"XObject").any(|(_, stream)| has_name(&stream.dict, b"Subtype", b"Image"))
}

/// Returns the streams that are shown by way of resources, forms within forms included.
pub(super) fn reached(document: &Document, resources: &Dictionary) -> BTreeSet<ObjectId> {
    let mut reached = BTreeSet::new();
    let mut open = vec![resources];
    while let Some(resources) = open.pop() {
        for key in [&b"XObject"[..], b"Pattern"] {
            for (id, stream) in shown(document, resources, key) {
                if reached.insert(id) {
                    let own = stream.dict.get_deref(b"Resources", document).and_then(Object::as_dict);
                    open.extend(own);
                }
            }
        }
    }
    reached
}
