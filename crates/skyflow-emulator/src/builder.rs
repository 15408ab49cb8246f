use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;
use rusqlite::Connection;
use serde_json::Value;
#[cfg(feature = "detect")]
use skyflow_emulator_detect::{Dictionary, Ocr, Recognizer};
use skyflow_http::{Clock, SystemClock};
use skyflow_testkit::{Faults, Journal, Random};
use skyflow_types::Secret;

use crate::audit::AuditLog;
use crate::auth::{BearerTokens, KeySet, Role, keys};
use crate::connections::{ConnectionSpec, ConnectionSpecError, Connections};
use crate::cors::{self, Origins};
#[cfg(feature = "detect")]
use crate::detect::{self, CannedRun, DetectSettings};
use crate::downloads::Downloads;
use crate::object_id::object_id;
use crate::schema::{Schema, SchemaError, Table, default_tables, tables_from_json, tables_to_json};
use crate::state::State;
use crate::store::accounts::{self, AccountRow, ApiKeyRow, KeyRow};
use crate::store::{OpenError, Store, layout, settings};
use crate::tokens::TokenKey;
use crate::vault::EmbeddedVault;

const BODY_LIMIT: usize = 32 * 1024 * 1024;
const ROW_LIMIT: usize = 10_000;
const QUERY_TIME_LIMIT: Duration = Duration::from_secs(2);
const BEARER_LIFETIME: Duration = Duration::from_secs(3600);
const JOURNAL_LIMIT: usize = 10_000;
/// The token URI of Skyflow's production service, which assertions may always name.
const PRODUCTION_TOKEN_URI: &str = "https://manage.skyflowapis.com/v1/auth/sa/oauth/token";

/// Puts together an [`EmbeddedVault`].
#[derive(Debug)]
#[must_use = "nothing is opened before `build`"]
pub struct EmbeddedVaultBuilder {
    data_file: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    tables: Vec<Table>,
    schemas: Vec<Value>,
    default_tables: bool,
    bearer_lifetime: Duration,
    body_limit: usize,
    row_limit: usize,
    query_time_limit: Duration,
    file_scan_time: Duration,
    journal_limit: usize,
    partial_detokenize_status: StatusCode,
    connections: Vec<ConnectionSpec>,
    key_sets: Vec<(String, Value)>,
    origins: Vec<String>,
    #[cfg(feature = "detect")]
    detect: DetectSettings,
}

impl EmbeddedVault {
    /// Starts a vault in memory, with the README's `table1`, the tables of Skyflow's Quickstart vault, and the table
    /// `detect` for the vault tokens of texts.
    pub fn builder() -> EmbeddedVaultBuilder {
        EmbeddedVaultBuilder::new()
    }
}

impl EmbeddedVaultBuilder {
    pub(crate) fn new() -> Self {
        Self {
            data_file: None,
            clock: SystemClock::shared(),
            tables: Vec::new(),
            schemas: Vec::new(),
            default_tables: true,
            bearer_lifetime: BEARER_LIFETIME,
            body_limit: BODY_LIMIT,
            row_limit: ROW_LIMIT,
            query_time_limit: QUERY_TIME_LIMIT,
            file_scan_time: Duration::ZERO,
            journal_limit: JOURNAL_LIMIT,
            partial_detokenize_status: StatusCode::OK,
            connections: Vec::new(),
            key_sets: Vec::new(),
            origins: Vec::new(),
            #[cfg(feature = "detect")]
            detect: DetectSettings::default(),
        }
    }

