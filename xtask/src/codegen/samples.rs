//! Prints requests for tests: every operation, with every member of its request filled by the trait `Sample`.
//!
//! What a member is filled with is decided by the test; what it must become on the wire, the test reads from the API
//! document by itself.

use std::collections::BTreeMap;

use heck::ToSnakeCase as _;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::format::Source;
use super::ir::{Api, Encoding, Operation, Type, TypeDef, TypeKind};
use super::models::Shape;
use super::print::{Scope, ident};

/// Prints the files: one for each module of operations, one for each module of models, and the table of operations.
pub fn files(api: &Api, package: &str) -> BTreeMap<String, Source> {
    let printer = Printer { scope: Scope { api, module: None }, package: ident(&package.replace('-', "_")) };
    let allow = api.has_deprecations();
    let source = |groups| Source { allows_deprecated: allow, groups, ..Source::default() };
    let mut files = BTreeMap::new();
    let sent = |module: &str| {
        let in_module = api.types.values().filter(move |found| found.module == module);
        in_module.filter(|found| found.usage.request || found.usage.form).collect::<Vec<_>>()
    };
    let type_modules: Vec<_> =
        api.type_modules().into_iter().filter(|module| !sent(module).is_empty()).collect();
    for module in &type_modules {
        let items = sent(module).into_iter().map(|found| printer.model(found));
        let (types, uses) = (printer.types(), quote! { use crate::sample::*; });
        let groups = [quote! { #types #uses }].into_iter().chain(items).collect();
        files.insert(format!("types/{module}.rs"), source(groups));
    }
    let mods = type_modules.iter().map(|module| ident(module));
    files.insert("types/mod.rs".to_owned(), source(vec![quote! { #(mod #mods;)* }]));

    let modules = api.operation_modules();
    for module in &modules {
        let operations = api.operations.iter().filter(|operation| operation.module == *module);
        let imports = quote! { use crate::sample::*; };
        let types = printer.types();
        let operations = operations.map(|operation| printer.operation(operation));
        files.insert(
            format!("{module}.rs"),
            source([quote! { #types #imports }].into_iter().chain(operations).collect()),
        );
    }
    let mods = modules.iter().map(|module| ident(module));
    let rows = api.operations.iter().map(|operation| {
        let (id, module, name) = (&operation.id, ident(&operation.module), function(operation));
        quote! { (#id, #module::#name) }
    });
    let table = vec![
        quote! { #(mod #mods;)* mod types; },
        quote! { use crate::sample::Make; },
        quote! {
            #[doc = " Every operation, by the name that the document gives it."]
            pub(crate) const REQUESTS: &[(&str, Make)] = &[#(#rows),*];
        },
    ];
    files.insert("mod.rs".to_owned(), source(table));
    files
}

fn function(operation: &Operation) -> proc_macro2::Ident {
    // A raw identifier where the name is a keyword.
    ident(&operation.name.to_snake_case())
}

struct Printer<'a> {
    scope: Scope<'a>,
    package: proc_macro2::Ident,
}

impl Printer<'_> {
    fn types(&self) -> TokenStream {
        let package = &self.package;
        quote! { #[allow(unused_imports)] use #package::types; }
    }

    /// Prints an expression of a type, so that it can be given to a parameter of type `impl Into`.
    fn value(&self, ty: &Type) -> TokenStream {
        let ty = self.scope.ty(ty);
        quote! { <#ty as Sample>::sample(filling) }
    }

    fn model(&self, found: &TypeDef) -> TokenStream {
        let name = ident(&found.name);
        let text = &found.name;
        let fields = match &found.kind {
            TypeKind::Enum(values) => {
                let values = values.variants.iter().map(|(wire, _)| wire);
                return quote! {
                    impl Sample for types::#name {
                        fn sample(filling: &Filling) -> Self { filling.enum_value(&[#(#values),*]).into() }
                    }
                };
            }
            TypeKind::Struct(fields) => fields,
        };
        let shapes: Vec<_> = fields
            .iter()
            .filter(|field| !field.read_only)
            .map(|field| (field, Shape::new(found, field)))
            .collect();
        let needed: Vec<_> = shapes.iter().filter(|(_, shape)| shape.is_needed()).collect();
        let arguments = needed.iter().map(|(field, _)| self.value(&field.ty));
        let made = match needed.is_empty() {
            true => quote! { Self::default() },
            false => quote! { Self::new(#(#arguments),*) },
        };
        let rest = shapes.iter().filter(|(_, shape)| !shape.is_needed()).map(|(field, _)| {
            let field = ident(&field.rust);
            quote! { made.#field = Sample::sample(filling); }
        });
        let extra = found.extra.as_ref().map(|_| quote! { made.extra = Sample::sample(filling); });
        quote! {
            impl Sample for types::#name {
                const NAME: &'static str = #text;
                fn sample(filling: &Filling) -> Self {
                    filling.within(Self::NAME, || {
                        #[allow(unused_mut)]
                        let mut made = #made;
                        #(#rest)*
                        #extra
                        made
                    })
                }
            }
        }
    }

    fn operation(&self, operation: &Operation) -> TokenStream {
        let (package, module, name) = (&self.package, ident(&operation.module), ident(&operation.name));
        let function = function(operation);
        let mut arguments = Vec::new();
        let mut rest = Vec::new();
        for parameter in &operation.parameters {
            let field = ident(&parameter.rust);
            match parameter.required {
                true => arguments.push(self.value(&parameter.ty)),
                // An optional list is no `Option`.
                false if matches!(parameter.ty, Type::List(_)) => {
                    rest.push(quote! { made.#field = filling.list(); });
                }
                false => rest.push(quote! { made.#field = Sample::sample(filling); }),
            }
        }
        if let Some(body) = operation.body.as_ref().filter(|body| body.encoding != Encoding::EmptyObject) {
            let field = format_ident!("body");
            match body.required {
                true => arguments.push(self.value(&body.ty)),
                false => rest.push(quote! { made.#field = Sample::sample(filling); }),
            }
        }
        let filling = match arguments.is_empty() && rest.is_empty() {
            true => quote! { _ },
            false => quote! { filling },
        };
        quote! {
            pub(super) fn #function(#filling: &Filling) -> Result<Request, EncodeError> {
                #[allow(unused_mut)]
                let mut made = #package::#module::#name::new(#(#arguments),*);
                #(#rest)*
                made.encode()
            }
        }
    }
}
