use std::fmt;

use http::Method;
use http::header::HeaderMap;
use serde::Serialize;
use skyflow_api::{EncodeError, Json, Multipart};
use skyflow_http::{Body, PathTemplate, Request};

use super::body::Content;
use super::shape::Shape;
use crate::{Error, headers};

/// The longest name of a parameter that an error repeats.
const MAX_SHOWN: usize = 64;

/// Calls a third party through a connection.
///
/// The body is written as the content type says: `application/json` unless a `content-type` header names another.
///
/// ```
/// use skyflow::InvokeConnectionRequest;
/// use skyflow::api::{FilePart, Multipart};
///
/// let json = InvokeConnectionRequest::post().body(&serde_json::json!({"amount": 1999}));
/// let form = InvokeConnectionRequest::post()
///     .content_type("application/x-www-form-urlencoded")
///     .body(&serde_json::json!({"card": {"number": "5391-4629-3722-7102"}})); // card[number]=…
/// let own_xml = InvokeConnectionRequest::put().content_type("text/xml").body("<order id=\"7\"/>");
/// let files = InvokeConnectionRequest::post()
///     .multipart(Multipart::new().text("kind", "passport").file("scan", FilePart::new("…").file_name("scan.png")));
/// ```
#[must_use = "a request does nothing until it is given to `Connection::invoke`"]
pub struct InvokeConnectionRequest {
    method: Method,
    path_params: Vec<(String, String)>,
    query_params: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    content: Content,
    /// The first thing that went wrong while it was put together.
    problem: Option<Error>,
}

impl InvokeConnectionRequest {
    /// Starts a request with this method.
    pub fn new(method: Method) -> Self {
        Self {
            method,
            path_params: Vec::new(),
            query_params: Vec::new(),
            headers: Vec::new(),
            content: Content::Nothing,
            problem: None,
        }
    }

    /// Starts a `GET`.
    pub fn get() -> Self {
        Self::new(Method::GET)
    }

    /// Starts a `POST`.
    pub fn post() -> Self {
        Self::new(Method::POST)
    }

    /// Starts a `PUT`.
    pub fn put() -> Self {
        Self::new(Method::PUT)
    }

    /// Starts a `PATCH`.
    pub fn patch() -> Self {
        Self::new(Method::PATCH)
    }

    /// Starts a `DELETE`.
    pub fn delete() -> Self {
        Self::new(Method::DELETE)
    }

    /// Sets the value of `{name}` in the connection's path. The last value wins. A number that is NaN or infinite is refused
    /// when the request is sent.
    pub fn path_param<V: ToString>(mut self, name: impl Into<String>, value: V) -> Self {
        let name = name.into();
        let value = self.finite(value, "path_params", &name);
        self.path_params.retain(|(known, _)| *known != name);
        self.path_params.push((name, value));
        self
    }

    /// Adds a pair to the query; the same name again adds another pair. A number that is NaN or infinite is refused when
    /// the request is sent.
    pub fn query_param<V: ToString>(mut self, name: impl Into<String>, value: V) -> Self {
        let name = name.into();
        let value = self.finite(value, "query_params", &name);
        self.query_params.push((name, value));
        self
    }

    /// Writes a parameter. A number that is NaN or infinite is a problem; a string that spells one is not.
    fn finite<V: ToString>(&mut self, value: V, list: &str, name: &str) -> String {
        let text = value.to_string();
        // Numbers in types of a caller's own are written in the same way.
        if matches!(text.as_str(), "NaN" | "inf" | "-inf") && !is_text::<V>() {
            let problem = Error::not_finite(&field(list, name), "");
            self.problem = self.problem.take().or(Some(problem));
        }
        text
    }

    /// Adds the members of a struct or map to the query: a list repeats its name, null is left out.
    pub fn query_params<T: Serialize + ?Sized>(mut self, params: &T) -> Self {
        match query_pairs(params) {
            Ok(pairs) => self.query_params.extend(pairs),
            Err(problem) => self.problem = self.problem.or(Some(problem)),
        }
        self
    }

    /// Sets a header. Names are compared without regard to case, and the last value wins.
    ///
    /// `authorization` is the third party's. `x-skyflow-authorization` takes the place of the client's token.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the `content-type` header, which decides how the body is written.
    pub fn content_type(self, content_type: impl Into<String>) -> Self {
        self.header("content-type", content_type)
    }

