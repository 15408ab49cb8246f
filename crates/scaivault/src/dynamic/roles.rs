use std::collections::BTreeMap;

use skyflow_http::rest::Json;

use super::Dynamic;
use crate::api::{dynamic_roles, types};
use crate::call::{duration_setter, page_setters, setters};
use crate::mode::Mode;
use crate::model::model;
use crate::page::paged;
use crate::{Call, Page, Timestamp, VaultDuration};

model! {
    /// A role of an engine: what its credentials may do.
    DynamicRole from DynamicRole {
        /// The name.
        name: String,
        /// The statements that make credentials.
        creation_statements: Vec<String>,
        /// The statements that remove them.
        revocation_statements: Vec<String>,
        /// The lifetime of a lease that asks for none.
        default_ttl: Option<VaultDuration>,
        /// The longest lifetime.
        max_ttl: Option<VaultDuration>,
        /// The engine.
        engine: Option<String>,
        /// When it was created.
        created_at: Option<Timestamp>,
        /// Members that no page documents.
        extra: BTreeMap<String, Json>,
    }
}

paged! {
    dynamic_roles::List => DynamicRoleList.data as DynamicRole;
}

impl<M: Mode> Dynamic<M> {
    /// Lists the roles of an engine.
    pub fn list_roles(&self, engine: impl Into<String>) -> Call<dynamic_roles::List, Page<DynamicRole>, M> {
        self.call(dynamic_roles::List::new(engine))
    }

    /// Creates a role of an engine.
    pub fn create_role(
        &self,
        engine: impl Into<String>,
        name: impl Into<String>,
    ) -> Call<dynamic_roles::Create, DynamicRole, M> {
        self.call(dynamic_roles::Create::new(engine, types::DynamicRoleCreate::new(name)))
    }

    /// Returns a role of an engine.
    pub fn get_role(
        &self,
        engine: impl Into<String>,
        role: impl Into<String>,
    ) -> Call<dynamic_roles::Get, DynamicRole, M> {
        self.call(dynamic_roles::Get::new(engine, role))
    }

    /// Changes a role of an engine by the members of an object.
    pub fn update_role(
        &self,
        engine: impl Into<String>,
        role: impl Into<String>,
        changes: Json,
    ) -> Call<dynamic_roles::Update, DynamicRole, M> {
        self.call(dynamic_roles::Update::new(engine, role, changes))
    }

    /// Deletes a role of an engine.
    pub fn delete_role(
        &self,
        engine: impl Into<String>,
        role: impl Into<String>,
    ) -> Call<dynamic_roles::Delete, (), M> {
        self.call(dynamic_roles::Delete::new(engine, role)).gone_is(|| ())
    }
}

page_setters!(dynamic_roles::List);

setters!(dynamic_roles::Create {
    /// Sets the statements that make credentials.
    creation_statements(statements: impl IntoIterator<Item = impl Into<String>>) =>
        |op| { op.body = op.body.creation_statements(statements); op };
    /// Sets the statements that remove credentials.
    revocation_statements(statements: impl IntoIterator<Item = impl Into<String>>) =>
        |op| { op.body = op.body.revocation_statements(statements); op };
});

duration_setter!(dynamic_roles::Create,
    /// Sets the lifetime of a lease that asks for none.
    default_ttl => |op, value| op.body.default_ttl = Some(value));

duration_setter!(dynamic_roles::Create,
    /// Sets the longest lifetime.
    max_ttl => |op, value| op.body.max_ttl = Some(value));
