//! The calls that are measured. Every contestant writes the same rows and reads the response into the same types.

use std::hint::black_box;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use skyflow::{DetokenizeRequest, DetokenizeResponse, GetRequest, InsertRequest, Redaction};

use crate::Failure;
#[cfg(feature = "tls")]
use crate::contestants::tls::{self, Blocking};
use crate::contestants::{Contestant, Floor, send_in_memory};

/// A call, and how many rows it has.
#[derive(Clone, Copy)]
pub enum Case {
    Insert(usize),
    Detokenize(usize),
    Get(usize),
    /// A secret of ScaiVault.
    ReadSecret,
    /// An empty request to a service in memory.
    Stack,
}

const SECRET: &str = "app/db/password";

const NO_SERVER: &str = "the case stack has no server";

#[derive(Serialize)]
struct Card {
    card_number: String,
    cardholder_name: &'static str,
}

#[derive(Deserialize)]
struct Row {
    skyflow_id: String,
    card_number: String,
    cardholder_name: String,
}

/// The data of a secret.
#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
    host: String,
    port: u16,
}

mod wire {
    use super::{Card, Deserialize, Serialize};

    #[derive(Serialize)]
    pub struct Insert {
        pub records: Vec<Fields>,
        pub tokenization: bool,
    }

    #[derive(Serialize)]
    pub struct Fields {
        pub fields: Card,
    }

    #[derive(Deserialize)]
    pub struct Inserted {
        pub records: Vec<InsertedRow>,
    }

    #[derive(Deserialize)]
    pub struct InsertedRow {
        pub skyflow_id: String,
        pub tokens: Tokens,
    }

    #[derive(Deserialize)]
    pub struct Tokens {
        pub card_number: String,
        pub cardholder_name: String,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    pub struct Detokenize {
        pub detokenization_parameters: Vec<Token>,
    }

    #[derive(Serialize)]
    pub struct Token {
        pub token: String,
        pub redaction: &'static str,
    }

    #[derive(Deserialize)]
    pub struct Detokenized {
        pub records: Vec<Value>,
    }

    #[derive(Deserialize)]
    pub struct Value {
        pub token: String,
        pub value: String,
    }

    #[derive(Deserialize)]
    pub struct Secret {
        pub path: String,
        pub version: u64,
        pub secret_type: String,
        pub data: super::Login,
        pub metadata: Metadata,
        pub created_at: String,
        pub updated_at: String,
    }

    #[derive(Deserialize)]
    pub struct Metadata {
        pub tags: Vec<String>,
        pub owner: String,
    }

    #[derive(Deserialize)]
    pub struct Got {
        pub records: Vec<GotRow>,
    }

    #[derive(Deserialize)]
    pub struct GotRow {
        pub fields: super::Row,
    }
}

fn cards(rows: usize) -> impl Iterator<Item = Card> {
    (0..rows).map(|row| Card { card_number: format!("4111111111{row:06}"), cardholder_name: "John Doe" })
}

fn tokens(rows: usize) -> impl Iterator<Item = String> {
    (0..rows).map(|row| format!("{row:04}-4629-3722-7102"))
}

fn ids(rows: usize) -> impl Iterator<Item = String> {
    (0..rows).map(|row| format!("b9b80eef-4a4a-4b9c-8f9a-{row:012}"))
}

fn check(rows: Vec<Row>, wanted: usize) -> Result<(), Failure> {
    let right = rows.len() == wanted
        && rows.iter().all(|row| {
            !row.skyflow_id.is_empty() && !row.card_number.is_empty() && !row.cardholder_name.is_empty()
        });
    black_box(rows);
    if right { Ok(()) } else { Err("the response lacks rows".into()) }
}

fn check_pairs(pairs: Vec<(String, String)>, wanted: usize) -> Result<(), Failure> {
    let right =
        pairs.len() == wanted && pairs.iter().all(|(token, value)| !token.is_empty() && !value.is_empty());
    black_box(pairs);
    if right { Ok(()) } else { Err("the response lacks values".into()) }
}

fn check_login(path: &str, version: u64, login: Login) -> Result<(), Failure> {
    let right = path == SECRET && version > 0 && login.port > 0;
    let right = right && [&login.username, &login.password, &login.host].iter().all(|text| !text.is_empty());
    black_box(login);
    if right { Ok(()) } else { Err("the response lacks the secret".into()) }
}

fn from_secret(secret: wire::Secret) -> Result<(), Failure> {
    black_box((&secret.secret_type, &secret.created_at, &secret.updated_at));
    black_box((&secret.metadata.tags, &secret.metadata.owner));
    check_login(&secret.path, secret.version, secret.data)
}

fn from_inserted(inserted: wire::Inserted) -> Vec<Row> {
    let rows = inserted.records.into_iter().map(|row| Row {
        skyflow_id: row.skyflow_id,
        card_number: row.tokens.card_number,
        cardholder_name: row.tokens.cardholder_name,
    });
    rows.collect()
}

fn from_detokenized(found: wire::Detokenized) -> Vec<(String, String)> {
    found.records.into_iter().map(|row| (row.token, row.value)).collect()
}

impl Case {
    pub fn named(name: &str) -> Result<Self, Failure> {
        match name {
            "scaivault-read" => return Ok(Self::ReadSecret),
            "stack" => return Ok(Self::Stack),
            _ => {}
        }
        let (kind, rows) = name.split_once('-').ok_or("a case is called like insert-100")?;
        let rows = rows.parse()?;
        match kind {
            "insert" => Ok(Self::Insert(rows)),
            "detokenize" => Ok(Self::Detokenize(rows)),
            "get" => Ok(Self::Get(rows)),
            other => Err(format!("no case is called {other}").into()),
        }
    }

