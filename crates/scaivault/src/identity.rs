//! Partners, tenants, users, groups and roles.

use skyflow_http::rest::Json;

use crate::Call;
use crate::api::identity;
use crate::api::types::{self, IdentityType};
use crate::call::setters;
use crate::client::area;
use crate::mode::Mode;
use crate::model::as_it_is;

area! {
    /// The identities that a client may look at. Its lists have numbered pages instead of cursors.
    Identity
}

as_it_is!(PartnerList, TenantList, UserList, GroupList, MemberList, ResolvedIdentity, SyncAccepted, Roles);

impl<M: Mode> Identity<M> {
    /// Lists partners.
    pub fn list_partners(&self) -> Call<identity::ListPartners, types::PartnerList, M> {
        self.call(identity::ListPartners::new())
    }

    /// Lists tenants.
    pub fn list_tenants(&self) -> Call<identity::ListTenants, types::TenantList, M> {
        self.call(identity::ListTenants::new())
    }

    /// Lists the users of a tenant.
    pub fn list_users(&self, tenant_id: impl Into<String>) -> Call<identity::ListUsers, types::UserList, M> {
        self.call(identity::ListUsers::new(tenant_id))
    }

    /// Lists the groups of a tenant.
    pub fn list_groups(
        &self,
        tenant_id: impl Into<String>,
    ) -> Call<identity::ListGroups, types::GroupList, M> {
        self.call(identity::ListGroups::new(tenant_id))
    }

    /// Lists the members of a group.
    pub fn list_members(
        &self,
        group_id: impl Into<String>,
    ) -> Call<identity::ListMembers, types::MemberList, M> {
        self.call(identity::ListMembers::new(group_id))
    }

    /// Resolves an identity.
    pub fn resolve(
        &self,
        identity_type: impl Into<IdentityType>,
        identity_id: impl Into<String>,
    ) -> Call<identity::Resolve, types::ResolvedIdentity, M> {
        self.call(identity::Resolve::new(identity_type, identity_id))
    }

    /// Starts to copy identities from ScaiKey.
    pub fn sync(&self) -> Call<identity::Sync, types::SyncAccepted, M> {
        self.call(identity::Sync::new())
    }

    /// Lists past copies from ScaiKey.
    pub fn sync_history(&self) -> Call<identity::SyncHistory, Json, M> {
        self.call(identity::SyncHistory::new())
    }

    /// Lists roles.
    pub fn list_roles(&self) -> Call<identity::ListRoles, Json, M> {
        self.call(identity::ListRoles::new())
    }

    /// Returns the roles of a user.
    pub fn get_user_roles(
        &self,
        user_id: impl Into<String>,
    ) -> Call<identity::GetUserRoles, types::Roles, M> {
        self.call(identity::GetUserRoles::new(user_id))
    }

    /// Replaces the roles of a user.
    pub fn set_user_roles(
        &self,
        user_id: impl Into<String>,
        roles: impl IntoIterator<Item = impl Into<String>>,
    ) -> Call<identity::SetUserRoles, types::Roles, M> {
        self.call(identity::SetUserRoles::new(user_id, types::Roles::new(roles)))
    }
}

setters!(identity::ListPartners {
    /// Lists partners in this state.
    status(status: impl Into<String>) => |list| list.status(status);
    /// Returns this page, from 1 on.
    page(page: u32) => |list| list.page(page.into());
    /// Sets how many elements a page holds.
    page_size(size: u32) => |list| list.page_size(size.into());
});

setters!(identity::ListTenants {
    /// Lists the tenants of one partner.
    partner(id: impl Into<String>) => |list| list.partner_id(id);
    /// Lists tenants in this state.
    status(status: impl Into<String>) => |list| list.status(status);
    /// Returns this page, from 1 on.
    page(page: u32) => |list| list.page(page.into());
    /// Sets how many elements a page holds.
    page_size(size: u32) => |list| list.page_size(size.into());
});

setters!(identity::ListUsers {
    /// Lists users in this state.
    status(status: impl Into<String>) => |list| list.status(status);
    /// Lists users whose name or address has this text.
    search(text: impl Into<String>) => |list| list.q(text);
    /// Returns this page, from 1 on.
    page(page: u32) => |list| list.page(page.into());
    /// Sets how many elements a page holds.
    page_size(size: u32) => |list| list.page_size(size.into());
});

setters!(identity::Sync {
    /// Copies the identities of one partner.
    partner(id: impl Into<String>) => |sync| sync.partner_id(id);
    /// Copies the identities of one tenant.
    tenant(id: impl Into<String>) => |sync| sync.tenant_id(id);
});
