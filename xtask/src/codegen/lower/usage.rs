//! Follows every type from the operations that use it: in which directions it is sent and which file has it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Error;
use super::super::ir::{Api, Encoding, Place, Type, TypeKind, Usage};
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
            let way = if body.encoding == Encoding::Multipart { Way::Form } else { Way::Request };
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
        if let Some(ty) = operation.output.json() {
            root(ty, Way::Response);
        }
    }
    for (name, module, way, owner) in roots {
        let mut seen = BTreeSet::new();
        visit(api, &name, &module, way, &mut seen)?;
        let Some(found) = api.types.get_mut(&name) else { continue };
        match way {
            Way::Response => found.usage.response_of.insert(owner),
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
                _ => shared_file(&api.features, &found.usage.modules),
            };
        }
    }
    check_features(api)?;
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
    let found = api.types.get_mut(name).ok_or_else(|| Error::spec(name, "the type does not exist"))?;
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
            // A request does not carry what is read-only.
            let carried = fields.iter().filter(|field| matches!(way, Way::Response) || !field.read_only);
            inner.extend(carried.filter_map(|field| field.ty.named().map(str::to_owned)));
            inner.extend(found.extra.as_ref().and_then(Type::named).map(str::to_owned));
        }
    }
    for inner in inner {
        visit(api, &inner, module, way, seen)?;
    }
    Ok(())
}

/// Names the file of models that several modules use: one for each set of features that bring them in.
fn shared_file(features: &BTreeMap<String, String>, modules: &BTreeSet<String>) -> String {
    let features: BTreeSet<_> = modules.iter().filter_map(|module| features.get(module)).collect();
    let parts = std::iter::once(SHARED.to_owned());
    let parts = parts.chain(features.into_iter().map(|feature| feature.replace('-', "_")));
    parts.collect::<Vec<_>>().join("_")
}

/// Fails when the types of a file are brought in by different features.
fn check_features(api: &Api) -> Result<(), Error> {
    for found in api.types.values() {
        let (this, file) = (api.features_of(&found.usage.modules), api.features_of_file(&found.module));
        if this != file {
            let problem =
                format!("features {this:?} use it, but its file `{}` is for {file:?}", found.module);
            return Err(Error::overlay(format!("schemas.{}", found.name), problem));
        }
    }
    Ok(())
}

/// Fails when a file is outside a form, or a form has a member of an unsupported type.
fn check_files(api: &Api, overlay: &Overlay) -> Result<(), Error> {
    for found in api.types.values() {
        let TypeKind::Struct(fields) = &found.kind else { continue };
        for field in fields {
            let fits = match (&field.ty, found.usage.form) {
                (Type::File, form) => form,
                (Type::String | Type::Bool | Type::Integer | Type::Number, _) | (_, false) => true,
                (Type::Named(name), true) => api.is_enum(name),
                (Type::Base64 | Type::Json | Type::List(_) | Type::Map(_) | Type::Element(_), true) => false,
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
