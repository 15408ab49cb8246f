//! The makers of the sample files, which the tests fill with planted words.

#[path = "../../../examples/make_samples/archive.rs"]
pub(crate) mod archive;
#[path = "../../../examples/make_samples/excel.rs"]
pub(crate) mod excel;
#[path = "../../../examples/make_samples/pdf.rs"]
pub(crate) mod pdf;
#[path = "../../../examples/make_samples/person.rs"]
pub(crate) mod person;
#[path = "../../../examples/make_samples/slides.rs"]
pub(crate) mod slides;
#[path = "../../../examples/make_samples/texts.rs"]
pub(crate) mod texts;
#[path = "../../../examples/make_samples/word.rs"]
pub(crate) mod word;

use super::planted::{MAIL, NAME, NUMBER};

pub(super) const PLANTED: person::Person<'_> = person::Person { name: NAME, card: NUMBER, mail: MAIL };
