//! Searches memory for a key after it was dropped. Linux shows a process its own memory.

#![expect(non_snake_case, reason = "T13 is the id of a promise")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use skyflow_auth::{AccessToken, ApiKey, DataTokenSigner, ServiceAccountKey};
use skyflow_testkit::API_KEY;

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
    let masked: Vec<String> = [in_der, in_pem, &reversed]
        .iter()
        .map(|needle| needle.iter().map(|byte| format!("{:02x}", byte ^ MASK)).collect())
        .collect();
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

#[test]
#[ignore = "run in a child process"]
fn child_counts_what_is_left() {
    let variable = |name| std::env::var(name).unwrap();
    let path = variable("AUTH_TEST_FILE");
    let key = ServiceAccountKey::from_path(&path).unwrap();
    let signer = DataTokenSigner::new(key.clone());
    signer.sign("a token").unwrap();
    drop((ApiKey::new(API_KEY).unwrap(), AccessToken::new("t").unwrap()));
    let mode = variable("AUTH_TEST_MODE");
    let leaked = (mode == "leak").then(|| fs::read(&path).unwrap());
    let held = Some(signer).filter(|_| mode == "hold");
    drop(key);
    let needles: Vec<Vec<u8>> = variable("AUTH_TEST_NEEDLES")
        .split(',')
        .map(|hex| {
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
        })
        .collect();
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
    println!("left={left} ");
    drop((leaked, held));
}

fn count(haystack: &[u8], masked: &[u8]) -> usize {
    haystack
        .windows(masked.len())
        .filter(|window| window.iter().zip(masked).all(|(byte, masked)| byte ^ MASK == *masked))
        .count()
}
