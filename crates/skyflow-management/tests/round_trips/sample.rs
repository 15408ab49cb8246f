//! What the members of requests are filled with. The generated files say which members there are.

use std::cell::RefCell;
use std::collections::BTreeMap;

pub(crate) use skyflow_api::{Base64, EncodeError, FilePart, Json, Operation, Request};

use crate::document::{Fill, TEXT, UNKNOWN};

/// Makes the request of an operation.
pub(crate) type Make = fn(&Filling) -> Result<Request, EncodeError>;

/// Represents a member that may be any JSON.
pub(crate) const ANY_JSON: &str = "any JSON";

/// The number of requests and what they hold.
pub(crate) struct Filling {
    fill: Fill,
    /// The models that are being made, outermost first: a model within itself is left out.
    above: RefCell<Vec<&'static str>>,
}

impl Filling {
    pub(crate) fn new(fill: Fill) -> Self {
        Self { fill, above: RefCell::default() }
    }

    pub(crate) fn enum_value(&self, values: &[&str]) -> String {
        let value = match self.fill {
            Fill::All(at) => values.get(at).or(values.last()).unwrap(),
            Fill::UnknownValues => UNKNOWN,
            _ => values[0],
        };
        value.to_owned()
    }

    pub(crate) fn within<T>(&self, name: &'static str, make: impl FnOnce() -> T) -> T {
        self.above.borrow_mut().push(name);
        let made = make();
        self.above.borrow_mut().pop();
        made
    }

    /// A list that is empty when it is absent.
    pub(crate) fn list<T: Sample>(&self) -> Vec<T> {
        if self.fill == Fill::Required { Vec::new() } else { Sample::sample(self) }
    }

    fn is_within<T: Sample>(&self) -> bool {
        self.above.borrow().contains(&T::NAME)
    }
}

/// A value that requests can hold.
pub(crate) trait Sample: Sized {
    /// The name of a model; empty for other types.
    const NAME: &'static str = "";

    fn sample(filling: &Filling) -> Self;
}

impl Sample for String {
    fn sample(_: &Filling) -> Self {
        TEXT.to_owned()
    }
}

impl Sample for bool {
    fn sample(_: &Filling) -> Self {
        true
    }
}

impl Sample for i64 {
    fn sample(filling: &Filling) -> Self {
        if filling.fill == Fill::Beyond { Self::MAX } else { 7 }
    }
}

impl Sample for f64 {
    fn sample(filling: &Filling) -> Self {
        if filling.fill == Fill::Beyond { 1e300 } else { 7.5 }
    }
}

impl Sample for Base64 {
    fn sample(_: &Filling) -> Self {
        // What `TEXT` is the Base64 of.
        b"VALUE".to_vec().into()
    }
}

impl Sample for Json {
    fn sample(_: &Filling) -> Self {
        Json::from_serialize(ANY_JSON).unwrap()
    }
}

impl Sample for FilePart {
    fn sample(_: &Filling) -> Self {
        FilePart::new(TEXT)
    }
}

impl<T: Sample> Sample for Option<T> {
    const NAME: &'static str = T::NAME;

    fn sample(filling: &Filling) -> Self {
        (filling.fill != Fill::Required && !filling.is_within::<T>()).then(|| T::sample(filling))
    }
}

impl<T: Sample> Sample for Vec<T> {
    const NAME: &'static str = T::NAME;

    fn sample(filling: &Filling) -> Self {
        match filling.is_within::<T>() {
            true => Self::new(),
            false => vec![T::sample(filling)],
        }
    }
}

impl<T: Sample> Sample for BTreeMap<String, T> {
    const NAME: &'static str = T::NAME;

    fn sample(filling: &Filling) -> Self {
        match filling.is_within::<T>() {
            true => Self::new(),
            false => [("member".to_owned(), T::sample(filling))].into(),
        }
    }
}