    /// Keeps everything in this file: values, tokens, keys, service accounts. A new file is readable by its owner
    /// only; a file that exists is opened again, with the same ids, keys and tokens.
    pub fn data_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_file = Some(path.into());
        self
    }

    /// Tells the time by this clock; the system's when none is given.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Adds a table; it replaces the default table of its name.
    pub fn table(mut self, table: Table) -> Self {
        self.tables.push(table);
        self
    }

    /// Adds the tables of a schema in Skyflow's own JSON form, as `POST /v1/vaults` takes it. They replace the default
    /// tables of their names.
    pub fn schema_json(mut self, schema: Value) -> Self {
        self.schemas.push(schema);
        self
    }

    /// Starts without `table1`, `credit_cards`, `persons` and `detect`.
    pub fn without_default_tables(mut self) -> Self {
        self.default_tables = false;
        self
    }

    /// Sets how long bearer tokens live, in whole seconds; 60 minutes when nothing is said.
    pub fn bearer_lifetime(mut self, lifetime: Duration) -> Self {
        self.bearer_lifetime = lifetime;
        self
    }

    /// Sets the largest request body, in bytes; 32 MiB when nothing is said.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets how many records, tokens or values one request may have; 10,000 by default. A response never has more than 25
    /// records.
    pub fn row_limit(mut self, rows: usize) -> Self {
        self.row_limit = rows;
        self
    }

    /// Sets how long a query may take, by the clock of the vault; 2 seconds by default.
    pub fn query_time_limit(mut self, limit: Duration) -> Self {
        self.query_time_limit = limit;
        self
    }

    /// Sets how long an uploaded file is `SCAN_PENDING`; no time when nothing is said.
    pub fn file_scan_time(mut self, time: Duration) -> Self {
        self.file_scan_time = time;
        self
    }

    /// Sets how many requests the journal and the audit log keep; 10,000 when nothing is said.
    pub fn journal_limit(mut self, entries: usize) -> Self {
        self.journal_limit = entries;
        self
    }

    /// Responds with 207 instead of 200 to a detokenize call of which only a part succeeded. It is not known which of
    /// the two Skyflow uses.
    pub fn partial_detokenize_as_multi_status(mut self) -> Self {
        self.partial_detokenize_status = StatusCode::MULTI_STATUS;
        self
    }

    /// Adds a connection, which the vault serves at [`ConnectionSpec::path`].
    pub fn connection(mut self, connection: ConnectionSpec) -> Self {
        self.connections.push(connection);
        self
    }

    /// Adds the public keys of another issuer, as a JWK set (RFC 7517) with keys for RS256 or ES256. A configuration of
    /// token exchange names the set by this address as its `publicKeyJWKURI`; nothing is fetched from it.
    pub fn jwk_set(mut self, address: impl Into<String>, keys: Value) -> Self {
        self.key_sets.push((address.into(), keys));
        self
    }

    /// Lets pages of this origin, such as `https://app.example.com`, call the vault from a browser (CORS). Pages of this
    /// machine and Skyflow's hosted fields (`https://js.skyflow.com`) always may.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Adds what finds more entities than the rules of the vault do.
    #[cfg(feature = "detect")]
    pub fn recognizer(mut self, recognizer: impl Recognizer + 'static) -> Self {
        self.detect.recognizers.push(Box::new(recognizer));
        self
    }

    /// Finds the phrases of this dictionary; replaces an earlier one.
    #[cfg(feature = "detect")]
    pub fn dictionary(mut self, dictionary: Dictionary) -> Self {
        self.detect.dictionary = Arc::new(dictionary);
        self
    }

    /// Reads images with this; with the program `tesseract`, where it is installed, when nothing is said.
    #[cfg(feature = "detect")]
    pub fn ocr(mut self, ocr: impl Ocr + 'static) -> Self {
        self.detect.ocr = Some(Box::new(ocr));
        self
    }

    /// Returns this result for a file instead of processing it.
    #[cfg(feature = "detect")]
    pub fn canned_run(mut self, run: CannedRun) -> Self {
        self.detect.canned.push(run);
        self
    }

    /// Stores a configuration of Detect, which requests name by its id. The options are those of a request, such as
    /// `{"entity_types": ["ssn"], "token_type": {"default": "entity_only"}}`.
    #[cfg(feature = "detect")]
    pub fn detect_configuration(mut self, id: impl Into<String>, options: Value) -> Self {
        self.detect.configurations.insert(id.into(), options);
        self
    }

    /// Sets how long a run of Detect is `IN_PROGRESS`, by the clock of the vault; no time when nothing is said.
    #[cfg(feature = "detect")]
    pub fn detect_run_time(mut self, time: Duration) -> Self {
        self.detect.run_time = time;
        self
    }

    /// Opens the vault. A new one gets its tables, an owner with a fresh RSA key, and an API key.
    ///
    /// # Errors
    ///
    /// Fails when the data file cannot be opened or is not one of this crate, and when a schema, a connection or a
    /// configuration of Detect cannot be used.
    pub fn build(mut self) -> Result<EmbeddedVault, BuildError> {
        let mut own = Vec::new();
        for schema in &self.schemas {
            own.extend(tables_from_json(schema)?);
        }
        own.append(&mut self.tables);
        let mut tables = if self.default_tables { default_tables() } else { Vec::new() };
        tables.retain(|table| own.iter().all(|own| own.name != table.name));
        tables.append(&mut own);
        let origin = |text: String| cors::origin_of(&text).ok_or(BuildError::Origin { origin: text });
        let origins = std::mem::take(&mut self.origins).into_iter().map(origin).collect::<Result<_, _>>()?;
        let key_set = |(address, keys): (String, Value)| match KeySet::read(&keys) {
            Some(keys) => Ok((address, keys)),
            None => Err(BuildError::KeySet { address }),
        };
        let key_sets =
            std::mem::take(&mut self.key_sets).into_iter().map(key_set).collect::<Result<_, _>>()?;
        let connections = Connections::new(std::mem::take(&mut self.connections))?;
        let store = Store::open(self.data_file.as_deref())?;
        let lifetime = self.bearer_lifetime;
        let seed = store.write(|transaction| Seed::load(transaction, tables, lifetime))?;
        #[cfg(feature = "detect")]
        let detect = detect::Settings::new(std::mem::take(&mut self.detect), &seed.schema)
            .map_err(|id| BuildError::DetectConfiguration { id })?;
        let audiences: BTreeSet<String> =
            seed.audiences.into_iter().chain([PRODUCTION_TOKEN_URI.into()]).collect();
        Ok(EmbeddedVault {
            state: Arc::new(State {
                vault_id: seed.vault_id,
                cluster_id: seed.cluster_id,
                account_id: seed.account_id,
                schema: seed.schema,
                token_key: TokenKey::new(&seed.token_key),
                bearer_tokens: seed.bearer_tokens,
                body_limit: self.body_limit,
                row_limit: self.row_limit,
                query_time_limit: self.query_time_limit,
                file_scan_time: self.file_scan_time,
                downloads: Downloads::default(),
                audit: AuditLog::new(self.journal_limit),
                partial_detokenize_status: self.partial_detokenize_status,
                clock: self.clock,
                connections,
                #[cfg(feature = "detect")]
                detect,
                faults: Faults::default(),
                journal: Journal::new(self.journal_limit),
                audiences: Mutex::new(audiences),
                owner: seed.owner,
                owner_key: seed.owner_key,
                api_key: seed.api_key,
                key_sets,
                origins: Origins::new(origins),
                store,
            }),
        })
    }
}

