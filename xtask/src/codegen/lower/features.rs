//! Which cargo feature brings in which module of operations.

use super::super::Error;
use super::super::ir::Api;
use super::super::overlay::Overlay;

/// Copies the overlay's table, which must name every module once, or be empty.
pub(super) fn assign(api: &mut Api, overlay: &Overlay) -> Result<(), Error> {
    for (feature, modules) in &overlay.features {
        let row = || format!("features.{feature}");
        for module in modules {
            if !api.operations.iter().any(|operation| operation.module == *module) {
                return Err(Error::overlay(row(), format!("no operation is in the module `{module}`")));
            }
            if api.features.insert(module.clone(), feature.clone()).is_some() {
                return Err(Error::overlay(row(), format!("`{module}` is in two features")));
            }
        }
    }
    let missing = api.operations.iter().find(|operation| !api.features.contains_key(&operation.module));
    match missing {
        Some(operation) if !api.features.is_empty() => {
            Err(Error::overlay("features", format!("the module `{}` is in no feature", operation.module)))
        }
        _ => Ok(()),
    }
}
