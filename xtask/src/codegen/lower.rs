//! Turns the document and the overlay into the model, and fails on what it does not support.

mod elements;
mod features;
mod names;
mod operation;
mod schema;
mod usage;

use std::collections::BTreeSet;

pub use names::sentence;

use super::Error;
use super::ir::Api;
use super::overlay::Overlay;
use super::spec::Spec;

/// Builds the model of the whole API.
pub fn lower(spec: &Spec, overlay: &Overlay) -> Result<Api, Error> {
    let mut api = Api::default();
    let mut schemas = schema::Schemas::new(spec, overlay);
    for (name, found) in spec.schemas() {
        schemas.define_component(name, found)?;
    }
    for (path, item) in spec.paths()? {
        api.operations.extend(operation::lower_path(spec, overlay, &mut schemas, path, item)?);
    }
    api.types = schemas.finish();
    operation::check_names(&api)?;
    features::assign(&mut api, overlay)?;
    usage::spread(&mut api, overlay)?;
    if overlay.elementwise {
        elements::separate(&mut api);
    }
    let names: BTreeSet<_> = spec.schemas().map(|(name, _)| name).collect();
    overlay.check(&api, &names)?;
    Ok(api)
}
