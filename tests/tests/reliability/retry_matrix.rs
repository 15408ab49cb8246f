//! R02: which failures each public operation is repeated after, over sockets.

use std::time::Duration;

use skyflow::{ConnectionConfig, Credentials, Error, Skyflow, VaultConfig};
use skyflow_http::layers::{Backoff, RetryBudget, RetryLayer};
use skyflow_http::{Stack, SystemClock};
use skyflow_testkit::API_KEY;
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::{ClosedPort, Connection, RawServer};

use crate::operations::{self, Class, Handles, PublicOperation};

/// What a server does with each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    RefusesConnections,
    KeepsSilent,
    Closes,
    Resets,
    CutsTheHead,
    CutsTheBody,
    SpeaksNoHttp,
    Status(u16),
    Succeeds(&'static str),
}
use Behaviour::{
    Closes, CutsTheBody, CutsTheHead, KeepsSilent, RefusesConnections, Resets, SpeaksNoHttp, Status, Succeeds,
};

const BEHAVIOURS: [Behaviour; 30] = [
    RefusesConnections,
    KeepsSilent,
    Closes,
    Resets,
    CutsTheHead,
    CutsTheBody,
    SpeaksNoHttp,
    Status(301),
    Status(400),
    Status(401),
    Status(403),
    Status(404),
    Status(405),
    Status(408),
    Status(409),
    Status(410),
    Status(413),
    Status(422),
    Status(425),
    Status(429),
    Status(500),
    Status(501),
    Status(502),
    Status(503),
    Status(504),
    Status(505),
    Status(507),
    Succeeds("{"),
    Succeeds("<html></html>"),
    Succeeds(""),
];

impl Behaviour {
    async fn serve(self) -> RawServer {
        RawServer::start(move |mut connection: Connection| async move {
            while connection.request().await.is_some() {
                match self {
                    RefusesConnections => unreachable!("nothing listens"),
                    KeepsSilent => return connection.closed_by_client().await,
                    Closes => return,
                    Resets => return connection.reset(),
                    CutsTheHead => return connection.send("HTTP/1.1 200 OK\r\ncontent-").await,
                    CutsTheBody => {
                        return connection.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await;
                    }
                    SpeaksNoHttp => return connection.send("SSH-2.0-OpenSSH_9.2\r\n").await,
                    Status(status) => {
                        connection.send(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n")).await;
                    }
                    Succeeds(body) => {
                        let length = body.len();
                        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
                        connection.send(format!("{head}content-length: {length}\r\n\r\n{body}")).await;
                    }
                }
            }
        })
        .await
        .unwrap()
    }

    /// Tells whether the server may have executed the request.
    fn is_ambiguous(self) -> bool {
        match self {
            RefusesConnections => false,
            Status(status) => status == 408 || status >= 500,
            _ => true,
        }
    }

    fn is_worth_a_repeat(self) -> bool {
        match self {
            Status(status) => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            Succeeds(_) => false,
            _ => true,
        }
    }

    fn is_repeated(self, class: Class) -> bool {
        let proves_nothing_executed = matches!(self, RefusesConnections | Status(429));
        self.is_worth_a_repeat()
            && match class {
                Class::Reads | Class::Repeatable | Class::MarkedThirdParty => true,
                Class::WritesAgain => proves_nothing_executed,
                Class::ReadOnce | Class::ThirdParty => self == RefusesConnections,
            }
    }
}

/// A client without pauses whose attempts end after a short time.
fn handles(url: &str, file: &std::path::Path) -> Handles {
    let clock = SystemClock::shared();
    let retry = RetryLayer::new(clock.clone())
        .backoff(Backoff::new().base(Duration::ZERO).throttled_base(Duration::ZERO))
        .budget(RetryBudget::with_capacity(u32::MAX));
    let client = Skyflow::builder()
        .stack(Stack::new(clock).retry(retry))
        .credentials(Credentials::api_key(API_KEY).unwrap())
        .vault(VaultConfig::with_base_url("v1", url))
        .connection(ConnectionConfig::new("c1", format!("{url}/charge")))
        .build()
        .unwrap();
    Handles {
        vault: client.default_vault().unwrap(),
        detect: client.default_detect().unwrap(),
        connection: client.default_connection().unwrap(),
        file: file.to_owned(),
    }
}

async fn run(operation: &PublicOperation, handles: &Handles, behaviour: Behaviour) -> Result<(), Error> {
    let mut handles = handles.clone();
    if behaviour == KeepsSilent {
        let short = Duration::from_millis(60);
        handles.vault = handles.vault.with_options(skyflow::CallOptions::new().attempt_timeout(short));
        handles.detect = handles.detect.with_options(skyflow::CallOptions::new().attempt_timeout(short));
        let options = skyflow::CallOptions::new().attempt_timeout(short);
        // An operation that changes the options of the connection sets its own.
        handles.connection = handles.connection.with_options(options);
    }
    in_time((operation.run)(handles)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rel_r02_matrix_of_every_public_operation() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.txt");
    std::fs::write(&file, vec![b'x'; 100_000]).unwrap();
    let operations = operations::all();
    let mut cells = 0;
    for behaviour in BEHAVIOURS {
        let closed = ClosedPort::new().unwrap();
        let server = behaviour.serve().await;
        let url = match behaviour {
            RefusesConnections => format!("http://{}", closed.address()),
            _ => server.url(""),
        };
        let handles = handles(&url, &file);
        for operation in &operations {
            if behaviour == KeepsSilent && operation.name == "connection, idempotent" {
                continue;
            }
            let cell = format!("{} x {behaviour:?}", operation.name);
            let before = server.requests().len();
            let outcome = run(operation, &handles, behaviour).await;
            let sent = server.requests().len() - before;
            let expected = if behaviour.is_repeated(operation.class) { operation.attempts } else { 1 };
            match &outcome {
                Ok(()) => assert!(matches!(behaviour, Succeeds(_)), "{cell}"),
                Err(error) => {
                    assert_eq!(error.attempts() as usize, expected, "{cell}: {error:?}");
                    let is_known = matches!(operation.class, Class::Repeatable | Class::WritesAgain)
                        && behaviour != Status(301);
                    if is_known {
                        assert_eq!(
                            error.may_have_been_applied(),
                            behaviour.is_ambiguous(),
                            "{cell}: {error:?}"
                        );
                    }
                }
            }
            if behaviour != RefusesConnections {
                assert_eq!(sent, expected, "{cell}: {outcome:?}");
            }
            cells += 1;
        }
    }
    assert!(cells >= 30 * 27, "{cells}");
    println!("{cells} cells: {} operations, {} behaviours", operations.len(), BEHAVIOURS.len());
}
