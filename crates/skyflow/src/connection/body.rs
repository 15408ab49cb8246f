use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use skyflow_api::{Json, Multipart};
use skyflow_http::{Body, form_urlencoded};

use super::content_type::{Format, boundary_of, format_of};
use super::shape::Shape;
use super::{form, xml};
use crate::Error;

/// What a request carries, before the content type has decided how it is written.
#[derive(Debug)]
pub(super) enum Content {
    Nothing,
    Value(Json),
    Raw(Body),
    Multipart(Multipart),
}

impl Content {
    /// Writes the body, and the content type where the request has none or needs another.
    pub(super) fn into_body(self, headers: &mut HeaderMap) -> Result<Body, Error> {
        let format = format_of(headers);
        let default = |headers: &mut HeaderMap, content_type| {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type));
        };
        match self {
            Self::Nothing => Ok(Body::empty()),
            Self::Raw(body) => {
                default(headers, "application/octet-stream");
                Ok(body)
            }
            Self::Value(json) => {
                default(headers, "application/json");
                written(&json, format.unwrap_or(Format::Json), headers)
            }
            Self::Multipart(form) => match format {
                None | Some(Format::Multipart) => multipart(form, headers),
                Some(_) => Err(Error::invalid("headers.content-type", "is not that of the multipart body")),
            },
        }
    }
}

fn written(json: &Json, format: Format, headers: &mut HeaderMap) -> Result<Body, Error> {
    let as_json = || Body::from(json.get().to_owned());
    if format == Format::Json {
        return Ok(as_json());
    }
    // A text that is not to be JSON is the caller's own XML, form, page or note.
    if let Some(Shape::Text(text)) = Shape::of(json.get())
        && format != Format::Multipart
    {
        return Ok(text.into());
    }
    match format {
        Format::Form => {
            let pairs = form::pairs_of(json.get())?;
            Ok(form_urlencoded(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()))).into())
        }
        Format::Xml => xml::document_of(json.get()).map(Body::from),
        Format::Multipart => multipart(parts_of(json)?, headers),
        Format::Json | Format::Text | Format::Other => Ok(as_json()),
    }
}

/// Writes each member as a part: strings, numbers and booleans as text, objects and lists as JSON, null as nothing.
fn parts_of(json: &Json) -> Result<Multipart, Error> {
    let Some(Shape::Object(members)) = Shape::of(json.get()) else {
        return Err(Error::invalid("body", "must serialize to an object to become a multipart form"));
    };
    let mut form = Multipart::new();
    for (name, value) in members {
        form = match Shape::of(value.get()) {
            None | Some(Shape::Null) => form.text(name, ""),
            Some(Shape::Scalar(text)) => form.text(name, text),
            Some(Shape::Text(text)) => form.text(name, text),
            Some(Shape::List(_) | Shape::Object(_)) => form
                .json(name, value)
                .map_err(|source| Error::invalid("body", "cannot be written").with_source(source))?,
        };
    }
    Ok(form)
}

fn multipart(mut form: Multipart, headers: &mut HeaderMap) -> Result<Body, Error> {
    if let Some(boundary) = boundary_of(headers) {
        form = form.boundary(boundary);
    }
    let (content_type, body) =
        form.into_body().map_err(|source| Error::invalid("body", "cannot be written").with_source(source))?;
    headers.insert(CONTENT_TYPE, content_type);
    Ok(body)
}
