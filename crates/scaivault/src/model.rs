//! The types of this crate, made from the generated ones.
//!
//! Generated models accept the absence of every member, because the service is described in parts only. The types here
//! require what an operation is useless without, such as the id of a created object.

use std::collections::BTreeMap;

use skyflow_http::rest::{Element, Json};
use skyflow_types::Secret;

use crate::{SecretData, Timestamp, VaultDuration};

/// A type that is made from a generated one.
pub trait FromWire<W>: Sized {
    #[doc(hidden)]
    fn from_wire(wire: W) -> Result<Self, IncompleteResponse>;
}

/// Says which member a response lacks, or which one cannot be read.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct IncompleteResponse(pub(crate) &'static str);

impl FromWire<()> for () {
    fn from_wire((): ()) -> Result<Self, IncompleteResponse> {
        Ok(())
    }
}

/// A field that is made from a member.
pub(crate) trait Field<W>: Sized {
    fn read(name: &'static str, member: W) -> Result<Self, IncompleteResponse>;
}

/// A required member.
impl<T> Field<Option<T>> for T {
    fn read(name: &'static str, member: Option<T>) -> Result<Self, IncompleteResponse> {
        member.ok_or(IncompleteResponse(name))
    }
}

/// An optional member.
impl<T> Field<Option<T>> for Option<T> {
    fn read(_: &'static str, member: Option<T>) -> Result<Self, IncompleteResponse> {
        Ok(member)
    }
}

impl Field<Option<i64>> for u64 {
    fn read(name: &'static str, member: Option<i64>) -> Result<Self, IncompleteResponse> {
        member.and_then(|number| number.try_into().ok()).ok_or(IncompleteResponse(name))
    }
}

impl Field<Option<i64>> for Option<u64> {
    fn read(_: &'static str, member: Option<i64>) -> Result<Self, IncompleteResponse> {
        Ok(member.and_then(|number| number.try_into().ok()))
    }
}

impl Field<Option<String>> for Option<Timestamp> {
    fn read(_: &'static str, member: Option<String>) -> Result<Self, IncompleteResponse> {
        Ok(member.map(Timestamp::new))
    }
}

impl Field<Option<String>> for Option<VaultDuration> {
    fn read(_: &'static str, member: Option<String>) -> Result<Self, IncompleteResponse> {
        Ok(member.and_then(|text| VaultDuration::new(text).ok()))
    }
}

impl Field<Option<String>> for Option<Secret> {
    fn read(_: &'static str, member: Option<String>) -> Result<Self, IncompleteResponse> {
        Ok(member.map(Secret::new))
    }
}

impl Field<Option<Json>> for Option<SecretData> {
    fn read(_: &'static str, member: Option<Json>) -> Result<Self, IncompleteResponse> {
        Ok(member.map(|json| SecretData::of_json(json.get())))
    }
}

impl Field<Option<Json>> for SecretData {
    fn read(name: &'static str, member: Option<Json>) -> Result<Self, IncompleteResponse> {
        member.map(|json| SecretData::of_json(json.get())).ok_or(IncompleteResponse(name))
    }
}

impl Field<BTreeMap<String, Json>> for BTreeMap<String, Json> {
    fn read(_: &'static str, member: Self) -> Result<Self, IncompleteResponse> {
        Ok(member)
    }
}

impl Field<Vec<String>> for Vec<String> {
    fn read(_: &'static str, member: Self) -> Result<Self, IncompleteResponse> {
        Ok(member)
    }
}

/// A list inside an object is read as a whole: an object that is changed and written back must not lose an element.
impl<T: FromWire<W>, W> Field<Vec<Element<W>>> for Vec<T> {
    fn read(name: &'static str, member: Vec<Element<W>>) -> Result<Self, IncompleteResponse> {
        let element = |element: Element<W>| element.into_result().map_err(|_| IncompleteResponse(name));
        member.into_iter().map(|wire| T::from_wire(element(wire)?)).collect()
    }
}

/// Reads the response of an operation that no page documents, whose body may be empty.
macro_rules! may_be_empty {
    ($name:ty, $wire:ident, required) => {
        impl $crate::model::FromWire<Option<$crate::api::types::$wire>> for $name {
            fn from_wire(
                wire: Option<$crate::api::types::$wire>,
            ) -> Result<Self, $crate::model::IncompleteResponse> {
                Self::from_wire(wire.ok_or($crate::model::IncompleteResponse("a body"))?)
            }
        }
    };
    ($name:ty, $wire:ident, default) => {
        impl $crate::model::FromWire<Option<$crate::api::types::$wire>> for $name {
            fn from_wire(
                wire: Option<$crate::api::types::$wire>,
            ) -> Result<Self, $crate::model::IncompleteResponse> {
                Self::from_wire(wire.unwrap_or_default())
            }
        }
    };
}
pub(crate) use may_be_empty;

/// Declares a type with the fields of a generated model. `or default` accepts an empty body.
macro_rules! model {
    ($(#[$doc:meta])* $name:ident from $wire:ident $fields:tt) => {
        $crate::model::model!(@type $(#[$doc])* $name $wire $fields);
        $crate::model::may_be_empty!($name, $wire, required);
    };
    ($(#[$doc:meta])* $name:ident from $wire:ident or default $fields:tt) => {
        $crate::model::model!(@type $(#[$doc])* $name $wire $fields);
        $crate::model::may_be_empty!($name, $wire, default);
    };
    (@type $(#[$doc:meta])* $name:ident $wire:ident { $($(#[$field_doc:meta])* $field:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
        }

        impl $crate::model::FromWire<$crate::api::types::$wire> for $name {
            fn from_wire(
                wire: $crate::api::types::$wire,
            ) -> Result<Self, $crate::model::IncompleteResponse> {
                Ok(Self { $($field: $crate::model::Field::read(stringify!($field), wire.$field)?,)* })
            }
        }
    };
}
pub(crate) use model;

/// Lets a generated model be used as it is.
macro_rules! as_it_is {
    ($($wire:ident),* $(,)?) => {
        $(impl $crate::model::FromWire<$crate::api::types::$wire> for $crate::api::types::$wire {
            fn from_wire(wire: Self) -> Result<Self, $crate::model::IncompleteResponse> {
                Ok(wire)
            }
        })*
    };
}
pub(crate) use as_it_is;
