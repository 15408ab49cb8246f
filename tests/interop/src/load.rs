use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use skyflow::http::{HttpVersions, Transport};
use skyflow::{Credentials, GetRequest, InsertRequest, QueryRequest, Skyflow, Vault, VaultConfig};
use skyflow_emulator::EmbeddedVault;

/// How many kinds of errors a row prints.
const SHOWN_ERRORS: usize = 5;

/// Inserts and gets, in turn, by many tasks.
pub struct Load {
    pub calls: usize,
    pub tasks: usize,
    /// Whether the client may use HTTP/2; h2o cannot be kept from offering it.
    pub http2: bool,
    pub ca_pem: String,
}

/// What became of the calls.
pub struct Outcome {
    /// Calls that failed and certainly changed nothing.
    pub failed: usize,
    /// Calls that failed and may have been applied.
    pub ambiguous: usize,
    pub ambiguous_inserts: usize,
    /// Inserts that succeeded.
    pub acknowledged: usize,
    /// Rows in the table afterwards.
    pub rows: usize,
    /// Connections that the client opened.
    pub connections: usize,
    pub elapsed: Duration,
    pub errors: Vec<String>,
}

#[derive(Default)]
struct Counts {
    failed: AtomicUsize,
    ambiguous: AtomicUsize,
    ambiguous_inserts: AtomicUsize,
    acknowledged: AtomicUsize,
    errors: std::sync::Mutex<BTreeMap<String, usize>>,
}

impl Load {
    pub async fn run(&self, vault: &EmbeddedVault, port: u16) -> Result<Outcome, Box<dyn Error>> {
        let versions = if self.http2 { HttpVersions::Any } else { HttpVersions::Http1 };
        let transport = Transport::builder()
            .http_versions(versions)
            .add_root_certificates_pem(self.ca_pem.as_bytes())?
            .build();
        let config = VaultConfig::with_base_url(vault.vault_id(), format!("https://127.0.0.1:{port}"))
            .credentials(Credentials::api_key(vault.api_key().clone())?);
        let client = Skyflow::builder().vault(config).transport(transport.clone().into_service()).build()?;
        let counts = Arc::new(Counts::default());
        let started = Instant::now();
        let tasks: Vec<_> = (0..self.tasks)
            .map(|task| {
                let (vault, counts) = (client.default_vault(), Arc::clone(&counts));
                let calls = self.calls / self.tasks;
                tokio::spawn(async move {
                    if let Ok(vault) = vault {
                        one_task(&vault, task, calls, &counts).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await?;
        }
        let elapsed = started.elapsed();
        let errors = counts.errors.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        Ok(Outcome {
            failed: counts.failed.load(Ordering::Relaxed),
            ambiguous: counts.ambiguous.load(Ordering::Relaxed),
            ambiguous_inserts: counts.ambiguous_inserts.load(Ordering::Relaxed),
            acknowledged: counts.acknowledged.load(Ordering::Relaxed),
            rows: rows(vault).await?,
            connections: transport.connections_opened(),
            elapsed,
            errors: errors
                .into_iter()
                .take(SHOWN_ERRORS)
                .map(|(text, count)| format!("{count} x {text}"))
                .collect(),
        })
    }
}

async fn one_task(vault: &Vault, task: usize, calls: usize, counts: &Counts) {
    let mut last = None;
    for call in 0..calls {
        let error = match last.take() {
            None => {
                let row = json!({"name": format!("task {task} call {call}")});
                match vault.insert(InsertRequest::new("persons").record(row)).await {
                    Ok(inserted) => {
                        counts.acknowledged.fetch_add(1, Ordering::Relaxed);
                        last = inserted.inserted_fields.into_iter().next().map(|row| row.skyflow_id);
                        continue;
                    }
                    Err(error) => {
                        let ambiguous = usize::from(error.may_have_been_applied());
                        counts.ambiguous_inserts.fetch_add(ambiguous, Ordering::Relaxed);
                        error
                    }
                }
            }
            Some(id) => match vault.get(GetRequest::new("persons").ids([id])).await {
                Ok(_) => continue,
                Err(error) => error,
            },
        };
        let count = if error.may_have_been_applied() { &counts.ambiguous } else { &counts.failed };
        count.fetch_add(1, Ordering::Relaxed);
        let chain = std::iter::successors(Some(&error as &dyn Error), |&error| error.source());
        let text = chain.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        let mut errors = counts.errors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *errors.entry(text).or_default() += 1;
    }
}

/// Counts the rows without the proxy.
async fn rows(vault: &EmbeddedVault) -> Result<usize, Box<dyn Error>> {
    let client = Skyflow::connect(vault.endpoint())?;
    let counted =
        client.default_vault()?.query(QueryRequest::new("SELECT COUNT(*) AS rows FROM persons")).await?;
    let rows =
        counted.fields.first().and_then(|row| row.record.text("rows")).ok_or("the count is missing")?;
    Ok(rows.parse()?)
}
