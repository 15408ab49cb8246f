//! What a file, a server or a directory is called never leads out of the output directory, and nothing is replaced
//! without being told to.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use serde_json::{Value, json};
use skyflow::http::{Clock, SystemClock};
use skyflow::{DeidentifyFileRequest, DetectRun, ErrorKind, FileSource};

use crate::scripted_vault::{Clients, script};

/// Names of files: what travels, hides, breaks terminals, is reserved, or is too long.
fn names() -> Vec<String> {
    let stems = [
        "a",
        "..",
        ".",
        "...",
        "../x",
        "../../x",
        "..\\x",
        "..\\..\\x",
        "/etc/x",
        "//x",
        "\\\\host\\share\\x",
        "C:\\x",
        "C:x",
        "x/../..",
        "x/./y",
        "./x",
        "~/x",
        "~root",
        "$HOME",
        "%2e%2e%2fx",
        "..%2fx",
        "%00",
        "x\0y",
        "\0",
        "x\ny",
        "x\r\ny",
        "x\ty",
        "\u{1b}[31mx",
        "\u{7}",
        "CON",
        "con",
        "PRN",
        "AUX",
        "NUL",
        "nul",
        "COM1",
        "LPT9",
        "CONIN$",
        "CLOCK$",
        "x:stream",
        "x::$DATA",
        "x.",
        "x ",
        " x",
        "x..",
        "-rf",
        "--help",
        "|x",
        "x;ls",
        "x&y",
        "x`id`",
        "x$(id)",
        "x*y",
        "x?y",
        "<x>",
        "\"x\"",
        "'x'",
        "x\u{202e}gpj",
        "\u{2024}\u{2024}/x",
        "\u{ff0e}\u{ff0e}\u{ff0f}x",
        "\u{2215}x",
        "\u{29f8}x",
        "\u{feff}x",
        "\u{200b}",
        "é",
        "e\u{301}",
        "名前",
        "😀",
        "العربية",
        "ß",
        "İ",
        ".bashrc",
        ".ssh/authorized_keys",
        ".git/config",
        "processed-a",
        ".processed-1",
        "x\u{0}.txt",
        "{x}",
        "[x]",
        "(x)",
        "x y",
        "x\u{a0}y",
        "x\u{85}y",
        "x\u{2028}y",
        "",
        "_",
        "a/b/c/d",
        "a\\b/c",
        "....//x",
        "..;/x",
        ".../...//x",
        "x/",
        "x/..",
        "file:///etc/x",
        "http://x/y",
        "\\x",
        "\\",
        "/",
        "//",
        "\\\\?\\C:\\x",
        "\\\\.\\PhysicalDrive0",
    ];
    let mut names: Vec<String> = Vec::new();
    for stem in stems {
        names.extend(["txt", "TXT", "tar.txt"].map(|extension| format!("{stem}.{extension}")));
    }
    names.push(format!("{}.txt", "x".repeat(300)));
    names.push(format!("{}.txt", "é".repeat(300)));
    names.push(format!("{}.txt", "../".repeat(100)));
    names.push(format!("{}😀.txt", "a".repeat(238)));
    names
}

/// Extensions that a server could send.
const EXTENSIONS: [&str; 16] = [
    "txt",
    "",
    "..",
    "../x",
    "/etc/passwd",
    "t/../../x",
    "t\0xt",
    "TXT",
    "a.b",
    "t t",
    "é",
    "\\x",
    "exe\n",
    ":x",
    "%2e",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];

fn response(outputs: &[(&str, &str)]) -> (u16, Value) {
    let output: Vec<_> = outputs
        .iter()
        .map(|(content, extension)| {
            json!({"processedFile": STANDARD.encode(content), "processedFileType": "redacted_file",
                "processedFileExtension": extension})
        })
        .collect();
    (200, json!({"status": "SUCCESS", "output": output}))
}

