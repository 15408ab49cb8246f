use serde::Deserialize;
use skyflow_types::TokenMode;

use super::write::{RecordInput, Writer};
use super::{Call, Reply, members};
use crate::auth::{Caller, Permission};
use crate::errors::ApiResult;

#[derive(Deserialize)]
struct UpdateRequest {
    #[serde(default, deserialize_with = "members::optional")]
    record: Option<RecordInput>,
    #[serde(default, deserialize_with = "members::optional")]
    tokenization: Option<bool>,
    #[serde(default, deserialize_with = "members::named")]
    byot: Option<TokenMode>,
}

pub(super) fn update(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Write)?;
    let table = call.table()?;
    let request: UpdateRequest = call.json()?;
    let record = request.record.unwrap_or_default();
    let written = call.state.store.write(|transaction| {
        let writer = Writer {
            state: call.state,
            connection: transaction,
            now: call.now,
            mode: request.byot.unwrap_or_default(),
        };
        writer.update(table, call.path.get("id"), &record)
    })?;
    Ok(Reply::serialized(&written.into_reply(request.tokenization.unwrap_or(false)))?.counting(1, 0))
}
