//! The calls of `driver.py`, by the typed client.

use futures_util::TryStreamExt;
use scaivault::dynamic::EngineConfig;
use scaivault::policies::{Permission, PolicyConditions, PolicyRule, PolicyTestContext};
use scaivault::{Client, Error, Json, SecretData, SecretMetadata};
use scaivault_emulator::Server;
use serde_json::{Map, Value, json};

type Said = Map<String, Value>;

const NAME: &str = "rust";

pub(crate) async fn run(server: &Server, limited: &Client) -> Said {
    let vault = server.vault();
    let mut said = Said::new();
    let exchanging =
        super::client(server).client_credentials(vault.client_id(), vault.client_secret().clone());
    let caller = exchanging.build().unwrap().auth().whoami().await.unwrap();
    note(
        &mut said,
        "whoami",
        json!({"identity_id": caller.identity_id, "tenant_id": caller.tenant_id, "scopes": caller.scopes}),
    );
    let client = super::client(server).token(vault.token().clone()).build().unwrap();
    secrets(&client, &mut said).await;
    policies(&client, &mut said).await;
    certificates(&client, &mut said).await;
    credentials(&client, &mut said).await;
    errors(&client, limited, server, &mut said).await;
    said
}

fn note(said: &mut Said, step: &str, value: Value) {
    said.insert(step.to_owned(), value);
}

fn data(data: &SecretData) -> Value {
    data.data_as().unwrap()
}

fn failure<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Value {
    let error = outcome.unwrap_err();
    let error = error.server().unwrap_or_else(|| panic!("{error}"));
    assert!(error.request_id.is_some(), "{error}");
    let (status, code) = (error.status.as_u16(), error.code.as_str());
    json!({"status": status, "code": code, "message": error.message, "details": error.details})
}

