use std::io::Write;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::PathBuf;
use std::process::Command;

use super::*;

/// A directory that is removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("skyflow-http-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn pipe(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn kind_of(path: impl AsRef<Path>) -> ErrorKind {
    SmallFile::read(path, 64).unwrap_err().kind()
}

#[test]
fn files_up_to_the_limit_are_read() {
    let directory = Directory::new("limit");
    for (length, fits) in [(0, true), (63, true), (64, true), (65, false), (1_000_000, false)] {
        let path = directory.file("f", &vec![b'x'; length]);
        match SmallFile::read(&path, 64) {
            Ok(file) => assert!(fits && file.is_regular() && file.content().len() == length),
            Err(error) => assert!(!fits && error.kind() == ErrorKind::FileTooLarge, "{length}"),
        }
    }
    // Its length is 0 and its content is not.
    assert!(SmallFile::read("/proc/self/limits", 64 * 1024).unwrap().content().len() > 100);
}

#[test]
fn devices_and_directories_do_not_block() {
    assert_eq!(kind_of("/dev/zero"), ErrorKind::FileTooLarge);
    assert!(SmallFile::read("/dev/null", 64).unwrap().content().is_empty());
    assert_eq!(kind_of(std::env::temp_dir()), ErrorKind::IsADirectory);
    assert_eq!(kind_of("/does/not/exist"), ErrorKind::NotFound);
    for path in ["/dev/zero", "/dev/null", "/tmp"] {
        assert_eq!(open_regular(path).unwrap_err().to_string(), "not a regular file");
    }
}

#[test]
fn pipe_is_read_to_the_end_of_its_writer() {
    let directory = Directory::new("pipe");
    let path = directory.pipe("p");
    let writer = std::thread::spawn({
        let path = path.clone();
        move || {
            let mut pipe = OpenOptions::new().write(true).open(path).unwrap();
            for part in ["one ", "two ", "three"] {
                pipe.write_all(part.as_bytes()).unwrap();
                std::thread::sleep(Duration::from_millis(30));
            }
        }
    });
    let file = SmallFile::read(&path, 64).unwrap();
    assert!(!file.is_regular());
    assert_eq!(file.into_text().unwrap().as_str(), "one two three");
    writer.join().unwrap();
}

#[test]
fn pipe_without_a_writer_times_out() {
    let directory = Directory::new("idle-pipe");
    let path = directory.pipe("p");
    assert_eq!(kind_of(&path), ErrorKind::TimedOut);
    assert!(open_regular(&path).is_err() && SmallFile::read_regular(&path, 64).is_err());
    // A writer that sends nothing, and one that sends too much.
    let silent = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    assert_eq!(kind_of(&path), ErrorKind::TimedOut);
    (&silent).write_all(&[b'x'; 65]).unwrap();
    assert_eq!(kind_of(&path), ErrorKind::FileTooLarge);
}

#[test]
fn text_must_be_utf8() {
    let directory = Directory::new("utf8");
    let read = |content: &[u8]| SmallFile::read(directory.file("f", content), 64).unwrap().into_text();
    assert_eq!(read("\u{fc}".as_bytes()).unwrap().as_str(), "\u{fc}");
    assert_eq!(read(&[0xff]).unwrap_err().kind(), ErrorKind::InvalidData);
}

#[test]
fn permissions_of_others_are_told() {
    let directory = Directory::new("mode");
    let path = directory.file("f", b"");
    for (mode, open) in [(0o600, false), (0o400, false), (0o640, true), (0o601, true), (0o666, true)] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        let file = SmallFile::read(&path, 64).unwrap();
        assert_eq!(file.open_to_others(), open.then_some(mode), "{mode:o}");
    }
}

#[test]
fn link_of_another_owner_is_refused() {
    let directory = Directory::new("link");
    let (file, link) = (directory.file("f", b"x"), directory.0.join("link"));
    symlink(&file, &link).unwrap();
    assert!(SmallFile::read(&link, 64).is_ok());
    // Only root can give a link away.
    if lchown(&link, Some(12_345), None).is_ok() {
        assert_eq!(kind_of(&link), ErrorKind::PermissionDenied);
        std::os::unix::fs::chown(&file, Some(12_345), None).unwrap();
        assert!(SmallFile::read(&link, 64).is_ok(), "link and file have one owner again");
        lchown(&link, Some(0), None).unwrap();
        assert!(SmallFile::read(&link, 64).is_ok(), "root may link to any file");
    }
}

#[tokio::test]
async fn work_off_the_thread_may_panic() {
    assert_eq!(off_thread(|| 7).await.unwrap(), 7);
    assert!(off_thread(|| panic!("on purpose")).await.is_err());
}
