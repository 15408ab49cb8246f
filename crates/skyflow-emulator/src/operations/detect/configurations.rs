//! The configurations of Detect, as the management document has them.

use serde_json::{Value, json};
use skyflow_testkit::Random;

use super::{Call, Reply};
use crate::auth::{Caller, Permission};
use crate::detect::Configuration;
use crate::errors::{ApiError, ApiResult};

pub(super) fn create(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    let configuration = read(call, caller)?;
    let id = Random::system().uuid();
    call.state.detect.configurations.put(id.clone(), configuration);
    Ok(Reply::json(json!({ "configuration_id": id })).counting(1, 0))
}

pub(super) fn update(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    let configuration = read(call, caller)?;
    let id = call.path.get("configuration_id");
    let configurations = &call.state.detect.configurations;
    configurations.get(id).ok_or_else(ApiError::no_such_resource)?;
    configurations.put(id.to_owned(), configuration);
    get(call, caller)
}

pub(super) fn get(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::ConfigureDetect)?;
    let body = call.state.detect.configurations.body(call.path.get("configuration_id"));
    Ok(Reply::json(body.ok_or_else(ApiError::no_such_resource)?))
}

pub(super) fn list(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::ConfigureDetect)?;
    call.require_vault(call.query.one("vault_id"))?;
    Ok(Reply::json(json!({ "configurations": call.state.detect.configurations.bodies() })))
}

pub(super) fn delete(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::ConfigureDetect)?;
    match call.state.detect.configurations.remove(call.path.get("configuration_id")) {
        true => Ok(Reply::json(json!({})).counting(1, 0)),
        false => Err(ApiError::no_such_resource()),
    }
}

fn read(call: &Call<'_>, caller: &Caller) -> ApiResult<Configuration> {
    caller.require(Permission::ConfigureDetect)?;
    let body: Value = call.json()?;
    call.require_vault(body.get("vault_id").and_then(Value::as_str))?;
    Configuration::read(body, &call.state.schema)
}
