//! Access policies.

use std::time::SystemTime;

use crate::api::policies;
use crate::api::types::{self, IdentityType, PolicyScope};
pub use crate::api::types::{Permission, PolicyConditions, PolicyRule, PolicyTestContext};
use crate::call::{page_setters, setters};
use crate::client::area;
use crate::mode::Mode;
use crate::model::{FromWire, IncompleteResponse, model};
use crate::page::{paged, whole};
use crate::secrets::checked;
use crate::syntax::pattern_of;
use crate::{Call, Error, InvalidInput, Page, SecretPath, Timestamp};

area! {
    /// The access policies of a client.
    ///
    /// ```
    /// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
    /// use scaivault::policies::{Permission, PolicyConditions, PolicyRule, PolicyTestContext};
    ///
    /// let rule = PolicyRule::new("environments/production/**", vec![Permission::Read, Permission::List])
    ///     .conditions(PolicyConditions::default().ip_ranges(["10.0.0.0/8"]).require_mfa(true));
    /// let policy = client
    ///     .policies()
    ///     .create("production-read-only", [rule])
    ///     .description("Developers read production from VPN + MFA")
    ///     .await?;
    /// client.policies().bind(&policy.id, "group", "group:developers").await?;
    /// let result = client
    ///     .policies()
    ///     .test("user:alice@acme.example", "environments/production/salesforce/oauth", Permission::Read)
    ///     .context(PolicyTestContext::default().source_ip("10.0.1.50").mfa_verified(true))
    ///     .await?;
    /// println!("{}", result.allowed);
    /// # Ok(()) }
    /// ```
    Policies
}

model! {
    /// An access policy.
    Policy from Policy {
        /// The id.
        id: String,
        /// The name.
        name: Option<String>,
        /// The description.
        description: Option<String>,
        /// The rules. Conditions that this version does not know are kept, so a policy can be read, changed and written.
        rules: Vec<PolicyRule>,
        /// Whom the policy is bound to.
        bindings: Vec<Binding>,
        /// Whether the policy is the tenant's or the partner's.
        scope: Option<PolicyScope>,
        /// Whether the policy applies.
        is_active: Option<bool>,
        /// When the policy was created.
        created_at: Option<Timestamp>,
        /// When the policy changed.
        updated_at: Option<Timestamp>,
    }
}

model! {
    /// An access policy in a list.
    PolicySummary from PolicySummary {
        /// The id.
        id: String,
        /// The name.
        name: Option<String>,
        /// How many rules it has.
        rule_count: Option<u64>,
        /// How many bindings it has.
        binding_count: Option<u64>,
        /// Whether the policy applies.
        is_active: Option<bool>,
        /// When the policy was created.
        created_at: Option<Timestamp>,
        /// When the policy changed.
        updated_at: Option<Timestamp>,
    }
}

model! {
    /// A policy's binding to an identity.
    Binding from Binding {
        /// The id, which [`Policies::unbind`] takes.
        id: Option<String>,
        /// What the identity is.
        identity_type: Option<IdentityType>,
        /// The identity.
        identity_id: Option<String>,
        /// When the binding ends.
        expires_at: Option<Timestamp>,
        /// When the binding was created.
        created_at: Option<Timestamp>,
    }
}

model! {
    /// What a policy test found.
    PolicyDecision from PolicyTestResult {
        /// Whether the policies allow it.
        allowed: bool,
        /// The explanation, whose members no page documents.
        extra: std::collections::BTreeMap<String, skyflow_http::rest::Json>,
    }
}

impl FromWire<PolicyRule> for PolicyRule {
    fn from_wire(rule: Self) -> Result<Self, IncompleteResponse> {
        Ok(rule)
    }
}

paged! {
    policies::List => PolicyList.policies as PolicySummary;
}

whole! {
    BindingList.bindings as Binding;
}

impl<M: Mode> Policies<M> {
    /// Lists policies.
    pub fn list(&self) -> Call<policies::List, Page<PolicySummary>, M> {
        self.call(policies::List::new())
    }

    /// Creates a policy.
    pub fn create(
        &self,
        name: impl Into<String>,
        rules: impl IntoIterator<Item = PolicyRule>,
    ) -> Call<policies::Create, Policy, M> {
        let operation =
            checked_rules(rules).map(|rules| policies::Create::new(types::PolicyWrite::new(name, rules)));
        self.try_call(operation).hint("a policy of this name may exist")
    }

    /// Returns a policy with its rules and bindings.
    pub fn get(&self, id: impl Into<String>) -> Call<policies::Get, Policy, M> {
        self.call(policies::Get::new(id))
    }

