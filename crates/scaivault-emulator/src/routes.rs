//! Which request is which operation.

use http::Method;

use crate::call::{Call, Reply};
use crate::failure::Outcome;
use crate::operations::{
    acme, audit, batch, dynamic, federation, identity, objects, policies, replacement, rotation,
    secret_policies, secrets, system, webhooks,
};
use crate::pki;
use crate::rates::Category::{self, *};
use crate::state::State;

pub(crate) type Handler = fn(&State, &Call) -> Outcome<Reply>;

/// An operation, and what the documentation says about it.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) template: &'static str,
    /// The name that the bindings have for it.
    pub(crate) name: &'static str,
    pub(crate) scope: Option<&'static str>,
    pub(crate) category: Option<Category>,
    /// No page documents it.
    pub(crate) inferred: bool,
    /// It needs no token.
    pub(crate) open: bool,
    pub(crate) handler: Handler,
}

const fn documented(
    method: Method,
    template: &'static str,
    name: &'static str,
    scope: Option<&'static str>,
    category: Option<Category>,
    handler: Handler,
) -> Route {
    Route { method, template, name, scope, category, inferred: false, open: false, handler }
}

const fn inferred(
    method: Method,
    template: &'static str,
    name: &'static str,
    scope: Option<&'static str>,
    category: Option<Category>,
    handler: Handler,
) -> Route {
    Route { method, template, name, scope, category, inferred: true, open: false, handler }
}

