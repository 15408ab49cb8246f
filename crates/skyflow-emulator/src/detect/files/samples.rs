//! The makers of the sample files, which the tests fill with planted words.

#![allow(unreachable_pub, reason = "the makers belong to a program of their own as well")]

#[path = "../../../examples/make_samples/archive.rs"]
pub mod archive;
#[path = "../../../examples/make_samples/excel.rs"]
pub mod excel;
#[path = "../../../examples/make_samples/pdf.rs"]
pub mod pdf;
#[path = "../../../examples/make_samples/person.rs"]
pub mod person;
#[path = "../../../examples/make_samples/slides.rs"]
pub mod slides;
#[path = "../../../examples/make_samples/word.rs"]
pub mod word;

use super::planted::{MAIL, NAME, NUMBER};

pub(super) const PLANTED: person::Person<'_> = person::Person { name: NAME, card: NUMBER, mail: MAIL };
