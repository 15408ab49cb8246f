//! A server that does no work: it reads one request after another and sends the bytes that its path asks for.
//!
//! `bench-server [<ms>]` waits that long before each response, as a network does: a client then always waits for it, and
//! executes the same instructions in each run.
//!
//! It prints the port of HTTP and, with the feature `tls`, the port of HTTPS and the certificate to trust, as JSON on one
//! line, and serves until its standard input ends.

#[cfg(feature = "tls")]
#[path = "server/https.rs"]
mod https;

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let pause = std::env::args().nth(1).map_or(Ok(0), |pause| pause.parse())?;
    let pause = Duration::from_millis(pause);
    let plain = TcpListener::bind("127.0.0.1:0")?;
    #[cfg_attr(not(feature = "tls"), expect(unused_mut, reason = "https adds its port and certificate"))]
    let mut said = json!({"http": plain.local_addr()?.port()});
    accept(plain, move |connection| serve(connection, pause));
    #[cfg(feature = "tls")]
    {
        let secure = TcpListener::bind("127.0.0.1:0")?;
        said["https"] = json!(secure.local_addr()?.port());
        let (certificate, config) = https::certificate()?;
        said["certificate"] = json!(certificate);
        accept(secure, move |connection| {
            if let Some(connection) = https::encrypted(connection, &config) {
                serve(connection, pause);
            }
        });
    }
    println!("{said}");
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn accept(listener: TcpListener, serve: impl Fn(TcpStream) + Clone + Send + 'static) {
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let serve = serve.clone();
            let _ = connection.set_nodelay(true);
            thread::spawn(move || serve(connection));
        }
    });
}

/// Rows by the path and the size of the request: as many as it asks for, compressed when it accepts that.
fn response(head: &str, body: &str) -> io::Result<Vec<u8>> {
    let count = |needle: &str| body.matches(needle).count();
    let body = if head.starts_with("POST /v1/auth/sa/oauth/token ") {
        json!({"accessToken": "a-token-that-is-exchanged", "tokenType": "Bearer", "expiresIn": 3600})
    } else if head.contains("/detokenize ") {
        let records = (0..count("\"token\"")).map(|row| {
            let token = format!("{row:04}-4629-3722-7102");
            json!({"token": token, "valueType": "STRING", "value": format!("4111111111{row:06}")})
        });
        json!({"records": records.collect::<Vec<_>>()})
    } else if head.starts_with("GET /v1/secrets/") {
        json!({
            "path": "app/db/password",
            "secret_type": "json",
            "version": 7,
            "data": {
                "username": "app", "password": "kX2-9fQz7_Lm4Tn8Wv3", "host": "db.internal.example", "port": 5432
            },
            "metadata": {"tags": ["db", "production"], "owner": "team-a"},
            "created_at": "2026-01-02T03:04:05.123456Z",
            "updated_at": "2026-02-03T04:05:06.123456Z",
            "expires_at": null,
            "last_accessed_at": "2026-02-03T04:05:07.000000Z",
            "rotation_policy_id": null,
            "secret_policy_id": null
        })
    } else if head.starts_with("GET ") {
        let records = (0..head.matches("skyflow_ids=").count()).map(|row| {
            json!({"fields": {
                "skyflow_id": id(row), "card_number": format!("4111111111{row:06}"), "cardholder_name": "John Doe"
            }})
        });
        json!({"records": records.collect::<Vec<_>>()})
    } else {
        let records = (0..count("\"fields\"")).map(|row| {
            json!({"skyflow_id": id(row), "tokens": {
                "card_number": format!("{row:04}-4629-3722-7102"),
                "cardholder_name": "0f6b8a2c-5a55-4d0e-a8a3-1b5f6a0e6b0c"
            }})
        });
        json!({"records": records.collect::<Vec<_>>()})
    };
    let mut body = body.to_string().into_bytes();
    let mut encoding = "";
    if head.to_ascii_lowercase().contains("accept-encoding: gzip") {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&body)?;
        body = encoder.finish()?;
        encoding = "content-encoding: gzip\r\n";
    }
    let mut response = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: 5d5d7e21-c789-9fcc-ba31-2a279d3a28ef\r\n\
         {encoding}content-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    response.append(&mut body);
    Ok(response)
}

fn id(row: usize) -> String {
    format!("b9b80eef-4a4a-4b9c-8f9a-{row:012}")
}

/// The same request has the same response, which is made once.
fn serve(mut connection: impl Read + Write, pause: Duration) {
    let mut received = Vec::new();
    let mut chunk = vec![0; 1 << 16];
    let mut last: Option<(Vec<u8>, Vec<u8>)> = None;
    loop {
        let Ok(read @ 1..) = connection.read(&mut chunk) else { return };
        received.extend_from_slice(chunk.get(..read).unwrap_or_default());
        let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let (head, body) = received.split_at(end + 4);
        let length = content_length(head);
        if body.len() < length {
            continue;
        }
        if last.as_ref().is_none_or(|(request, _)| *request != received) {
            let made = response(&String::from_utf8_lossy(head), &String::from_utf8_lossy(body));
            let Ok(made) = made else { return };
            last = Some((received.clone(), made));
        }
        let Some((_, response)) = &last else { return };
        if !pause.is_zero() {
            thread::sleep(pause);
        }
        if connection.write_all(response).and_then(|()| connection.flush()).is_err() {
            return;
        }
        received.clear();
    }
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let value = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}
