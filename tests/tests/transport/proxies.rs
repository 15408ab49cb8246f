//! Connections through proxies that the tests play themselves.

use std::sync::Arc;
use std::time::Duration;

use skyflow_http::{ErrorKind, HttpService, ManualClock, Proxies, Transport};
use skyflow_testkit::Authority;
use skyflow_testkit::polling::{in_time, until};
use skyflow_testkit::raw_server::{ClosedPort, Connection, Io, RawServer};
use skyflow_tests::calls::{assert_kind, get, insert, request, send};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const CONNECTED: &str = "HTTP/1.1 200 Connection established\r\nvia: 1.1 proxy\r\n\r\n";
/// `user:pass word` in Base64.
const CREDENTIALS: &str = "Basic dXNlcjpwYXNzIHdvcmQ=";

async fn secure(authority: &Authority) -> RawServer {
    let identity = authority.issue("127.0.0.1").unwrap().offering(&["http/1.1"]);
    RawServer::start_tls(identity, respond).await.unwrap()
}

async fn respond(mut connection: Connection) {
    while connection.request().await.is_some() {
        connection.send(OK).await;
    }
}

fn client(authority: &Authority, proxies: Proxies) -> HttpService {
    let transport = Transport::builder().add_root_certificates_pem(authority.pem().as_bytes()).unwrap();
    transport.proxies(proxies).build().into_service()
}

/// An HTTP proxy that opens tunnels, for those who know the password where there is one.
async fn http_proxy(password: Option<&'static str>) -> RawServer {
    RawServer::start(move |mut connection: Connection| async move {
        let Some(asked) = connection.head().await else { return };
        let given = asked.headers.get("proxy-authorization").map(|value| value.to_str().unwrap());
        if given != password {
            return connection
                .send("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
                .await;
        }
        let Ok(mut server) = TcpStream::connect(&asked.target).await else {
            return connection.send("HTTP/1.1 502 Bad Gateway\r\n\r\n").await;
        };
        connection.send(CONNECTED).await;
        let _ = copy_bidirectional(&mut connection.into_io(), &mut server).await;
    })
    .await
    .unwrap()
}

/// Responds to each `CONNECT` with these bytes and closes.
async fn refusing_proxy(response: &'static str) -> RawServer {
    RawServer::start(move |mut connection: Connection| async move {
        connection.head().await;
        connection.send(response).await;
        connection.finish().await;
    })
    .await
    .unwrap()
}

fn through(proxy: &RawServer) -> Proxies {
    Proxies::all(&proxy.url("")).unwrap()
}

#[tokio::test]
async fn requests_go_through_a_tunnel() {
    let authority = Authority::new().unwrap();
    let (server, proxy) = (secure(&authority).await, http_proxy(None).await);
    let client = client(&authority, through(&proxy));
    for _ in 0..3 {
        let mut call = insert(&server.url("/v1/vaults?secret=1"), "{\"card\":\"4111\"}");
        call.headers_mut().insert("authorization", "Bearer canary".parse().unwrap());
        assert_eq!(in_time(send(&client, call)).await.unwrap().text, "ok");
    }
    assert_eq!((proxy.connections(), server.connections()), (1, 1), "a tunnel is a connection of the pool");
    let asked = proxy.requests().remove(0);
    assert_eq!((asked.method.as_str(), asked.target), ("CONNECT", server.address().to_string()));
    assert_eq!(asked.headers["host"], server.address().to_string());
    assert_eq!(asked.headers.len(), 1, "the proxy learns of nothing else");
}

#[tokio::test]
async fn plain_http_goes_through_a_tunnel_as_well() {
    let authority = Authority::new().unwrap();
    let (server, proxy) = (RawServer::start(respond).await.unwrap(), http_proxy(None).await);
    let client = client(&authority, through(&proxy));
    assert_eq!(in_time(send(&client, get(&server.url("/")))).await.unwrap().text, "ok");
    assert_eq!(proxy.requests()[0].method, "CONNECT");
}

#[tokio::test]
async fn proxy_receives_its_credentials() {
    let authority = Authority::new().unwrap();
    let (server, proxy) = (secure(&authority).await, http_proxy(Some(CREDENTIALS)).await);
    let with = |credentials: &str| Proxies::all(&format!("http://{credentials}{}", proxy.address())).unwrap();
    let known = client(&authority, with("user:pass%20word@"));
    assert_eq!(in_time(send(&known, get(&server.url("/")))).await.unwrap().text, "ok");
    assert!(!server.requests()[0].headers.contains_key("proxy-authorization"));

    for credentials in ["", "user:canary@", "canary@"] {
        let unknown = client(&authority, with(credentials));
        let error = assert_kind(in_time(send(&unknown, get(&server.url("/")))).await, ErrorKind::Proxy);
        let source = std::error::Error::source(&error).unwrap();
        let shown = format!("{error} {error:?} {source} {source:?}");
        assert!(shown.contains("407") && shown.contains(&proxy.address().to_string()), "{shown}");
        assert!(!shown.contains("canary") && !shown.contains("Y2FuYXJ5"), "{shown}");
    }
    assert_eq!(server.requests().len(), 1);
}

/// As tinyproxy responds to a wrong password.
#[tokio::test]
async fn proxy_401_is_about_its_password() {
    let authority = Authority::new().unwrap();
    let proxy = refusing_proxy("HTTP/1.1 401 Unauthorized\r\n\r\n").await;
    let address = format!("http://user:canary@{}", proxy.address());
    let client = client(&authority, Proxies::all(&address).unwrap());
    let error = assert_kind(in_time(send(&client, get("https://vault.example/"))).await, ErrorKind::Proxy);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("does not accept the user name and the password (HTTP 401)"), "{source}");
}

