//! Inserts one record over https and prints a line: `minimal-ours <url> <certificate file>`.

use serde::{Deserialize, Serialize};
use skyflow::http::Transport;
use skyflow::{Credentials, InsertRequest, Skyflow, VaultConfig};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Serialize)]
struct Card {
    card_number: &'static str,
    cardholder_name: &'static str,
}

#[derive(Deserialize)]
struct Row {
    skyflow_id: String,
    card_number: String,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(certificate)) = (arguments.next(), arguments.next()) else {
        return Err("usage: minimal-ours <url> <certificate file>".into());
    };
    let transport = Transport::builder().add_root_certificates_pem(&std::fs::read(certificate)?)?.build();
    let credentials = Credentials::api_key("sky-abcde-0123456789abcdef0123456789abcdef")?;
    let client = Skyflow::builder()
        .vault(VaultConfig::with_base_url("vault1", url).credentials(credentials))
        .transport(transport)
        .build()?;
    let card = Card { card_number: "4111111111111111", cardholder_name: "John Doe" };
    let request = InsertRequest::new("table1").record(card).return_tokens(true);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let rows: Vec<Row> = runtime.block_on(client.default_vault()?.insert(request))?.records()?;
    let row = rows.first().ok_or("the response has no row")?;
    println!("{} {}", row.skyflow_id, row.card_number);
    Ok(())
}
