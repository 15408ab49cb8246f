//! Marks the objects in the lists and maps of responses as decoded one by one.

use std::collections::BTreeSet;

use super::super::ir::{Api, Type, TypeKind};

/// Wraps each object that is a member of a list or map, in the responses of operations and in types that only
/// responses hold.
pub(super) fn separate(api: &mut Api) {
    let structs: BTreeSet<String> = api
        .types
        .values()
        .filter(|found| matches!(found.kind, TypeKind::Struct(_)))
        .map(|found| found.name.clone())
        .collect();
    for operation in &mut api.operations {
        if let Some(ty) = operation.output.json_mut() {
            wrap(ty, &structs);
        }
    }
    for found in api.types.values_mut() {
        if let (TypeKind::Struct(fields), true, false) =
            (&mut found.kind, found.usage.response, found.usage.request)
        {
            fields.iter_mut().for_each(|field| wrap(&mut field.ty, &structs));
        }
    }
}

fn wrap(ty: &mut Type, structs: &BTreeSet<String>) {
    let (Type::List(inner) | Type::Map(inner)) = ty else { return };
    match inner.as_ref() {
        Type::Named(name) if structs.contains(name) => {
            **inner = Type::Element(Box::new(Type::Named(name.clone())));
        }
        _ => wrap(inner, structs),
    }
}