/// Reports a vault that could not be opened. Its text holds no key and no value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A schema cannot be used.
    #[error("the schema of the vault cannot be used")]
    Schema(#[from] SchemaError),
    /// A connection cannot be used.
    #[error("a connection of the vault cannot be used")]
    Connection(#[from] ConnectionSpecError),
    /// A stored configuration of Detect cannot be used.
    #[error("the Detect configuration `{id}` of the vault cannot be used")]
    DetectConfiguration {
        /// Its id.
        id: String,
    },
    /// The data file cannot be opened or is not one of this crate.
    #[error("the data of the vault cannot be opened")]
    Storage {
        /// The cause.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An origin is not `scheme://host[:port]`.
    #[error("`{origin}` is not an origin: specify scheme://host[:port]")]
    Origin {
        /// The text.
        origin: String,
    },
    /// A JWK set holds no key that the vault can use.
    #[error("the JWK set of `{address}` holds no key for RS256 or ES256")]
    KeySet {
        /// The address of the set.
        address: String,
    },
    /// No RSA key could be generated.
    #[error("the key of the vault's owner could not be generated")]
    Key,
}

impl From<OpenError> for BuildError {
    fn from(error: OpenError) -> Self {
        Self::Storage { source: error.into() }
    }
}

impl From<rusqlite::Error> for BuildError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage { source: error.into() }
    }
}

/// What a vault is made from: found in the data file, or made for a new one.
struct Seed {
    vault_id: String,
    cluster_id: String,
    account_id: String,
    token_key: Vec<u8>,
    bearer_tokens: BearerTokens,
    schema: Schema,
    owner: AccountRow,
    owner_key: KeyRow,
    api_key: Secret,
    audiences: Vec<String>,
}

