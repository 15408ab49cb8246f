//! Searches memory for a key after it was dropped. Linux shows a process its own memory.

#![expect(non_snake_case, reason = "T13 is the id of a promise")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skyflow_auth::{
    AccessToken, ApiKey, AuthHeader, AuthLayer, Credentials, DataTokenSigner, HostGuard, ServiceAccountKey,
    TokenExchange,
};
use skyflow_http::{BaseUri, Body, BoxError, HttpService, Request, Response};
use skyflow_testkit::API_KEY;
use tower_layer::Layer;
use zeroize::Zeroizing;

use crate::support::TestKey;

const MASK: u8 = 0x55;

#[test]
fn rel_T13_a_dropped_key_is_wiped() {
    let key = TestKey::generate();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), key.json().to_string()).unwrap();
    let body: String = key.pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(&body).unwrap();
    // In the second half of the document are the primes and exponents, which are secret.
    let in_der = &der[700..732];
    // Within one line of the PEM text.
    let in_pem = &body.as_bytes()[1028..1060];
    let mut reversed = in_der.to_vec();
    reversed.reverse();
    // The child must not hold in plain what it looks for.
    let masked: Vec<String> = [in_der, in_pem, &reversed].iter().map(|needle| masked(needle)).collect();
    let run = |mode: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
                "memory::child_counts_what_is_left",
            ])
            .env("AUTH_TEST_FILE", file.path())
            .env("AUTH_TEST_NEEDLES", masked.join(","))
            .env("AUTH_TEST_MODE", mode)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let count = text.split_once("left=").expect(&text).1.split_whitespace().next().unwrap().to_owned();
        count.parse::<usize>().unwrap()
    };
    assert!(run("leak") > 0, "the search finds the text of a key that is there");
    assert!(run("hold") > 0, "the search finds a parsed key that is there");
    assert_eq!(run("drop"), 0, "copies of the key are left");
}

fn masked(text: &[u8]) -> String {
    text.iter().map(|byte| format!("{:02x}", byte ^ MASK)).collect()
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

/// Reads the hexadecimal digits of masked bytes.
fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}

#[test]
#[ignore = "run in a child process"]
fn child_counts_what_is_left() {
    let path = variable("AUTH_TEST_FILE");
    let key = ServiceAccountKey::from_path(&path).unwrap();
    let signer = DataTokenSigner::new(key.clone());
    signer.sign("a token").unwrap();
    drop((ApiKey::new(API_KEY).unwrap(), AccessToken::new("t").unwrap()));
    let mode = variable("AUTH_TEST_MODE");
    let leaked = (mode == "leak").then(|| fs::read(&path).unwrap());
    let held = Some(signer).filter(|_| mode == "hold");
    drop(key);
    let needles: Vec<Vec<u8>> = variable("AUTH_TEST_NEEDLES").split(',').map(bytes).collect();
    println!("left={} ", left(&needles));
    drop((leaked, held));
}

/// Counts the masked needles in the writable memory of this process.
fn left(needles: &[Vec<u8>]) -> usize {
    let memory = File::open("/proc/self/mem").unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut left = 0;
    let mut page = vec![0; 4096 + 64];
    for map in maps.lines().filter(|map| map.contains(" rw-p ")) {
        let (start, rest) = map.split_once('-').unwrap();
        let end = u64::from_str_radix(rest.split_once(' ').unwrap().0, 16).unwrap();
        let mut at = u64::from_str_radix(start, 16).unwrap();
        while at < end {
            let read = memory.read_at(&mut page, at).unwrap_or(0);
            left += needles.iter().map(|needle| count(&page[..read], needle)).sum::<usize>();
            at += 4096;
        }
    }
    left
}

