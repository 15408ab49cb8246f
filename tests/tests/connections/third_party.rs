//! A scripted third party behind a connection.

use std::sync::Arc;

use skyflow::http::{ErrorKind, ManualClock};
use skyflow::{Connection, ConnectionConfig, Credentials, InvokeConnectionRequest, Skyflow, SkyflowBuilder};
use skyflow_testkit::{API_KEY, Exchange, Reply, Scripted};

pub(crate) const URL: &str = "https://c.gateway.skyflowapis.com/v1/gateway/outboundRoutes/o1/route";

/// Makes a response with a request id.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &'static [u8]) -> Reply {
    let head = Reply::status(status).header("x-request-id", "req-1").body(body);
    headers.iter().fold(head, |reply, (name, value)| reply.header(*name, *value))
}

pub(crate) fn ok() -> Reply {
    reply(200, &[("content-type", "application/json")], br#"{"ok":true}"#)
}

/// The connection breaks while the request is in flight.
pub(crate) fn breaks() -> Reply {
    Reply::fails(ErrorKind::Io)
}

/// The request is never sent.
pub(crate) fn not_connected() -> Reply {
    Reply::fails(ErrorKind::Connect)
}

/// Clients of one third party, with an API key.
pub(crate) trait Clients {
    fn builder(&self) -> SkyflowBuilder;

    fn at(&self, url: &str) -> Connection {
        let client = self.builder().connection(ConnectionConfig::new("c1", url)).build().unwrap();
        client.connection("c1").unwrap()
    }
}

impl Clients for Scripted {
    fn builder(&self) -> SkyflowBuilder {
        Skyflow::builder()
            .credentials(Credentials::api_key(API_KEY).unwrap())
            .transport(self.clone())
            .clock(Arc::new(ManualClock::auto_advancing()))
    }
}

/// Sends a request to a third party that accepts it, and returns what it received.
pub(crate) async fn send(request: InvokeConnectionRequest) -> Exchange {
    send_to(URL, request).await
}

pub(crate) async fn send_to(url: &str, request: InvokeConnectionRequest) -> Exchange {
    let third_party = Scripted::new([ok()]);
    // A file is read while the call is under way, and time must not jump meanwhile.
    let builder = third_party.builder().clock(Arc::new(ManualClock::new()));
    let client = builder.connection(ConnectionConfig::new("c1", url)).build().unwrap();
    client.connection("c1").unwrap().invoke(request).await.unwrap();
    let mut sent = third_party.requests();
    assert_eq!(sent.len(), 1);
    sent.remove(0)
}
