//! Rotation policies.

use crate::api::rotation;
use crate::api::types::{self, RotationListHistoryStatus, RotationStatus};
use crate::call::{duration_setter, page_setters, setters};
use crate::client::area;
use crate::mode::Mode;
use crate::model::{FromWire, IncompleteResponse, model};
use crate::page::{paged, whole};
use crate::secrets::checked;
use crate::syntax::{duration_of, durations_of};
use crate::{Call, DurationList, Error, InvalidInput, Page, SecretPath, Timestamp, VaultDuration};

area! {
    /// The rotation policies of a client.
    ///
    /// ```
    /// # async fn run(client: scaivault::Client) -> Result<(), scaivault::Error> {
    /// let path = "environments/production/salesforce/oauth";
    /// let policy = client
    ///     .rotation()
    ///     .create("quarterly", "90d")
    ///     .grace_period("48h")
    ///     .warn_before("7d,1d")
    ///     .auto_generate(false)
    ///     .await?;
    /// client.rotation().assign_secret(&policy.id, path).await?;
    /// client.rotation().trigger_rotation(&policy.id).secret_paths([path]).await?;
    /// for item in client.rotation().get_history(&policy.id).limit(100).await?.data {
    ///     println!("{} {:?} {:?}", item.secret_path, item.status, item.rotated_at);
    /// }
    /// let due = client.rotation().get_secrets_due().within_hours(168).await?;
    /// # Ok(()) }
    /// ```
    Rotation
}

model! {
    /// A rotation policy.
    RotationPolicy from RotationPolicy {
        /// The id.
        id: String,
        /// The name.
        name: Option<String>,
        /// The description.
        description: Option<String>,
        /// The time between two rotations.
        interval: Option<VaultDuration>,
        /// The time between two rotations, in seconds.
        interval_seconds: Option<u64>,
        /// How long the version before can be read.
        grace_period: Option<VaultDuration>,
        /// How long before a rotation the warnings come, such as `7d,1d`.
        warn_before: Option<String>,
        /// Whether the server writes the new value.
        auto_generate: Option<bool>,
        /// The recipe of the new value.
        secret_policy_id: Option<String>,
        /// The webhooks that are told.
        webhook_ids: Vec<String>,
        /// How many secrets are assigned.
        secrets_count: Option<u64>,
        /// Whether the policy applies.
        is_active: Option<bool>,
        /// When the policy was created.
        created_at: Option<Timestamp>,
    }
}

model! {
    /// The assignment of a secret to a rotation policy.
    SecretAssignment from SecretAssignment or default {
        /// The policy.
        policy_id: Option<String>,
        /// The secret.
        secret_path: Option<String>,
        /// When the secret is rotated next.
        next_rotation_at: Option<Timestamp>,
        /// When the secret was rotated last.
        last_rotated_at: Option<Timestamp>,
    }
}

model! {
    /// A rotation that has happened, or was tried.
    RotationHistoryItem from RotationHistoryItem {
        /// The secret.
        secret_path: String,
        /// How it ended.
        status: Option<RotationStatus>,
        /// When it happened.
        rotated_at: Option<Timestamp>,
        /// The version before.
        old_version: Option<u64>,
        /// The version after.
        new_version: Option<u64>,
        /// Why it failed.
        error: Option<String>,
    }
}

model! {
    /// A secret that is to be rotated soon.
    RotationDueItem from RotationDueItem {
        /// The secret.
        secret_path: String,
        /// The policy.
        policy_id: Option<String>,
        /// When it is to be rotated.
        due_at: Option<Timestamp>,
        /// Whether that time has passed.
        is_overdue: Option<bool>,
    }
}

paged! {
    rotation::ListPolicies => RotationPolicyList.data as RotationPolicy;
    rotation::ListHistory => RotationHistory.data as RotationHistoryItem;
}

whole! {
    RotationDue.data as RotationDueItem;
}

impl FromWire<Vec<skyflow_http::rest::Element<types::RotationHistoryItem>>> for Page<RotationHistoryItem> {
    fn from_wire(
        items: Vec<skyflow_http::rest::Element<types::RotationHistoryItem>>,
    ) -> Result<Self, IncompleteResponse> {
        Self::read(items, None, None)
    }
}