const fn open(method: Method, template: &'static str, name: &'static str, handler: Handler) -> Route {
    Route { method, template, name, scope: None, category: None, inferred: false, open: true, handler }
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

/// Every operation; of two that fit a path, the first one is meant.
#[rustfmt::skip]
pub(crate) static ROUTES: &[Route] = &[
    documented(GET, "/v1/auth/whoami", "auth.whoami", None, Some(Whoami), identity::whoami),
    documented(POST, "/v1/auth/introspect", "auth.introspect", Some("admin"), Some(Whoami), identity::introspect),
    open(POST, "/v1/auth/exchange", "auth.exchange", identity::exchange),
    inferred(GET, "/v1/secrets", "secrets.list", Some("secrets:list"), Some(List), secrets::list),
    inferred(GET, "/v1/secrets/expiring", "secrets.list_expiring", Some("secrets:list"), Some(List), secrets::list_expiring),
    documented(POST, "/v1/secrets/batch", "secrets.batch_read", Some("secrets:read"), Some(BatchRead), batch::read),
    inferred(POST, "/v1/secrets/batch/metadata", "secrets.batch_metadata", Some("secrets:list"), Some(BatchMetadata), batch::metadata),
    inferred(GET, "/v1/secrets/{path}/metadata", "secrets.read_metadata", Some("secrets:list"), Some(Read), secrets::read_metadata),
    inferred(GET, "/v1/secrets/{path}/versions", "secrets.list_versions", Some("secrets:list"), Some(List), secrets::list_versions),
    inferred(POST, "/v1/secrets/{path}/rotate", "secrets.rotate", Some("secrets:rotate"), Some(Write), replacement::rotate),
    inferred(POST, "/v1/secrets/{path}/undelete", "secrets.undelete", Some("secrets:write"), Some(Write), secrets::undelete),
    documented(GET, "/v1/secrets/{path}", "secrets.read", Some("secrets:read"), Some(Read), secrets::read),
    documented(PUT, "/v1/secrets/{path}", "secrets.write", Some("secrets:write"), Some(Write), secrets::write),
    inferred(PATCH, "/v1/secrets/{path}", "secrets.update_metadata", Some("secrets:write"), Some(Write), secrets::update_metadata),
    inferred(DELETE, "/v1/secrets/{path}", "secrets.delete", Some("secrets:delete"), Some(Delete), secrets::delete),
    documented(GET, "/v1/partner/secrets/{path}", "secrets.read_partner", Some("secrets:read"), Some(Read), secrets::read_partner),
    documented(PUT, "/v1/partner/secrets/{path}", "secrets.write_partner", Some("secrets:write"), Some(Write), secrets::write_partner),
    documented(GET, "/v1/policies", "policies.list", Some("policies:read"), Some(Policy), policies::list),
    documented(POST, "/v1/policies", "policies.create", Some("policies:write"), Some(Policy), policies::create),
    documented(POST, "/v1/policies/test", "policies.test", Some("policies:read"), Some(PolicyTest), policies::test),
    documented(GET, "/v1/policies/{id}", "policies.get", Some("policies:read"), Some(Policy), policies::get),
    documented(PUT, "/v1/policies/{id}", "policies.replace", Some("policies:write"), Some(Policy), policies::replace),
    documented(PATCH, "/v1/policies/{id}", "policies.update", Some("policies:write"), Some(Policy), policies::update),
    documented(DELETE, "/v1/policies/{id}", "policies.delete", Some("policies:write"), Some(Policy), policies::delete),
    documented(GET, "/v1/policies/{id}/bindings", "policies.list_bindings", Some("policies:read"), Some(Policy), policies::list_bindings),
    documented(POST, "/v1/policies/{id}/bindings", "policies.bind", Some("policies:write"), Some(Policy), policies::bind),
    documented(DELETE, "/v1/policies/{id}/bindings/{binding_id}", "policies.unbind", Some("policies:write"), Some(Policy), policies::unbind),
    documented(GET, "/v1/rotation/policies", "rotation.list_policies", Some("admin"), None, rotation::list),
    documented(POST, "/v1/rotation/policies", "rotation.create_policy", Some("admin"), None, rotation::create),
    documented(GET, "/v1/rotation/policies/{id}", "rotation.get_policy", Some("admin"), None, rotation::get),
    documented(PATCH, "/v1/rotation/policies/{id}", "rotation.update_policy", Some("admin"), None, rotation::update),
    documented(DELETE, "/v1/rotation/policies/{id}", "rotation.delete_policy", Some("admin"), None, rotation::delete),
    documented(POST, "/v1/rotation/policies/{id}/enable", "rotation.enable_policy", Some("admin"), None, rotation::enable),
    documented(POST, "/v1/rotation/policies/{id}/disable", "rotation.disable_policy", Some("admin"), None, rotation::disable),
    documented(POST, "/v1/rotation/policies/{id}/secrets", "rotation.assign_secret", Some("admin"), None, rotation::assign),
    documented(DELETE, "/v1/rotation/policies/{id}/secrets/{secret_path}", "rotation.detach_secret", Some("admin"), None, rotation::detach),
    documented(POST, "/v1/rotation/policies/{id}/rotate", "rotation.trigger", Some("secrets:rotate"), None, rotation::trigger),
    documented(GET, "/v1/rotation/policies/{id}/history", "rotation.list_history", Some("audit:read"), None, rotation::history),
    documented(GET, "/v1/rotation/due", "rotation.list_due", Some("secrets:rotate|admin"), None, rotation::due),
    documented(GET, "/v1/rotation/pending", "rotation.list_pending", Some("secrets:rotate|admin"), None, rotation::due),
    inferred(GET, "/v1/secret-policies", "secret_policies.list", Some("policies:read"), Some(Policy), secret_policies::list),
    inferred(POST, "/v1/secret-policies", "secret_policies.create", Some("policies:write"), Some(Policy), secret_policies::create),
    inferred(GET, "/v1/secret-policies/{id}", "secret_policies.get", Some("policies:read"), Some(Policy), secret_policies::get),
    inferred(PATCH, "/v1/secret-policies/{id}", "secret_policies.update", Some("policies:write"), Some(Policy), secret_policies::update),
    inferred(DELETE, "/v1/secret-policies/{id}", "secret_policies.delete", Some("policies:write"), Some(Policy), secret_policies::delete),
    inferred(POST, "/v1/secret-policies/{id}/preview", "secret_policies.preview", Some("policies:read"), Some(Policy), secret_policies::preview),
    documented(GET, "/v1/pki/ca", "pki_authorities.list", Some("pki:admin"), Some(PkiAdmin), pki::authorities::list),
    documented(POST, "/v1/pki/ca", "pki_authorities.create", Some("pki:admin"), Some(PkiAdmin), pki::authorities::create),
    documented(GET, "/v1/pki/ca/{id}", "pki_authorities.get", None, None, pki::authorities::get),
    documented(GET, "/v1/pki/ca/{id}/certificate", "pki_authorities.get_certificate", None, None, pki::authorities::certificate),
    documented(POST, "/v1/pki/ca/{id}/revoke", "pki_authorities.revoke", Some("pki:admin"), Some(PkiAdmin), pki::authorities::revoke),
    documented(POST, "/v1/pki/ca/{id}/crl", "pki_authorities.generate_crl", Some("pki:admin"), Some(PkiAdmin), pki::crl::generate),
    documented(GET, "/v1/pki/ca/{id}/crl", "pki_authorities.get_crl", None, None, pki::crl::get),
    documented(GET, "/v1/pki/roles", "pki_roles.list", None, None, pki::roles::list),
    documented(POST, "/v1/pki/roles", "pki_roles.create", Some("pki:admin"), Some(PkiAdmin), pki::roles::create),
    documented(GET, "/v1/pki/roles/{name}", "pki_roles.get", None, None, pki::roles::get),
    documented(PATCH, "/v1/pki/roles/{name}", "pki_roles.update", Some("pki:admin"), Some(PkiAdmin), pki::roles::update),
    documented(DELETE, "/v1/pki/roles/{name}", "pki_roles.delete", Some("pki:admin"), Some(PkiAdmin), pki::roles::delete),
    documented(POST, "/v1/pki/issue/{role}", "pki_certificates.issue", Some("pki:issue"), Some(PkiIssue), pki::certificates::issue),
    documented(POST, "/v1/pki/sign/{role}", "pki_certificates.sign", Some("pki:issue"), Some(PkiIssue), pki::certificates::sign),
    documented(GET, "/v1/pki/certificates", "pki_certificates.list", None, None, pki::certificates::list),
    inferred(POST, "/v1/pki/certificates/validate", "pki_certificates.validate", None, None, pki::validation::validate),
    documented(GET, "/v1/pki/certificates/{id}", "pki_certificates.get", None, None, pki::certificates::get),
    documented(GET, "/v1/pki/certificates/{id}/pem", "pki_certificates.get_pem", None, None, pki::certificates::pem),
    inferred(POST, "/v1/pki/certificates/{id}/revoke", "pki_certificates.revoke", Some("pki:admin"), Some(PkiAdmin), pki::certificates::revoke),
    inferred(GET, "/v1/pki/csr", "pki_csrs.list", None, None, pki::csrs::list),
    inferred(POST, "/v1/pki/csr/generate", "pki_csrs.generate", Some("pki:issue"), Some(PkiIssue), pki::csrs::generate),
    inferred(POST, "/v1/pki/csr/import", "pki_csrs.import", Some("pki:issue"), Some(PkiIssue), pki::csrs::import),
    inferred(GET, "/v1/pki/csr/{id}", "pki_csrs.get", None, None, pki::csrs::get),
    inferred(POST, "/v1/pki/csr/{id}/approve", "pki_csrs.approve", Some("pki:admin"), Some(PkiAdmin), pki::csrs::approve),
    inferred(POST, "/v1/pki/csr/{id}/reject", "pki_csrs.reject", Some("pki:admin"), Some(PkiAdmin), pki::csrs::reject),
    inferred(POST, "/v1/pki/csr/{id}/sign", "pki_csrs.sign", Some("pki:issue"), Some(PkiIssue), pki::csrs::sign),
    inferred(GET, "/v1/pki/trust-anchors", "pki_trust_anchors.list", None, None, objects::list_trust_anchors),
    inferred(POST, "/v1/pki/trust-anchors", "pki_trust_anchors.create", Some("pki:admin"), Some(PkiAdmin), objects::create_trust_anchor),
    inferred(GET, "/v1/pki/trust-anchors/{id}", "pki_trust_anchors.get", None, None, objects::get_trust_anchor),
    inferred(DELETE, "/v1/pki/trust-anchors/{id}", "pki_trust_anchors.delete", Some("pki:admin"), Some(PkiAdmin), objects::delete_trust_anchor),
    documented(POST, "/v1/pki/acme/accounts", "acme.create_account", Some("pki:admin"), None, acme::create_account),
    inferred(GET, "/v1/pki/acme/accounts", "acme.list_accounts", None, None, acme::list_accounts),
    inferred(GET, "/v1/pki/acme/accounts/{id}", "acme.get_account", None, None, acme::get_account),
    inferred(DELETE, "/v1/pki/acme/accounts/{id}", "acme.delete_account", Some("pki:admin"), None, acme::delete_account),
    inferred(POST, "/v1/pki/acme/orders", "acme.create_order", Some("pki:issue"), Some(AcmeOrder), acme::create_order),
    inferred(GET, "/v1/pki/acme/orders", "acme.list_orders", None, Some(AcmeOrder), acme::list_orders),
    inferred(GET, "/v1/pki/acme/orders/{id}", "acme.get_order", None, Some(AcmeOrder), acme::get_order),
    inferred(POST, "/v1/pki/acme/orders/{id}/renew", "acme.renew_order", Some("pki:issue"), Some(AcmeOrder), acme::renew_order),
    documented(POST, "/v1/dns/providers", "dns.create", Some("pki:admin"), None, objects::create_dns_provider),
    inferred(GET, "/v1/dns/providers", "dns.list", None, None, objects::list_dns_providers),
    inferred(GET, "/v1/dns/providers/{id}", "dns.get", None, None, objects::get_dns_provider),
    inferred(PATCH, "/v1/dns/providers/{id}", "dns.update", Some("pki:admin"), None, objects::update_dns_provider),
    inferred(DELETE, "/v1/dns/providers/{id}", "dns.delete", Some("pki:admin"), None, objects::delete_dns_provider),
    documented(POST, "/v1/dynamic/engines", "dynamic_engines.create", Some("dynamic:manage"), Some(DynamicAdmin), dynamic::create_engine),
    inferred(GET, "/v1/dynamic/engines", "dynamic_engines.list", Some("dynamic:read"), None, dynamic::list_engines),
    inferred(GET, "/v1/dynamic/engines/{engine}", "dynamic_engines.get", Some("dynamic:read"), None, dynamic::get_engine),
    inferred(PATCH, "/v1/dynamic/engines/{engine}", "dynamic_engines.update", Some("dynamic:manage"), Some(DynamicAdmin), dynamic::update_engine),
    inferred(DELETE, "/v1/dynamic/engines/{engine}", "dynamic_engines.delete", Some("dynamic:manage"), Some(DynamicAdmin), dynamic::delete_engine),
    inferred(GET, "/v1/dynamic/engines/{engine}/health", "dynamic_engines.health", Some("dynamic:read"), None, dynamic::health),
    inferred(GET, "/v1/dynamic/engines/{engine}/roles", "dynamic_roles.list", Some("dynamic:read"), None, dynamic::list_roles),
    inferred(POST, "/v1/dynamic/engines/{engine}/roles", "dynamic_roles.create", Some("dynamic:manage"), Some(DynamicAdmin), dynamic::create_role),
    inferred(GET, "/v1/dynamic/engines/{engine}/roles/{role}", "dynamic_roles.get", Some("dynamic:read"), None, dynamic::get_role),
    inferred(PATCH, "/v1/dynamic/engines/{engine}/roles/{role}", "dynamic_roles.update", Some("dynamic:manage"), Some(DynamicAdmin), dynamic::update_role),
    inferred(DELETE, "/v1/dynamic/engines/{engine}/roles/{role}", "dynamic_roles.delete", Some("dynamic:manage"), Some(DynamicAdmin), dynamic::delete_role),
    documented(POST, "/v1/dynamic/engines/{engine}/creds/{role}", "dynamic_leases.generate_credentials", Some("dynamic:read"), Some(DynamicGenerate), dynamic::generate),
    inferred(GET, "/v1/dynamic/leases", "dynamic_leases.list", Some("dynamic:read"), Some(Lease), dynamic::list_leases),
    inferred(GET, "/v1/dynamic/leases/{lease_id}", "dynamic_leases.get", Some("dynamic:read"), Some(Lease), dynamic::get_lease),
    inferred(POST, "/v1/dynamic/leases/{lease_id}/renew", "dynamic_leases.renew", Some("dynamic:read"), Some(Lease), dynamic::renew),
    inferred(POST, "/v1/dynamic/leases/{lease_id}/revoke", "dynamic_leases.revoke", Some("dynamic:read"), Some(Lease), dynamic::revoke),
    documented(GET, "/v1/audit/logs", "audit.list", Some("audit:read"), Some(AuditQuery), audit::list),
    documented(GET, "/v1/audit/secrets/{path}", "audit.secret_trail", Some("audit:read"), Some(AuditQuery), audit::secret_trail),
    documented(GET, "/v1/audit/identities/{identity_id}", "audit.identity_trail", Some("audit:read"), Some(AuditQuery), audit::identity_trail),
    documented(GET, "/v1/audit/summary", "audit.summary", Some("audit:read"), Some(AuditQuery), audit::summary),
    inferred(POST, "/v1/audit/export", "audit.export_create", Some("audit:export"), Some(AuditExport), audit::export),
    inferred(GET, "/v1/audit/export/{id}", "audit.export_get", Some("audit:export"), Some(AuditQuery), audit::get_export),
    documented(GET, "/v1/webhooks", "webhooks.list", Some("admin"), Some(Webhook), webhooks::list),
    documented(POST, "/v1/webhooks", "webhooks.create", Some("admin"), Some(Webhook), webhooks::create),
    documented(GET, "/v1/webhooks/{id}", "webhooks.get", Some("admin"), Some(Webhook), webhooks::get),
    documented(PATCH, "/v1/webhooks/{id}", "webhooks.update", Some("admin"), Some(Webhook), webhooks::update),
    documented(DELETE, "/v1/webhooks/{id}", "webhooks.delete", Some("admin"), Some(Webhook), webhooks::delete),
    documented(POST, "/v1/webhooks/{id}/test", "webhooks.test", Some("admin"), Some(Webhook), webhooks::test),
    documented(GET, "/v1/webhooks/{id}/deliveries", "webhooks.list_deliveries", Some("admin"), Some(Webhook), webhooks::deliveries),
    documented(GET, "/v1/subscriptions", "subscriptions.list", Some("subscriptions:read"), Some(Subscription), webhooks::list_subscriptions),
    documented(POST, "/v1/subscriptions", "subscriptions.create", Some("subscriptions:write"), Some(Subscription), webhooks::create_subscription),
    documented(GET, "/v1/subscriptions/{id}", "subscriptions.get", Some("subscriptions:read"), Some(Subscription), webhooks::get_subscription),
    documented(PATCH, "/v1/subscriptions/{id}", "subscriptions.update", Some("subscriptions:write"), Some(Subscription), webhooks::update_subscription),
    documented(DELETE, "/v1/subscriptions/{id}", "subscriptions.delete", Some("subscriptions:write"), Some(Subscription), webhooks::delete_subscription),
    documented(GET, "/v1/subscriptions/{id}/poll", "subscriptions.poll", Some("subscriptions:read"), Some(Poll), webhooks::poll),
    documented(POST, "/v1/subscriptions/{id}/ack", "subscriptions.ack", Some("subscriptions:read"), Some(Poll), webhooks::ack),
    documented(GET, "/v1/federation/backends", "federation.list", Some("federation:read"), Some(Federation), federation::list),
    documented(POST, "/v1/federation/backends", "federation.create", Some("federation:write"), Some(Federation), federation::create),
    documented(GET, "/v1/federation/backends/{id}", "federation.get", Some("federation:read"), Some(Federation), federation::get),
    documented(PATCH, "/v1/federation/backends/{id}", "federation.update", Some("federation:write"), Some(Federation), federation::update),
    documented(DELETE, "/v1/federation/backends/{id}", "federation.delete", Some("federation:write"), Some(Federation), federation::delete),
    documented(GET, "/v1/federation/backends/{id}/status", "federation.status", Some("federation:read"), Some(Federation), federation::status),
    documented(POST, "/v1/federation/backends/{id}/sync", "federation.sync", Some("federation:write"), Some(Federation), federation::sync),
    documented(GET, "/v1/federation/backends/{id}/conflicts", "federation.list_conflicts", Some("federation:read"), Some(Federation), federation::conflicts),
    documented(GET, "/v1/identity/partners", "identity.list_partners", Some("identity:read"), Some(IdentityRead), identity::partners),
    documented(GET, "/v1/identity/tenants", "identity.list_tenants", Some("identity:read"), Some(IdentityRead), identity::tenants),
    documented(GET, "/v1/identity/tenants/{tenant_id}/users", "identity.list_users", Some("identity:read"), Some(IdentityRead), identity::users),
    documented(GET, "/v1/identity/tenants/{tenant_id}/groups", "identity.list_groups", Some("identity:read"), Some(IdentityRead), identity::groups),
    documented(GET, "/v1/identity/groups/{group_id}/members", "identity.list_members", Some("identity:read"), Some(IdentityRead), identity::members),
    documented(GET, "/v1/identity/resolve/{identity_type}/{identity_id}", "identity.resolve", Some("identity:read"), Some(IdentityRead), identity::resolve),
    documented(POST, "/v1/identity/sync", "identity.sync", Some("identity:admin"), Some(IdentitySync), identity::sync),
    documented(GET, "/v1/identity/sync/history", "identity.sync_history", Some("identity:read"), Some(IdentityRead), identity::sync_history),
    documented(GET, "/v1/identity/roles", "identity.list_roles", Some("identity:read"), Some(IdentityRead), identity::roles),
    documented(GET, "/v1/identity/users/{user_id}/roles", "identity.get_user_roles", Some("identity:read"), Some(IdentityRead), identity::get_user_roles),
    documented(PUT, "/v1/identity/users/{user_id}/roles", "identity.set_user_roles", Some("identity:admin"), Some(IdentityRead), identity::set_user_roles),
    documented(POST, "/v1/identity/webhooks/scaikey", "identity.receive_webhook", Some("identity:admin"), None, identity::receive_webhook),
    open(GET, "/v1/health", "system.health", system::health),
    open(GET, "/v1/health/ready", "system.ready", system::ready),
    documented(GET, "/v1/health/detailed", "system.health_detailed", Some("admin"), None, system::health_detailed),
    open(GET, "/v1/metrics", "system.metrics", system::metrics),
    open(GET, "/v1/version", "system.version", system::version),
];

/// Parameters that span several segments.
const SPANNING: [&str; 1] = ["path"];

/// The values of the parameters of a path.
pub(crate) type Parameters = Vec<(&'static str, String)>;

/// What a path is.
pub(crate) enum Found {
    Route(&'static Route, Parameters),
    /// The path exists, for other methods.
    OtherMethod,
    Nothing,
}

/// Finds the operation of a request.
pub(crate) fn find(method: &Method, path: &str) -> Found {
    let segments: Vec<&str> = path.split('/').collect();
    let mut exists = false;
    for route in ROUTES {
        if let Some(parameters) = matched(route.template, &segments) {
            if route.method == *method {
                return Found::Route(route, parameters);
            }
            exists = true;
        }
    }
    if exists { Found::OtherMethod } else { Found::Nothing }
}

fn matched(template: &'static str, path: &[&str]) -> Option<Parameters> {
    let template: Vec<&'static str> = template.split('/').collect();
    let spanning =
        template.iter().position(|&segment| parameter(segment).is_some_and(|name| SPANNING.contains(&name)));
    let mut parameters = Vec::new();
    let spare = path.len().checked_sub(template.len())?;
    if spare > 0 && spanning.is_none() {
        return None;
    }
    let mut rest = path;
    for (at, &segment) in template.iter().enumerate() {
        let width = if Some(at) == spanning { spare + 1 } else { 1 };
        let (here, after) = rest.split_at_checked(width)?;
        rest = after;
        match parameter(segment) {
            Some(name) => {
                let value = decoded(&here.join("/"))?;
                if value.is_empty() {
                    return None;
                }
                parameters.push((name, value));
            }
            None if here == [segment] => {}
            None => return None,
        }
    }
    Some(parameters)
}

fn parameter(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Decodes percent-encoding; `None` when the result is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let pair = [*high, *low];
                decoded.push(u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?);
                after
            }
            (byte, after) => {
                decoded.push(*byte);
                after
            }
        };
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use scaivault::api::OPERATIONS;

    use super::*;

    #[test]
    fn every_operation_of_the_bindings_has_a_route() {
        for operation in OPERATIONS.iter().filter(|operation| operation.name != "scaikey.create_token") {
            let route = ROUTES.iter().find(|route| route.name == operation.name);
            let route = route.unwrap_or_else(|| panic!("{} has no route", operation.name));
            assert_eq!(route.template, operation.path_template, "{}", operation.name);
        }
        assert_eq!(ROUTES.len() + 1, OPERATIONS.len());
    }

    #[test]
    fn sub_resources_come_before_secrets() {
        let name = |method: Method, path: &str| match find(&method, path) {
            Found::Route(route, parameters) => format!("{} {parameters:?}", route.name),
            Found::OtherMethod => "other method".to_owned(),
            Found::Nothing => "nothing".to_owned(),
        };
        assert_eq!(name(GET, "/v1/secrets/app/db"), r#"secrets.read [("path", "app/db")]"#);
        assert_eq!(name(GET, "/v1/secrets/app/db/metadata"), r#"secrets.read_metadata [("path", "app/db")]"#);
        assert_eq!(name(GET, "/v1/secrets/expiring"), "secrets.list_expiring []");
        assert_eq!(
            name(DELETE, "/v1/rotation/policies/p/secrets/app%2Fdb"),
            r#"rotation.detach_secret [("id", "p"), ("secret_path", "app/db")]"#
        );
        assert_eq!(name(PUT, "/v1/health"), "other method");
        for path in ["/v1/secrets/", "/v2/secrets", "/", "/v1/policies/a/b"] {
            assert_eq!(name(GET, path), "nothing", "{path}");
        }
    }
}
