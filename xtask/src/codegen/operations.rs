//! Prints the operations: one struct each, one file for each module, and the table of all of them.

use std::collections::BTreeMap;

use heck::ToSnakeCase as _;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::format::Source;
use super::ir::{
    Api, Body, Deprecation, Encoding, Idempotency, Operation, Origin, Output, Parameter, Place, Type,
};
use super::print::{Scope, cfg, debug_entry, debug_impl, deprecated, doc, ident};

/// Prints every operation file and the root module.
pub fn files(api: &Api, runtime: &TokenStream, prefix: &str) -> BTreeMap<String, Source> {
    let mut files = BTreeMap::new();
    for module in api.operation_modules() {
        let operations: Vec<_> =
            api.operations.iter().filter(|operation| operation.module == module).collect();
        let types =
            operations.iter().any(|operation| names_types(operation)).then(|| quote! { use super::types; });
        let mut groups = vec![quote! { use std::fmt; }, quote! { #types use #runtime::*; }];
        groups.extend(
            operations.iter().flat_map(|operation| print(Scope { api, module: None }, operation, prefix)),
        );
        let doc = vec![format!("The `{module}` operations.")];
        files.insert(format!("{module}.rs"), Source { doc, groups, ..Source::default() });
    }
    files.insert("mod.rs".to_owned(), root(api, runtime));
    files
}

fn names_types(operation: &Operation) -> bool {
    let output = operation.output.json();
    let body = operation.body.as_ref().map(|body| &body.ty);
    let parameters = operation.parameters.iter().map(|parameter| &parameter.ty);
    parameters.chain(output).chain(body).any(|ty| ty.named().is_some())
}

fn root(api: &Api, runtime: &TokenStream) -> Source {
    let gate = |module: &str| cfg(api.features.get(module).map(String::as_str));
    let modules = api.operation_modules().into_iter().map(|module| {
        let (name, cfg) = (ident(module), gate(module));
        quote! { #cfg pub mod #name; }
    });
    let infos = api.operations.iter().map(|operation| {
        let (module, name) = (ident(&operation.module), ident(&operation.name));
        let cfg = gate(&operation.module);
        quote! { #cfg <#module::#name as #runtime::Operation>::INFO }
    });
    let groups = vec![
        quote! { #(#modules)* pub mod types; },
        quote! { use #runtime::OperationInfo; },
        quote! {
            #[doc = " Lists every operation, in the order of the API document."]
            pub const OPERATIONS: &[OperationInfo] = &[#(#infos),*];
        },
    ];
    Source {
        doc: vec!["Operations by module, and the models they use.".to_owned()],
        allows_deprecated: api.has_deprecations(),
        groups,
    }
}

fn print(scope: Scope<'_>, operation: &Operation, prefix: &str) -> Vec<TokenStream> {
    let name = ident(&operation.name);
    let members: Vec<_> = members(scope, operation);
    let fields = members.iter().map(|member| {
        let (name, ty, docs) = (&member.name, &member.ty, doc(&member.doc));
        let deprecated = deprecated(member.deprecated.as_ref());
        quote! { #docs #deprecated pub #name: #ty }
    });
    let docs = doc(&operation_doc(operation));
    // A form may hold a stream, which nothing can copy.
    let clone = match &operation.body {
        Some(Body { encoding: Encoding::Multipart, .. }) => None,
        _ => Some(quote! { #[derive(Clone)] }),
    };
    let default = members.iter().all(|member| !member.required).then(|| quote! { #[derive(Default)] });
    let marked = deprecated(operation.deprecated.as_ref());
    let new = constructor(operation, &members);
    let setters = members.iter().filter(|member| !member.required).map(Member::setter);
    let entries: Vec<_> =
        members.iter().map(|member| debug_entry(&member.name, member.printed, member.is_option)).collect();
    let debug = debug_impl(&name, &entries, false);
    let definition = quote! {
        #docs
        #marked
        #clone
        #default
        #[must_use = "an operation does nothing until a client sends it"]
        #[non_exhaustive]
        pub struct #name { #(#fields),* }
        impl #name {
            #new
            #(#setters)*
        }
        #debug
    };
    vec![definition, operation_impl(scope, operation, prefix)]
}

/// A field of an operation: a parameter or the body.
struct Member {
    name: proc_macro2::Ident,
    doc: String,
    ty: TokenStream,
    argument: TokenStream,
    value: TokenStream,
    required: bool,
    is_option: bool,
    deprecated: Option<Deprecation>,
    printed: bool,
}

impl Member {
    fn setter(&self) -> TokenStream {
        let Self { name, argument, value, .. } = self;
        let docs = doc(&format!("Sets `{name}`. {}", self.doc));
        let value = if self.is_option {
            quote! { Some(#value) }
        } else {
            value.clone()
        };
        let deprecated = deprecated(self.deprecated.as_ref());
        quote! {
            #docs
            #deprecated
            pub fn #name(mut self, #name: #argument) -> Self { self.#name = #value; self }
        }
    }
}

fn members(scope: Scope<'_>, operation: &Operation) -> Vec<Member> {
    let mut members: Vec<_> = operation
        .parameters
        .iter()
        .map(|parameter| {
            let name = ident(&parameter.rust);
            let (argument, value) = scope.argument(&name, &parameter.ty);
            let ty = scope.ty(&parameter.ty);
            let is_option = is_option(parameter);
            Member {
                ty: if is_option {
                    quote! { Option<#ty> }
                } else {
                    ty
                },
                name,
                doc: parameter.doc.clone(),
                argument,
                value,
                required: parameter.required,
                is_option,
                deprecated: parameter.deprecated.clone(),
                printed: parameter.printed,
            }
        })
        .collect();
    if let Some(body) = operation.body.as_ref().filter(|body| body.encoding != Encoding::EmptyObject) {
        let name = format_ident!("body");
        let (argument, value) = scope.argument(&name, &body.ty);
        let ty = scope.ty(&body.ty);
        members.push(Member {
            ty: if body.required {
                ty
            } else {
                quote! { Option<#ty> }
            },
            name,
            doc: "The request body.".to_owned(),
            argument,
            value,
            required: body.required,
            is_option: !body.required,
            deprecated: None,
            printed: body.ty.is_always_printed(),
        });
    }
    members
}

/// Tells whether a parameter is held as an `Option`; an optional list is simply empty.
fn is_option(parameter: &Parameter) -> bool {
    !parameter.required && !matches!(parameter.ty, Type::List(_))
}

fn constructor(operation: &Operation, members: &[Member]) -> TokenStream {
    let arguments = members.iter().filter(|member| member.required).map(|member| {
        let Member { name, argument, .. } = member;
        quote! { #name: #argument }
    });
    let values = members.iter().map(|member| {
        let Member { name, value, .. } = member;
        match (member.required, member.is_option) {
            (true, _) if name == &value.to_string() => quote! { #name },
            (true, _) => quote! { #name: #value },
            (false, true) => quote! { #name: None },
            (false, false) => quote! { #name: Vec::new() },
        }
    });
    let text = match members.iter().any(|member| !member.required) {
        true => format!("Makes `{}` with what it must have.", operation.name),
        false => format!("Makes `{}`.", operation.name),
    };
    let docs = doc(&text);
    quote! {
        #docs
        pub fn new(#(#arguments),*) -> Self { Self { #(#values),* } }
    }
}

fn operation_doc(operation: &Operation) -> String {
    let mut text = format!("{}\n\n`{} {}`", operation.doc, operation.method, operation.path);
    for server in &operation.servers {
        text.push_str(&format!("\n\nThis operation has its own server: `{server}`."));
    }
    match operation.origin {
        None => {}
        Some(Origin::Documented) => text.push_str("\n\nThe published documentation describes it."),
        Some(Origin::Inferred) => {
            text.push_str(
                "\n\nIt is inferred: no published documentation describes it, so any 2xx response is read.",
            );
        }
    }
    text
}

fn operation_impl(scope: Scope<'_>, operation: &Operation, prefix: &str) -> TokenStream {
    let name = ident(&operation.name);
    let info_name = format!("{prefix}{}.{}", operation.module, operation.name.to_snake_case());
    let path = &operation.path;
    let idempotency = match operation.idempotency {
        Idempotency::Safe => quote! { Safe },
        Idempotency::Idempotent => quote! { Idempotent },
        Idempotency::NonIdempotent => quote! { NonIdempotent },
    };
    let target = target(scope, operation);
    let method = ident(&operation.method);
    let request = match &operation.body {
        None => quote! { encode_empty(Method::#method, target) },
        Some(Body { encoding: Encoding::EmptyObject, .. }) => {
            quote! { encode_json(Method::#method, target, &Json::empty_object()) }
        }
        Some(Body { encoding: Encoding::UrlEncoded, required: true, .. }) => {
            quote! { encode_urlencoded(Method::#method, target, &self.body) }
        }
        Some(Body { encoding: Encoding::Json, required: true, .. }) => {
            quote! { encode_json(Method::#method, target, &self.body) }
        }
        Some(Body { encoding: Encoding::Multipart, required: true, .. }) => {
            quote! { encode_form(Method::#method, target, self.body.into_multipart()) }
        }
        Some(Body { encoding, .. }) => {
            let some = match encoding {
                Encoding::Json | Encoding::EmptyObject => {
                    quote! { encode_json(Method::#method, target, &body) }
                }
                Encoding::UrlEncoded => quote! { encode_urlencoded(Method::#method, target, &body) },
                Encoding::Multipart => quote! { encode_form(Method::#method, target, body.into_multipart()) },
            };
            quote! {
                match self.body {
                    Some(body) => #some,
                    None => encode_empty(Method::#method, target),
                }
            }
        }
    };
    let (output, decode) = match &operation.output {
        Output::Json(ty) => (scope.ty(ty), quote! { decode_json(body) }),
        Output::OptionalJson(ty) => {
            let ty = scope.ty(ty);
            (quote! { Option<#ty> }, quote! { decode_optional_json(body) })
        }
        Output::Text(_) => (quote! { String }, quote! { decode_text(body) }),
        Output::Bytes(_) => (quote! { Bytes }, quote! { decode_bytes(body) }),
        Output::Nothing => (quote! { () }, quote! { decode_nothing(body) }),
    };
    let request = match &operation.output {
        Output::Text(accept) | Output::Bytes(accept) => quote! { accepting(#request, #accept) },
        Output::Json(_) | Output::OptionalJson(_) | Output::Nothing => request,
    };
    quote! {
        impl Operation for #name {
            type Output = #output;
            type Error = ErrorBody;
            const INFO: OperationInfo = OperationInfo::new(#info_name, #path, Idempotency::#idempotency);
            fn encode(self) -> Result<Request, EncodeError> {
                #target
                #request
            }
            fn decode(_: StatusCode, _: &HeaderMap, body: &Bytes) -> Result<Self::Output, DecodeError> { #decode }
        }
    }
}

/// Prints the statements that make `target`.
fn target(scope: Scope<'_>, operation: &Operation) -> TokenStream {
    let mut path = quote! { RequestTarget::new() };
    let mut rest = operation.path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (wire, after) = after.split_once('}').unwrap_or((after, ""));
        if !before.is_empty() {
            path.extend(quote! { .literal(#before) });
        }
        if let Some(parameter) = operation.parameters.iter().find(|parameter| parameter.wire == wire) {
            let name = ident(&parameter.rust);
            let text = text(scope, &parameter.ty, &quote! { self.#name }, true);
            path.extend(match parameter.multi_segment {
                true => quote! { .segments(#wire, #text)? },
                false => quote! { .segment(#wire, #text)? },
            });
        }
        rest = after;
    }
    if !rest.is_empty() {
        path.extend(quote! { .literal(#rest) });
    }
    let queries: Vec<_> = operation
        .parameters
        .iter()
        .filter(|parameter| parameter.place == Place::Query)
        .map(|parameter| query(scope, parameter))
        .collect();
    match queries.is_empty() {
        true => quote! { let target = #path; },
        false => quote! { let mut target = #path; #(#queries)* },
    }
}

fn query(scope: Scope<'_>, parameter: &Parameter) -> TokenStream {
    let wire = &parameter.wire;
    let name = ident(&parameter.rust);
    match &parameter.ty {
        Type::List(inner) => {
            let text = text(scope, inner, &quote! { value }, false);
            quote! { for value in &self.#name { target = target.query(#wire, #text); } }
        }
        ty if parameter.required => {
            let text = text(scope, ty, &quote! { self.#name }, true);
            quote! { target = target.query(#wire, #text); }
        }
        ty => {
            let text = text(scope, ty, &quote! { value }, false);
            quote! { if let Some(value) = &self.#name { target = target.query(#wire, #text); } }
        }
    }
}

/// Prints an expression of type `&str`. `owned` tells whether the value is a place and not a reference already.
fn text(scope: Scope<'_>, ty: &Type, value: &TokenStream, owned: bool) -> TokenStream {
    match ty {
        Type::String if owned => quote! { &#value },
        Type::String => quote! { #value },
        Type::Named(name) if scope.api.is_enum(name) => quote! { #value.as_str() },
        _ => quote! { &#value.to_string() },
    }
}
