//! Places in JSON: enumeration and changes of their values.

use skyflow_conformance::json::Json;

/// A step down: into a member or an element.
#[derive(Clone, Debug)]
pub(crate) enum Down {
    Key(String),
    Index(usize),
}

pub(crate) type Place = Vec<Down>;

/// Reads `requests[0].body.value`.
pub(crate) fn place(text: &str) -> Place {
    let parts = text.replace('[', ".[").replace(']', "");
    let down = |word: &str| match word.strip_prefix('[') {
        Some(index) => Down::Index(index.parse().unwrap()),
        None => Down::Key(word.to_owned()),
    };
    parts.split('.').map(down).collect()
}

pub(crate) fn shown(place: &Place) -> String {
    let word = |down: &Down| match down {
        Down::Key(key) => format!(".{key}"),
        Down::Index(index) => format!("[{index}]"),
    };
    place.iter().map(word).collect()
}

pub(crate) fn at_mut<'a>(json: &'a mut Json, place: &Place) -> Option<&'a mut Json> {
    place.iter().try_fold(json, |json, down| match down {
        Down::Key(key) => json.member_mut(key),
        Down::Index(index) => json.element_mut(*index),
    })
}

/// Every place below `start`, in long lists only the first and the last.
pub(crate) fn below(json: &Json, start: &Place) -> Vec<Place> {
    let mut copy = json.clone();
    let Some(top) = at_mut(&mut copy, start) else { return Vec::new() };
    let mut places = vec![start.clone()];
    let children: Vec<Down> = match &*top {
        Json::Object(members) => members.iter().map(|(key, _)| Down::Key(key.clone())).collect(),
        Json::List(elements) => {
            let last = elements.len().saturating_sub(1);
            (0..elements.len()).filter(|index| *index < 2 || *index == last).map(Down::Index).collect()
        }
        _ => Vec::new(),
    };
    for child in children {
        let mut place = start.clone();
        place.push(child);
        places.extend(below(json, &place));
    }
    places
}

/// Returns replacements for a value, each with a name.
pub(crate) fn changed(value: &Json) -> Vec<(&'static str, Json)> {
    match value {
        Json::Null => vec![("something for null", Json::text("x"))],
        Json::Bool(yes) => vec![("the other bool", Json::Bool(!yes))],
        Json::Number(digits) => {
            vec![("another number", Json::Number(format!("1{digits}"))), ("a text", Json::text(digits))]
        }
        Json::Text(text) => vec![("another text", Json::Text(format!("{text}-x"))), ("null", Json::Null)],
        Json::List(elements) => {
            let mut changes =
                vec![("one more", Json::List(elements.iter().cloned().chain([Json::Null]).collect()))];
            if !elements.is_empty() {
                changes.push(("one fewer", Json::List(elements.split_last().unwrap().1.to_vec())));
            }
            if let [first, second, rest @ ..] = elements.as_slice()
                && first != second
            {
                let swapped = [second, first].into_iter().chain(rest).cloned().collect();
                changes.push(("the first two swapped", Json::List(swapped)));
            }
            changes
        }
        Json::Object(members) => {
            let mut more = members.clone();
            more.push(("surplus".to_owned(), Json::Bool(true)));
            let mut changes = vec![("a member more", Json::Object(more))];
            if !members.is_empty() {
                changes.push(("a member fewer", Json::Object(members.split_last().unwrap().1.to_vec())));
            }
            changes
        }
    }
}
