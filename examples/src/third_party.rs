//! A third party on a loopback port, for the examples of connections.

use std::io;
use std::sync::Arc;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Starts a server of JSON: `answer` gets path and body of each request, and returns status and body. Returns its URL.
///
/// # Errors
///
/// Fails when no loopback port can be opened.
pub async fn start<F>(answer: F) -> io::Result<String>
where
    F: Fn(&str, Value) -> (u16, Value) + Send + Sync + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                // A client that goes away is no concern of the next one.
                let _ = serve(stream, answer.as_ref()).await;
            });
        }
    });
    Ok(url)
}

/// Answers one request and closes.
async fn serve<F>(mut stream: TcpStream, answer: &F) -> io::Result<()>
where
    F: Fn(&str, Value) -> (u16, Value),
{
    let mut received = Vec::new();
    let (path, body) = loop {
        if let Some(request) = request_in(&received) {
            break request;
        }
        if stream.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
    };
    let (status, body) = answer(&path, body);
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} Answer\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes()).await
}

/// Reads path and JSON body once they are there whole.
fn request_in(received: &[u8]) -> Option<(String, Value)> {
    let text = std::str::from_utf8(received).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let body = body.get(..length.unwrap_or_default())?;
    let path = head.split(' ').nth(1)?.to_owned();
    Some((path, serde_json::from_str(body).unwrap_or_default()))
}
