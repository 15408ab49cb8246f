//! Generated values, and what is not generated.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of a test")]

use std::process::{Command, Stdio};

use scaivault::secret_policies::SecretPolicyField;
use scaivault::{Client, Error, Json};
use scaivault_emulator::EmbeddedScaiVault;

fn client() -> Client {
    let vault = EmbeddedScaiVault::builder().build().unwrap();
    let builder = Client::builder().base_url("https://scaivault.example").environment(|_| None);
    builder.token(vault.token().clone()).transport(vault.service()).build().unwrap()
}

fn field(generator: &str, config: &str) -> SecretPolicyField {
    SecretPolicyField::new("value", generator).config(Json::parse(config).unwrap())
}

async fn generate(client: &Client, generator: &str, config: &str) -> Result<String, Error> {
    let recipe = client.secret_policies().create("r", [field(generator, config)]).await?;
    let preview = client.secret_policies().preview(&recipe.id).await?;
    Ok(preview.data.get("value").unwrap().expose().to_owned())
}

#[tokio::test]
#[allow(clippy::print_stderr, reason = "a test that proves nothing must say so")]
async fn ssh_keys_are_those_of_openssh() {
    let client = client();
    let folder = tempfile::tempdir().unwrap();
    let is_installed = Command::new("ssh-keygen").arg("-?").stderr(Stdio::null()).output().is_ok();
    for (config, kind) in [
        (r#"{"comment":"deploy@host"}"#, "ssh-ed25519"),
        (r#"{"key_type":"ed25519","comment":"deploy@host"}"#, "ssh-ed25519"),
        (r#"{"key_type":"ecdsa","comment":"deploy@host"}"#, "ecdsa-sha2-nistp256"),
        (r#"{"key_type":"rsa","comment":"deploy@host"}"#, "ssh-rsa"),
    ] {
        let key = generate(&client, "ssh_keypair", config).await.unwrap();
        assert!(key.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"), "{kind}");
        assert!(key.ends_with("\n-----END OPENSSH PRIVATE KEY-----\n"), "{kind}");
        assert_ne!(key, generate(&client, "ssh_keypair", config).await.unwrap());
        if !is_installed {
            eprintln!("NOT TESTED: ssh-keygen is missing; only the frame of the {kind} key was checked");
            continue;
        }
        let path = folder.path().join(kind);
        std::fs::write(&path, &key).unwrap();
        restrict(&path);
        // It reads the private part and checks it against the public one.
        let output =
            Command::new("ssh-keygen").arg("-y").arg("-P").arg("").arg("-f").arg(&path).output().unwrap();
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{kind}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(shown.starts_with(kind) && shown.trim_end().ends_with("deploy@host"), "{shown}");
        // A signature by the private part is verified with the public one.
        std::fs::write(folder.path().join("allowed"), format!("signer {shown}")).unwrap();
        std::fs::write(folder.path().join("data"), "data").unwrap();
        let in_folder = || {
            let mut command = Command::new("ssh-keygen");
            command.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        let _ = std::fs::remove_file(folder.path().join("data.sig"));
        let signed = in_folder().args(["-Y", "sign", "-n", "file", "-f"]).arg(&path).arg("data").status();
        assert!(signed.unwrap().success(), "{kind}");
        let mut verify = in_folder();
        verify.args(["-Y", "verify", "-n", "file", "-I", "signer", "-f", "allowed", "-s", "data.sig"]);
        let verified = verify.stdin(std::fs::File::open(folder.path().join("data")).unwrap()).status();
        assert!(verified.unwrap().success(), "{kind}");
    }
}

/// Keys that others may read are not accepted.
fn restrict(path: &std::path::Path) {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    #[cfg(not(unix))]
    let _ = path;
}

#[tokio::test]
async fn unsupported_generators_are_refused_by_name() {
    let client = client();
    let error = client.secret_policies().create("r", [field("bcrypt_hash", r#"{"length":20,"rounds":10}"#)]);
    let Err(Error::Validation(error)) = error.await else { panic!("it is accepted") };
    assert_eq!((error.status.as_u16(), error.code.as_str()), (400, "invalid_config"));
    assert_eq!(
        (&error.details["generator"], &error.details["field"]),
        (&"bcrypt_hash".into(), &"value".into())
    );
    assert!(error.message.contains("bcrypt_hash is not supported"), "{}", error.message);
    for (generator, config, problem) in [
        ("dice", "{}", "generator is unknown"),
        ("ssh_keypair", r#"{"key_type":"dsa"}"#, "key_type must be ed25519, ecdsa or rsa"),
        ("ssh_keypair", r#"{"comment":"two\nlines"}"#, "comment must be one line"),
        ("uuid", r#"{"version":1}"#, "version must be 4 or 7"),
        ("random", r#"{"require_vowels":true}"#, "require_vowels is unknown"),
        ("random", r#"{"length":1,"require_digits":true,"require_symbols":true}"#, "length is too short"),
        ("random", r#"{"charset":"runes"}"#, "charset is unknown"),
        ("hex", r#"{"length":0}"#, "length must be from 1 to 4096"),
    ] {
        let error = generate(&client, generator, config).await.unwrap_err();
        assert!(error.to_string().contains(problem), "{generator} {config}: {error}");
    }
}

#[tokio::test]
async fn recipes_are_followed_to_the_letter() {
    let client = client();
    let required = r#"{"length":4,"charset":"alpha","require_digits":true,"require_symbols":true,"require_lowercase":false}"#;
    for _ in 0..20 {
        let value = generate(&client, "random", required).await.unwrap();
        assert_eq!(value.len(), 4);
        let digits = value.chars().filter(char::is_ascii_digit).count();
        let symbols = value.chars().filter(char::is_ascii_punctuation).count();
        assert_eq!((digits, symbols), (1, 1), "{value}");
    }
    let uuid = generate(&client, "uuid", r#"{"version":7}"#).await.unwrap();
    let parts: Vec<_> = uuid.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12]);
    assert!(uuid.chars().nth(14) == Some('7'), "{uuid}");
    let later = generate(&client, "uuid", r#"{"version":7}"#).await.unwrap();
    assert!(later[..13] >= uuid[..13], "they begin with the time");
    let filled = generate(&client, "template", r#"{"template":"a-{{hex:4}}-{{timestamp}}"}"#).await.unwrap();
    assert!(
        filled.starts_with("a-") && filled.split('-').nth(1).is_some_and(|hex| hex.len() == 4),
        "{filled}"
    );
}