    pub async fn call(self, contestant: &Contestant) -> Result<(), Failure> {
        match contestant {
            Contestant::Floor(floor) => {
                let response = self.response(floor).await?;
                match self {
                    Self::Insert(rows) => check(from_inserted(serde_json::from_slice(&response)?), rows),
                    Self::Detokenize(rows) => {
                        check_pairs(from_detokenized(serde_json::from_slice(&response)?), rows)
                    }
                    Self::Get(rows) => {
                        let got: wire::Got = serde_json::from_slice(&response)?;
                        check(got.records.into_iter().map(|row| row.fields).collect(), rows)
                    }
                    Self::ReadSecret => from_secret(serde_json::from_slice(&response)?),
                    Self::Stack => Err(NO_SERVER.into()),
                }
            }
            #[cfg(feature = "tls")]
            Contestant::Reqwest { client, url } => match self {
                Self::Insert(rows) => {
                    let request =
                        client.post(format!("{url}/v1/vaults/vault1/table1")).json(&insert_body(rows));
                    check(from_inserted(tls::send(request).await?), rows)
                }
                Self::Detokenize(rows) => {
                    let request = client
                        .post(format!("{url}/v1/vaults/vault1/detokenize"))
                        .json(&detokenize_body(rows));
                    check_pairs(from_detokenized(tls::send(request).await?), rows)
                }
                Self::Get(rows) => {
                    let got: wire::Got = tls::send(client.get(format!("{url}{}", get_path(rows)))).await?;
                    check(got.records.into_iter().map(|row| row.fields).collect(), rows)
                }
                Self::ReadSecret => {
                    from_secret(tls::send(client.get(format!("{url}/v1/secrets/{SECRET}"))).await?)
                }
                Self::Stack => Err(NO_SERVER.into()),
            },
            Contestant::Ours { vault, secrets } => match self {
                Self::Insert(rows) => check(vault.insert_as(insert_request(rows)).await?.rows, rows),
                Self::Detokenize(rows) => {
                    detokenized(vault.detokenize(detokenize_request(rows)).await?, rows)
                }
                Self::Get(rows) => check(vault.get_as(get_request(rows)).await?.rows, rows),
                Self::ReadSecret => read(secrets.read(SECRET).await?),
                Self::Stack => Err(NO_SERVER.into()),
            },
            Contestant::InMemory(service) => send_in_memory(service).await,
            #[cfg(feature = "tls")]
            Contestant::Blocking(_) => Err("a synchronous client has no asynchronous calls".into()),
        }
    }

    /// Returns the body of the response as it was sent.
    pub async fn response(self, floor: &Floor) -> Result<Bytes, Failure> {
        match self {
            Self::Insert(rows) => {
                let body = serde_json::to_vec(&insert_body(rows))?;
                floor.send("POST", "/v1/vaults/vault1/table1", body).await
            }
            Self::Detokenize(rows) => {
                let body = serde_json::to_vec(&detokenize_body(rows))?;
                floor.send("POST", "/v1/vaults/vault1/detokenize", body).await
            }
            Self::Get(rows) => floor.send("GET", &get_path(rows), Vec::new()).await,
            Self::ReadSecret => floor.send("GET", &format!("/v1/secrets/{SECRET}"), Vec::new()).await,
            Self::Stack => Err(NO_SERVER.into()),
        }
    }

    #[cfg(feature = "tls")]
    pub fn blocking(self, Blocking { vault, secrets }: &Blocking) -> Result<(), Failure> {
        match self {
            Self::Insert(rows) => check(vault.insert_as(insert_request(rows))?.rows, rows),
            Self::Detokenize(rows) => detokenized(vault.detokenize(detokenize_request(rows))?, rows),
            Self::Get(rows) => check(vault.get_as(get_request(rows))?.rows, rows),
            Self::ReadSecret => read(secrets.read(SECRET).send()?),
            Self::Stack => Err(NO_SERVER.into()),
        }
    }
}

fn insert_body(rows: usize) -> wire::Insert {
    wire::Insert { records: cards(rows).map(|fields| wire::Fields { fields }).collect(), tokenization: true }
}

fn detokenize_body(rows: usize) -> wire::Detokenize {
    let parameters = tokens(rows).map(|token| wire::Token { token, redaction: "PLAIN_TEXT" });
    wire::Detokenize { detokenization_parameters: parameters.collect() }
}

fn get_path(rows: usize) -> String {
    let mut path = String::from("/v1/vaults/vault1/table1?");
    ids(rows).for_each(|id| path.extend(["skyflow_ids=", &id, "&"]));
    path + "redaction=PLAIN_TEXT"
}

fn insert_request(rows: usize) -> InsertRequest {
    InsertRequest::new("table1").records(cards(rows)).return_tokens(true)
}

fn detokenize_request(rows: usize) -> DetokenizeRequest {
    DetokenizeRequest::new().tokens(tokens(rows), Redaction::PlainText)
}

fn get_request(rows: usize) -> GetRequest {
    GetRequest::new("table1").ids(ids(rows)).redaction(Redaction::PlainText)
}

fn detokenized(response: DetokenizeResponse, rows: usize) -> Result<(), Failure> {
    let pairs = response.detokenized_fields.into_iter().map(|field| {
        let value = field.value()?;
        Some((field.token, value))
    });
    check_pairs(pairs.collect::<Option<_>>().ok_or("a value is missing")?, rows)
}

fn read(secret: scaivault::Secret) -> Result<(), Failure> {
    black_box((&secret.secret_type, &secret.created_at, &secret.updated_at, &secret.metadata));
    check_login(&secret.path, secret.version, secret.data.data_as()?)
}
