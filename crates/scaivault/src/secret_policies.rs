//! Recipes of generated values.

pub use crate::api::types::{Generator, SecretPolicyField, SecretPolicyType};
use crate::api::{secret_policies, types};
use crate::call::{page_setters, setters};
use crate::client::area;
use crate::mode::Mode;
use crate::model::{FromWire, IncompleteResponse, model};
use crate::page::paged;
use crate::{Call, Page, SecretData, Timestamp};

area! {
    /// The secret policies of a client: recipes by which the server generates the values of secrets.
    SecretPolicies
}

model! {
    /// A recipe of generated values.
    SecretPolicy from SecretPolicy {
        /// The id.
        id: String,
        /// The name.
        name: Option<String>,
        /// What the values are; a hint only.
        policy_type: Option<SecretPolicyType>,
        /// The members of a value, and how each is generated.
        fields: Vec<SecretPolicyField>,
        /// Whether the policy applies.
        is_active: Option<bool>,
        /// The description.
        description: Option<String>,
        /// When the policy was created.
        created_at: Option<Timestamp>,
        /// When the policy changed.
        updated_at: Option<Timestamp>,
    }
}

model! {
    /// A value that a recipe generates; it is not stored.
    GeneratedValue from GeneratedValue {
        /// The value.
        data: SecretData,
    }
}

impl FromWire<SecretPolicyField> for SecretPolicyField {
    fn from_wire(field: Self) -> Result<Self, IncompleteResponse> {
        Ok(field)
    }
}

paged! {
    secret_policies::List => SecretPolicyList.data as SecretPolicy;
}

impl<M: Mode> SecretPolicies<M> {
    /// Lists secret policies.
    pub fn list(&self) -> Call<secret_policies::List, Page<SecretPolicy>, M> {
        self.call(secret_policies::List::new())
    }

    /// Creates a secret policy.
    pub fn create(
        &self,
        name: impl Into<String>,
        fields: impl IntoIterator<Item = SecretPolicyField>,
    ) -> Call<secret_policies::Create, SecretPolicy, M> {
        let body = types::SecretPolicyCreate::new(name, fields.into_iter().collect());
        self.call(secret_policies::Create::new(body))
    }

    /// Returns a secret policy.
    pub fn get(&self, id: impl Into<String>) -> Call<secret_policies::Get, SecretPolicy, M> {
        self.call(secret_policies::Get::new(id))
    }

    /// Changes a secret policy.
    pub fn update(
        &self,
        id: impl Into<String>,
        name: impl Into<String>,
        fields: impl IntoIterator<Item = SecretPolicyField>,
    ) -> Call<secret_policies::Update, SecretPolicy, M> {
        let body = types::SecretPolicyCreate::new(name, fields.into_iter().collect());
        self.call(secret_policies::Update::new(id, body))
    }

    /// Deletes a secret policy.
    pub fn delete(&self, id: impl Into<String>) -> Call<secret_policies::Delete, (), M> {
        self.call(secret_policies::Delete::new(id)).gone_is(|| ())
    }

    /// Generates a value without storing it.
    pub fn preview(&self, id: impl Into<String>) -> Call<secret_policies::Preview, GeneratedValue, M> {
        self.call(secret_policies::Preview::new(id))
    }
}

page_setters!(secret_policies::List);

setters!(secret_policies::Create {
    /// Says what the values are; a hint only.
    policy_type(kind: impl Into<SecretPolicyType>) => |op| { op.body = op.body.policy_type(kind); op };
    /// Sets the description.
    description(text: impl Into<String>) => |op| { op.body = op.body.description(text); op };
});

setters!(secret_policies::Update {
    /// Says what the values are; a hint only.
    policy_type(kind: impl Into<SecretPolicyType>) => |op| { op.body = op.body.policy_type(kind); op };
    /// Sets the description.
    description(text: impl Into<String>) => |op| { op.body = op.body.description(text); op };
});
