//! Generated values.

mod ssh;

use rcgen::KeyPair;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::failure::{Failure, Outcome};
use crate::pki::keys;
use crate::state::State;

/// A member of a recipe.
#[derive(Serialize, Deserialize)]
pub(crate) struct Field {
    name: String,
    generator: String,
    #[serde(default)]
    config: Map<String, Value>,
}

const ALPHANUMERIC: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const ALPHA: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const NUMERIC: &str = "0123456789";
/// Letters and digits that are not mistaken for each other.
const SAFE: &str = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";

/// Generates the members of a recipe.
pub(crate) fn value(state: &State, fields: &[Field]) -> Outcome<Box<RawValue>> {
    if fields.is_empty() {
        return Err(Failure::field("fields", "must not be empty"));
    }
    let members: Outcome<Map<String, Value>> =
        fields.iter().map(|field| Ok((field.name.clone(), Value::String(one(state, field)?)))).collect();
    raw(&members?)
}

/// Generates a value with the members of another one: random text for strings, and the other members as they are.
pub(crate) fn like(state: &State, data: &str) -> Outcome<Box<RawValue>> {
    let mut members: Map<String, Value> = serde_json::from_str(data).unwrap_or_default();
    for value in members.values_mut() {
        if value.is_string() {
            *value = Value::String(random(state, 32, ALPHANUMERIC));
        }
    }
    raw(&members)
}

fn raw(members: &Map<String, Value>) -> Outcome<Box<RawValue>> {
    to_raw_value(members).map_err(|_| Failure::new("internal_error", "the value has no JSON form"))
}

fn one(state: &State, field: &Field) -> Outcome<String> {
    let text = |name: &str| field.config.get(name).and_then(Value::as_str);
    let length = |default: usize| match field.config.get("length").map(|length| length.as_u64()) {
        None => Ok(default),
        Some(Some(length @ 1..=4096)) => Ok(usize::try_from(length).unwrap_or(default)),
        Some(_) => Err(Failure::field("length", "must be from 1 to 4096")),
    };
    match field.generator.as_str() {
        "random" => {
            let charset = match text("charset").unwrap_or("alphanumeric") {
                "alphanumeric" => ALPHANUMERIC,
                "alpha" => ALPHA,
                "numeric" => NUMERIC,
                "safe" => SAFE,
                _ => return Err(Failure::field("charset", "is unknown")),
            };
            let required =
                field.config.iter().filter(|(name, yes)| is_requirement(name) && **yes == Value::Bool(true));
            let required: Outcome<Vec<_>> = required.map(|(name, _)| class(name)).collect();
            random_with(state, length(32)?, charset, &required?)
        }
        "hex" => Ok(state.random.hex(length(32)?)),
        "uuid" => match field.config.get("version").map(|version| version.as_u64()) {
            None | Some(Some(4)) => Ok(state.random.uuid()),
            Some(Some(7)) => Ok(uuid_of_time(state)),
            Some(_) => Err(Failure::field("version", "must be 4 or 7")),
        },
        "template" => template(state, text("template").unwrap_or_default()),
        "static" => Ok(text("value").unwrap_or_default().to_owned()),
        "ec_keypair" => {
            let bits = if text("curve") == Some("P-384") { 384 } else { 256 };
            Ok(keys::generate("ec", bits).map(|key| key.serialize_pem())?)
        }
        "rsa_keypair" => {
            let bits = field.config.get("bits").and_then(Value::as_u64).unwrap_or(2048);
            Ok(keys::generate("rsa", bits).map(|key: KeyPair| key.serialize_pem())?)
        }
        "ssh_keypair" => {
            ssh::keypair(state, text("key_type").unwrap_or("ed25519"), text("comment").unwrap_or_default())
        }
        // No page says where the password goes whose hash this is; a hash alone opens nothing.
        "bcrypt_hash" => {
            Err(Failure::new("invalid_config", "the generator bcrypt_hash is not supported by this emulator")
                .with("generator", "bcrypt_hash")
                .with("field", field.name.as_str()))
        }
        _ => Err(Failure::field("generator", "is unknown")),
    }
}

pub(crate) fn random(state: &State, length: usize, charset: &str) -> String {
    let characters = charset.as_bytes();
    let mut bytes = vec![0; length];
    state.random.fill(&mut bytes);
    bytes
        .iter()
        .filter_map(|byte| characters.get(usize::from(*byte) % characters.len()))
        .map(|byte| char::from(*byte))
        .collect()
}

fn is_requirement(name: &str) -> bool {
    name.starts_with("require_")
}

/// Returns the characters of which a requirement, such as `require_digits`, wants one.
fn class(requirement: &str) -> Outcome<&'static str> {
    match requirement {
        "require_uppercase" => Ok("ABCDEFGHJKLMNPQRSTUVWXYZ"),
        "require_lowercase" => Ok("abcdefghijkmnopqrstuvwxyz"),
        "require_digits" | "require_numbers" => Ok("23456789"),
        "require_symbols" | "require_special" => Ok("!#%+-=?@_"),
        _ => Err(Failure::field(requirement, "is unknown")),
    }
}

/// Generates text that has a character of each class, at random places.
fn random_with(state: &State, length: usize, charset: &str, classes: &[&str]) -> Outcome<String> {
    if classes.len() > length {
        return Err(Failure::field("length", "is too short for what is required"));
    }
    let mut characters: Vec<char> = random(state, length, charset).chars().collect();
    let mut places: Vec<usize> = (0..length).collect();
    for class in classes {
        let [high, low] = state.random.bytes();
        let place = places.swap_remove(usize::from(u16::from_be_bytes([high, low])) % places.len());
        if let (Some(at), Some(character)) =
            (characters.get_mut(place), random(state, 1, class).chars().next())
        {
            *at = character;
        }
    }
    Ok(characters.into_iter().collect())
}

/// Makes a UUID, version 7: its first 48 bits are the time in milliseconds.
fn uuid_of_time(state: &State) -> String {
    let random = state.random.hex(32);
    let time = format!("{:012x}", state.now());
    let part =
        |text: &str, at: usize, length: usize| text.get(at..at + length).unwrap_or_default().to_owned();
    format!(
        "{}-{}-7{}-a{}-{}",
        part(&time, 0, 8),
        part(&time, 8, 4),
        part(&random, 0, 3),
        part(&random, 3, 3),
        part(&random, 6, 12)
    )
}

/// Fills in `{{random:N}}`, `{{uuid}}`, `{{hex:N}}` and `{{timestamp}}`.
fn template(state: &State, template: &str) -> Outcome<String> {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (placeholder, after) =
            after.split_once("}}").ok_or_else(|| Failure::field("template", "has an open placeholder"))?;
        filled.push_str(before);
        let (name, number) = placeholder.split_once(':').unwrap_or((placeholder, "16"));
        let number = number.parse::<usize>().ok().filter(|number| (1..=4096).contains(number));
        let number =
            number.ok_or_else(|| Failure::field("template", "has a placeholder with a wrong number"))?;
        filled.push_str(&match name {
            "random" => random(state, number, ALPHANUMERIC),
            "hex" => state.random.hex(number),
            "uuid" => state.random.uuid(),
            "timestamp" => state.now().div_euclid(1000).to_string(),
            _ => return Err(Failure::field("template", "has an unknown placeholder")),
        });
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}
