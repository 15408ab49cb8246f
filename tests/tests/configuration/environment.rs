//! Clients and vaults from environment variables, looked up in a list.

use std::fs;

use skyflow::{CredentialsKind, Env, Error, ErrorKind, InsertRequest, Skyflow, VaultConfig};
use skyflow_emulator::EmbeddedVault;
use skyflow_testkit::API_KEY;

fn lookup<'a>(variables: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
    |name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
}

fn refused(variables: &[(&str, &str)]) -> (ErrorKind, String, String) {
    let error: Error = match VaultConfig::from_env_with(lookup(variables)) {
        Err(error) => error,
        Ok(_) => Skyflow::from_env_with(lookup(variables)).unwrap_err(),
    };
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    (error.kind(), error.field().unwrap().to_owned(), error.to_string())
}

#[test]
fn vault_is_read_from_the_environment() {
    let mut variables = vec![
        ("SKYFLOW_VAULT_ID", "v1"),
        ("SKYFLOW_CLUSTER_ID", "abc"),
        ("SKYFLOW_ENV", "sandbox"),
        ("SKYFLOW_API_KEY", API_KEY),
        ("SKYFLOW_VAULT_URL", " "),
    ];
    let config = VaultConfig::from_env_with(lookup(&variables)).unwrap();
    assert_eq!((config.get_vault_id(), config.get_env()), ("v1", Env::Sandbox));
    assert_eq!(config.get_vault_url().unwrap(), "https://abc.vault.skyflowapis-preview.com");
    assert_eq!(config.get_credentials_kind(), Some(CredentialsKind::ApiKey));
    variables.push(("SKYFLOW_VAULT_URL", "https://h.example"));
    variables.remove(4);
    let config = VaultConfig::from_env_with(lookup(&variables)).unwrap();
    assert_eq!(config.get_vault_url().unwrap(), "https://h.example", "the URL wins");
}

