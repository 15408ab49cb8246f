//! Writes each event of the client as one JSON object a line, with the names that the guide documents.

use std::error::Error;
use std::fmt::Debug;

use serde_json::{Map, Value, json};
use skyflow::{InsertRequest, LogLevel};
use skyflow_emulator::EmbeddedVault;
use skyflow_examples::in_process;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Writes events to the standard output.
struct JsonLines;

impl<S: Subscriber> Layer<S> for JsonLines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Line(Map::new());
        line.0.insert("level".to_owned(), metadata.level().as_str().into());
        line.0.insert("target".to_owned(), metadata.target().into());
        event.record(&mut line);
        println!("{}", Value::from(line.0));
    }
}

/// Keeps numbers as numbers.
struct Line(Map<String, Value>);

impl Visit for Line {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::registry().with(JsonLines).init();

    let embedded = EmbeddedVault::builder().build()?;
    let vault = in_process(&embedded)?.log_level(LogLevel::Info).build()?.default_vault()?;
    let people = [json!({"name": "Ada Lovelace"}), json!({"name": "Grace Hopper"})];
    vault.insert(InsertRequest::new("persons").records(people)).await?;
    // A table that the vault does not have: an event at level ERROR.
    vault.insert(InsertRequest::new("planets").record(json!({"name": "Mars"}))).await.unwrap_err();
    Ok(())
}
