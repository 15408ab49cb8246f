//! Writes JSON and refuses numbers that JSON does not have: `serde_json` writes `null` for NaN and infinities, which
//! erases a stored value.
//!
//! The adapter passes everything through while the value is written. The name of the field is put together only after
//! a number was refused, on the way out of the nested calls.

use std::cell::RefCell;
use std::fmt;
use std::io;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::value::RawValue;

use super::EncodeError;
use super::error::plain_name;

/// Writes a value as JSON.
pub(super) fn to_writer<T: Serialize + ?Sized>(writer: impl io::Write, value: &T) -> Result<(), EncodeError> {
    let trail = Trail::default();
    serde_json::to_writer(writer, &Checked { value, trail: &trail }).map_err(|_| trail.into_error())
}

/// Writes a value as JSON that is kept as text.
pub(super) fn to_raw_value<T: Serialize + ?Sized>(value: &T) -> Result<Box<RawValue>, EncodeError> {
    let trail = Trail::default();
    serde_json::value::to_raw_value(&Checked { value, trail: &trail }).map_err(|_| trail.into_error())
}

/// The way to the refused number, innermost step first; `None` until one is refused.
#[derive(Default)]
struct Trail(RefCell<Option<Vec<Step>>>);

enum Step {
    Field(&'static str),
    Key(String),
    Index(usize),
}

impl Trail {
    fn refuse<E: serde::ser::Error>(&self) -> E {
        *self.0.borrow_mut() = Some(Vec::new());
        E::custom("a number is not finite")
    }

    /// Adds a step when a number within was refused.
    fn note<T, E>(&self, outcome: Result<T, E>, step: impl FnOnce() -> Step) -> Result<T, E> {
        if outcome.is_err()
            && let Some(steps) = self.0.borrow_mut().as_mut()
        {
            steps.push(step());
        }
        outcome
    }

    fn into_error(self) -> EncodeError {
        let Some(steps) = self.0.into_inner() else { return EncodeError::Json };
        let mut path = String::new();
        for step in steps.iter().rev() {
            let name = match step {
                Step::Index(index) => {
                    path.push_str(&format!("[{index}]"));
                    continue;
                }
                Step::Field(name) => name,
                // A key of a map may be data.
                Step::Key(key) => plain_name(key.as_bytes()).unwrap_or("?"),
            };
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(name);
        }
        EncodeError::NotFinite(path.into())
    }
}

struct Checked<'a, T: ?Sized> {
    value: &'a T,
    trail: &'a Trail,
}

impl<T: Serialize + ?Sized> Serialize for Checked<'_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Finite { inner: serializer, trail: self.trail })
    }
}

/// A serializer that passes all on but numbers that are not finite.
struct Finite<'a, S> {
    inner: S,
    trail: &'a Trail,
}

impl<'a, S> Finite<'a, S> {
    #[inline]
    fn nested<C>(self, begin: impl FnOnce(S) -> C) -> (C, &'a Trail) {
        (begin(self.inner), self.trail)
    }
}

/// Passes scalar values on.
macro_rules! pass_on {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(#[inline]
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        })*
    };
}

