//! Prints the models: structs and open enums, one file for each module.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;

use super::format::Source;
use super::ir::{Api, Enum, Field, Type, TypeDef, TypeKind, Usage};
use super::print::{Scope, cfg, debug_entry, debug_impl, deprecated, doc, ident};

/// Prints every model file and the `types` module that joins them.
pub fn files(api: &Api, runtime: &TokenStream) -> BTreeMap<String, Source> {
    let mut files = BTreeMap::new();
    let modules =
        || api.type_modules().into_iter().map(|module| (ident(module), cfg(api.features_of_file(module))));
    let mods = modules().map(|(module, cfg)| quote! { #cfg mod #module; });
    let uses = modules().map(|(module, cfg)| quote! { #cfg pub use #module::*; });
    let (mods, uses) = (quote! { #(#mods)* }, quote! { #(#uses)* });
    let doc = vec!["The models: what requests carry and what responses hold.".to_owned()];
    files.insert("types/mod.rs".to_owned(), Source { doc, groups: vec![mods, uses], ..Source::default() });
    for module in api.type_modules() {
        let scope = Scope { api, module: Some(module) };
        let items: Vec<_> = api.types.values().filter(|found| found.module == module).collect();
        let imports = [
            items.iter().any(|found| has_own_debug(found)).then(|| quote! { use std::fmt; }),
            items.iter().any(|found| needs_runtime(found)).then(|| quote! { use #runtime::*; }),
        ];
        let mut groups: Vec<_> = imports.into_iter().flatten().collect();
        groups.extend(items.into_iter().map(|found| scope.item(found, runtime)));
        files.insert(format!("types/{module}.rs"), Source { groups, ..Source::default() });
    }
    files
}

impl Scope<'_> {
    fn item(self, found: &TypeDef, runtime: &TokenStream) -> TokenStream {
        match &found.kind {
            TypeKind::Struct(fields) => self.structure(found, fields, runtime),
            TypeKind::Enum(values) => enumeration(found, values, runtime),
        }
    }

    fn structure(self, found: &TypeDef, fields: &[Field], runtime: &TokenStream) -> TokenStream {
        let name = ident(&found.name);
        let docs = doc(&struct_doc(found));
        let shapes: Vec<_> = fields
            .iter()
            .filter(|field| found.usage.response || !field.read_only)
            .map(|field| Shape::new(found, field))
            .collect();
        let derives = derives(found, &shapes);
        let members = shapes.iter().map(|shape| self.member(found, shape));
        let extra = self.extra(found);
        let reading = reads_itself(found).then(|| reading(found, &shapes, runtime));
        let methods = self.methods(found, &shapes);
        let methods = (!methods.is_empty()).then(|| quote! { impl #name { #(#methods)* } });
        let debug = has_own_debug(found).then(|| {
            let entries: Vec<_> = shapes
                .iter()
                .map(|shape| debug_entry(&ident(&shape.field.rust), shape.field.printed, shape.optional))
                .collect();
            debug_impl(&name, &entries, found.extra.is_some())
        });
        quote! {
            #docs
            #[derive(#(#derives),*)]
            #[non_exhaustive]
            pub struct #name { #(#members,)* #extra }
            #methods
            #debug
            #reading
        }
    }

    fn member(self, found: &TypeDef, shape: &Shape<'_>) -> TokenStream {
        let field = shape.field;
        let name = ident(&field.rust);
        let docs = doc(&field.doc);
        let mut ty = self.ty(&field.ty);
        let mut serde = Vec::new();
        let derives_reading = found.usage.response && !reads_itself(found);
        if serializes(found) && field.wire != field.rust {
            let wire = &field.wire;
            serde.push(quote! { rename = #wire });
        }
        let deprecated = deprecated(field.deprecated.as_ref());
        if shape.optional {
            ty = quote! { Option<#ty> };
            if field.read_only && found.usage.request {
                serde.push(quote! { skip_serializing });
            } else if serializes(found) {
                serde.push(quote! { skip_serializing_if = "Option::is_none" });
                if field.ty == Type::Number {
                    serde.push(quote! { serialize_with = "shortest_number" });
                }
            }
        } else if shape.empty_when_absent {
            if field.read_only && found.usage.request {
                serde.push(quote! { skip_serializing });
            }
            if derives_reading {
                if !field.must_have {
                    serde.push(quote! { default });
                }
                serde.push(quote! { deserialize_with = "null_as_default" });
            }
        }
        let serde = (!serde.is_empty()).then(|| quote! { #[serde(#(#serde),*)] });
        quote! { #docs #deprecated #serde pub #name: #ty }
    }

    /// Prints the field for the members that an open object has besides its own.
    fn extra(self, found: &TypeDef) -> Option<TokenStream> {
        let ty = self.ty(found.extra.as_ref()?);
        let flatten = serializes(found).then(|| quote! { #[serde(flatten)] });
        Some(quote! {
            #[doc = " The members without a field, by name."]
            #flatten
            pub extra: std::collections::BTreeMap<String, #ty>
        })
    }

    fn methods(self, found: &TypeDef, shapes: &[Shape<'_>]) -> Vec<TokenStream> {
        let mut methods = Vec::new();
        if shapes.iter().any(Shape::is_needed) {
            methods.push(self.constructor(found, shapes));
        }
        if found.usage.request || found.usage.form {
            methods.extend(shapes.iter().filter(|shape| shape.has_setter()).map(|shape| {
                let name = ident(&shape.field.rust);
                let (argument, value) = self.argument(&name, &shape.field.ty);
                let docs = doc(&format!("Sets `{}`.", shape.field.rust));
                let deprecated = deprecated(shape.field.deprecated.as_ref());
                quote! {
                    #docs
                    #deprecated
                    pub fn #name(mut self, #name: #argument) -> Self { self.#name = Some(#value); self }
                }
            }));
            methods.extend(found.extra.as_ref().map(|ty| {
                let ty = self.ty(ty);
                quote! {
                    #[doc = " Sets a member that has no field."]
                    pub fn extra(mut self, name: impl Into<String>, value: #ty) -> Self {
                        self.extra.insert(name.into(), value);
                        self
                    }
                }
            }));
        }
        if found.usage.form {
            methods.push(self.parts(shapes));
        }
        methods
    }

    fn constructor(self, found: &TypeDef, shapes: &[Shape<'_>]) -> TokenStream {
        let needed = shapes.iter().filter(|shape| shape.is_needed()).map(|shape| {
            let name = ident(&shape.field.rust);
            let (argument, _) = self.argument(&name, &shape.field.ty);
            quote! { #name: #argument }
        });
        let values = shapes.iter().map(|shape| {
            let name = ident(&shape.field.rust);
            let (_, value) = self.argument(&name, &shape.field.ty);
            match (shape.is_needed(), shape.optional) {
                (true, true) => quote! { #name: Some(#value) },
                (true, false) if name == value.to_string() => quote! { #name },
                (true, false) => quote! { #name: #value },
                (false, true) => quote! { #name: None },
                (false, false) => quote! { #name: Default::default() },
            }
        });
        let values = values.chain(found.extra.as_ref().map(|_| quote! { extra: Default::default() }));
        let docs = doc(&format!("Makes {} `{}` from what it must have.", article(&found.name), found.name));
        quote! {
            #docs
            pub fn new(#(#needed),*) -> Self { Self { #(#values),* } }
        }
    }

    /// Prints how a form becomes its parts.
    fn parts(self, shapes: &[Shape<'_>]) -> TokenStream {
        let steps = shapes.iter().map(|shape| {
            let name = ident(&shape.field.rust);
            let wire = &shape.field.wire;
            let value = if shape.optional {
                quote! { #name }
            } else {
                quote! { self.#name }
            };
            let step = match &shape.field.ty {
                Type::File => quote! { form = form.file(#wire, #value); },
                Type::String => quote! { form = form.text(#wire, #value); },
                Type::Named(_) => quote! { form = form.text(#wire, #value.as_str()); },
                _ => quote! { form = form.text(#wire, #value.to_string()); },
            };
            match shape.optional {
                true => quote! { if let Some(#name) = self.#name { #step } },
                false => step,
            }
        });
        quote! {
            #[doc = " Turns the form into its parts."]
            pub fn into_multipart(self) -> Multipart {
                let mut form = Multipart::new();
                #(#steps)*
                form
            }
        }
    }
}

/// How a field is held.
pub struct Shape<'a> {
    field: &'a Field,
    /// It is an `Option`.
    optional: bool,
    /// It is a list or map that is empty when the response has none.
    empty_when_absent: bool,
    /// A request or form carries its type.
    in_request: bool,
}

impl<'a> Shape<'a> {
    pub fn new(found: &TypeDef, field: &'a Field) -> Self {
        let collection = matches!(field.ty, Type::List(_) | Type::Map(_));
        let Usage { request, response, .. } = found.usage;
        let empty_when_absent = collection && response && (!request || field.required);
        // Servers leave out what they promise; only without a `must_have` is a response another one.
        let there = if response { field.must_have } else { field.required };
        Self {
            field,
            empty_when_absent,
            optional: !there && !empty_when_absent,
            in_request: request || found.usage.form,
        }
    }

    /// Tells whether the constructor takes it.
    pub fn is_needed(&self) -> bool {
        let expected = self.in_request && self.field.required && !self.field.read_only;
        expected || !(self.optional || self.empty_when_absent)
    }

    /// Tells whether a setter fills it.
    fn has_setter(&self) -> bool {
        self.optional && !self.field.read_only && !self.is_needed()
    }

    /// Names the function of the runtime that finishes reading it.
    fn finish(&self) -> &'static str {
        match (self.optional, self.empty_when_absent, self.field.must_have) {
            (true, ..) => "optional",
            (false, true, false) => "empty_when_absent",
            (false, true, true) => "required_list",
            (false, false, _) => "required",
        }
    }
}

/// Tells whether the code that reads a type is not derived: derived code refuses a member that comes under two names,
/// and cannot keep the text of members without a field.
fn reads_itself(found: &TypeDef) -> bool {
    let TypeKind::Struct(fields) = &found.kind else { return false };
    found.usage.response && (found.extra.is_some() || fields.iter().any(|field| !field.aliases.is_empty()))
}

/// Tells whether a type can be written as JSON: requests are sent, and programs hand responses on.
fn serializes(found: &TypeDef) -> bool {
    found.usage.request || found.usage.response
}

fn reading(found: &TypeDef, shapes: &[Shape<'_>], runtime: &TokenStream) -> TokenStream {
    let name = ident(&found.name);
    let members = shapes.iter().map(|shape| {
        let field = ident(&shape.field.rust);
        let finish = ident(shape.finish());
        let (wire, aliases) = (&shape.field.wire, &shape.field.aliases);
        quote! { #field: #finish = #wire #(| #aliases)* }
    });
    match found.extra {
        Some(_) => quote! { #runtime::open_object!(#name { #(#members),* } extra); },
        None => quote! { #runtime::open_object!(#name { #(#members),* }); },
    }
}

fn has_own_debug(found: &TypeDef) -> bool {
    found.extra.is_some()
        || matches!(&found.kind, TypeKind::Struct(fields) if fields.iter().any(|field| !field.printed))
}

/// Tells whether the code of a type names anything of the runtime; enums reach it through a macro.
fn needs_runtime(found: &TypeDef) -> bool {
    let TypeKind::Struct(fields) = &found.kind else { return false };
    fields.iter().any(|field| {
        let innermost = field.ty.innermost();
        !field.printed
            || (field.ty == Type::Number && serializes(found))
            || matches!(innermost, Type::Base64 | Type::Json | Type::File)
            || field.ty.is_by_element()
            || Shape::new(found, field).empty_when_absent && found.usage.response && !reads_itself(found)
    }) || found.usage.form
        || found.extra == Some(Type::Json)
}

fn derives(found: &TypeDef, shapes: &[Shape<'_>]) -> Vec<TokenStream> {
    let mut derives = Vec::new();
    // A file may be a stream, which nothing can copy.
    if !found.usage.form {
        derives.push(quote! { Clone });
    }
    if !has_own_debug(found) {
        derives.push(quote! { Debug });
    }
    if !shapes.iter().any(Shape::is_needed) {
        derives.push(quote! { Default });
    }
    if serializes(found) {
        derives.push(quote! { serde::Serialize });
    }
    if found.usage.response && !reads_itself(found) {
        derives.push(quote! { serde::Deserialize });
    }
    derives
}

fn struct_doc(found: &TypeDef) -> String {
    let links = |owners: &std::collections::BTreeSet<String>| {
        let links = owners.iter().map(|owner| format!("[`{owner}`](super::super::{owner})"));
        links.collect::<Vec<_>>().join(", ")
    };
    let mut text = match &found.doc {
        Some(doc) => super::lower::sentence(doc),
        None if !found.usage.body_of.is_empty() => format!("The body of {}.", links(&found.usage.body_of)),
        None if !found.usage.response_of.is_empty() => {
            format!("The response of {}.", links(&found.usage.response_of))
        }
        None => format!("The `{}` object.", found.name),
    };
    if found.usage.form {
        text.push_str("\n\nIt is sent as `multipart/form-data`.");
    }
    text
}

fn enumeration(found: &TypeDef, values: &Enum, runtime: &TokenStream) -> TokenStream {
    let name = ident(&found.name);
    let text =
        found.doc.as_deref().map_or_else(|| format!("The `{}` values.", found.name), super::lower::sentence);
    let docs = doc(&format!("{text}\n\nA value without a name here is kept as `Other`."));
    let variants = values.variants.iter().map(|(wire, rust)| {
        let docs = doc(&format!("`{wire}`."));
        let rust = ident(rust);
        quote! { #docs #rust }
    });
    let pairs = values.variants.iter().map(|(wire, rust)| {
        let rust = ident(rust);
        quote! { #rust = #wire }
    });
    quote! {
        #docs
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum #name {
            #(#variants,)*
            #[doc = " Any other value."]
            Other(String),
        }
        #runtime::open_enum!(#name, #(#pairs),*);
    }
}

fn article(name: &str) -> &'static str {
    if name.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" }
}
