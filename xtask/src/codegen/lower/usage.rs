//! Follows every type from the operations that use it: in which direction it travels and in which file it lives.

use std::collections::BTreeSet;

use super::super::Error;
use super::super::ir::{Api, Encoding, Output, Place, Type, TypeKind, Usage};
use super::super::overlay::Overlay;

/// The file of models that more than one module uses.
const SHARED: &str = "shared";

/// A direction in which types travel.
#[derive(Clone, Copy)]
enum Way {
    Request,
    Form,
    Response,
}

/// Fills in the usage and the module of every type.
pub(super) fn spread(api: &mut Api, overlay: &Overlay) -> Result<(), Error> {
    let mut roots: Vec<(String, String, Way, String)> = Vec::new();
    for operation in &api.operations {
        let owner = format!("{}::{}", operation.module, operation.name);
        let mut root = |ty: &Type, way| {
            if let Some(name) = ty.named() {
                roots.push((name.to_owned(), operation.module.clone(), way, owner.clone()));
            }
        };
        if let Some(body) = &operation.body {
            let way = if body.encoding == Encoding::Json { Way::Request } else { Way::Form };
            root(&body.ty, way);
        }
        for parameter in &operation.parameters {
            if let Some(name) = parameter.ty.named()
                && !api.is_enum(name)
            {
                let at = format!("{}.{}", operation.id, parameter.wire);
                return Err(Error::spec(at, "an object cannot be a path or query parameter"));
            }
            debug_assert!(matches!(parameter.place, Place::Path | Place::Query));
            root(&parameter.ty, Way::Request);
        }
        if let Output::Json(ty) = &operation.output {
            root(ty, Way::Response);
        }
    }
    for (name, module, way, owner) in roots {
        let mut seen = BTreeSet::new();
        visit(api, &name, &module, way, &mut seen)?;
        let Some(found) = api.types.get_mut(&name) else { continue };
        match way {
            Way::Response => found.usage.answer_of.insert(owner),
            Way::Request | Way::Form => found.usage.body_of.insert(owner),
        };
    }
    for (name, found) in &mut api.types {
        let Usage { request, response, form, modules, .. } = &found.usage;
        if !request && !response && !form {
            let problem = "no operation uses it; skip it in the overlay and say why";
            return Err(Error::spec(name, problem));
        }
        if *form && (*request || *response) {
            return Err(Error::spec(name, "a form that is also JSON is not supported"));
        }
        if found.module.is_empty() {
            let mut modules = modules.iter();
            found.module = match (modules.next(), modules.next()) {
                (Some(only), None) => only.clone(),
                _ => SHARED.to_owned(),
            };
        }
    }
    check_files(api, overlay)
}

fn visit(
    api: &mut Api,
    name: &str,
    module: &str,
    way: Way,
    seen: &mut BTreeSet<String>,
) -> Result<(), Error> {
    if !seen.insert(name.to_owned()) {
        return Ok(());
    }
    let found = api.types.get_mut(name).ok_or_else(|| Error::spec(name, "there is no such type"))?;
    found.usage.modules.insert(module.to_owned());
    let mut inner = Vec::new();
    match &found.kind {
        TypeKind::Enum(_) => match way {
            Way::Response => found.usage.response = true,
            Way::Request | Way::Form => found.usage.request = true,
        },
        TypeKind::Struct(fields) => {
            match way {
                Way::Request => found.usage.request = true,
                Way::Response => found.usage.response = true,
                Way::Form => found.usage.form = true,
            }
            inner.extend(fields.iter().filter_map(|field| field.ty.named().map(str::to_owned)));
        }
    }
    for inner in inner {
        visit(api, &inner, module, way, seen)?;
    }
    Ok(())
}

/// Fails where a file stands in a form's JSON twin, or where a form holds what a form cannot.
fn check_files(api: &Api, overlay: &Overlay) -> Result<(), Error> {
    for found in api.types.values() {
        let TypeKind::Struct(fields) = &found.kind else { continue };
        for field in fields {
            let fits = match (&field.ty, found.usage.form) {
                (Type::File, form) => form,
                (Type::String | Type::Bool | Type::Integer | Type::Number, _) | (_, false) => true,
                (Type::Named(name), true) => api.is_enum(name),
                (Type::Base64 | Type::Json | Type::List(_) | Type::Map(_), true) => false,
            };
            if !fits {
                return Err(Error::spec(
                    format!("{}.{}", found.name, field.wire),
                    "its type does not fit its place",
                ));
            }
        }
    }
    match overlay.schemas.iter().find(|(name, row)| row.skip.is_some() && api.types.contains_key(*name)) {
        None => Ok(()),
        Some((name, _)) => Err(Error::overlay(format!("schemas.{name}"), "it is skipped and used")),
    }
}
