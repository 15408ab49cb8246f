use std::net::Ipv6Addr;

use skyflow_types::DetectEntity;

use super::shape::{LETTERS, Shape, Shapes};

/// Addresses in networks, and what people log in with.
pub(super) fn network() -> Shapes {
    Shapes(vec![
        Shape::new(
            DetectEntity::EMAIL_ADDRESS,
            0.99,
            &format!("[{LETTERS}0-9][{LETTERS}0-9._%+'-]{{0,63}}@(?:[{LETTERS}0-9][{LETTERS}0-9-]*\\.)+[{LETTERS}]{{2,24}}"),
        )
        .checked(|text| !text.contains("..") && !text.contains("-."))
        .attached(),
        // As people write it for other people only.
        Shape::new(
            DetectEntity::EMAIL_ADDRESS,
            0.9,
            &format!(r"[{LETTERS}0-9][{LETTERS}0-9._+'-]{{0,63}} ?[\[({{<] ?(?i-u:at) ?[\])}}>] ?(?:[{LETTERS}0-9-]{{1,63}}(?:\.| ?[\[({{<] ?(?i-u:dot) ?[\])}}>] ?)){{1,5}}[{LETTERS}]{{2,24}}"),
        )
        .attached(),
        Shape::new(
            DetectEntity::URL,
            0.98,
            r#"(?i-u:https?|ftps?|sftp|wss?|file)://[^\s<>"'`{}|\\^]*[^\s<>"'`{}|\\^.,;:!?…()\[\]]"#,
        ),
        Shape::new(
            DetectEntity::URL,
            0.95,
            r#"(?i-u:www)\.[^\s<>"'`{}|\\^./]+\.[^\s<>"'`{}|\\^]*[^\s<>"'`{}|\\^.,;:!?…()\[\]]"#,
        ),
        Shape::new(
            DetectEntity::URL,
            0.85,
            r#"[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*\.(?:com|org|net|edu|gov|io|dev|app|co\.uk|de|fr|eu|info)(?:/[^\s<>"'`{}|\\^]*[^\s<>"'`{}|\\^.,;:!?…()\[\]])?"#,
        )
        .outside_addresses(),
        // A length of a network, a port, a second address of a range may follow; a fifth number may not.
        Shape::new(DetectEntity::IP_ADDRESS, 0.97, r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}")
            .checked(is_version_4)
            .apart_by(".")
            .attached(),
        Shape::new(DetectEntity::IP_ADDRESS, 0.97, r"[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]{1,37}[0-9A-Fa-f](?:\.[0-9]{1,3}){0,3}")
            .checked(is_version_6),
        Shape::new(DetectEntity::IP_ADDRESS, 0.97, r"(?:[0-9A-Fa-f]{1,4}:){1,7}:").checked(is_version_6),
        Shape::new(
            DetectEntity::PASSWORD,
            0.95,
            r#"(?i-u:password|passwd|passphrase|passcode|pwd)(?i-u: is(?: now| set to)?:?|'s)?\s{0,3}(?::|=|->)?\s{0,3}["'`“]?([^\s"'`“”<>]{3,127}[^\s"'`“”<>.,;:!?)])"#,
        )
        .checked(is_secret),
        Shape::new(
            DetectEntity::USERNAME,
            0.93,
            r#"(?i-u:user ?name|user[ _-]?id|login(?: name)?|user|handle|screen name)(?:\s{0,3}[:=]\s{0,3}| (?i-u:is|was):? )["'`“]?@?([A-Za-z0-9_][A-Za-z0-9_.@-]*[A-Za-z0-9_])"#,
        )
        .checked(|text| !is_ordinary(text)),
        // The folder of a person, in a path as Windows and other systems write it.
        Shape::new(
            DetectEntity::USERNAME,
            0.9,
            r#"(?:(?i-u:\\(?:users|documents and settings)\\{1,2}|[a-z]:/(?:users|documents and settings)/)|(?:^|[\s"'(=:]|//)/(?:Users|home)/)([^\s\\/:*?"'<>|][^\\/:*?"'<>|\r\n]{0,62}[^\s\\/:*?"'<>|.,;])(?:[\\/]|$)"#,
        )
        .checked(is_person),
        Shape::new(DetectEntity::USERNAME, 0.8, r"(?:^|[\s(])(@[A-Za-z0-9_][A-Za-z0-9_.]{1,28}[A-Za-z0-9_])"),
    ])
}

/// Returns whether four numbers are an IPv4 address; logs fill its numbers up with zeros.
fn is_version_4(text: &str) -> bool {
    text.split('.').all(|number| number.parse::<u8>().is_ok())
}

/// Returns whether a text is an IPv6 address that cannot be taken for a time.
fn is_version_6(text: &str) -> bool {
    text.matches(':').count() > 1 && text.parse::<Ipv6Addr>().is_ok()
}

