use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame};

use super::*;
use crate::{BodyProblem, BoxError, Error, ErrorKind, SendBodyError};

/// A body of two chunks that does not know its length.
struct Chunks(VecDeque<Result<&'static str, &'static str>>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let next = self.get_mut().0.pop_front();
        Poll::Ready(next.map(|chunk| chunk.map(|text| Frame::data(text.into())).map_err(Into::into)))
    }
}

fn stream() -> Body {
    Body::new(Chunks(VecDeque::from([Ok("one "), Ok("two")])))
}

fn form(file: FilePart) -> Multipart {
    Multipart::new().boundary("b").text("columnName", "passport").file("file", file)
}

const WHOLE: &str = "--b\r\nContent-Disposition: form-data; name=\"columnName\"\r\n\r\npassport\r\n\
    --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\n\
    one two\r\n--b--\r\n";

#[tokio::test]
async fn a_form_in_memory_can_be_sent_again() {
    let file = FilePart::new("one two").file_name("x.txt").content_type("text/plain");
    let (content_type, body) = form(file).into_body().unwrap();
    assert_eq!(content_type, "multipart/form-data; boundary=b");
    assert_eq!(body.size_hint().exact(), Some(WHOLE.len() as u64));
    assert_eq!(body.try_clone().unwrap().collect(1000).await.unwrap(), WHOLE);
    assert_eq!(body.collect(1000).await.unwrap(), WHOLE);
}

#[tokio::test]
async fn streams_are_sent_in_order_with_a_known_length() {
    let file = || FilePart::new(stream()).file_name("x.txt").content_type("text/plain");
    let (_, unknown) = form(file()).into_body().unwrap();
    assert!(unknown.try_clone().is_none());
    assert_eq!(unknown.size_hint().exact(), None);
    assert_eq!(unknown.size_hint().lower(), WHOLE.len() as u64 - 7);
    assert_eq!(unknown.collect(1000).await.unwrap(), WHOLE);

    let (_, known) = form(file().length(7)).into_body().unwrap();
    assert_eq!(known.size_hint().exact(), Some(WHOLE.len() as u64));
    assert_eq!(known.collect(1000).await.unwrap(), WHOLE);
}

#[tokio::test]
async fn a_stream_that_breaks_makes_the_body_fail() {
    let broken = Body::new(Chunks(VecDeque::from([Ok("one "), Err("cut")])));
    let (_, body) = form(FilePart::new(broken)).into_body().unwrap();
    assert!(body.collect(1000).await.is_err());
}

/// Returns what a server would receive until the form fails, and the failure.
async fn failing(file: FilePart) -> (ErrorKind, BodyProblem) {
    let (_, body) = form(file).into_body().unwrap();
    let error: Error = body.collect(1000).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().downcast_ref::<SendBodyError>().unwrap();
    assert_eq!(source.part(), Some("file"));
    (error.kind(), source.problem())
}

#[tokio::test]
async fn part_of_another_length_fails_the_form() {
    for (announced, problem) in [
        (0, BodyProblem::TooLong),
        (4, BodyProblem::TooLong),
        (6, BodyProblem::TooLong),
        (8, BodyProblem::TooShort { actual: 7 }),
        (500, BodyProblem::TooShort { actual: 7 }),
    ] {
        let file = FilePart::new(stream()).length(announced);
        assert_eq!(failing(file).await, (ErrorKind::RequestBody, problem), "{announced}");
        let file = FilePart::new(Body::reopenable(|| Chunks(VecDeque::from([Ok("one "), Ok("two")]))));
        assert_eq!(failing(file.length(announced)).await.1, problem, "{announced}");
        let in_memory = form(FilePart::new("one two").length(announced)).into_body();
        assert!(matches!(in_memory, Err(EncodeError::Length)), "{announced}");
    }
    let broken = Body::new(Chunks(VecDeque::from([Ok("one "), Err("cut")])));
    assert_eq!(failing(FilePart::new(broken)).await, (ErrorKind::RequestBody, BodyProblem::Unreadable));
}

#[tokio::test]
async fn form_of_reopenable_parts_can_be_sent_again() {
    let content = || Chunks(VecDeque::from([Ok("one "), Ok("two")]));
    let file =
        FilePart::new(Body::reopenable(content)).file_name("x.txt").content_type("text/plain").length(7);
    let (_, body) = form(file).into_body().unwrap();
    let copy = body.try_clone().unwrap();
    assert_eq!(copy.size_hint().exact(), Some(WHOLE.len() as u64));
    assert_eq!(body.collect(1000).await.unwrap(), WHOLE);
    assert_eq!(copy.try_clone().unwrap().collect(1000).await.unwrap(), WHOLE);
    assert_eq!(copy.collect(1000).await.unwrap(), WHOLE);

    let two = form(FilePart::new(Body::reopenable(content))).file("other", FilePart::new(stream()));
    assert!(two.into_body().unwrap().1.try_clone().is_none(), "one part can be read once only");
}

#[tokio::test]
async fn a_hostile_name_cannot_add_a_header_or_a_part() {
    let name = "a\"; x=\"y\r\nX-Evil: 1\r\n\r\n--b--\u{0}ü.txt";
    let (_, body) = form(FilePart::new("x").file_name(name)).into_body().unwrap();
    let text = String::from_utf8(body.collect(1000).await.unwrap().to_vec()).unwrap();
    assert!(text.contains("filename=\"a%22; x=%22y%0D%0AX-Evil: 1%0D%0A%0D%0A--b--%00ü.txt\"\r\n"), "{text}");
    assert_eq!(text.matches("\r\n--b").count(), 2);
}

#[test]
fn invalid_content_types_and_boundaries_fail() {
    for content_type in ["text/plain\r\nX-Evil: 1", "", "text/\u{fc}"] {
        let result = form(FilePart::new("x").content_type(content_type)).into_body();
        assert!(matches!(result, Err(EncodeError::Part("content type"))), "{content_type:?}");
    }
    for boundary in ["", "a b", "a\r\n", "ü", &"x".repeat(71)] {
        let result = Multipart::new().boundary(boundary).into_body();
        assert!(matches!(result, Err(EncodeError::Part("boundary"))), "{boundary:?}");
    }
}

#[test]
fn random_boundaries_are_valid_and_differ() {
    let (one, other) = (random_boundary(), random_boundary());
    assert!(is_boundary(&one));
    assert_ne!(one, other);
}

#[test]
fn debug_shows_neither_name_nor_content() {
    let file = FilePart::new("canary").file_name("canary.txt");
    assert!(!format!("{file:?}").contains("canary"));
}