async fn secrets(client: &Client, said: &mut Said) {
    let (secrets, path) = (client.secrets(), format!("{NAME}/db/password"));
    let first = json!({"password": "first", "port": 5432, "nested": {"list": [1, null, "ü"]}});
    let written = secrets.write(&path, &first).await.unwrap();
    let (kind, version) = (written.secret_type.unwrap().to_string(), written.version);
    note(said, "write", json!({"path": written.path, "version": version, "secret_type": kind}));
    let custom = Json::parse(r#"{"k":[1,2.5]}"#).unwrap();
    let metadata = SecretMetadata::default().tags(["a", "b"]).owner("team").extra("custom", custom);
    let write = secrets.write(&path, &json!({"password": "second"})).secret_type("json").metadata(metadata);
    let written = write.max_versions(5).await.unwrap();
    let (kind, version) = (written.secret_type.unwrap().to_string(), written.version);
    note(
        said,
        "write again",
        json!({"path": written.path, "version": version, "secret_type": kind, "metadata": written.metadata}),
    );
    let read = secrets.read(&path).await.unwrap();
    note(
        said,
        "read",
        json!({
            "path": read.path,
            "version": read.version,
            "secret_type": read.secret_type.unwrap().to_string(),
            "data": data(&read.data),
            "metadata": read.metadata,
            "created_at": read.created_at.unwrap().as_str(),
            "updated_at": read.updated_at.unwrap().as_str(),
        }),
    );
    let old = secrets.read(&path).version(1).await.unwrap();
    note(said, "read old", json!({"version": old.version, "data": data(&old.data)}));
    let change = SecretMetadata::default().description("d");
    let changed = secrets.update_metadata(&path, change).remove("owner").await.unwrap();
    note(said, "metadata", json!({"metadata": changed.metadata, "version_count": changed.version_count}));
    let rotate = secrets.rotate(&path).new_value(&json!({"password": "third"})).reason("compromise");
    let rotated = rotate.grace_period("1h").await.unwrap();
    let (old, new) = (rotated.old_version, rotated.new_version);
    note(said, "rotate", json!({"path": rotated.path, "old_version": old, "new_version": new}));
    let versions = secrets.versions(&path).await.unwrap().data;
    let versions: Vec<_> =
        versions.iter().map(|one| json!([one.version, one.is_current, one.created_by])).collect();
    note(said, "versions", json!(versions));
    for number in 0..5 {
        secrets.write(format!("{NAME}/list/s{number}"), &json!({"n": number})).await.unwrap();
    }
    let listed = secrets.list().prefix(format!("{NAME}/list/")).limit(2).items();
    let listed: Vec<_> = listed.map_ok(|secret| secret.path).try_collect().await.unwrap();
    let pages = listed.len().div_ceil(2);
    note(said, "list", json!({"paths": listed, "pages": pages}));
    let batch = secrets.batch_read([path, format!("{NAME}/none")]).include_metadata(true).await.unwrap();
    let read = batch.secrets.iter().map(|(path, secret)| {
        let kind = secret.secret_type.as_ref().unwrap().to_string();
        (path.clone(), json!({"version": secret.version, "data": data(&secret.data), "secret_type": kind}))
    });
    let failed = batch.errors.iter().map(|(path, error)| {
        let error = error.server().unwrap();
        (path.clone(), json!({"code": error.code.as_str(), "message": error.message}))
    });
    let (read, failed): (Map<_, _>, Map<_, _>) = (read.collect(), failed.collect());
    note(said, "batch", json!({"secrets": read, "errors": failed}));
}

async fn policies(client: &Client, said: &mut Said) {
    let policies = client.policies();
    let conditions = PolicyConditions::default().ip_ranges(["10.0.0.0/8"]).require_mfa(true);
    let rule = PolicyRule::new(format!("{NAME}/**"), ["read", "list"]).conditions(conditions);
    let created = policies.create(format!("{NAME}-read"), [rule]).description("d").await.unwrap();
    note(
        said,
        "policy",
        json!({
            "name": created.name,
            "description": created.description,
            "rules": created.rules,
            "scope": created.scope.map(|scope| scope.to_string()),
            "is_active": created.is_active,
        }),
    );
    let group = format!("group:{NAME}");
    let bound = policies.bind(&created.id, "group", group.as_str()).await.unwrap();
    let kind = bound.identity_type.unwrap().to_string();
    let end = bound.expires_at.map(|end| end.to_string());
    note(
        said,
        "binding",
        json!({"identity_type": kind, "identity_id": bound.identity_id, "expires_at": end}),
    );
    let mut decisions = Vec::new();
    for (mfa, permission) in [(true, Permission::Read), (false, Permission::Read), (true, Permission::Write)]
    {
        let test = policies.test(group.as_str(), format!("{NAME}/db/password"), permission);
        let context = PolicyTestContext::default().source_ip("10.1.2.3").mfa_verified(mfa);
        decisions.push(test.context(context).await.unwrap().allowed);
    }
    note(said, "decisions", json!(decisions));
    note(said, "policy in use", failure(policies.delete(&created.id).await));
    policies.delete(&created.id).force(true).await.unwrap();
}

async fn certificates(client: &Client, said: &mut Said) {
    let pki = client.pki();
    let root = pki.create_ca(format!("{NAME}-root"), "Root", "root").key_type("ec").key_size(256);
    let root = root.await.unwrap();
    note(
        said,
        "ca",
        json!({
            "name": root.name,
            "common_name": root.common_name,
            "ca_type": root.ca_type.map(|kind| kind.to_string()),
            "key_type": root.key_type.map(|kind| kind.to_string()),
            "key_size": root.key_size,
            "is_active": root.is_active,
        }),
    );
    pki.create_role(NAME, &root.id).allowed_domains(["svc.example"]).key_type("ec").await.unwrap();
    let issued = pki.issue(NAME, "svc.example").ttl("24h").await.unwrap();
    let id = issued.id.unwrap();
    let kept = pki.get_certificate(&id).await.unwrap();
    note(
        said,
        "certificate",
        json!({
            "common_name": kept.common_name,
            "alt_names": kept.alt_names,
            "role": kept.role,
            "revoked": kept.revoked,
            "has_key": issued.private_key_pem.unwrap().expose().contains("PRIVATE KEY"),
            "chain": issued.ca_chain.len(),
            "not_after": issued.not_after == kept.not_after,
            "serial": issued.serial_number == kept.serial_number,
        }),
    );
    let validate = async || {
        let check = pki.validate_certificate(&issued.certificate_pem).check_revocation(true).await.unwrap();
        json!({"valid": check.valid, "errors": check.errors})
    };
    note(said, "valid", validate().await);
    pki.revoke_certificate(&id).reason("superseded").await.unwrap();
    note(said, "revoked", validate().await);
    note(said, "foreign name", failure(pki.issue(NAME, "other.example").await));
}

async fn credentials(client: &Client, said: &mut Said) {
    let dynamic = client.dynamic();
    let config = EngineConfig::default().connection_url("postgres://{{username}}:{{password}}@db.example/x");
    let engine = dynamic.create_engine(NAME, "database", config).max_ttl("2h").await.unwrap();
    let longest = engine.max_ttl.map(|ttl| ttl.to_string());
    note(said, "engine", json!({"name": engine.name, "type": engine.engine_type, "max_ttl": longest}));
    dynamic.create_role(NAME, "readonly").await.unwrap();
    let lease = dynamic.generate_credentials(NAME, "readonly").ttl("24h").await.unwrap();
    let secret = lease.data.unwrap();
    let member = |name: &str| secret.get(name).unwrap().expose().to_owned();
    let url = format!("postgres://{}:{}@db.example/x", member("username"), member("password"));
    note(
        said,
        "lease",
        json!({
            "engine": lease.engine,
            "role": lease.role,
            "ttl_seconds": lease.ttl_seconds,
            "renewable": lease.renewable,
            "status": lease.status.map(|status| status.to_string()),
            "members": secret.keys(),
            "url": member("connection_url") == url,
        }),
    );
    dynamic.revoke_lease(&lease.lease_id).await.unwrap();
    let status = dynamic.get_lease(&lease.lease_id).await.unwrap().status.unwrap();
    note(said, "revoked lease", json!(status.to_string()));
    note(said, "revoked twice", failure(dynamic.revoke_lease(&lease.lease_id).await));
}

async fn errors(client: &Client, limited: &Client, server: &Server, said: &mut Said) {
    let (secrets, path) = (client.secrets(), format!("{NAME}/errors"));
    let value = json!({"a": "b"});
    note(said, "no secret", failure(secrets.read(&path).await));
    secrets.write(&path, &value).await.unwrap();
    note(said, "no version", failure(secrets.read(&path).version(9).await));
    note(said, "no new value", failure(secrets.rotate(&path).await));
    let deleted = secrets.delete(&path).await.unwrap();
    let recoverable = deleted.recoverable_until.is_some();
    note(
        said,
        "deleted",
        json!({"path": deleted.path, "permanent": deleted.permanent, "recoverable": recoverable}),
    );
    note(said, "exists", failure(secrets.write(&path, &value).await));
    let back = secrets.undelete(&path).await.unwrap();
    let (version, count) = (back.version, back.version_count);
    note(said, "undeleted", json!({"path": back.path, "version": version, "version_count": count}));
    note(said, "cursor", failure(secrets.list().cursor("nonsense").await));
    note(said, "no policy", failure(client.policies().get("pol_none").await));
    let stranger = super::client(server).token("skt_unknown").build().unwrap();
    note(said, "token", failure(stranger.auth().whoami().await));
    note(said, "scope", failure(limited.policies().list().await));
    note(said, "policy missing", failure(limited.secrets().read(&path).await));
}
