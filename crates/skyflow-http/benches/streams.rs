//! Many calls at once to an HTTP/2 server that takes 100 ms and allows 128 streams a connection, by this transport and
//! by eight plain hyper clients used in turn.
//!
//! `cargo xtask bench streams`; `--tasks` and `--seconds` change the load.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that measures"
)]
#![allow(missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use skyflow_http::{Body, HttpVersions, Proxies, Request, SystemClock, Transport};
use skyflow_testkit::{Constant, Fault, FaultLayer, Faults, Server};
use tokio::net::TcpStream;
use tower_layer::Layer;

const LATENCY: Duration = Duration::from_millis(100);
const CLIENTS: usize = 8;

/// Serves HTTP/2 without TLS, each response after [`LATENCY`].
async fn serve(streams: u32) -> Server {
    let faults = Faults::new();
    faults.inject(Fault::latency(LATENCY));
    let service = FaultLayer::new(faults, SystemClock::shared()).layer(Constant::new("{}"));
    Server::serve(service).http2_only().max_concurrent_streams(streams).await.unwrap()
}

/// Calls by many tasks for a while; returns the calls in a second.
async fn measure<F, Fut>(tasks: usize, duration: Duration, call: F) -> f64
where
    F: Fn() -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + Send,
{
    let done = Arc::new(AtomicUsize::new(0));
    // What opens connections is not measured.
    let warm = Instant::now() + duration / 2;
    let end = warm + duration;
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let (call, done) = (call.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                while Instant::now() < end {
                    call().await;
                    if Instant::now() >= warm {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for task in running {
        task.await.unwrap();
    }
    done.load(Ordering::Relaxed) as f64 / (end.elapsed() + duration).as_secs_f64()
}

async fn ours(tasks: usize, duration: Duration, streams: u32) -> (f64, usize) {
    let server = serve(streams).await;
    let transport = Transport::builder().http_versions(HttpVersions::Http2).proxies(Proxies::none()).build();
    let service = transport.into_service();
    let url = server.url("/v1/vaults");
    let rate = measure(tasks, duration, move || {
        let (service, url) = (service.clone(), url.clone());
        async move {
            let request: Request = http::Request::post(url).body(Body::from("{}")).unwrap();
            service.send(request).await.unwrap().into_body().collect(1024).await.unwrap();
        }
    })
    .await;
    (rate, server.connections())
}

async fn plain(tasks: usize, duration: Duration, streams: u32) -> (f64, usize) {
    let server = serve(streams).await;
    let mut clients: Vec<SendRequest<Full<Bytes>>> = Vec::new();
    for _ in 0..CLIENTS {
        let tcp = TcpStream::connect(server.addr()).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let (client, connection) =
            http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(tcp)).await.unwrap();
        tokio::spawn(connection);
        clients.push(client);
    }
    let (clients, next) = (Arc::new(clients), Arc::new(AtomicUsize::new(0)));
    let url = server.url("/v1/vaults");
    let rate = measure(tasks, duration, move || {
        let turn = next.fetch_add(1, Ordering::Relaxed) % CLIENTS;
        let (client, url) = (clients.get(turn).cloned(), url.clone());
        async move {
            let request = http::Request::post(url).body(Full::new(Bytes::from_static(b"{}"))).unwrap();
            client.unwrap().send_request(request).await.unwrap().into_body().collect().await.unwrap();
        }
    })
    .await;
    (rate, server.connections())
}

/// Reads `--name value`.
fn option(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1).and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn main() {
    // `cargo test --benches` compiles this program and only shows that it starts.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let tasks = usize::try_from(option("--tasks", 1_000)).unwrap();
    let duration = Duration::from_secs(option("--seconds", 5));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        println!("{:<28} {:>6} {:>8} {:>12} {:>9}", "client", "tasks", "streams", "connections", "calls/s");
        let row = |client: &str, tasks: usize, streams: u32, (rate, connections): (f64, usize)| {
            println!("{client:<28} {tasks:>6} {streams:>8} {connections:>12} {rate:>9.0}");
            (rate, connections)
        };
        let theirs = row("8 plain hyper clients", tasks, 128, plain(tasks, duration, 128).await);
        let pooled = row("this transport", tasks, 128, ours(tasks, duration, 128).await);
        let few = row("this transport", 100, 100, ours(100, duration, 100).await);
        let ratio = pooled.0 / theirs.0;
        println!("ratio {ratio:.2} (at least 0.80), connections {} (at most 8), {} (1)", pooled.1, few.1);
        if ratio < 0.8 || pooled.1 > 8 || few.1 != 1 {
            std::process::exit(1);
        }
    });
}
