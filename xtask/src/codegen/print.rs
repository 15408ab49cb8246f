//! Pieces of code that models and operations are made of.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::ir::{Api, Deprecation, Type};

/// The widest line of documentation, without its indentation.
const DOC_WIDTH: usize = 100;

/// Makes an identifier; a keyword becomes a raw one.
pub fn ident(name: &str) -> Ident {
    match syn::parse_str::<Ident>(name) {
        Ok(ident) => ident,
        Err(_) => format_ident!("r#{name}"),
    }
}

/// Prints documentation lines.
pub fn doc(text: &str) -> TokenStream {
    let lines = text.trim_end().lines().flat_map(wrapped);
    quote! { #(#[doc = #lines])* }
}

/// Breaks a line between words where it gets too long; an empty line stays one.
fn wrapped(line: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split_whitespace() {
        if let Some(last) = lines.last_mut() {
            if last.is_empty() || last.len() + word.len() < DOC_WIDTH {
                last.push_str(&format!(" {word}"));
            } else {
                lines.push(format!(" {word}"));
            }
        }
    }
    lines
}

/// Prints how `Debug` shows a field.
pub fn debug_entry(field: &Ident, printed: bool, optional: bool) -> TokenStream {
    let name = field.to_string();
    let name = name.trim_start_matches("r#");
    match (printed, optional) {
        (true, _) => quote! { .field(#name, &self.#field) },
        (false, true) => quote! { .field(#name, &redacted(self.#field.is_some())) },
        (false, false) => quote! { .field(#name, &Redacted) },
    }
}

/// Prints a `Debug` implementation from its entries.
pub fn debug_impl(name: &Ident, entries: &[TokenStream], has_extra: bool) -> TokenStream {
    let text = name.to_string();
    // The names of members without a field may be data too.
    let extra = has_extra.then(|| quote! { .field("extra", &Redacted) });
    quote! {
        impl fmt::Debug for #name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(#text) #(#entries)* #extra .finish()
            }
        }
    }
}

/// Prints the mark of what is deprecated.
pub fn deprecated(found: Option<&Deprecation>) -> Option<TokenStream> {
    found.map(|Deprecation(note)| match note.is_empty() {
        true => quote! { #[deprecated] },
        false => quote! { #[deprecated(note = #note)] },
    })
}

/// Prints the condition under which one of `features` is on; nothing when the crate has no features.
pub fn cfg<'a>(features: impl IntoIterator<Item = &'a str>) -> Option<TokenStream> {
    let features: Vec<_> = features.into_iter().collect();
    match features.as_slice() {
        [] => None,
        [only] => Some(quote! { #[cfg(feature = #only)] }),
        many => Some(quote! { #[cfg(any(#(feature = #many),*))] }),
    }
}

/// Where code is printed, which decides how a type is named there.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub api: &'a Api,
    /// The model file, or `None` in a file of operations.
    pub module: Option<&'a str>,
}

impl Scope<'_> {
    /// Names a type.
    pub fn ty(self, ty: &Type) -> TokenStream {
        match ty {
            Type::String => quote! { String },
            Type::Bool => quote! { bool },
            Type::Integer => quote! { i64 },
            Type::Number => quote! { f64 },
            Type::Base64 => quote! { Base64 },
            Type::Json => quote! { Json },
            Type::File => quote! { FilePart },
            Type::List(inner) => {
                let inner = self.ty(inner);
                quote! { Vec<#inner> }
            }
            Type::Map(inner) => {
                let inner = self.ty(inner);
                quote! { std::collections::BTreeMap<String, #inner> }
            }
            Type::Element(inner) => {
                let inner = self.ty(inner);
                quote! { Element<#inner> }
            }
            Type::Named(name) => {
                let found = self.api.get(name).map(|found| found.module.as_str());
                let name = ident(name);
                match self.module {
                    None => quote! { types::#name },
                    Some(module) if found == Some(module) => quote! { #name },
                    Some(_) => quote! { super::#name },
                }
            }
        }
    }

    /// Prints the type of an argument and the expression that turns the argument into the type.
    pub fn argument(self, name: &Ident, ty: &Type) -> (TokenStream, TokenStream) {
        let target = self.ty(ty);
        match ty {
            _ if self.converts(ty) => (quote! { impl Into<#target> }, quote! { #name.into() }),
            Type::List(inner) if self.converts(inner) => {
                let inner = self.ty(inner);
                (
                    quote! { impl IntoIterator<Item = impl Into<#inner>> },
                    quote! { #name.into_iter().map(Into::into).collect() },
                )
            }
            _ => (target, quote! { #name }),
        }
    }

    /// Tells whether an argument may be anything that becomes the type: text for a string or an enum.
    fn converts(self, ty: &Type) -> bool {
        match ty {
            Type::String | Type::Base64 => true,
            Type::Named(name) => self.api.is_enum(name),
            _ => false,
        }
    }
}
