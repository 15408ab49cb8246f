//! Reads the configurations of vaults and connections from JSON, TOML or any other format of serde.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};
use skyflow_auth::Credentials;
use skyflow_http::Setting;
use skyflow_types::{Env, UnknownFields};

use crate::call_settings::CallSettings;
use crate::{ConnectionConfig, VaultConfig};

const VAULT_FIELDS: &[&str] = &[
    "vault_id",
    "cluster_id",
    "vault_url",
    "env",
    "credentials",
    "deadline",
    "attempt_timeout",
    "max_attempts",
    "body_time",
    "gzip",
    "headers",
];

const CONNECTION_FIELDS: &[&str] = &[
    "connection_id",
    "connection_url",
    "credentials",
    "deadline",
    "attempt_timeout",
    "max_attempts",
    "body_time",
    "gzip",
    "headers",
];

#[derive(Deserialize)]
struct VaultFile {
    #[serde(alias = "vaultId", alias = "vaultID")]
    vault_id: String,
    #[serde(default, alias = "clusterId", alias = "clusterID")]
    cluster_id: Option<String>,
    #[serde(default, alias = "vaultUrl", alias = "vaultURL", alias = "base_url")]
    vault_url: Option<String>,
    #[serde(default)]
    env: Option<Env>,
    #[serde(default)]
    credentials: Option<Credentials>,
    #[serde(flatten)]
    settings: SettingsFile,
    #[serde(flatten)]
    unknown: UnknownFields,
}

#[derive(Deserialize)]
struct ConnectionFile {
    #[serde(alias = "connectionId", alias = "connectionID")]
    connection_id: String,
    #[serde(alias = "connectionUrl", alias = "connectionURL")]
    connection_url: String,
    #[serde(default)]
    credentials: Option<Credentials>,
    #[serde(flatten)]
    settings: SettingsFile,
    #[serde(flatten)]
    unknown: UnknownFields,
}

#[derive(Deserialize)]
struct SettingsFile {
    #[serde(default, deserialize_with = "deadline")]
    deadline: Setting<Duration>,
    #[serde(default, alias = "attemptTimeout", deserialize_with = "attempt_timeout")]
    attempt_timeout: Setting<Duration>,
    #[serde(default, alias = "maxAttempts")]
    max_attempts: Option<NonZeroU32>,
    #[serde(default, alias = "bodyTime", deserialize_with = "body_time")]
    body_time: Setting<Duration>,
    #[serde(default)]
    gzip: Option<bool>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl From<SettingsFile> for CallSettings {
    fn from(file: SettingsFile) -> Self {
        Self {
            deadline: file.deadline,
            attempt_timeout: file.attempt_timeout,
            max_attempts: file.max_attempts,
            body_time: match file.body_time {
                Setting::Inherit => None,
                Setting::Off => Some(Duration::ZERO),
                Setting::Set(time) => Some(time),
            },
            gzip: file.gzip,
            headers: file.headers.into_iter().collect(),
        }
    }
}

impl<'de> Deserialize<'de> for VaultConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = VaultFile::deserialize(deserializer)?;
        file.unknown.deny(VAULT_FIELDS).map_err(D::Error::custom)?;
        let config = Self::of_parts(file.vault_id, file.cluster_id, file.vault_url, file.env)
            .ok_or_else(|| D::Error::custom("cluster_id is missing: set cluster_id or vault_url"))?;
        let config = config.with_settings(file.settings.into());
        Ok(match file.credentials {
            Some(credentials) => config.credentials(credentials),
            None => config,
        })
    }
}

impl<'de> Deserialize<'de> for ConnectionConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = ConnectionFile::deserialize(deserializer)?;
        file.unknown.deny(CONNECTION_FIELDS).map_err(D::Error::custom)?;
        let config = Self::new(file.connection_id, file.connection_url).with_settings(file.settings.into());
        Ok(match file.credentials {
            Some(credentials) => config.credentials(credentials),
            None => config,
        })
    }
}

fn deadline<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Setting<Duration>, D::Error> {
    time_limit("deadline", deserializer)
}

fn attempt_timeout<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Setting<Duration>, D::Error> {
    time_limit("attempt_timeout", deserializer)
}

fn body_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Setting<Duration>, D::Error> {
    time_limit("body_time", deserializer)
}

fn time_limit<'de, D: Deserializer<'de>>(
    field: &'static str,
    deserializer: D,
) -> Result<Setting<Duration>, D::Error> {
    deserializer.deserialize_any(TimeLimit(field))
}

/// A number of seconds, a string such as `500ms`, `30s` or `2m`, or `off`.
struct TimeLimit(&'static str);

impl TimeLimit {
    fn wrong<E: serde::de::Error>(&self) -> E {
        E::custom(format_args!(
            "{} must be a number of seconds, or a string such as 500ms, 30s, 2m or off",
            self.0
        ))
    }

    fn seconds<E: serde::de::Error>(&self, seconds: f64) -> Result<Setting<Duration>, E> {
        Duration::try_from_secs_f64(seconds).map(Setting::Set).map_err(|_| self.wrong())
    }
}

impl Visitor<'_> for TimeLimit {
    type Value = Setting<Duration>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a time limit for {}", self.0)
    }

    fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Self::Value, E> {
        Ok(Setting::Set(Duration::from_secs(seconds)))
    }

    fn visit_i64<E: serde::de::Error>(self, seconds: i64) -> Result<Self::Value, E> {
        u64::try_from(seconds).map_err(|_| self.wrong()).and_then(|seconds| self.visit_u64(seconds))
    }

    fn visit_f64<E: serde::de::Error>(self, seconds: f64) -> Result<Self::Value, E> {
        self.seconds(seconds)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(Setting::Inherit)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.eq_ignore_ascii_case("off") {
            return Ok(Setting::Off);
        }
        let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0)];
        let (number, unit) = units
            .into_iter()
            .find_map(|(name, unit)| Some((text.strip_suffix(name)?, unit)))
            .unwrap_or((text, 1.0));
        let number: f64 = number.trim().parse().map_err(|_| self.wrong())?;
        self.seconds(number * unit)
    }
}