/// Returns whether the word after "password" is one: a plain small word is the rest of a sentence.
fn is_secret(text: &str) -> bool {
    !text.chars().all(char::is_alphabetic) || (text.len() > 5 && text.chars().skip(1).any(char::is_uppercase))
}

/// Returns whether a folder of a user is that of a person.
fn is_person(text: &str) -> bool {
    const OTHERS: [&str; 12] = [
        "admin",
        "administrator",
        "all users",
        "default",
        "guest",
        "public",
        "root",
        "runner",
        "shared",
        "ubuntu",
        "user",
        "users",
    ];
    !OTHERS.contains(&text.to_lowercase().as_str())
}

/// Returns whether the text after "user is" is the rest of a sentence.
fn is_ordinary(text: &str) -> bool {
    [
        "not", "now", "the", "able", "asked", "logged", "blocked", "required", "invalid", "unknown",
        "active", "new",
    ]
    .contains(&text.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::assert_finds;

    #[test]
    fn addresses_are_found_without_punctuation() {
        for (text, expected) in [
            ("Mail jane.doe+x@mail.example.org.", &[("email_address", "jane.doe+x@mail.example.org")][..]),
            ("<jörg@bücher.example>", &[("email_address", "jörg@bücher.example")]),
            ("🙂a@b.de🙂", &[("email_address", "a@b.de")]),
            ("see https://example.com/a?b=c#d.", &[("url", "https://example.com/a?b=c#d")]),
            ("(www.example.org/path)", &[("url", "www.example.org/path")]),
            ("at example.com, today", &[("url", "example.com")]),
            ("host 192.168.0.1\r\n", &[("ip_address", "192.168.0.1")]),
            ("host 2001:db8::8a2e:370:7334 up", &[("ip_address", "2001:db8::8a2e:370:7334")]),
            ("via ::1 or fe80::", &[("ip_address", "::1"), ("ip_address", "fe80::")]),
            ("::ffff:192.0.2.1", &[("ip_address", "::ffff:192.0.2.1")]),
            ("net 10.0.0.1/24, 2001:db8::1/64", &[("ip_address", "10.0.0.1"), ("ip_address", "2001:db8::1")]),
            ("10.0.0.1-10.0.0.9", &[("ip_address", "10.0.0.1"), ("ip_address", "10.0.0.9")]),
            ("[2001:db8::1]:443 10.0.0.1:8080", &[("ip_address", "2001:db8::1"), ("ip_address", "10.0.0.1")]),
            (
                "fe80::1%eth0 ip_192.168.001.010_x",
                &[("ip_address", "fe80::1"), ("ip_address", "192.168.001.010")],
            ),
            ("http:// 10.0.0.1/a?b", &[("ip_address", "10.0.0.1")]),
            ("2001:db8::1.5", &[("ip_address", "2001:db8::1")]),
            ("mailto:jane@x.org?subject=y", &[("email_address", "jane@x.org")]),
            ("_jane@x.org_ x=jane@x.org&y", &[("email_address", "jane@x.org")]),
            ("jane@mail.x.org/a/long/path", &[("email_address", "jane@mail.x.org")]),
            ("jane [at] example [dot] com", &[("email_address", "jane [at] example [dot] com")]),
            ("jane(at)mail.example.com", &[("email_address", "jane(at)mail.example.com")]),
            ("version 1.2.3.4.5", &[]),
            ("256.1.1.1", &[]),
            ("at 12:30:45", &[]),
            ("std::net::Ipv4Addr", &[]),
            ("a @ b", &[]),
            ("user@", &[]),
        ] {
            let found = crate::rules::tests::found(&network(), text);
            let found: Vec<_> = found.iter().map(|(entity, part)| (&**entity, &**part)).collect();
            for one in expected {
                assert!(found.contains(one), "{one:?} in {text:?}: {found:?}");
            }
            // The server part of an address is a site too; the longer of the two wins later.
            assert!(!expected.is_empty() || found.is_empty(), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn login_names_and_passwords_need_a_cue() {
        for (text, expected) in [
            ("password: hunter2!", &[("password", "hunter2")][..]),
            ("The password is S3cret#99.", &[("password", "S3cret#99")]),
            ("pwd=correct-horse", &[("password", "correct-horse")]),
            ("username: jdoe42, ok", &[("username", "jdoe42")]),
            ("login = j.doe", &[("username", "j.doe")]),
            ("thanks @jane_doe!", &[("username", "@jane_doe")]),
            ("C:\\Users\\Zorb Quux\\Documents\\", &[("username", "Zorb Quux")]),
            ("in /home/zorb.q/work", &[("username", "zorb.q")]),
            ("from=/Users/zorbq/x", &[("username", "zorbq")]),
            ("C:/Users/zorbq", &[("username", "zorbq")]),
            ("C:\\Users\\Public\\x and GET /users/42/orders", &[]),
            ("the password is wrong", &[]),
            ("password reset", &[]),
            ("the user is not there", &[]),
        ] {
            assert_finds(&network(), text, expected);
        }
    }
}