impl<M: Mode> Rotation<M> {
    /// Lists rotation policies.
    pub fn list(&self) -> Call<rotation::ListPolicies, Page<RotationPolicy>, M> {
        self.call(rotation::ListPolicies::new())
    }

    /// Creates a rotation policy that rotates its secrets after each interval, such as `90d`.
    pub fn create<D>(
        &self,
        name: impl Into<String>,
        interval: D,
    ) -> Call<rotation::CreatePolicy, RotationPolicy, M>
    where
        D: TryInto<VaultDuration>,
        D::Error: Into<InvalidInput>,
    {
        let operation = duration_of("interval", interval).map(|interval| {
            rotation::CreatePolicy::new(types::RotationPolicyCreate::new(name, interval.to_string()))
        });
        self.try_call(operation).hint("a rotation policy of this name may exist")
    }

    /// Returns a rotation policy.
    pub fn get(&self, id: impl Into<String>) -> Call<rotation::GetPolicy, RotationPolicy, M> {
        self.call(rotation::GetPolicy::new(id))
    }

    /// Changes what the call sets of a rotation policy.
    pub fn update(&self, id: impl Into<String>) -> Call<rotation::UpdatePolicy, RotationPolicy, M> {
        self.call(rotation::UpdatePolicy::new(id, types::RotationPolicyPatch::default()))
    }

    /// Deletes a rotation policy.
    pub fn delete(&self, id: impl Into<String>) -> Call<rotation::DeletePolicy, (), M> {
        self.call(rotation::DeletePolicy::new(id)).gone_is(|| ())
    }

    /// Lets a rotation policy apply.
    pub fn enable(&self, id: impl Into<String>) -> Call<rotation::EnablePolicy, RotationPolicy, M> {
        self.call(rotation::EnablePolicy::new(id))
    }

    /// Lets a rotation policy not apply for now.
    pub fn disable(&self, id: impl Into<String>) -> Call<rotation::DisablePolicy, RotationPolicy, M> {
        self.call(rotation::DisablePolicy::new(id))
    }

    /// Assigns a secret to a rotation policy.
    pub fn assign_secret<P>(
        &self,
        policy_id: impl Into<String>,
        secret_path: P,
    ) -> Call<rotation::AssignSecret, SecretAssignment, M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        let body = checked(secret_path).map(types::SecretAssign::new);
        self.try_call(body.map(|body| rotation::AssignSecret::new(policy_id, body)))
    }

    /// Detaches a secret from a rotation policy.
    pub fn detach_secret<P>(
        &self,
        policy_id: impl Into<String>,
        secret_path: P,
    ) -> Call<rotation::DetachSecret, (), M>
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        let operation = checked(secret_path).map(|path| rotation::DetachSecret::new(policy_id, path));
        self.try_call(operation).gone_is(|| ())
    }

    /// Rotates the secrets of a policy now: all of them, or those that the call names.
    pub fn trigger_rotation(
        &self,
        policy_id: impl Into<String>,
    ) -> Call<rotation::Trigger, Page<RotationHistoryItem>, M> {
        self.call(rotation::Trigger::new(policy_id)).changing_any().hint("secrets may have new versions")
    }

    /// Lists past rotations of a policy.
    pub fn get_history(
        &self,
        policy_id: impl Into<String>,
    ) -> Call<rotation::ListHistory, Page<RotationHistoryItem>, M> {
        self.call(rotation::ListHistory::new(policy_id))
    }

    /// Lists secrets that are to be rotated soon; within 24 hours by default.
    pub fn get_secrets_due(&self) -> Call<rotation::ListDue, Page<RotationDueItem>, M> {
        self.call(rotation::ListDue::new())
    }
}

page_setters!(rotation::ListPolicies, rotation::ListHistory);

setters!(rotation::ListPolicies {
    /// Lists policies that apply only.
    active_only(yes: bool) => |list| list.active_only(yes);
});