async fn run(name: &str, outputs: &[(&str, &str)], directory: &Path, overwrite: bool) -> DetectRun {
    let server = script(&[(200, json!({"run_id": "r1"})), response(outputs)]);
    let request = DeidentifyFileRequest::new(FileSource::bytes(name, "abc"))
        .data_format("txt")
        .output_directory(directory)
        .overwrite(overwrite);
    server.detect().deidentify_file(request).await.unwrap()
}

/// Every file below a directory.
fn files(directory: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let more = if path.is_dir() { files(&path) } else { BTreeSet::from([path]) };
        found.extend(more);
    }
    found
}

#[tokio::test]
async fn output_names_stay_inside_the_directory() {
    let names = names();
    assert!(names.len() >= 300, "{}", names.len());
    let world = tempfile::tempdir().unwrap();
    let directory = world.path().join("a/b/c/out");
    fs::create_dir_all(&directory).unwrap();
    let directory = directory.canonicalize().unwrap();
    let mut saved = BTreeSet::new();
    for (number, name) in names.iter().enumerate() {
        let extension = EXTENSIONS[number % EXTENSIONS.len()];
        // A name of spaces only is refused where it is the only thing that tells the format; here the format is given.
        let outputs = [("first", extension), ("second", EXTENSIONS[(number / 7) % EXTENSIONS.len()])];
        let run = run(name, &outputs, &directory, number % 2 == 0).await;
        assert_eq!(run.saved.len(), 2, "{name:?}");
        for (path, (content, _)) in run.saved.iter().zip(outputs) {
            assert_eq!(path.parent(), Some(directory.as_path()), "{name:?}");
            assert_eq!(fs::read_to_string(path).unwrap(), content, "{name:?}");
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(name.starts_with("processed-") && name.len() <= 255, "{name:?}");
            assert!(
                !name.contains(['/', '\\', ':', '\0']) && !name.chars().any(char::is_control),
                "{name:?}"
            );
            assert!(!name.ends_with(['.', ' ']), "{name:?}");
            saved.insert(path.clone());
        }
        assert_ne!(run.saved[0], run.saved[1]);
    }
    assert_eq!(
        files(world.path()).into_iter().map(|path| path.canonicalize().unwrap()).collect::<BTreeSet<_>>(),
        saved
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_directory_is_never_followed() {
    let world = tempfile::tempdir().unwrap();
    let (directory, victim) = (world.path().join("out"), world.path().join("victim"));
    fs::create_dir(&directory).unwrap();
    fs::write(&victim, "untouched").unwrap();
    for (link, target) in
        [("processed-f.txt", &victim), ("processed-f-2.txt", &world.path().join("not there"))]
    {
        std::os::unix::fs::symlink(target, directory.join(link)).unwrap();
    }
    let run = run("f.txt", &[("new", "txt")], &directory, false).await;
    assert!(run.saved[0].ends_with("processed-f-3.txt"));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    let run = self::run("f.txt", &[("new", "txt")], &directory, true).await;
    assert!(run.saved[0].ends_with("processed-f.txt"));
    assert!(!run.saved[0].is_symlink(), "the link itself was replaced");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert!(!world.path().join("not there").exists());
}

#[tokio::test]
async fn existing_files_are_replaced_on_request_only() {
    let directory = tempfile::tempdir().unwrap();
    let outputs = [("one", "txt"), ("two", "json"), ("three", "txt"), ("four", "TXT")];
    let names = |run: &DetectRun| -> Vec<String> {
        run.saved.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let first = run("f.txt", &outputs, directory.path(), false).await;
    let expected = ["processed-f.txt", "processed-f.json", "processed-f-2.txt", "processed-f-3.txt"];
    assert_eq!(names(&first), expected);
    let second = run("f.txt", &[("new", "txt")], directory.path(), false).await;
    assert_eq!(names(&second), ["processed-f-4.txt"]);
    assert_eq!(fs::read_to_string(directory.path().join("processed-f.txt")).unwrap(), "one");
    let third = run("f.txt", &outputs, directory.path(), true).await;
    assert_eq!(names(&third), expected);
    assert_eq!(files(directory.path()).len(), 5);
}

#[cfg(unix)]
#[tokio::test]
async fn unwritable_directory_is_refused_before_run() {
    let server = script(&[(200, json!({"run_id": "r1"})), response(&[])]);
    // A directory of the kernel's: not even root creates files there.
    for directory in ["/proc/self", "/dev/null", "/no/such/directory"] {
        let request =
            DeidentifyFileRequest::new(FileSource::bytes("f.txt", "abc")).output_directory(directory);
        let error = server.detect().deidentify_file(request).await.unwrap_err();
        assert_eq!(error.field(), Some("output_directory"), "{directory}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn output_is_written_after_its_caller_is_dropped() {
    let content = "x".repeat(20_000_000);
    for overwrite in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let outputs = [(content.as_str(), "txt")];
        let mut waiting = Box::pin(run("f.txt", &outputs, directory.path(), overwrite));
        // Until the file is there, and not until it is whole.
        let mut written = None;
        while written.is_none() {
            if waiting.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
            let sizes = files(directory.path())
                .into_iter()
                .map(|path| fs::metadata(path).map_or(0, |file| file.len()));
            written = sizes.into_iter().find(|size| (1..20_000_000).contains(size));
        }
        drop(waiting);
        let sizes = || {
            files(directory.path()).into_iter().map(|path| fs::metadata(path).map_or(0, |file| file.len()))
        };
        let whole = pin!(async {
            while !sizes().all(|size| size == 20_000_000) {
                tokio::task::yield_now().await;
            }
        });
        let outcome = select(whole, SystemClock.sleep(Duration::from_secs(60))).await;
        assert!(matches!(outcome, Either::Left(_)), "half a file is left");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn outputs_are_for_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    for overwrite in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        let done = run("f.txt", &[("x", "txt"), ("[]", "json")], directory.path(), overwrite).await;
        assert_eq!(done.saved.len(), 2);
        for path in &done.saved {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn directory_replaced_by_a_link_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (directory, elsewhere) = (folder.path().join("out"), folder.path().join("elsewhere"));
    fs::create_dir(&directory).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    let server = script(&[(200, json!({"run_id": "r1"})), response(&[("x", "txt")])]);
    let request = DeidentifyFileRequest::new(FileSource::bytes("f.txt", "abc")).output_directory(&directory);
    let poller = server.detect().start_deidentify_file(request).await.unwrap();
    fs::remove_dir(&directory).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &directory).unwrap();
    let error = poller.wait().await.unwrap_err();
    assert_eq!((error.kind(), error.run_id()), (ErrorKind::Output, Some("r1")));
    assert!(files(&elsewhere).is_empty());
}

#[tokio::test]
async fn resumed_run_replaces_files_on_request() {
    let directory = tempfile::tempdir().unwrap();
    for (overwrite, count) in [(false, 1), (true, 1), (false, 2)] {
        let server = script(&[response(&[("x", "txt")])]);
        let poller =
            server.detect().run("r1").unwrap().output_directory(directory.path(), "f.txt").await.unwrap();
        poller.overwrite(overwrite).wait().await.unwrap();
        assert_eq!(files(directory.path()).len(), count);
    }
}

#[tokio::test]
async fn reader_is_not_read_without_a_directory() {
    let server = script(&[(200, json!({"run_id": "r1"}))]);
    // It would never end.
    let endless = FileSource::reader("f.txt", tokio::io::repeat(b'x'));
    let request = DeidentifyFileRequest::new(endless).output_directory("/no/such/directory");
    let error = server.detect().deidentify_file(request).await.unwrap_err();
    assert_eq!(error.field(), Some("output_directory"));
}
