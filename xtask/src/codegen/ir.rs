//! The model between the API document and the printed code: operations, types, and who uses what.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// Everything that gets printed.
#[derive(Debug, Default)]
pub struct Api {
    /// Operations in document order.
    pub operations: Vec<Operation>,
    /// Structs and enums by schema name. Names of other schemas are resolved away.
    pub types: BTreeMap<String, TypeDef>,
    /// The cargo feature of each module of operations; empty when the crate has none.
    pub features: BTreeMap<String, String>,
}

impl Api {
    /// Lists the features that bring in what `modules` use.
    pub fn features_of<'a>(&'a self, modules: impl IntoIterator<Item = &'a String>) -> BTreeSet<&'a str> {
        modules.into_iter().filter_map(|module| self.features.get(module).map(String::as_str)).collect()
    }

    /// Lists the features that bring in a file of models, whose types all have the same.
    pub fn features_of_file(&self, module: &str) -> BTreeSet<&str> {
        let found = self.types.values().find(|found| found.module == module);
        found.map(|found| self.features_of(&found.usage.modules)).unwrap_or_default()
    }

    /// Tells whether anything in the API is deprecated.
    pub fn has_deprecations(&self) -> bool {
        let parameters = self.operations.iter().flat_map(|operation| &operation.parameters);
        let fields = self.types.values().flat_map(|found| match &found.kind {
            TypeKind::Struct(fields) => fields.as_slice(),
            TypeKind::Enum(_) => &[],
        });
        self.operations.iter().any(|operation| operation.deprecated.is_some())
            || parameters.into_iter().any(|parameter| parameter.deprecated.is_some())
            || fields.into_iter().any(|field| field.deprecated.is_some())
    }

    /// Lists the modules that hold operations.
    pub fn operation_modules(&self) -> BTreeSet<&str> {
        self.operations.iter().map(|operation| operation.module.as_str()).collect()
    }

    /// Lists the files that hold models.
    pub fn type_modules(&self) -> BTreeSet<&str> {
        self.types.values().map(|ty| ty.module.as_str()).collect()
    }

    /// Finds a type that a lowered reference names; references are checked when they are made.
    pub fn get(&self, name: &str) -> Option<&TypeDef> {
        self.types.get(name)
    }

    /// Tells whether `name` is an enum.
    pub fn is_enum(&self, name: &str) -> bool {
        matches!(self.get(name).map(|found| &found.kind), Some(TypeKind::Enum(_)))
    }
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// The `operationId`.
    pub id: String,
    pub module: String,
    /// The name of the struct.
    pub name: String,
    pub method: String,
    pub path: String,
    pub doc: String,
    pub servers: Vec<String>,
    /// What replaces it, when it is deprecated.
    pub deprecated: Option<Deprecation>,
    /// Where its description comes from, when the document says so.
    pub origin: Option<Origin>,
    pub idempotency: Idempotency,
    pub parameters: Vec<Parameter>,
    pub body: Option<Body>,
    pub output: Output,
}

/// Marks what should no longer be used; the text, which may be empty, names the replacement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deprecation(pub String);

/// Where the description of an operation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Documented,
    /// Concluded from other facts: any 2xx response is read, and all of it may be absent.
    Inferred,
}

/// What a repeated request does.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Idempotency {
    Safe,
    Idempotent,
    #[default]
    NonIdempotent,
}

/// A path or query parameter.
#[derive(Debug)]
pub struct Parameter {
    pub wire: String,
    pub rust: String,
    pub doc: String,
    pub place: Place,
    pub ty: Type,
    pub required: bool,
    /// Whether slashes in a path parameter separate segments.
    pub multi_segment: bool,
    pub deprecated: Option<Deprecation>,
    /// Whether `Debug` prints the value.
    pub printed: bool,
}

/// The place of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Path,
    Query,
}

/// A request body.
#[derive(Debug)]
pub struct Body {
    pub ty: Type,
    pub encoding: Encoding,
    pub required: bool,
}

/// How a request body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Json,
    /// An object without members, which no caller has to make.
    EmptyObject,
    Multipart,
    UrlEncoded,
}