setters!(rotation::CreatePolicy {
    /// Sets the description.
    description(text: impl Into<String>) => |op| { op.body = op.body.description(text); op };
    /// Lets the server write the new value.
    auto_generate(yes: bool) => |op| { op.body = op.body.auto_generate(yes); op };
    /// Sets the recipe of the new value.
    secret_policy(id: impl Into<String>) => |op| { op.body = op.body.secret_policy_id(id); op };
    /// Sets the webhooks that are told.
    webhooks(ids: impl IntoIterator<Item = impl Into<String>>) => |op| { op.body = op.body.webhook_ids(ids); op };
});

duration_setter!(rotation::CreatePolicy,
    /// Sets how long the version before can be read; 48 hours by default.
    grace_period => |op, value| op.body.grace_period = Some(value));

setters!(rotation::UpdatePolicy {
    /// Sets the name.
    name(name: impl Into<String>) => |op| { op.body = op.body.name(name); op };
    /// Sets the description.
    description(text: impl Into<String>) => |op| { op.body = op.body.description(text); op };
    /// Lets the server write the new value.
    auto_generate(yes: bool) => |op| { op.body = op.body.auto_generate(yes); op };
    /// Sets the recipe of the new value.
    secret_policy(id: impl Into<String>) => |op| { op.body = op.body.secret_policy_id(id); op };
    /// Sets the webhooks that are told.
    webhooks(ids: impl IntoIterator<Item = impl Into<String>>) => |op| { op.body = op.body.webhook_ids(ids); op };
});

duration_setter!(rotation::UpdatePolicy,
    /// Sets the time between two rotations.
    interval => |op, value| op.body.interval = Some(value));

duration_setter!(rotation::UpdatePolicy,
    /// Sets how long the version before can be read.
    grace_period => |op, value| op.body.grace_period = Some(value));

impl<T, M: Mode> Call<rotation::CreatePolicy, T, M> {
    /// Sets how long before a rotation the warnings come, such as `7d,1d`.
    pub fn warn_before<D>(self, thresholds: D) -> Self
    where
        D: TryInto<DurationList>,
        D::Error: Into<InvalidInput>,
    {
        self.checked(durations_of("warn_before", thresholds), |mut op, thresholds| {
            op.body.warn_before = Some(thresholds.to_string());
            op
        })
    }
}

impl<T, M: Mode> Call<rotation::UpdatePolicy, T, M> {
    /// Sets how long before a rotation the warnings come, such as `7d,1d`.
    pub fn warn_before<D>(self, thresholds: D) -> Self
    where
        D: TryInto<DurationList>,
        D::Error: Into<InvalidInput>,
    {
        self.checked(durations_of("warn_before", thresholds), |mut op, thresholds| {
            op.body.warn_before = Some(thresholds.to_string());
            op
        })
    }
}

impl<T, M: Mode> Call<rotation::Trigger, T, M> {
    /// Rotates these secrets only.
    pub fn secret_paths<P>(self, paths: impl IntoIterator<Item = P>) -> Self
    where
        P: TryInto<SecretPath>,
        P::Error: Into<InvalidInput>,
    {
        let paths: Result<Vec<SecretPath>, Error> = paths
            .into_iter()
            .enumerate()
            .map(|(at, path)| {
                path.try_into().map_err(|error| error.into().in_field(format!("secret_paths[{at}]")).into())
            })
            .collect();
        let changed: Vec<SecretPath> = paths.as_ref().ok().cloned().unwrap_or_default();
        self.changing(changed)
            .checked(paths, |op, paths| op.body(types::RotationTrigger::default().secret_paths(paths)))
    }
}

setters!(rotation::ListHistory {
    /// Lists rotations that ended like this.
    status(status: impl Into<RotationListHistoryStatus>) => |list| list.status(status);
});

setters!(rotation::ListDue {
    /// Lists secrets that are due within this number of hours.
    within_hours(hours: u32) => |list| list.within_hours(hours.into());
    /// Says whether secrets whose time has passed are listed too.
    include_overdue(yes: bool) => |list| list.include_overdue(yes);
    /// Lists the secrets of one policy.
    policy(id: impl Into<String>) => |list| list.policy_id(id);
});
