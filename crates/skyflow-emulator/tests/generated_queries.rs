//! Queries made from a grammar, and changed at random.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a panic is the report"
)]

mod support;

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use skyflow_emulator::EmbeddedVault;
use skyflow_http::{Clock, SystemClock};
use support::Client;

const SEED: u64 = 0x5eed_0002;
const QUERIES: usize = 30_000;
/// The time limit of the vault, and room for a busy machine.
const LONGEST: Duration = Duration::from_secs(20);

const TABLES: [&str; 4] = ["table1", "persons", "credit_cards", "nowhere"];
const COLUMNS: [&str; 12] = [
    "name",
    "state",
    "age",
    "score",
    "active",
    "metadata",
    "cvv",
    "ssn",
    "skyflow_id",
    "card_number",
    "nmae",
    "date_of_birth",
];
const OPERATORS: [&str; 10] = ["=", "<>", "!=", "<", ">", "<=", ">=", "LIKE", "ILIKE", "NOT LIKE"];
const LITERALS: [&str; 14] = [
    "'Ada'",
    "''",
    "'it''s'",
    "\"Ada\"",
    "1",
    "-1",
    "1.5",
    "9223372036854775808",
    "1e400",
    "NULL",
    "TRUE",
    "'%'",
    "'_%a%'",
    "'ü'",
];
const STRANGE: [&str; 24] = [
    "(", ")", ",", ";", "*", ".", "'", "\"", "--", "/*", "SELECT", "FROM", "WHERE", "NOT", "IN", "BETWEEN",
    "CASE", "UNION", "GROUP BY", "ORDER BY", "::text", "||", "[", "\u{0}",
];

fn one<'a>(random: &mut Rng, of: &[&'a str]) -> &'a str {
    of[random.usize(..of.len())]
}

fn column(random: &mut Rng, aliases: &[String]) -> String {
    let name = one(random, &COLUMNS);
    match random.u8(..4) {
        0 => name.to_owned(),
        1 => format!("\"{name}\""),
        _ => format!("{}.{name}", aliases[random.usize(..aliases.len())]),
    }
}

fn condition(random: &mut Rng, aliases: &[String], depth: u8) -> String {
    match random.u8(..if depth > 3 { 6 } else { 10 }) {
        0..5 => {
            let operator = one(random, &OPERATORS);
            let right = match random.bool() {
                true => one(random, &LITERALS).to_owned(),
                false => column(random, aliases),
            };
            format!("{} {operator} {right}", column(random, aliases))
        }
        5 => format!("{} IS {}NULL", column(random, aliases), one(random, &["", "NOT "])),
        6 => format!("NOT {}", condition(random, aliases, depth + 1)),
        7 => format!("({})", condition(random, aliases, depth + 1)),
        _ => {
            let (left, right) =
                (condition(random, aliases, depth + 1), condition(random, aliases, depth + 1));
            format!("{left} {} {right}", one(random, &["AND", "OR"]))
        }
    }
}

fn item(random: &mut Rng, aliases: &[String], aggregates: bool) -> String {
    let inner = column(random, aliases);
    let item = match random.u8(..10) {
        0 => "*".to_owned(),
        1 => format!("{}.*", aliases[random.usize(..aliases.len())]),
        2 => format!(
            "REDACTION({inner}, '{}')",
            one(random, &["PLAIN_TEXT", "MASKED", "REDACTED", "DEFAULT", "ALL"])
        ),
        _ if aggregates => match random.u8(..6) {
            0 => "count(*)".to_owned(),
            _ => format!("{}({inner})", one(random, &["COUNT", "sum", "AVG", "min", "MAX", "total"])),
        },
        _ => inner,
    };
    if random.u8(..4) == 0 { format!("{item} AS {}", one(random, &["a", "\"a.b\"", "count"])) } else { item }
}

fn query(random: &mut Rng) -> String {
    let count = random.usize(1..4);
    let aliases: Vec<String> = (0..count).map(|n| format!("t{n}")).collect();
    let aggregates = random.u8(..4) == 0;
    let items: Vec<String> = (0..random.usize(1..5)).map(|_| item(random, &aliases, aggregates)).collect();
    let known = if random.u8(..20) == 0 { 4 } else { 3 };
    let mut query = format!("SELECT {} FROM {} AS t0", items.join(", "), one(random, &TABLES[..known]));
    for alias in &aliases[1..] {
        let kind =
            one(random, &["JOIN", "INNER JOIN", "LEFT JOIN", "RIGHT OUTER JOIN", "FULL JOIN", "CROSS JOIN"]);
        query = format!(
            "{query} {kind} {} AS {alias} ON {}",
            one(random, &TABLES[..3]),
            condition(random, &aliases, 2)
        );
    }
    if random.bool() {
        query = format!("{query} WHERE {}", condition(random, &aliases, 0));
    }
    if random.u8(..3) == 0 {
        query = format!(
            "{query} LIMIT {}",
            one(random, &["0", "3", "25", "100", "-1", "1.5", "ALL", "99999999999999999999"])
        );
    }
    if random.u8(..3) == 0 {
        query = format!("{query} OFFSET {}", one(random, &["0", "2", "9223372036854775807", "x"]));
    }
    query
}

/// Takes words away, repeats them and puts strange ones in.
fn spoiled(random: &mut Rng, query: &str) -> String {
    let mut words: Vec<&str> = query.split(' ').collect();
    for _ in 0..random.usize(1..4) {
        let at = random.usize(..words.len());
        match random.u8(..4) {
            0 if words.len() > 1 => drop(words.remove(at)),
            1 => words.insert(at, words[at]),
            2 => words.swap(0, at),
            _ => words.insert(at, one(random, &STRANGE)),
        }
    }
    words.join(" ")
}

#[tokio::test]
async fn no_generated_query_makes_a_server_error() {
    let client = Client::new(&EmbeddedVault::builder().build().unwrap());
    let people: Vec<Value> = (0..12)
        .map(|n| json!({"name": "Ada", "state": "CA", "age": n, "score": 1e308, "active": true, "metadata": {"a": n}}))
        .collect();
    client.insert("table1", &people).await;
    let persons: Vec<Value> =
        (0..12).map(|n| json!({"name": "Ada", "ssn": format!("123-45-67{n:02}")})).collect();
    client.insert("persons", &persons).await;
    client.insert("credit_cards", &[json!({"card_number": "4111111111111111", "cvv": "123"})]).await;

    let mut random = Rng::with_seed(SEED);
    let mut succeeded = 0;
    for _ in 0..QUERIES {
        let mut text = query(&mut random);
        if random.u8(..3) == 0 {
            text = spoiled(&mut random, &text);
        }
        let start = SystemClock.monotonic();
        let response = client.post("/query", json!({ "query": text })).await;
        let took = SystemClock.monotonic() - start;
        assert!(took < LONGEST, "{took:?}: {text}");
        match response.status.as_u16() {
            200 => succeeded += 1,
            status @ (400 | 404) => {
                let message = response.error(status);
                let is_known = message.starts_with("Query failed. ")
                    || message.starts_with("Invalid request. Table name ");
                assert!(is_known, "{message}: {text}");
            }
            status => panic!("{status} {}: {text}", response.body),
        }
    }
    assert!(succeeded > QUERIES / 20, "only {succeeded} queries are valid");
}
