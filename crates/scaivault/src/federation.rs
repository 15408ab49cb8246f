//! Federated backends: other secrets managers behind this one.

use std::collections::BTreeMap;

use skyflow_http::rest::Json;

use crate::api::federation;
use crate::api::types::{self, BackendMode, BackendType};
use crate::call::{duration_setter, setters};
use crate::client::area;
use crate::mode::Mode;
use crate::model::{Field, FromWire, IncompleteResponse, as_it_is};
use crate::page::whole;
use crate::{Call, Page, Timestamp};

area! {
    /// The federated backends of a client.
    Federation
}

/// A federated backend.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Backend {
    /// The id.
    pub id: Option<String>,
    /// The name.
    pub name: String,
    /// What the backend is.
    pub backend_type: Option<BackendType>,
    /// How the backend is reached.
    pub config: Option<Json>,
    /// Which paths here are which paths there.
    pub path_mapping: BTreeMap<String, String>,
    /// Whether reads are passed on, or secrets are copied.
    pub mode: Option<BackendMode>,
    /// How often secrets are copied.
    pub sync_interval: Option<String>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
}

impl FromWire<types::Backend> for Backend {
    fn from_wire(wire: types::Backend) -> Result<Self, IncompleteResponse> {
        Ok(Self {
            id: wire.id,
            name: wire.name.ok_or(IncompleteResponse("name"))?,
            backend_type: wire.r#type,
            config: wire.config,
            path_mapping: wire.path_mapping,
            mode: wire.mode,
            sync_interval: wire.sync_interval,
            created_at: Field::read("created_at", wire.created_at)?,
        })
    }
}

as_it_is!(BackendStatus);

/// Responses that no page describes are passed on as they are.
impl FromWire<Json> for Json {
    fn from_wire(wire: Self) -> Result<Self, IncompleteResponse> {
        Ok(wire)
    }
}

whole! {
    BackendList.backends as Backend;
}

impl<M: Mode> Federation<M> {
    /// Lists backends.
    pub fn list(&self) -> Call<federation::List, Page<Backend>, M> {
        self.call(federation::List::new())
    }

    /// Creates a backend. `config` is an object of the backend's own.
    pub fn create(
        &self,
        name: impl Into<String>,
        backend_type: impl Into<BackendType>,
        config: Json,
        path_mapping: BTreeMap<String, String>,
        mode: impl Into<BackendMode>,
    ) -> Call<federation::Create, Backend, M> {
        let body = types::BackendCreate::new(name, backend_type, config, path_mapping, mode);
        self.call(federation::Create::new(body))
    }

    /// Returns a backend.
    pub fn get(&self, id: impl Into<String>) -> Call<federation::Get, Backend, M> {
        self.call(federation::Get::new(id))
    }

    /// Changes what the call sets of a backend.
    pub fn update(&self, id: impl Into<String>) -> Call<federation::Update, Backend, M> {
        self.call(federation::Update::new(id, types::BackendPatch::default()))
    }

    /// Deletes a backend.
    pub fn delete(&self, id: impl Into<String>) -> Call<federation::Delete, (), M> {
        self.call(federation::Delete::new(id)).gone_is(|| ())
    }

    /// Returns how a backend is doing.
    pub fn status(&self, id: impl Into<String>) -> Call<federation::Status, types::BackendStatus, M> {
        self.call(federation::Status::new(id))
    }

    /// Copies the secrets of a backend now.
    pub fn sync(&self, id: impl Into<String>) -> Call<federation::Sync, Json, M> {
        self.call(federation::Sync::new(id))
    }

    /// Lists secrets that differ between here and a backend.
    pub fn conflicts(&self, id: impl Into<String>) -> Call<federation::ListConflicts, Json, M> {
        self.call(federation::ListConflicts::new(id))
    }
}

duration_setter!(federation::Create,
    /// Sets how often secrets are copied.
    sync_interval => |op, value| op.body.sync_interval = Some(value));

setters!(federation::Update {
    /// Replaces members of the configuration.
    config(config: Json) => |op| { op.body = op.body.config(config); op };
    /// Sets whether reads are passed on, or secrets are copied.
    mode(mode: impl Into<BackendMode>) => |op| { op.body = op.body.mode(mode); op };
});

duration_setter!(federation::Update,
    /// Sets how often secrets are copied.
    sync_interval => |op, value| op.body.sync_interval = Some(value));