impl Seed {
    fn load(
        connection: &Connection,
        tables: Vec<Table>,
        bearer_lifetime: Duration,
    ) -> Result<Self, BuildError> {
        let schema = load_schema(connection, tables)?;
        let text = |name, make: fn() -> String| {
            settings::get_or_make(connection, name, || make().into_bytes())
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        let key = |name| settings::get_or_make(connection, name, || Random::system().bytes::<32>().to_vec());
        let role_ids = load_roles(connection)?;
        let (owner, owner_key, api_key) = load_owner(connection, &role_ids)?;
        Ok(Self {
            vault_id: text("vault_id", object_id)?,
            cluster_id: text("cluster_id", || Random::system().hex(12))?,
            account_id: text("account_id", object_id)?,
            token_key: key("token_key")?,
            bearer_tokens: BearerTokens::load(connection, bearer_lifetime, role_ids)?,
            schema,
            owner,
            owner_key,
            api_key,
            audiences: settings::audiences(connection)?,
        })
    }
}

/// Tables of the data file stay as they are, except that columns can be added; new tables are created.
fn load_schema(connection: &Connection, tables: Vec<Table>) -> Result<Schema, BuildError> {
    let mut known = match settings::get(connection, "schema")? {
        Some(json) => {
            let json = serde_json::from_slice(&json)
                .map_err(|error| SchemaError::shape(format!("the data file is damaged: {error}")))?;
            tables_from_json(&json)?
        }
        None => Vec::new(),
    };
    for table in tables {
        match known.iter_mut().find(|existing| existing.name == table.name) {
            Some(existing) if extends(&table, existing) => *existing = table,
            Some(existing) if extends(existing, &table) => {}
            Some(_) => return Err(SchemaError::Conflict { table: table.name }.into()),
            None => known.push(table),
        }
    }
    let schema = Schema::compile(&known)?;
    for table in schema.tables() {
        layout::create_values(connection, table)?;
    }
    settings::set(connection, "schema", tables_to_json(&known).to_string().as_bytes())?;
    Ok(schema)
}

/// Tells whether `table` has every column of `existing`, unchanged.
fn extends(table: &Table, existing: &Table) -> bool {
    existing.columns.iter().all(|column| table.columns.contains(column))
}

fn load_roles(connection: &Connection) -> Result<HashMap<String, Role>, BuildError> {
    let mut roles: HashMap<String, Role> = accounts::roles(connection)?
        .into_iter()
        .filter_map(|row| Some((row.id, Role::parse(&row.built_in)?)))
        .collect();
    for role in Role::ALL {
        if !roles.values().any(|known| *known == role) {
            let id = object_id();
            accounts::put_role(connection, &id, role.as_str())?;
            roles.insert(id, role);
        }
    }
    Ok(roles)
}

fn load_owner(
    connection: &Connection,
    roles: &HashMap<String, Role>,
) -> Result<(AccountRow, KeyRow, Secret), BuildError> {
    if let Some((owner, key, api_key)) = stored_owner(connection)? {
        return Ok((owner, key, api_key));
    }
    let role_ids: Vec<&str> =
        roles.iter().filter(|(_, role)| **role == Role::VaultOwner).map(|(id, _)| id.as_str()).collect();
    let owner = AccountRow {
        client_id: object_id(),
        name: "owner".to_owned(),
        roles: role_ids.join(" "),
        enforce_context: false,
        enforce_signed_tokens: false,
    };
    let key = keys::generate(&owner.client_id).map_err(|_| BuildError::Key)?;
    let api_key = ApiKeyRow { api_key: keys::api_key(), client_id: owner.client_id.clone(), enabled: true };
    accounts::put_account(connection, &owner)?;
    accounts::put_key(connection, &key)?;
    accounts::put_api_key(connection, &api_key)?;
    settings::set(connection, "owner_client_id", owner.client_id.as_bytes())?;
    settings::set(connection, "owner_key_id", key.key_id.as_bytes())?;
    settings::set(connection, "owner_api_key", api_key.api_key.as_bytes())?;
    Ok((owner, key, Secret::new(api_key.api_key.as_str())))
}

fn stored_owner(connection: &Connection) -> rusqlite::Result<Option<(AccountRow, KeyRow, Secret)>> {
    let text = |name| -> rusqlite::Result<Option<String>> {
        Ok(settings::get(connection, name)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    };
    let (Some(client_id), Some(key_id), Some(api_key)) =
        (text("owner_client_id")?, text("owner_key_id")?, text("owner_api_key")?)
    else {
        return Ok(None);
    };
    let account = accounts::account(connection, &client_id)?;
    let key = accounts::key(connection, &key_id)?;
    Ok(account.zip(key).map(|(account, key)| (account, key, Secret::new(api_key))))
}
