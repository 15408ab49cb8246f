//! Reads responses so that one value of an unexpected shape loses no other.
//!
//! A response that has the form of the bindings is read in one pass. Only one that has not is read again, element by
//! element and member by member.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use skyflow_api::runtime::{decode_json, decode_json_shared, lossy_members, text_of};
use skyflow_api::{DecodeError, Json};

use crate::Error;
use crate::record::{Origin, columns_of};

/// How a body is read.
pub(crate) trait ReadBody {
    type Value;

    fn read(body: &Bytes) -> Result<Self::Value, DecodeError>;
}

/// Reads a body as a whole.
pub(crate) struct Strict<T>(PhantomData<T>);

impl<T: DeserializeOwned> ReadBody for Strict<T> {
    type Value = T;

    fn read(body: &Bytes) -> Result<T, DecodeError> {
        decode_json(body)
    }
}

/// Reads a body whose members are independent of each other: one that does not fit is absent.
pub(crate) struct Lenient<T>(PhantomData<T>);

impl<T: DeserializeOwned> ReadBody for Lenient<T> {
    type Value = T;

    fn read(body: &Bytes) -> Result<T, DecodeError> {
        decode_json(body).or_else(|error| whole(body).map_or(Err(error), |json| json.decode_lenient()))
    }
}

/// The elements of a list; one that cannot be read is kept as JSON.
pub(crate) type Elements<T> = Vec<Result<T, Json>>;

/// Reads the list of a body that `T` is the form of. An element that does not fit is passed to `misfit`.
pub(crate) fn elements<T: DeserializeOwned, E>(
    body: &Bytes,
    list: &str,
    of_whole: impl FnOnce(T) -> Vec<E>,
    misfit: impl Fn(Json) -> Result<E, Json>,
) -> Result<Elements<E>, DecodeError>
where
    E: DeserializeOwned,
{
    match decode_json_shared::<T>(body) {
        Ok(whole) => Ok(of_whole(whole).into_iter().map(Ok).collect()),
        Err(error) => {
            let read = |element: Json| element.decode().or_else(|_| misfit(element));
            list_of(body, list).map_or(Err(error), |list| Ok(list.into_iter().map(read).collect()))
        }
    }
}

/// Reads an element whose members are independent of each other.
pub(crate) fn lenient<E: DeserializeOwned>(element: Json) -> Result<E, Json> {
    element.decode_lenient().map_err(|_| element)
}

/// Returns the elements of a list in a body; `None` when the body has no such list.
pub(crate) fn list_of(body: &Bytes, list: &str) -> Option<Vec<Json>> {
    let json = whole(body)?;
    let members = lossy_members(json.get());
    let (_, found) = members.into_iter().rev().find(|(name, _)| name == list)?;
    if found.get() == "null" {
        return Some(Vec::new());
    }
    Json::parse(found.get()).ok()?.decode().ok()
}

/// Returns a body as JSON; `None` when it is none.
pub(crate) fn whole(body: &Bytes) -> Option<Json> {
    Json::parse(&text_of(body)?).ok()
}

/// Elements with their indexes in a response.
pub(crate) type Indexed = Vec<(usize, Json)>;

/// The elements of a response by their places in the request, and those that have none.
type Placed = (Vec<Option<Json>>, Indexed);

/// Finds out which element belongs to which of `count` places in the request.
///
/// Where elements name their places, those are assigned by name, and all others are returned beside them. Where none
/// does, elements that can be in the order of the request are assigned by it.
///
/// # Errors
///
/// Fails with `ambiguous` when no element names its place and they cannot be in order: a wrong assignment would mislabel
/// a row. All elements are in the error.
pub(crate) fn placed(
    elements: Vec<Json>,
    count: usize,
    in_order: bool,
    ambiguous: &'static str,
) -> Result<Placed, Error> {
    let is_named = name_places(&elements, count);
    if in_order && !is_named {
        let missing = std::iter::repeat_with(|| None);
        return Ok((elements.into_iter().map(Some).chain(missing).take(count).collect(), Vec::new()));
    }
    if !is_named {
        return Err(Error::bad_response(ambiguous).with_elements(&elements));
    }
    let mut found: Vec<Option<Json>> = std::iter::repeat_with(|| None).take(count).collect();
    let mut surplus = Vec::new();
    for (index, element) in elements.into_iter().enumerate() {
        match place_of(&element).and_then(|place| found.get_mut(place)) {
            Some(place @ None) => *place = Some(element),
            _ => surplus.push((index, element)),
        }
    }
    Ok((found, surplus))
}

