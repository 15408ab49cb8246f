//! The audit log.

use std::time::SystemTime;

use skyflow_http::rest::Json;

use crate::api::audit;
use crate::api::types::{self, IdentityType};
pub use crate::api::types::{AuditAction, AuditExportDestination, AuditExportFormat};
use crate::call::{page_setters, setters};
use crate::client::area;
use crate::mode::Mode;
use crate::model::{FromWire, IncompleteResponse, model};
use crate::page::paged;
use crate::secrets::checked;
use crate::{Call, InvalidInput, Page, SecretPath, Timestamp};

area! {
    /// The audit log of a client.
    Audit
}

model! {
    /// An operation that someone has called.
    AuditEvent from AuditLog {
        /// The id.
        id: Option<String>,
        /// When it happened.
        timestamp: Option<Timestamp>,
        /// The operation.
        action: Option<AuditAction>,
        /// What the caller is.
        identity_type: Option<IdentityType>,
        /// The caller.
        identity_id: Option<String>,
        /// The secret.
        secret_path: Option<String>,
        /// The address of the caller.
        source_ip: Option<String>,
        /// The program of the caller.
        user_agent: Option<String>,
        /// Whether it succeeded.
        success: Option<bool>,
        /// How long it took, in milliseconds.
        duration_ms: Option<u64>,
        /// The server's name for the request.
        request_id: Option<String>,
        /// What the server adds.
        extra_data: Option<Json>,
    }
}

model! {
    /// Counts of operations.
    AuditSummary from AuditSummary {
        /// How many there were.
        total_events: Option<u64>,
        /// How many succeeded.
        successful_events: Option<u64>,
        /// Members that no page documents.
        extra: std::collections::BTreeMap<String, Json>,
    }
}

model! {
    /// An export of the audit log. It is complete when its status is `completed`.
    AuditExport from AuditExport {
        /// The id.
        id: String,
        /// The state.
        status: Option<String>,
        /// The files that were written.
        manifest: Option<Json>,
        /// When it was started.
        created_at: Option<Timestamp>,
    }
}

paged! {
    audit::List => AuditLogs.logs as AuditEvent;
}

impl FromWire<types::AuditTrail> for Page<AuditEvent> {
    fn from_wire(trail: types::AuditTrail) -> Result<Self, IncompleteResponse> {
        Self::read(trail.logs, trail.cursor, trail.has_more)
    }
}

impl<M: Mode> Audit<M> {
    /// Lists operations, the newest first.
    pub fn list(&self) -> Call<audit::List, Page<AuditEvent>, M> {
        self.call(audit::List::new())
    }

    /// Lists the operations on a secret.
    pub fn secret_trail<P>(&self, path: P) -> Call<audit::SecretTrail, Page<AuditEvent>, M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        self.try_call(checked(path).map(audit::SecretTrail::new))
    }

    /// Lists the operations of an identity.
    pub fn identity_trail(
        &self,
        identity_id: impl Into<String>,
    ) -> Call<audit::IdentityTrail, Page<AuditEvent>, M> {
        self.call(audit::IdentityTrail::new(identity_id))
    }

    /// Counts operations.
    pub fn summary(&self) -> Call<audit::Summary, AuditSummary, M> {
        self.call(audit::Summary::new())
    }

    /// Exports the log to a store of objects, with credentials that are read from a secret.
    pub fn export(
        &self,
        format: impl Into<AuditExportFormat>,
        destination: AuditExportDestination,
    ) -> Call<audit::ExportCreate, AuditExport, M> {
        self.call(audit::ExportCreate::new(types::AuditExportCreate::new(format, destination)))
    }

    /// Returns an export.
    pub fn get_export(&self, id: impl Into<String>) -> Call<audit::ExportGet, AuditExport, M> {
        self.call(audit::ExportGet::new(id))
    }
}

page_setters!(audit::List);

setters!(audit::List {
    /// Lists operations from this time on.
    from(time: SystemTime) => |list| list.from(Timestamp::from(time).as_str());
    /// Lists operations before this time.
    to(time: SystemTime) => |list| list.to(Timestamp::from(time).as_str());
    /// Lists these actions only.
    actions(actions: impl IntoIterator<Item = impl Into<AuditAction>>) => |list| {
        let names: Vec<String> = actions.into_iter().map(|action| action.into().to_string()).collect();
        list.action(names.join(","))
    };
    /// Lists the operations of one identity.
    identity(id: impl Into<String>) => |list| list.identity_id(id);
    /// Lists the operations of one kind of identity.
    identity_type(kind: impl Into<IdentityType>) => |list| list.identity_type(kind);
    /// Lists operations on paths that begin with this text.
    path_prefix(prefix: impl Into<String>) => |list| list.path_prefix(prefix);
    /// Lists operations that succeeded, or those that failed.
    success(yes: bool) => |list| list.success(yes);
    /// Lists operations from one address.
    source_ip(address: impl Into<String>) => |list| list.source_ip(address);
    /// Lists the operations of one request.
    request_id(id: impl Into<String>) => |list| list.request_id(id);
});

setters!(audit::Summary {
    /// Counts operations from this time on.
    from(time: SystemTime) => |summary| summary.from(Timestamp::from(time).as_str());
    /// Counts operations before this time.
    to(time: SystemTime) => |summary| summary.to(Timestamp::from(time).as_str());
});

setters!(audit::ExportCreate {
    /// Exports operations from this time on.
    from(time: SystemTime) => |op| { op.body = op.body.from(Timestamp::from(time).as_str()); op };
    /// Exports operations before this time.
    to(time: SystemTime) => |op| { op.body = op.body.to(Timestamp::from(time).as_str()); op };
});
