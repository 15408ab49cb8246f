use skyflow_http::rest::Json;

use super::{Dynamic, EngineConfig};
use crate::api::{dynamic_engines, types};
use crate::call::{duration_setter, page_setters, setters};
use crate::mode::Mode;
use crate::model::{FromWire, IncompleteResponse, may_be_empty, model};
use crate::page::paged;
use crate::{Call, Page, Timestamp, VaultDuration};

/// An engine: a system in which credentials are made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Engine {
    /// The id.
    pub id: Option<String>,
    /// The name.
    pub name: String,
    /// What the system is, such as `database`.
    pub engine_type: Option<String>,
    /// How the system is reached.
    pub config: Option<Json>,
    /// The lifetime of a lease that asks for none.
    pub default_ttl: Option<VaultDuration>,
    /// The longest lifetime.
    pub max_ttl: Option<VaultDuration>,
    /// Whether credentials can be made.
    pub is_active: Option<bool>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
}

impl FromWire<types::Engine> for Engine {
    fn from_wire(wire: types::Engine) -> Result<Self, IncompleteResponse> {
        let duration = |text: Option<String>| text.and_then(|text| VaultDuration::new(text).ok());
        Ok(Self {
            id: wire.id,
            name: wire.name.ok_or(IncompleteResponse("name"))?,
            engine_type: wire.r#type,
            config: wire.config,
            default_ttl: duration(wire.default_ttl),
            max_ttl: duration(wire.max_ttl),
            is_active: wire.is_active,
            created_at: wire.created_at.map(Timestamp::new),
        })
    }
}

may_be_empty!(Engine, Engine, required);

model! {
    /// Whether an engine can be reached.
    EngineHealth from EngineHealth or default {
        /// The state.
        status: Option<String>,
        /// How long the server waits for it, in milliseconds.
        latency_ms: Option<u64>,
    }
}

paged! {
    dynamic_engines::List => EngineList.data as Engine;
}

impl<M: Mode> Dynamic<M> {
    /// Lists engines.
    pub fn list_engines(&self) -> Call<dynamic_engines::List, Page<Engine>, M> {
        self.call(dynamic_engines::List::new())
    }

    /// Creates an engine, such as a `database`.
    pub fn create_engine(
        &self,
        name: impl Into<String>,
        engine_type: impl Into<String>,
        config: EngineConfig,
    ) -> Call<dynamic_engines::Create, Engine, M> {
        self.call(dynamic_engines::Create::new(types::EngineCreate::new(name, engine_type, config)))
    }

    /// Returns an engine.
    pub fn get_engine(&self, engine: impl Into<String>) -> Call<dynamic_engines::Get, Engine, M> {
        self.call(dynamic_engines::Get::new(engine))
    }

    /// Changes what the call sets of an engine.
    pub fn update_engine(&self, engine: impl Into<String>) -> Call<dynamic_engines::Update, Engine, M> {
        self.call(dynamic_engines::Update::new(engine, types::EnginePatch::default()))
    }

    /// Deletes an engine.
    pub fn delete_engine(&self, engine: impl Into<String>) -> Call<dynamic_engines::Delete, (), M> {
        self.call(dynamic_engines::Delete::new(engine)).gone_is(|| ())
    }

    /// Tells whether an engine can be reached.
    pub fn engine_health(&self, engine: impl Into<String>) -> Call<dynamic_engines::Health, EngineHealth, M> {
        self.call(dynamic_engines::Health::new(engine))
    }
}

page_setters!(dynamic_engines::List);

duration_setter!(dynamic_engines::Create,
    /// Sets the lifetime of a lease that asks for none.
    default_ttl => |op, value| op.body.default_ttl = Some(value));

duration_setter!(dynamic_engines::Create,
    /// Sets the longest lifetime.
    max_ttl => |op, value| op.body.max_ttl = Some(value));

setters!(dynamic_engines::Update {
    /// Replaces members of the configuration.
    config(config: Json) => |op| { op.body = op.body.config(config); op };
});

duration_setter!(dynamic_engines::Update,
    /// Sets the lifetime of a lease that asks for none.
    default_ttl => |op, value| op.body.default_ttl = Some(value));

duration_setter!(dynamic_engines::Update,
    /// Sets the longest lifetime.
    max_ttl => |op, value| op.body.max_ttl = Some(value));