/// Tells whether an element names one of `count` places.
pub(crate) fn name_places(elements: &[Json], count: usize) -> bool {
    elements.iter().any(|element| place_of(element).is_some_and(|place| place < count))
}

/// Returns the place in the request that an element names.
fn place_of(element: &Json) -> Option<usize> {
    if !["request_index", "requestIndex"].iter().any(|name| element.get().contains(name)) {
        return None;
    }
    let members = columns_of(element);
    let place = members.get("request_index").or_else(|| members.get("requestIndex"))?;
    serde_json::from_str(place.get()).ok()
}

/// Describes an element of a response that does not have the form that the operation defines, such as a row, or that
/// belongs to nothing in the request. It does not affect the other elements.
///
/// ```
/// # async fn run(vault: skyflow::Vault, request: skyflow::GetRequest) -> Result<(), skyflow::Error> {
/// let response = vault.get(request).await?;
/// for error in &response.errors {
///     eprintln!("{error}"); // its JSON is `error.raw()`
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct ElementError {
    /// The index of the element in the response, from 0.
    pub index: usize,
    raw: Json,
    #[serde(skip)]
    is_surplus: bool,
    #[serde(skip)]
    origin: Arc<Origin>,
}

impl ElementError {
    pub(crate) fn new(index: usize, raw: Json, origin: &Arc<Origin>) -> Self {
        Self { index, raw, is_surplus: false, origin: Arc::clone(origin) }
    }

    /// Describes the elements that belong to nothing in the request.
    pub(crate) fn surplus(
        elements: impl IntoIterator<Item = (usize, Json)>,
        origin: &Arc<Origin>,
    ) -> Vec<Self> {
        let elements = elements.into_iter();
        elements.map(|(index, raw)| Self { is_surplus: true, ..Self::new(index, raw, origin) }).collect()
    }

    pub(crate) fn json(&self) -> &Json {
        &self.raw
    }

    /// Returns the element as JSON text, byte for byte as the server sent it; keep it out of logs.
    pub fn raw(&self) -> &str {
        self.raw.get()
    }

    /// Makes it the error of a call: of kind [`ErrorKind::Decode`](crate::ErrorKind::Decode), with the operation, the
    /// status and the request id of the response.
    pub fn into_error(self) -> Error {
        let error = if self.is_surplus { Error::surplus(self.index) } else { Error::misshapen(self.index) };
        error.in_response(&self.origin)
    }
}

impl fmt::Debug for ElementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ElementError").field("index", &self.index).finish_non_exhaustive()
    }
}

impl fmt::Display for ElementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.clone().into_error(), f)
    }
}

impl std::error::Error for ElementError {}

