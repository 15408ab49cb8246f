//! Makers of sample files, which the tests fill with planted values.

#[cfg(feature = "office")]
#[path = "../../examples/make_samples/archive.rs"]
pub(crate) mod archive;
#[cfg(feature = "office")]
#[path = "../../examples/make_samples/excel.rs"]
pub(crate) mod excel;
#[cfg(feature = "pdf")]
#[path = "../../examples/make_samples/pdf.rs"]
pub(crate) mod pdf;
#[path = "../../examples/make_samples/person.rs"]
pub(crate) mod person;
#[cfg(feature = "office")]
#[path = "../../examples/make_samples/slides.rs"]
pub(crate) mod slides;
#[cfg(all(feature = "office", feature = "pdf"))]
#[path = "../../examples/make_samples/texts.rs"]
pub(crate) mod texts;
#[cfg(feature = "office")]
#[path = "../../examples/make_samples/word.rs"]
pub(crate) mod word;

use super::planted::{MAIL, NAME, NUMBER};

pub(super) const PLANTED: person::Person<'_> = person::Person { name: NAME, card: NUMBER, mail: MAIL };
