use super::{KeyType, Pki};
use crate::api::{pki_roles, types};
use crate::call::{duration_setter, page_setters, setters};
use crate::mode::Mode;
use crate::model::model;
use crate::page::paged;
use crate::{Call, Page, Timestamp, VaultDuration};

model! {
    /// A role: the rules by which certificates are issued.
    PkiRole from PkiRole {
        /// The name.
        name: String,
        /// The authority that issues.
        ca_id: Option<String>,
        /// The domains that certificates may name.
        allowed_domains: Vec<String>,
        /// Whether they may name subdomains too.
        allow_subdomains: Option<bool>,
        /// Whether they may name addresses.
        allow_ip_sans: Option<bool>,
        /// The longest lifetime.
        max_ttl: Option<VaultDuration>,
        /// The algorithm of the keys.
        key_type: Option<KeyType>,
        /// The size of the keys in bits.
        key_bits: Option<u64>,
        /// Whether a common name is required.
        require_cn: Option<bool>,
        /// Whether the server keeps the private keys.
        store_private_keys: Option<bool>,
        /// When the role was created.
        created_at: Option<Timestamp>,
    }
}

paged! {
    pki_roles::List => PkiRoleList.data as PkiRole;
}

impl<M: Mode> Pki<M> {
    /// Lists roles.
    pub fn list_roles(&self) -> Call<pki_roles::List, Page<PkiRole>, M> {
        self.call(pki_roles::List::new())
    }

    /// Creates a role by which an authority issues certificates.
    pub fn create_role(
        &self,
        name: impl Into<String>,
        ca_id: impl Into<String>,
    ) -> Call<pki_roles::Create, PkiRole, M> {
        self.call(pki_roles::Create::new(types::PkiRoleCreate::new(name, ca_id)))
    }

    /// Returns a role.
    pub fn get_role(&self, name: impl Into<String>) -> Call<pki_roles::Get, PkiRole, M> {
        self.call(pki_roles::Get::new(name))
    }

    /// Changes what the call sets of a role.
    pub fn update_role(&self, name: impl Into<String>) -> Call<pki_roles::Update, PkiRole, M> {
        self.call(pki_roles::Update::new(name, types::PkiRolePatch::default()))
    }

    /// Deletes a role.
    pub fn delete_role(&self, name: impl Into<String>) -> Call<pki_roles::Delete, (), M> {
        self.call(pki_roles::Delete::new(name)).gone_is(|| ())
    }
}

page_setters!(pki_roles::List);

/// Declares the rules of a role, which creation and change share.
macro_rules! rules {
    ($($operation:ty),*) => {
        $(
            setters!($operation {
                /// Sets the domains that certificates may name.
                allowed_domains(domains: impl IntoIterator<Item = impl Into<String>>) =>
                    |op| { op.body = op.body.allowed_domains(domains); op };
                /// Says whether certificates may name subdomains.
                allow_subdomains(yes: bool) => |op| { op.body = op.body.allow_subdomains(yes); op };
                /// Says whether certificates may name addresses.
                allow_ip_sans(yes: bool) => |op| { op.body = op.body.allow_ip_sans(yes); op };
                /// Sets the algorithm of the keys: `rsa` or `ec`.
                key_type(kind: impl Into<KeyType>) => |op| { op.body = op.body.key_type(kind); op };
                /// Sets the size of the keys in bits.
                key_bits(bits: u32) => |op| { op.body = op.body.key_bits(bits.into()); op };
                /// Says whether a common name is required.
                require_cn(yes: bool) => |op| { op.body = op.body.require_cn(yes); op };
                /// Says whether the server keeps the private keys.
                store_private_keys(yes: bool) => |op| { op.body = op.body.store_private_keys(yes); op };
            });
            duration_setter!($operation,
                /// Sets the longest lifetime.
                max_ttl => |op, value| op.body.max_ttl = Some(value));
        )*
    };
}

rules!(pki_roles::Create, pki_roles::Update);