#[test]
fn missing_variables_are_a_kind_of_their_own() {
    let vault = ("SKYFLOW_VAULT_ID", "v1");
    let cluster = ("SKYFLOW_CLUSTER_ID", "abc");
    for (variables, field) in [
        (vec![], "SKYFLOW_VAULT_ID"),
        (vec![("SKYFLOW_VAULT_ID", " "), cluster], "SKYFLOW_VAULT_ID"),
        (vec![vault], "SKYFLOW_CLUSTER_ID"),
        (vec![vault, cluster], "credentials"),
    ] {
        let (kind, named, text) = refused(&variables);
        assert_eq!((kind, named.as_str()), (ErrorKind::Configuration, field), "{text}");
    }
    let (_, _, text) = refused(&[vault, cluster]);
    for name in ["SKYFLOW_API_KEY", "SKYFLOW_CREDENTIALS", "SKYFLOW_CREDENTIALS_PATH"] {
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn unusable_variables_are_named() {
    let vault = ("SKYFLOW_VAULT_ID", "v1");
    let cluster = ("SKYFLOW_CLUSTER_ID", "abc");
    for (variables, kind, field, says) in [
        (vec![("SKYFLOW_VAULT_ID", "a canary"), cluster], ErrorKind::InvalidInput, "SKYFLOW_VAULT_ID", ""),
        (vec![vault, ("SKYFLOW_CLUSTER_ID", "a.canary")], ErrorKind::InvalidInput, "SKYFLOW_CLUSTER_ID", ""),
        (
            vec![vault, ("SKYFLOW_VAULT_URL", "http://canary")],
            ErrorKind::InvalidInput,
            "SKYFLOW_VAULT_URL",
            "must be https://",
        ),
        (
            vec![vault, cluster, ("SKYFLOW_ENV", "canary")],
            ErrorKind::InvalidInput,
            "SKYFLOW_ENV",
            "must be one of PROD, SANDBOX, STAGE, DEV",
        ),
        (
            vec![vault, cluster, ("SKYFLOW_API_KEY", API_KEY), ("SKYFLOW_CREDENTIALS", "canary")],
            ErrorKind::Auth,
            "credentials",
            "specify only one of SKYFLOW_API_KEY, SKYFLOW_CREDENTIALS",
        ),
        (
            vec![vault, cluster, ("SKYFLOW_CREDENTIALS", "/canary/credentials.json")],
            ErrorKind::Auth,
            "SKYFLOW_CREDENTIALS",
            "set SKYFLOW_CREDENTIALS_PATH",
        ),
        (
            vec![vault, cluster, ("SKYFLOW_CREDENTIALS", "{}")],
            ErrorKind::Auth,
            "SKYFLOW_CREDENTIALS",
            "privateKey is missing",
        ),
        (
            vec![vault, cluster, ("SKYFLOW_API_KEY", API_KEY), ("SKYFLOW_CA_FILE", "/no/canary.pem")],
            ErrorKind::InvalidInput,
            "SKYFLOW_CA_FILE",
            "cannot be read",
        ),
    ] {
        let (is, named, text) = refused(&variables);
        assert_eq!((is, named.as_str()), (kind, field), "{text}");
        assert!(text.starts_with(field) && text.contains(says), "{text}");
    }
}

#[test]
fn variable_allows_token_hosts() {
    let emulator = EmbeddedVault::builder().build().unwrap();
    let json = emulator.credentials_json("https://tokens.example/v1/auth/sa/oauth/token");
    let build = |hosts: Option<&str>| {
        let mut variables = vec![
            ("SKYFLOW_VAULT_ID", "v1"),
            ("SKYFLOW_CLUSTER_ID", "abc"),
            ("SKYFLOW_CREDENTIALS", json.expose()),
        ];
        variables.extend(hosts.map(|hosts| ("SKYFLOW_TOKEN_HOSTS", hosts)));
        Skyflow::from_env_with(lookup(&variables))
    };
    assert_eq!(build(None).unwrap_err().field(), Some("credentials.tokenURI"));
    assert_eq!(build(Some("other.example")).unwrap_err().field(), Some("credentials.tokenURI"));
    build(Some("other.example, tokens.example")).unwrap();
    assert_eq!(build(Some("https://tokens.example")).unwrap_err().field(), Some("token_host"));
}

#[tokio::test]
async fn rel_s10_metadata_can_be_turned_off() {
    use skyflow::{GetRequest, VaultConfig};
    use skyflow_testkit::{Reply, Scripted};

    let sends_metadata = async |builder: skyflow::SkyflowBuilder| {
        let server = Scripted::new([Reply::json(200, &serde_json::json!({"records": []}))]);
        let client = builder.transport(server.clone()).build().unwrap();
        client.default_vault().unwrap().get(GetRequest::new("t").all_rows()).await.unwrap();
        let request = server.requests().remove(0);
        assert!(request.header("user-agent").starts_with("skyflow-rust/"));
        request.headers.contains_key("sky-metadata")
    };
    let builder = || {
        let credentials = skyflow::Credentials::api_key(API_KEY).unwrap();
        Skyflow::builder().vault(VaultConfig::new("v1", "abc").credentials(credentials))
    };
    assert!(sends_metadata(builder()).await);
    assert!(!sends_metadata(builder().without_sdk_metadata()).await);

    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve().await.unwrap();
    let base_url = server.base_url();
    for (value, expected) in [("off", false), ("on", true)] {
        let variables = [
            ("SKYFLOW_VAULT_ID", vault.vault_id()),
            ("SKYFLOW_VAULT_URL", &base_url),
            ("SKYFLOW_API_KEY", vault.api_key().expose()),
            ("SKYFLOW_SDK_METADATA", value),
        ];
        let client = Skyflow::from_env_with(lookup(&variables)).unwrap();
        client.default_vault().unwrap().get(GetRequest::new("table1").all_rows()).await.unwrap();
        assert_eq!(vault.journal().last().unwrap().caller.metadata.is_some(), expected, "{value}");
    }
    server.shutdown().await;
}

#[cfg(unix)]
#[test]
fn ca_file_is_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let (large, pipe) = (directory.path().join("large.pem"), directory.path().join("pipe"));
    fs::File::create(&large).unwrap().set_len(100_000_000).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, says) in [
        (large.to_str().unwrap(), "larger than 1 MiB"),
        ("/dev/zero", "larger than 1 MiB"),
        ("/dev/null", "without usable certificates"),
        (pipe.to_str().unwrap(), "cannot be read"),
        (directory.path().to_str().unwrap(), "cannot be read"),
    ] {
        let variables = [
            ("SKYFLOW_VAULT_ID", "v1"),
            ("SKYFLOW_CLUSTER_ID", "abc"),
            ("SKYFLOW_API_KEY", API_KEY),
            ("SKYFLOW_CA_FILE", path),
        ];
        let (kind, field, text) = refused(&variables);
        assert_eq!((kind, field.as_str()), (ErrorKind::InvalidInput, "SKYFLOW_CA_FILE"), "{text}");
        assert!(text.contains(says), "{text}");
    }
}

#[tokio::test]
async fn client_of_the_environment_trusts_its_ca_file() {
    let vault = EmbeddedVault::builder().build().unwrap();
    let server = vault.serve_tls().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let (ca, key) = (directory.path().join("ca.pem"), directory.path().join("credentials.json"));
    fs::write(&ca, server.ca_pem().unwrap()).unwrap();
    fs::write(&key, server.credentials_json().expose()).unwrap();
    let base_url = server.base_url();
    let variables = [
        ("SKYFLOW_VAULT_ID", vault.vault_id()),
        ("SKYFLOW_VAULT_URL", &base_url),
        ("SKYFLOW_CREDENTIALS_PATH", key.to_str().unwrap()),
        ("SKYFLOW_CA_FILE", ca.to_str().unwrap()),
    ];
    let client = Skyflow::from_env_with(lookup(&variables)).unwrap();
    let insert = InsertRequest::new("table1").record(serde_json::json!({"name": "Jane Doe"}));
    assert_eq!(client.default_vault().unwrap().insert(insert).await.unwrap().inserted_fields.len(), 1);
    server.shutdown().await;
}