#[tokio::test]
async fn proxy_that_does_not_connect_is_an_error() {
    let authority = Authority::new().unwrap();
    let server = secure(&authority).await;
    let long: &'static str =
        Box::leak(format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(20_000)).into_boxed_str());
    for (response, kind) in [
        ("HTTP/1.1 403 Forbidden\r\n\r\n", ErrorKind::Proxy),
        ("HTTP/1.1 405 Method Not Allowed\r\n\r\n", ErrorKind::Proxy),
        ("HTTP/1.0 302 Found\r\nlocation: http://login/\r\n\r\n", ErrorKind::Proxy),
        ("HTTP/1.1 500 Unable to connect\r\n\r\n", ErrorKind::Connect),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", ErrorKind::Connect),
        ("HTTP/1.1 504 Gateway Timeout\r\n\r\n", ErrorKind::Connect),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", ErrorKind::Proxy),
        ("HTTP/1.1 20\r\n\r\n", ErrorKind::Proxy),
        ("HTTP/1.1 2x0 OK\r\n\r\n", ErrorKind::Proxy),
        (long, ErrorKind::Proxy),
        ("HTTP/1.1 200 OK\r\n", ErrorKind::Connect),
        ("", ErrorKind::Connect),
    ] {
        let proxy = refusing_proxy(response).await;
        let client = client(&authority, through(&proxy));
        let result = in_time(send(&client, insert(&server.url("/"), "{}"))).await;
        assert_kind(result, kind);
    }
    assert_eq!(server.connections(), 0);

    let closed = ClosedPort::new().unwrap();
    let client = client(&authority, Proxies::all(&closed.address().to_string()).unwrap());
    assert_kind(in_time(send(&client, insert(&server.url("/"), "{}"))).await, ErrorKind::Connect);
}

#[tokio::test]
async fn silent_proxy_ends_with_the_connect_timeout() {
    let proxy = RawServer::start(|mut connection: Connection| async move {
        connection.closed_by_client().await;
    })
    .await
    .unwrap();
    let clock = ManualClock::new();
    let transport = Transport::builder().proxies(through(&proxy)).clock(Arc::new(clock.clone()));
    let client = transport.build().into_service();
    let call = tokio::spawn(async move { send(&client, get("https://vault.example/")).await });
    until(|| proxy.connections() == 1 && clock.sleepers() == 1).await;
    clock.advance(Duration::from_millis(3_100));
    assert_kind(in_time(call).await.unwrap(), ErrorKind::Connect);
}

#[tokio::test]
async fn exceptions_are_connected_directly() {
    let authority = Authority::new().unwrap();
    let (server, proxy) = (secure(&authority).await, http_proxy(None).await);
    for (proxies, tunnels) in [
        (through(&proxy).except("127.0.0.0/8").unwrap(), 0),
        (through(&proxy).except("10.0.0.0/8, example.com").unwrap(), 1),
        (through(&proxy).except("*").unwrap(), 1),
        (Proxies::none(), 1),
    ] {
        let client = client(&authority, proxies);
        assert_eq!(in_time(send(&client, get(&server.url("/")))).await.unwrap().text, "ok");
        assert_eq!(proxy.connections(), tunnels);
    }
}

#[tokio::test]
async fn tls_is_that_of_the_server_and_not_the_proxy() {
    let (known, unknown) = (Authority::new().unwrap(), Authority::new().unwrap());
    let (server, proxy) = (secure(&unknown).await, http_proxy(None).await);
    let client = client(&known, through(&proxy));
    assert_kind(in_time(send(&client, get(&server.url("/")))).await, ErrorKind::Tls);
    assert_eq!(proxy.connections(), 1);
}

/// A SOCKS5 proxy (RFC 1928, 1929), which returns what it was asked for.
async fn socks_proxy(
    password: Option<(&'static str, &'static str)>,
    status: u8,
) -> (RawServer, Arc<std::sync::Mutex<Vec<String>>>) {
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let server = RawServer::start(move |connection: Connection| {
        let log = Arc::clone(&log);
        async move {
            let _ = socks(connection.into_io(), password, status, &log).await;
        }
    })
    .await
    .unwrap();
    (server, asked)
}

