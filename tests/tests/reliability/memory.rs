//! R13: a response without an end costs little memory.

use bytes::Bytes;
use skyflow_http::{ErrorKind, Stack, SystemClock, Transport};
use skyflow_testkit::polling::in_time;
use skyflow_testkit::raw_server::{Connection, RawServer};
use skyflow_tests::calls::{get, send};

use crate::child;

/// Above the limit of 64 MiB, its last piece, and the buffers of both sides.
const MOST_KIB: u64 = 100 * 1024;

#[cfg(target_os = "linux")]
#[test]
fn rel_r13_endless_response_costs_little_memory() {
    if !child::is_child() {
        return child::run("memory::rel_r13_endless_response_costs_little_memory", 1_024);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for head in [
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 10000000000000\r\n\r\n",
        ] {
            let is_chunked = head.contains("chunked");
            let server = RawServer::start(move |mut connection: Connection| async move {
                connection.request().await;
                connection.send(head).await;
                let data = Bytes::from(vec![b'x'; 65_536]);
                // The client closes at its limit.
                for _ in 0..4_096 {
                    if is_chunked {
                        connection.send("10000\r\n").await;
                    }
                    connection.send(&data).await;
                    if is_chunked {
                        connection.send("\r\n").await;
                    }
                }
            })
            .await
            .unwrap();
            let before = child::status_kib("VmRSS");
            let stack = Stack::new(SystemClock::shared()).build(Transport::new().into_service());
            let error = in_time(send(&stack, get(&server.url("/")))).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BodyTooLarge);
            let grown = child::status_kib("VmHWM").saturating_sub(before);
            println!("{head:?}: {grown} KiB");
            assert!(grown < MOST_KIB, "{head:?}: {grown} KiB");
        }
    });
}
