//! Uses a vault from a program without async code: the same requests and responses, with methods that block.

use std::error::Error;
use std::thread;

use serde_json::json;
use skyflow::{GetRequest, InsertRequest, Redaction};
use skyflow_emulator::EmbeddedVault;
use skyflow_examples::in_process;

fn main() -> Result<(), Box<dyn Error>> {
    let embedded = EmbeddedVault::builder().build()?;
    // For a real vault: `blocking::Skyflow::from_env()?`, or `blocking::Skyflow::builder()….build_blocking()?`.
    let vault = in_process(&embedded)?.build_blocking()?.default_vault()?;

    // Threads share the client, its connections and its tokens.
    let names = ["Ada Lovelace", "Alan Turing", "Grace Hopper"];
    let inserts: Vec<_> = names
        .map(|name| {
            let vault = vault.clone();
            thread::spawn(move || vault.insert(InsertRequest::new("table1").record(json!({"name": name}))))
        })
        .into();
    for insert in inserts {
        let inserted = insert.join().map_err(|_| "a thread panicked")??;
        println!("inserted {}", inserted.single()?.skyflow_id);
    }

    let request = GetRequest::new("table1").all_rows().redaction(Redaction::PlainText);
    for row in vault.get_pages(request) {
        println!("got {}", row?.text("name").unwrap_or_default());
    }
    Ok(())
}