#[test]
fn rel_T13_dropped_tokens_are_wiped() {
    let bearer: String = std::iter::repeat_with(fastrand::alphanumeric).take(48).collect();
    let secret: String = std::iter::repeat_with(|| fastrand::digit(16)).take(32).collect();
    let api_key = format!("sky-abcde-{secret}");
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), TestKey::shared().json().to_string()).unwrap();
    let run = |mode: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .arg("memory::child_uses_and_drops_tokens")
            .env("AUTH_TEST_FILE", file.path())
            .env("AUTH_TEST_BEARER", masked(bearer.as_bytes()))
            .env("AUTH_TEST_KEY", masked(api_key.as_bytes()))
            .env("AUTH_TEST_MODE", mode)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let counts = text.split_once("left=").expect(&text).1.split_whitespace().next().unwrap().to_owned();
        counts.split(',').map(|count| count.parse::<usize>().unwrap()).collect::<Vec<_>>()
    };
    let held = run("hold");
    assert!(held.iter().all(|count| *count > 0), "the search finds what is there: {held:?}");
    assert_eq!(run("drop"), [0, 0, 0], "copies of the bearer token, the API key or the assertion are left");
}

#[tokio::test(flavor = "current_thread")]
#[ignore = "run in a child process"]
async fn child_uses_and_drops_tokens() {
    fn unmasked(name: &str) -> Zeroizing<Vec<u8>> {
        let mut plain = Zeroizing::new(bytes(&variable(name)));
        plain.iter_mut().for_each(|byte| *byte ^= MASK);
        plain
    }
    let holds = variable("AUTH_TEST_MODE") == "hold";
    // The tail of the assertion, masked: its signature is not known before.
    let assertion = Arc::new(Mutex::new((Vec::new(), None)));
    let seen = Arc::clone(&assertion);
    // Not the test kit's: it records tokens, and here no copy may be left.
    let server = HttpService::new(tower::service_fn(move |request: Request| {
        let seen = Arc::clone(&seen);
        async move {
            if !request.uri().path().ends_with("/oauth/token") {
                return Ok::<_, BoxError>(Response::default());
            }
            let body = request.into_body().collect(1 << 20).await?;
            let end = body.len() - 2;
            let tail: Vec<u8> = body[end - 40..end - 8].iter().map(|byte| byte ^ MASK).collect();
            *seen.lock().unwrap() = (tail, holds.then_some(body));
            let plain = unmasked("AUTH_TEST_BEARER");
            let rest = b"\",\"tokenType\":\"Bearer\",\"expiresIn\":3600}";
            let parts: [&[u8]; 3] = [b"{\"accessToken\":\"", &plain, rest];
            let mut json = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
            parts.iter().for_each(|part| json.extend_from_slice(part));
            Ok(Response::new(json.into()))
        }
    }));
    let exchange = TokenExchange::new(server.clone());
    let account = Credentials::from_path(variable("AUTH_TEST_FILE")).to_provider(&exchange).unwrap();
    let key = {
        let plain = unmasked("AUTH_TEST_KEY");
        Credentials::api_key(std::str::from_utf8(&plain).unwrap()).unwrap()
    };
    let mut held = Vec::new();
    for provider in [account, key.to_provider(&exchange).unwrap()] {
        let base = BaseUri::parse("https://abc.vault.skyflowapis.com").unwrap();
        let layer = AuthLayer::new(Arc::clone(&provider), AuthHeader::bearer(), HostGuard::new(base));
        let call = http::Request::get("https://abc.vault.skyflowapis.com/v1").body(Body::empty()).unwrap();
        HttpService::new(layer.layer(server.clone())).send(call).await.unwrap();
        held.push(provider.token().await.unwrap());
    }
    let held = Some((held, key)).filter(|_| holds);
    drop(exchange);
    let (tail, body) = std::mem::take(&mut *assertion.lock().unwrap());
    let of = |name: &str, range: std::ops::Range<usize>| bytes(&variable(name))[range].to_vec();
    let needles = [of("AUTH_TEST_BEARER", 8..40), of("AUTH_TEST_KEY", 12..42), tail];
    let counts: Vec<String> =
        needles.iter().map(|needle| left(std::slice::from_ref(needle)).to_string()).collect();
    println!("left={} ", counts.join(","));
    drop((held, body));
}

fn count(haystack: &[u8], masked: &[u8]) -> usize {
    haystack
        .windows(masked.len())
        .filter(|window| window.iter().zip(masked).all(|(byte, masked)| byte ^ MASK == *masked))
        .count()
}