impl<'a, S: Serializer> Serializer for Finite<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Nested<'a, S::SerializeSeq>;
    type SerializeTuple = Nested<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Nested<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Nested<'a, S::SerializeTupleVariant>;
    type SerializeMap = Nested<'a, S::SerializeMap>;
    type SerializeStruct = Nested<'a, S::SerializeStruct>;
    type SerializeStructVariant = Nested<'a, S::SerializeStructVariant>;

    pass_on! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_char: char,
        serialize_str: &str,
        serialize_bytes: &[u8],
        serialize_unit_struct: &'static str,
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<S::Ok, S::Error> {
        if value.is_finite() { self.inner.serialize_f32(value) } else { Err(self.trail.refuse()) }
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<S::Ok, S::Error> {
        if value.is_finite() { self.inner.serialize_f64(value) } else { Err(self.trail.refuse()) }
    }

    #[inline]
    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&Checked { value, trail: self.trail })
    }

    #[inline]
    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_struct(name, &Checked { value, trail: self.trail })
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let trail = self.trail;
        let outcome = self.inner.serialize_newtype_variant(name, index, variant, &Checked { value, trail });
        trail.note(outcome, || Step::Field(variant))
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        Nested::begin(self.nested(|inner| inner.serialize_seq(length)), None)
    }

    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, S::Error> {
        Nested::begin(self.nested(|inner| inner.serialize_tuple(length)), None)
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        Nested::begin(self.nested(|inner| inner.serialize_tuple_struct(name, length)), None)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        let begin = |inner: S| inner.serialize_tuple_variant(name, index, variant, length);
        Nested::begin(self.nested(begin), Some(variant))
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        Nested::begin(self.nested(|inner| inner.serialize_map(length)), None)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Self::SerializeStruct, S::Error> {
        Nested::begin(self.nested(|inner| inner.serialize_struct(name, length)), None)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let begin = |inner: S| inner.serialize_struct_variant(name, index, variant, length);
        Nested::begin(self.nested(begin), Some(variant))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// A list or object under way.
struct Nested<'a, C> {
    inner: C,
    trail: &'a Trail,
    variant: Option<&'static str>,
    index: usize,
}

impl<'a, C> Nested<'a, C> {
    #[inline]
    fn begin<E>((inner, trail): (Result<C, E>, &'a Trail), variant: Option<&'static str>) -> Result<Self, E> {
        inner.map(|inner| Self { inner, trail, variant, index: 0 })
    }

    #[inline]
    fn element<T: ?Sized, E>(
        &mut self,
        value: &T,
        write: impl FnOnce(&mut C, &Checked<'_, T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let outcome = write(&mut self.inner, &Checked { value, trail: self.trail });
        let index = self.index;
        self.index += 1;
        self.noted(outcome, || Step::Index(index))
    }

    #[inline]
    fn field<T: ?Sized, E>(
        &mut self,
        name: &'static str,
        value: &T,
        write: impl FnOnce(&mut C, &Checked<'_, T>) -> Result<(), E>,
    ) -> Result<(), E> {
        let outcome = write(&mut self.inner, &Checked { value, trail: self.trail });
        self.noted(outcome, || Step::Field(name))
    }

    #[inline]
    fn noted<E>(&self, outcome: Result<(), E>, step: impl FnOnce() -> Step) -> Result<(), E> {
        let outcome = self.trail.note(outcome, step);
        match self.variant {
            Some(variant) => self.trail.note(outcome, || Step::Field(variant)),
            None => outcome,
        }
    }
}

impl<C: SerializeSeq> SerializeSeq for Nested<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.element(value, |inner, value| inner.serialize_element(value))
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

impl<C: SerializeTuple> SerializeTuple for Nested<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.element(value, |inner, value| inner.serialize_element(value))
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

impl<C: SerializeTupleStruct> SerializeTupleStruct for Nested<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.element(value, |inner, value| inner.serialize_field(value))
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

impl<C: SerializeTupleVariant> SerializeTupleVariant for Nested<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.element(value, |inner, value| inner.serialize_field(value))
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

impl<C: SerializeMap> SerializeMap for Nested<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        let outcome = self.inner.serialize_key(&Checked { value: key, trail: self.trail });
        self.noted(outcome, || Step::Key(String::new()))
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        let outcome = self.inner.serialize_value(&Checked { value, trail: self.trail });
        self.noted(outcome, || Step::Key(String::new()))
    }

    #[inline]
    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), C::Error> {
        let trail = self.trail;
        let outcome = self.inner.serialize_entry(&Checked { value: key, trail }, &Checked { value, trail });
        self.noted(outcome, || Step::Key(key_text(key)))
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

/// Returns a key as text; empty for one that is no string.
fn key_text<K: Serialize + ?Sized>(key: &K) -> String {
    match serde_json::to_value(key) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

impl<C: SerializeStruct> SerializeStruct for Nested<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), C::Error> {
        self.field(name, value, |inner, value| inner.serialize_field(name, value))
    }

    fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
        self.inner.skip_field(name)
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

impl<C: SerializeStructVariant> SerializeStructVariant for Nested<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), C::Error> {
        self.field(name, value, |inner, value| inner.serialize_field(name, value))
    }

    fn skip_field(&mut self, name: &'static str) -> Result<(), C::Error> {
        self.inner.skip_field(name)
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;
    use serde_json::json;

    use super::super::Json;
    use super::{to_raw_value, to_writer};

    #[derive(Serialize)]
    enum Amount {
        Plain(f64),
        Pair(u8, f64),
        Named { value: f32 },
        None,
    }

    #[derive(Serialize)]
    struct Price(f64);

    #[derive(Serialize)]
    struct Line<'a> {
        name: &'a str,
        price: Option<Price>,
        amounts: Vec<Amount>,
        pair: (u8, f64),
        #[serde(flatten)]
        other: BTreeMap<&'a str, f64>,
    }

    fn line() -> Line<'static> {
        let amounts =
            vec![Amount::Plain(1.5), Amount::Pair(1, 2.0), Amount::Named { value: 0.25 }, Amount::None];
        Line {
            name: "x",
            price: Some(Price(9.5)),
            amounts,
            pair: (1, 0.0),
            other: BTreeMap::from([("tax", 1.0)]),
        }
    }

    fn refused(value: &impl Serialize) -> String {
        let mut written = Vec::new();
        let first = to_writer(&mut written, value).unwrap_err().to_string();
        assert_eq!(first, to_raw_value(value).unwrap_err().to_string());
        first
    }

    #[test]
    fn finite_values_are_written_as_before() {
        let raw = Json::parse(r#"{"n":12345678901234567890.10, "deep":[null]}"#).unwrap();
        let value = json!({"a": [1, -2.5e-7, null, true, {"é": "\u{1}"}], "n": u64::MAX});
        let line = line();
        let wide = (i128::MIN, u128::MAX, 'x', (), [1_u8; 3].as_slice(), f32::MIN_POSITIVE, -0.0_f64);
        let numbers = BTreeMap::from([(1_u64, "a"), (2, "b")]);
        macro_rules! same {
            ($($value:expr),*) => {$(
                let mut written = Vec::new();
                to_writer(&mut written, $value).unwrap();
                assert_eq!(String::from_utf8(written).unwrap(), serde_json::to_string($value).unwrap());
                assert_eq!(to_raw_value($value).unwrap().get(), serde_json::to_string($value).unwrap());
            )*};
        }
        same!(&raw, &value, &line, &wide, &numbers, &[&line], "text", &Some(1), &None::<u8>);
    }

    #[test]
    fn refused_number_is_named_by_its_path() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            #[expect(clippy::cast_possible_truncation, reason = "they are the same in both types")]
            let single = bad as f32;
            for (change, path) in [
                ((|line, bad, _| line.price = Some(Price(bad))) as fn(&mut Line<'_>, f64, f32), "price"),
                (|line, bad, _| line.amounts[0] = Amount::Plain(bad), "amounts[0].Plain"),
                (|line, bad, _| line.amounts[1] = Amount::Pair(1, bad), "amounts[1].Pair[1]"),
                (
                    |line, _, single| line.amounts[2] = Amount::Named { value: single },
                    "amounts[2].Named.value",
                ),
                (|line, bad, _| line.pair.1 = bad, "pair[1]"),
                (|line, bad, _| line.other = BTreeMap::from([("tax", bad)]), "tax"),
                (|line, bad, _| line.other = BTreeMap::from([("4111 1111", bad)]), "?"),
            ] {
                let mut line = line();
                change(&mut line, bad, single);
                let problem = "must be a finite number: JSON has neither NaN nor infinities";
                assert_eq!(refused(&line), format!("{path} {problem}"));
                let nested = BTreeMap::from([("lines", vec![line])]);
                assert_eq!(refused(&nested), format!("lines[0].{path} {problem}"));
            }
            assert_eq!(
                refused(&bad),
                "the body must be a finite number: JSON has neither NaN nor infinities"
            );
        }
    }

    #[test]
    fn other_failures_have_no_path() {
        assert_eq!(refused(&BTreeMap::from([(vec![1], 2)])), "the body has no JSON form");
    }
}
