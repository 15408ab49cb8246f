//! What the benchmarks share: a server that does no work, and the floor under every client.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use skyflow::Credentials;
use tokio::runtime::{Builder, Runtime};

/// A server that reads one request after another and sends the same bytes for each method.
pub(crate) fn server(responses: impl Fn(&str) -> String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let whole = |method: &str| {
        let body = responses(method);
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
    };
    let responses = Arc::new([whole("GET"), whole("POST")]);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let (connection, responses) = (connection.unwrap(), Arc::clone(&responses));
            connection.set_nodelay(true).unwrap();
            std::thread::spawn(move || serve(connection, &responses));
        }
    });
    address
}

fn serve(mut connection: TcpStream, [to_get, to_post]: &[String; 2]) {
    let mut chunk = vec![0; 1 << 20];
    let mut head = Vec::new();
    // The rest of a body whose head has been read.
    let mut missing = None;
    while let Ok(read @ 1..) = connection.read(&mut chunk) {
        let left = match missing {
            Some(missing) => missing,
            None => {
                head.extend_from_slice(chunk.get(..read).unwrap());
                let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
                let text = String::from_utf8_lossy(head.get(..end).unwrap()).to_ascii_lowercase();
                let length = text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
                // The last read may have brought a part of the body.
                end + 4 + length.map_or(0, |length| length.parse::<usize>().unwrap()) + read - head.len()
            }
        };
        missing = Some(left - read);
        if left == read {
            let response = if head.starts_with(b"GET") { to_get } else { to_post };
            connection.write_all(response.as_bytes()).unwrap();
            head.clear();
            missing = None;
        }
    }
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) fn key() -> Credentials {
    Credentials::api_key(skyflow_testkit::API_KEY).unwrap()
}

/// hyper's client alone.
pub(crate) struct RawHyper(Client<HttpConnector, Full<Bytes>>);

impl RawHyper {
    pub(crate) fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    pub(crate) async fn call(&self, method: &str, uri: &str, body: Bytes) -> Bytes {
        let request = hyper::Request::builder().method(method).uri(uri);
        let request = request.header("content-type", "application/json").body(Full::new(body)).unwrap();
        self.0.request(request).await.unwrap().into_body().collect().await.unwrap().to_bytes()
    }
}
