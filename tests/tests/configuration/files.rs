//! Configurations of vaults and connections from JSON and TOML.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::json;
use skyflow::{ConnectionConfig, CredentialsKind, Env, Setting, VaultConfig};

const JSON: &str = r#"{
    "vault_id": "v1", "cluster_id": "abc", "env": "sandbox", "deadline": "20s", "attempt_timeout": "off",
    "max_attempts": 2, "headers": {"x-team": "payments"},
    "credentials": {"path": "credentials.json", "roles": ["r1"]}
}"#;

const TOML: &str = r#"
vaultId = "v1"
clusterId = "abc"
env = "SANDBOX"
deadline = 20
attempt_timeout = "OFF"
max_attempts = 2
credentials = { path = "credentials.json", roles = ["r1"] }

[headers]
x-team = "payments"
"#;

#[test]
fn vault_is_read_from_json_and_from_toml() {
    let configs: [VaultConfig; 2] = [serde_json::from_str(JSON).unwrap(), toml::from_str(TOML).unwrap()];
    for config in configs {
        assert_eq!((config.get_vault_id(), config.get_cluster_id()), ("v1", Some("abc")));
        assert_eq!(config.get_env(), Env::Sandbox);
        assert_eq!(config.get_vault_url().unwrap(), "https://abc.vault.skyflowapis-preview.com");
        assert_eq!(config.get_deadline(), Setting::Set(Duration::from_secs(20)));
        assert_eq!(config.get_attempt_timeout(), Setting::Off);
        assert_eq!(config.get_max_attempts(), NonZeroU32::new(2));
        assert_eq!(config.get_header_names().collect::<Vec<_>>(), ["x-team"]);
        assert_eq!(config.get_credentials_kind(), Some(CredentialsKind::File));
    }
}

#[test]
fn vault_with_the_least_inherits_the_rest() {
    let config: VaultConfig =
        serde_json::from_str(r#"{"vault_id": "v", "vault_url": "https://h/p/"}"#).unwrap();
    assert_eq!(config.get_vault_url().unwrap(), "https://h/p");
    assert_eq!((config.get_cluster_id(), config.get_env()), (None, Env::Prod));
    assert_eq!((config.get_deadline(), config.get_max_attempts()), (Setting::Inherit, None));
    assert_eq!(config.get_credentials_kind(), None);
}

#[test]
fn connection_is_read_with_its_settings() {
    let config: ConnectionConfig = serde_json::from_value(json!({
        "connection_id": "payments", "connectionUrl": "https://h/v1/{id}", "deadline": "1500ms",
        "credentials": {"token": "opaque"},
    }))
    .unwrap();
    assert_eq!(config.get_connection_id(), "payments");
    assert_eq!(config.get_connection_url(), "https://h/v1/{id}");
    assert_eq!(config.get_deadline(), Setting::Set(Duration::from_millis(1500)));
    assert_eq!(config.get_credentials_kind(), Some(CredentialsKind::BearerToken));
}

#[test]
fn unusable_configurations_name_the_field() {
    for (change, says) in [
        (json!({"vaultid": "canary"}), "unknown field `vaultid`, did you mean `vault_id`?"),
        (json!({"timeout": 3}), "unknown field `timeout`, "),
        (json!({"credentials": {"pasword": "canary"}}), "unknown field `pasword`, "),
        (json!({"credentials": {"apikey": "canary"}}), "unknown field `apikey`, did you mean `api_key`?"),
        (json!({"credentials": {"path": "canary", "token": "canary"}}), "specify only one of path, token"),
        (json!({"credentials": "canary"}), "credentials must be an object"),
        (json!({"env": "canary"}), "env must be one of PROD, SANDBOX, STAGE, DEV"),
        (json!({"deadline": "canary"}), "deadline must be a number of seconds"),
        (json!({"deadline": -1}), "deadline must be a number of seconds"),
        (json!({"attempt_timeout": "1h"}), "attempt_timeout must be a number of seconds"),
        (json!({"cluster_id": null}), "set cluster_id or vault_url"),
    ] {
        let mut config = json!({"vault_id": "v", "cluster_id": "abc"});
        config.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let text = config.to_string();
        let in_json = serde_json::from_str::<VaultConfig>(&text).unwrap_err().to_string();
        assert!(in_json.contains(says) && !in_json.contains("canary"), "{in_json}");
    }
    let missing = serde_json::from_str::<VaultConfig>("{}").unwrap_err().to_string();
    assert!(missing.contains("vault_id"), "{missing}");
    let unknown = serde_json::from_value::<ConnectionConfig>(
        json!({"connection_id": "c", "connection_url": "https://h", "url": "x"}),
    );
    assert!(unknown.unwrap_err().to_string().starts_with("unknown field `url`, "));
}