    /// Replaces name, description, scope and rules of a policy; its bindings stay.
    pub fn replace(
        &self,
        id: impl Into<String>,
        name: impl Into<String>,
        rules: impl IntoIterator<Item = PolicyRule>,
    ) -> Call<policies::Replace, Policy, M> {
        let body = checked_rules(rules).map(|rules| types::PolicyWrite::new(name, rules));
        self.try_call(body.map(|body| policies::Replace::new(id, body)))
    }

    /// Changes what the call sets of a policy.
    pub fn update(&self, id: impl Into<String>) -> Call<policies::Update, Policy, M> {
        self.call(policies::Update::new(id, types::PolicyPatch::default()))
    }

    /// Deletes a policy; one with bindings only with [`force`](Call::force).
    pub fn delete(&self, id: impl Into<String>) -> Call<policies::Delete, (), M> {
        self.call(policies::Delete::new(id)).gone_is(|| ())
    }

    /// Lists the bindings of a policy.
    pub fn bindings(&self, id: impl Into<String>) -> Call<policies::ListBindings, Page<Binding>, M> {
        self.call(policies::ListBindings::new(id))
    }

    /// Binds a policy to an identity: `user`, `service_account` or `group`.
    pub fn bind(
        &self,
        id: impl Into<String>,
        identity_type: impl Into<IdentityType>,
        identity_id: impl Into<String>,
    ) -> Call<policies::Bind, Binding, M> {
        self.call(policies::Bind::new(id, types::BindingCreate::new(identity_type, identity_id)))
    }

    /// Removes a binding.
    pub fn unbind(
        &self,
        id: impl Into<String>,
        binding_id: impl Into<String>,
    ) -> Call<policies::Unbind, (), M> {
        self.call(policies::Unbind::new(id, binding_id)).gone_is(|| ())
    }

    /// Asks whether the policies allow an identity an operation. Nothing is audited.
    pub fn test<P>(
        &self,
        identity_id: impl Into<String>,
        path: P,
        permission: impl Into<Permission>,
    ) -> Call<policies::Test, PolicyDecision, M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        let body = checked(path).map(|path| types::PolicyTest::new(identity_id, path, permission));
        self.try_call(body.map(policies::Test::new))
    }
}

/// Checks the patterns of rules.
fn checked_rules(rules: impl IntoIterator<Item = PolicyRule>) -> Result<Vec<PolicyRule>, Error> {
    let rules: Vec<_> = rules.into_iter().collect();
    if rules.is_empty() {
        return Err(Error::invalid("rules", "must not be empty"));
    }
    for (at, rule) in rules.iter().enumerate() {
        let pattern = rule.path_pattern.as_deref().unwrap_or_default();
        pattern_of(format!("rules[{at}].path_pattern"), pattern)?;
        if rule.permissions.is_empty() {
            return Err(Error::invalid(format!("rules[{at}].permissions"), "must not be empty"));
        }
    }
    Ok(rules)
}

page_setters!(policies::List);

setters!(policies::List {
    /// Lists the policies of the tenant or of the partner.
    scope(scope: impl Into<types::PolicyListScope>) => |list| list.scope(scope);
    /// Lists policies that do not apply too.
    include_inactive(yes: bool) => |list| list.include_inactive(yes);
});

setters!(policies::Create {
    /// Sets the description.
    description(text: impl Into<String>) => |op| { op.body = op.body.description(text); op };
    /// Makes it a policy of the tenant or of the partner.
    scope(scope: impl Into<PolicyScope>) => |op| { op.body = op.body.scope(scope); op };
});

setters!(policies::Replace {
    /// Sets the description.
    description(text: impl Into<String>) => |op| { op.body = op.body.description(text); op };
    /// Makes it a policy of the tenant or of the partner.
    scope(scope: impl Into<PolicyScope>) => |op| { op.body = op.body.scope(scope); op };
});

setters!(policies::Update {
    /// Sets the name.
    name(name: impl Into<String>) => |op| { op.body = op.body.name(name); op };
    /// Sets the description.
    description(text: impl Into<String>) => |op| { op.body = op.body.description(text); op };
    /// Says whether the policy applies.
    active(yes: bool) => |op| { op.body = op.body.is_active(yes); op };
});

impl<T, M: Mode> Call<policies::Update, T, M> {
    /// Replaces the rules.
    pub fn rules(self, rules: impl IntoIterator<Item = PolicyRule>) -> Self {
        self.checked(checked_rules(rules), |mut op, rules| {
            op.body = op.body.rules(rules);
            op
        })
    }
}

setters!(policies::Delete {
    /// Deletes the policy with its bindings.
    force(yes: bool) => |delete| delete.force(yes);
});

setters!(policies::Bind {
    /// Lets the binding end.
    expires_at(time: SystemTime) => |op| { op.body = op.body.expires_at(Timestamp::from(time).as_str()); op };
});

setters!(policies::Test {
    /// Sets address, multi-factor state and time of the assumed request.
    context(context: PolicyTestContext) => |op| { op.body = op.body.context(context); op };
});