/// Separates the elements that were read from the others.
pub(crate) fn sorted<E, T>(
    elements: Elements<E>,
    origin: &Arc<Origin>,
    read: impl Fn(E) -> Result<T, Json>,
) -> (Vec<T>, Vec<ElementError>) {
    let (mut good, mut errors) = (Vec::with_capacity(elements.len()), Vec::new());
    for (index, element) in elements.into_iter().enumerate() {
        match element.and_then(&read) {
            Ok(element) => good.push(element),
            Err(raw) => errors.push(ElementError::new(index, raw, origin)),
        }
    }
    (good, errors)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Page {
        rows: Vec<Row>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        id: String,
        age: Option<u8>,
    }

    fn read(body: &'static str) -> Result<Vec<Result<String, String>>, DecodeError> {
        let rows = elements(&Bytes::from_static(body.as_bytes()), "rows", |page: Page| page.rows, lenient)?;
        Ok(rows.into_iter().map(|row| row.map(|row| row.id).map_err(|raw| raw.get().to_owned())).collect())
    }

    fn place(elements: &[&str], count: usize) -> Result<Placed, Error> {
        let elements: Vec<Json> = elements.iter().map(|json| Json::parse(json).unwrap()).collect();
        let in_order = elements.len() <= count;
        placed(elements, count, in_order, "more than requested")
    }

    #[test]
    fn surplus_keeps_elements_that_name_their_place() {
        let [a, b, odd] = [r#"{"request_index":1}"#, r#"{"requestIndex":0}"#, r#"{"request_index":9}"#];
        let text = |json: &Json| json.get().to_owned();
        for (elements, surplus) in [
            (vec![a, b, odd], vec![2]),
            (vec![odd, a, b], vec![0]),
            (vec!["7", a, b, a], vec![0, 3]),
            (vec![b, r#"{"request_index":"x"}"#, a, "null"], vec![1, 3]),
        ] {
            let (found, rest) = place(&elements, 2).unwrap();
            let found: Vec<_> = found.iter().map(|json| json.as_ref().map(text)).collect();
            assert_eq!(found, [Some(b.to_owned()), Some(a.to_owned())], "{elements:?}");
            assert_eq!(rest.iter().map(|(index, _)| *index).collect::<Vec<_>>(), surplus, "{elements:?}");
            assert!(rest.iter().all(|(index, json)| json.get() == elements[*index]));
        }
        let (found, rest) = place(&["1", "2"], 3).unwrap();
        assert_eq!((found.len(), found[2].is_none(), rest.len()), (3, true, 0));
    }

    #[test]
    fn ambiguous_surplus_is_kept_in_the_error() {
        for elements in
            [&[r#"{"id":"canary"}"#, r#"{"id":"b"}"#][..], &[r#"{"request_index":5}"#, "\"canary\""]]
        {
            let error = place(elements, 1).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Decode);
            let kept: Vec<serde_json::Value> = serde_json::from_slice(error.expose_server_body()).unwrap();
            assert_eq!(kept.len(), 2);
            assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn misshapen_element_loses_no_other() {
        let good = |id: &str| Ok(id.to_owned());
        let bad = |raw: &str| Err(raw.to_owned());
        for (body, rows) in [
            (r#"{"rows":[{"id":"a"},{"id":"b"}]}"#, vec![good("a"), good("b")]),
            (
                r#"{"rows":[{"id":"a"},7,{"id":"b","age":"x"},{"id":7}]}"#,
                vec![good("a"), bad("7"), good("b"), bad(r#"{"id":7}"#)],
            ),
            ("\u{feff}{\"rows\":[{\"id\":\"a\"},null]}", vec![good("a"), bad("null")]),
            (r#"{"rows":null}"#, vec![]),
        ] {
            assert_eq!(read(body).unwrap(), rows, "{body}");
        }
        for body in ["", "{}", r#"{"rows":"x"}"#, r#"{"rows":[{"id":"a"}"#] {
            assert!(read(body).is_err(), "{body}");
        }
    }

    #[test]
    fn named_elements_are_assigned_by_their_names() {
        let parse = |texts: &[&str]| texts.iter().map(|text| Json::parse(text).unwrap()).collect::<Vec<_>>();
        let named = |elements: &[&str], count| {
            let (found, surplus) = placed(parse(elements), count, true, "ambiguous").unwrap();
            let texts = |found: Vec<Option<Json>>| -> Vec<_> {
                found.into_iter().map(|json| json.map(|json| json.get().to_owned())).collect()
            };
            (texts(found), surplus.len())
        };
        let (first, second) = (r#"{"request_index":0}"#, r#"{"requestIndex":1}"#);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(named(&[second, first], 2), (vec![text(first), text(second)], 0), "in another order");
        assert_eq!(named(&[second], 2), (vec![None, text(second)], 0), "too few");
        assert_eq!(named(&["{}", first], 2), (vec![text(first), None], 1), "one without a name");
        assert_eq!(named(&["{}", "1"], 2), (vec![text("{}"), text("1")], 0), "in order");
    }
}