    /// Sets the body to a value of yours. A number in it that is NaN or infinite is refused when the request is sent.
    ///
    /// | content type | what is sent |
    /// |---|---|
    /// | none, `application/json`, `…+json` | JSON |
    /// | `application/x-www-form-urlencoded` | `a=1&b[c]=2&d[0]=3`, percent-encoded; a text as it is |
    /// | `multipart/form-data` | a part for each member: objects and lists as JSON, the rest as text |
    /// | `text/xml`, `application/xml`, `…+xml` | elements under `<root>`, escaped; a text as it is |
    /// | any other | a text as it is, anything else as JSON |
    pub fn body<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match Json::from_serialize(body) {
            Ok(json) => self.content = Content::Value(json),
            Err(source) => self.problem = self.problem.or(Some(unserializable("body", source))),
        }
        self
    }

    /// Sets the body to bytes, text or a stream, sent as it is: `application/octet-stream` unless a `content-type`
    /// header is set. A stream is sent once.
    pub fn raw_body(mut self, body: impl Into<Body>) -> Self {
        self.content = Content::Raw(body.into());
        self
    }

    /// Sets the body to a form of text, JSON and files. A boundary that the `content-type` header names is used.
    pub fn multipart(mut self, form: Multipart) -> Self {
        self.content = Content::Multipart(form);
        self
    }

    /// Checks everything and writes the request; its URI has a path and a query only.
    pub(super) fn into_http(self, template: &PathTemplate) -> Result<Request, Error> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        for (name, _) in &self.path_params {
            if !template.parameters().any(|known| known == name) {
                let problem = "is not in the path of the connection's URL";
                return Err(Error::invalid(field("path_params", name), problem));
            }
        }
        let value_of = |name: &str| {
            self.path_params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        };
        let mut target = template.fill(value_of).map_err(|source| {
            let place = field("path_params", source.parameter().unwrap_or_default());
            Error::invalid(place, source.problem())
        })?;
        for (name, value) in &self.query_params {
            if name.is_empty() {
                return Err(Error::invalid("query_params", "has an empty name"));
            }
            target = target.query(name, value);
        }
        let target = target
            .finish()
            .map_err(|source| Error::invalid("query_params", "and path are too long").with_source(source))?;

        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers::set(&mut headers, name, value)?;
        }
        let body = self.content.into_body(&mut headers)?;
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = target.into();
        *request.headers_mut() = headers;
        Ok(request)
    }
}

/// Shows how much there is of each, and no name and no value.
impl fmt::Debug for InvokeConnectionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvokeConnectionRequest")
            .field("method", &self.method)
            .field("path_params", &self.path_params.len())
            .field("query_params", &self.query_params.len())
            .field("headers", &self.headers.len())
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}

/// Tells whether a type is a string, borrowed, owned or shared.
fn is_text<V>() -> bool {
    let name = std::any::type_name::<V>().trim_end_matches("<'_>").trim_end_matches('>');
    ["str", "String", "Arguments"].iter().any(|text| {
        let before = name.strip_suffix(text);
        before.is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

/// Names a parameter in an error, unless its name looks like data.
fn field(list: &str, name: &str) -> String {
    let is_plain = (1..=MAX_SHOWN).contains(&name.len())
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_plain { format!("{list}.{name}") } else { list.to_owned() }
}

fn unserializable(field: &str, source: EncodeError) -> Error {
    match source {
        EncodeError::NotFinite(path) => Error::not_finite(field, &path),
        source => Error::invalid(field, "cannot be serialized").with_source(source),
    }
}

fn query_pairs<T: Serialize + ?Sized>(params: &T) -> Result<Vec<(String, String)>, Error> {
    let json = Json::from_serialize(params).map_err(|source| unserializable("query_params", source))?;
    let Some(Shape::Object(members)) = Shape::of(json.get()) else {
        return Err(Error::invalid("query_params", "must serialize to an object"));
    };
    let mut pairs = Vec::new();
    for (name, value) in members {
        let nested = || Error::invalid(field("query_params", &name), "must be a scalar or a list of scalars");
        let mut push = |shape: Option<Shape<'_>>| {
            match shape {
                Some(Shape::Null) => {}
                Some(Shape::Scalar(text)) => pairs.push((name.clone(), text.to_owned())),
                Some(Shape::Text(text)) => pairs.push((name.clone(), text)),
                _ => return Err(nested()),
            }
            Ok(())
        };
        match Shape::of(value.get()) {
            Some(Shape::List(elements)) => {
                elements.into_iter().try_for_each(|element| push(Shape::of(element.get())))?;
            }
            shape => push(shape)?,
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests;