async fn socks(
    mut io: Io,
    password: Option<(&str, &str)>,
    status: u8,
    log: &std::sync::Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let [_, methods] = [io.read_u8().await?, io.read_u8().await?];
    let mut offered = vec![0; methods.into()];
    io.read_exact(&mut offered).await?;
    let method = if password.is_some() { 2 } else { 0 };
    if !offered.contains(&method) {
        return io.write_all(&[5, 0xff]).await;
    }
    io.write_all(&[5, method]).await?;
    if let Some((user, secret)) = password {
        io.read_u8().await?;
        let mut given = Vec::new();
        for _ in 0..2 {
            let mut text = vec![0; io.read_u8().await?.into()];
            io.read_exact(&mut text).await?;
            given.push(String::from_utf8(text).unwrap());
        }
        let is_known = given == [user, secret];
        io.write_all(&[1, u8::from(!is_known)]).await?;
        if !is_known {
            return Ok(());
        }
    }
    let mut head = [0; 4];
    io.read_exact(&mut head).await?;
    let host = match head[3] {
        1 => {
            let mut address = [0; 4];
            io.read_exact(&mut address).await?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        3 => {
            let mut name = vec![0; io.read_u8().await?.into()];
            io.read_exact(&mut name).await?;
            String::from_utf8(name).unwrap()
        }
        other => panic!("address type {other}"),
    };
    let port = io.read_u16().await?;
    log.lock().unwrap().push(format!("{host}:{port}"));
    io.write_all(&[5, status, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    if status == 0 {
        let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
        copy_bidirectional(&mut io, &mut server).await?;
    }
    Ok(())
}

#[tokio::test]
async fn socks_proxy_resolves_names_on_request() {
    let authority = Authority::new().unwrap();
    let identity = authority.issue("vault.example").unwrap().offering(&["http/1.1"]);
    let server = RawServer::start_tls(identity, respond).await.unwrap();
    let port = server.address().port();
    for (scheme, host) in [("socks5h", "vault.example"), ("socks5", "127.0.0.9")] {
        for password in [None, Some(("user", "pass word"))] {
            let (proxy, asked) = socks_proxy(password, 0).await;
            let credentials = password.map_or("", |_| "user:pass%20word@");
            let url = format!("{scheme}://{credentials}{}", proxy.address());
            let client = Transport::builder()
                .add_root_certificates_pem(authority.pem().as_bytes())
                .unwrap()
                .proxies(Proxies::all(&url).unwrap())
                .resolver(|name| async move {
                    assert_eq!(name, "vault.example");
                    Ok(vec!["127.0.0.9:0".parse().unwrap()])
                })
                .build()
                .into_service();
            let response = in_time(send(&client, get(&format!("https://vault.example:{port}/")))).await;
            assert_eq!(response.unwrap().text, "ok");
            assert_eq!(*asked.lock().unwrap(), [format!("{host}:{port}")]);
        }
    }
}

#[tokio::test]
async fn socks_refusals_are_not_sent_errors() {
    let wrong = (Some(("user", "other")), 0);
    for (password, status) in [wrong, (None, 1), (None, 2), (None, 5), (None, 8)] {
        let (proxy, _) = socks_proxy(password, status).await;
        let url = format!("socks5h://user:canary@{}", proxy.address());
        let url = if password.is_some() { url } else { format!("socks5h://{}", proxy.address()) };
        let client = Transport::builder().proxies(Proxies::all(&url).unwrap()).build().into_service();
        let error = assert_kind(
            in_time(send(&client, insert("https://vault.example/", "{}"))).await,
            ErrorKind::Connect,
        );
        let source = std::error::Error::source(&error).unwrap();
        let shown = format!("{error} {error:?} {source} {source:?}");
        assert!(shown.contains(&proxy.address().to_string()) && !shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn failed_tunnel_is_retried_where_it_may_help() {
    let authority = Authority::new().unwrap();
    for (response, attempts) in
        [("HTTP/1.1 503 Busy\r\n\r\n", 3), ("HTTP/1.1 407 No\r\n\r\n", 1), ("HTTP/1.1 403 No\r\n\r\n", 1)]
    {
        let proxy = refusing_proxy(response).await;
        let clock = Arc::new(ManualClock::auto_advancing());
        let stack = skyflow_http::Stack::new(clock).no_deadline().no_attempt_timeout();
        let client = stack.build(client(&authority, through(&proxy)));
        let call = request(
            http::Method::POST,
            "https://vault.example/",
            skyflow_http::Idempotency::NonIdempotent,
            "{}".into(),
        );
        in_time(send(&client, call)).await.unwrap_err();
        assert_eq!(proxy.requests().len(), attempts, "{response}");
    }
}