/// What a successful response holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    Json(Type),
    /// JSON that may be left out altogether.
    OptionalJson(Type),
    /// Text of the given media type.
    Text(String),
    /// Bytes of the given media type.
    Bytes(String),
    Nothing,
}

impl Output {
    /// Returns the type of a JSON response.
    pub fn json(&self) -> Option<&Type> {
        match self {
            Self::Json(ty) | Self::OptionalJson(ty) => Some(ty),
            Self::Text(_) | Self::Bytes(_) | Self::Nothing => None,
        }
    }

    /// Returns the type of a JSON response, to change it.
    pub fn json_mut(&mut self) -> Option<&mut Type> {
        match self {
            Self::Json(ty) | Self::OptionalJson(ty) => Some(ty),
            Self::Text(_) | Self::Bytes(_) | Self::Nothing => None,
        }
    }
}

/// A Rust type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    String,
    Bool,
    Integer,
    Number,
    /// Bytes that JSON writes as Base64.
    Base64,
    /// Any JSON text, kept as it is.
    Json,
    /// The content of a file in a form.
    File,
    /// A struct or an enum of this API.
    Named(String),
    List(Box<Type>),
    Map(Box<Type>),
    /// A member of a list or map that is decoded by itself, so that a malformed one does not lose the others.
    Element(Box<Type>),
}

impl Type {
    /// Returns what lists and maps are made of.
    pub fn innermost(&self) -> &Self {
        match self {
            Self::List(inner) | Self::Map(inner) | Self::Element(inner) => inner.innermost(),
            innermost => innermost,
        }
    }

    /// Tells whether its members are decoded one by one.
    pub fn is_by_element(&self) -> bool {
        match self {
            Self::List(inner) | Self::Map(inner) => inner.is_by_element(),
            Self::Element(_) => true,
            _ => false,
        }
    }

    /// Returns the struct or enum this type leads to.
    pub fn named(&self) -> Option<&str> {
        match self.innermost() {
            Self::Named(name) => Some(name),
            _ => None,
        }
    }

    /// Tells whether `Debug` prints a value of this type without a permit: booleans hold no data, and models, forms,
    /// Base64 and free JSON hide their own. A map is not among them: its keys are data.
    pub fn is_always_printed(&self) -> bool {
        match self {
            Self::Bool | Self::Base64 | Self::Json | Self::File | Self::Named(_) => true,
            Self::List(inner) | Self::Element(inner) => inner.is_always_printed(),
            Self::String | Self::Integer | Self::Number | Self::Map(_) => false,
        }
    }
}

/// A struct or an enum.
#[derive(Debug)]
pub struct TypeDef {
    /// The schema's name, which is also the Rust name.
    pub name: String,
    pub doc: Option<String>,
    /// The file that holds it.
    pub module: String,
    pub kind: TypeKind,
    /// The type of members without a name, when the object is open to them.
    pub extra: Option<Type>,
    pub usage: Usage,
}

#[derive(Debug)]
pub enum TypeKind {
    Struct(Vec<Field>),
    Enum(Enum),
}

/// A field of a struct.
#[derive(Debug)]
pub struct Field {
    pub wire: String,
    pub rust: String,
    /// Other names under which it comes.
    pub aliases: Vec<String>,
    pub doc: String,
    pub ty: Type,
    /// Whether a value must be there: required, and never null.
    pub required: bool,
    /// Whether a response without it is not read, although the document does not require it.
    pub must_have: bool,
    /// Whether only responses hold it: a request never carries it.
    pub read_only: bool,
    pub deprecated: Option<Deprecation>,
    /// Whether `Debug` prints the value.
    pub printed: bool,
}

/// A set of named values, open to more.
#[derive(Debug)]
pub struct Enum {
    /// Wire value and Rust name.
    pub variants: Vec<(String, String)>,
}

/// The directions in which a type is sent, and the operations that send or receive it.
#[derive(Debug, Default, Clone)]
pub struct Usage {
    pub request: bool,
    pub response: bool,
    pub form: bool,
    /// Modules of the operations that reach it.
    pub modules: BTreeSet<String>,
    /// Operations, as `module::Name`, whose body it is.
    pub body_of: BTreeSet<String>,
    /// Operations, as `module::Name`, whose response it is.
    pub response_of: BTreeSet<String>,
}
