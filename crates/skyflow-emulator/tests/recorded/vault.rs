//! A vault that has what the recorded requests name.

use http::Method;
use serde_json::{Value, json};
use skyflow_emulator::{
    Column, ColumnOperation, ConnectionSpec, DataType, EmbeddedVault, NewServiceAccount, Role, Table,
    TokenPolicy,
};

use crate::requests::{Recorded, Trace};
use crate::support::{Client, sign, unix_seconds};

const CARD: &str = "4111111111111111";
const TOKEN_URI: &str = "https://peerlab-manage.skyflowapis.com/v1/auth/sa/oauth/token";

/// The vault, and the names that it has for those of the recordings.
pub(crate) struct Place {
    pub(crate) client: Client,
    credentials: Value,
    ids: Vec<String>,
}

impl Place {
    pub(crate) fn new(traces: &[Trace]) -> Self {
        let mut builder = EmbeddedVault::builder().connection(connection(traces));
        for table in tables() {
            builder = builder.table(table);
        }
        let vault = builder.build().unwrap();
        let account = NewServiceAccount::new("recorded").role(Role::VaultOwner).role(Role::VaultViewer);
        let key = vault.create_service_account(account).unwrap().create_key().unwrap();
        let credentials = serde_json::from_str(key.credentials_json(TOKEN_URI).expose()).unwrap();
        key.credentials_json("https://peerlab-manage.skyflowapis.com/custom/token");
        Self { client: Client::new(&vault), credentials, ids: Vec::new() }
    }

    /// Refills the tables. A unique value that a request inserts must not be there yet; one that it looks up must.
    pub(crate) async fn fill(&mut self, request: &Recorded) {
        for table in ["cards", "docs", "tokens"] {
            let all = json!({"skyflow_ids": ["*"]});
            self.client.call(Method::DELETE, &format!("/{table}"), all).await.ok();
        }
        let looks_up = request.method() == "GET";
        let card = |n: usize| match n {
            0 if looks_up => json!({"card_number": CARD, "name": "Jane Doe", "email": "a@b.c"}),
            1 if looks_up => json!({"card_number": "5555", "name": "John Roe", "email": "d+e@f.g"}),
            n => json!({"card_number": format!("card {n}"), "name": format!("name {n}")}),
        };
        let cards: Vec<Value> = (0..25).map(card).collect();
        let inserted = self.client.insert("cards", &cards).await;
        self.ids = inserted.iter().map(|row| row["skyflow_id"].as_str().unwrap().to_owned()).collect();
        let named = ["tok-a", "tok-b", "tok-c", "tok-d", "t1", "t2", "t3"].map(str::to_owned);
        let tokens = named.into_iter().chain((0..100).map(|n| format!("tok-{n}")));
        let rows: Vec<Value> = tokens
            .map(|token| json!({"fields": {"value": token.clone() + " value"}, "tokens": {"value": token}}))
            .collect();
        self.client.post("/tokens", json!({"records": rows, "byot": "ENABLE"})).await.ok();
        self.client.insert_one("groups", json!({"value": "x"})).await;
    }

    /// Replaces the recorded names by those of this vault; files need a record of their table.
    pub(crate) async fn replacements(&self) -> impl Fn(&str) -> String + use<> {
        let (document, _) = self.client.insert_one("docs", json!({"name": "d"})).await;
        let (vault, ids) = (self.client.vault.vault_id().to_owned(), self.ids.clone());
        move |text: &str| {
            let mut text = text.replace("vault0001", &vault);
            let is_id_of_a_form = text == "00000000-0000-4000-8000-000000000000";
            for (n, id) in ids.iter().enumerate() {
                let id = if is_id_of_a_form { &document } else { id };
                text = text.replace(&format!("00000000-0000-4000-8000-{n:012}"), id);
            }
            text
        }
    }

    /// Writes a token request: the recordings keep the claims of the assertion only.
    pub(crate) fn token_request(&self, request: &Recorded) -> Option<Value> {
        let mut claims = request.claims()?.clone();
        let now = unix_seconds(&skyflow_http::SystemClock);
        for claim in ["iss", "sub"] {
            claims[claim] = self.credentials["clientID"].clone();
        }
        claims["key"] = self.credentials["keyID"].clone();
        claims["exp"] = json!(now + 3600);
        if claims.get("iat").is_some() {
            claims["iat"] = json!(now);
        }
        let mut body = json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": sign(&self.credentials, &claims),
        });
        if let Some(scope) = request.scope() {
            let role = |name: &str, role| (name.to_owned(), self.client.vault.role_id(role).to_owned());
            let roles = [role("r1", Role::VaultOwner), role("r2", Role::VaultViewer)];
            let text = scope.as_str().map(|text| {
                roles.iter().fold(text.to_owned(), |text, (name, id)| {
                    text.replace(&format!("role:{name}"), &format!("role:{id}"))
                })
            });
            body["scope"] = json!(text);
        }
        Some(body)
    }
}

fn tables() -> Vec<Table> {
    let deterministic = TokenPolicy::DeterministicUuid;
    vec![
        Table::new("cards")
            .column(Column::string("card_number").tokens(deterministic).unique())
            .column(Column::string("name").tokens(deterministic))
            .column(Column::string("email").unique())
            .column(Column::string("s"))
            .column(Column::new("i", DataType::Int32))
            .column(Column::new("big", DataType::Int64))
            .column(Column::new("f", DataType::Float64))
            .column(Column::new("exp", DataType::Float64))
            .column(Column::new("b", DataType::Bool))
            .column(Column::string("n"))
            .column(Column::new("arr", DataType::Json))
            .column(Column::new("obj", DataType::Json))
            .column(Column::string("empty")),
        Table::new("docs").column(Column::file("file")).column(Column::string("name")),
        Table::new("tokens").column(Column::string("value").tokens(TokenPolicy::NonDeterministicUuid)),
        Table::new("groups").column(
            Column::string("value").tokens(deterministic).column_group("g").operation(ColumnOperation::All),
        ),
    ]
}

/// A route for each method and path that was recorded.
fn connection(traces: &[Trace]) -> ConnectionSpec {
    let methods: std::collections::BTreeSet<&str> = traces
        .iter()
        .flat_map(|trace| &trace.requests)
        .filter(|request| request.is_connection())
        .map(Recorded::method)
        .collect();
    let routes: Vec<Value> = methods
        .into_iter()
        .flat_map(|method| {
            ["/route", "/route/", "/{card_id}"]
                .map(|path| json!({"path": path, "method": method, "contentType": "UNKNOWN_CONTENT"}))
        })
        .collect();
    let spec = json!({"name": "conn", "baseURL": "builtin:echo", "routes": routes});
    ConnectionSpec::outbound_from_json(&spec).unwrap().with_id("conn")
}
