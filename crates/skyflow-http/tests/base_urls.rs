//! Addresses that no request may go to: plain text to another machine, and tricks that hide where a request goes.

use skyflow_http::BaseUri;

/// Hosts that look like this machine, or are another one.
const NOT_LOOPBACK: [&str; 66] = [
    "a.example",
    "manage.skyflowapis.com",
    "abc.vault.skyflowapis.com",
    "127.0.0.1.evil.example",
    "127.0.0.1.nip.io",
    "localhost.evil.example",
    "localhost.localdomain",
    "evil.localhost.example",
    "localhost.",
    "localhost.example",
    "xlocalhost",
    "localhostx",
    "local",
    "loopback",
    "ip6-localhost",
    "ip6-loopback",
    "127.0.0.1.",
    "127.0.0",
    "127.0",
    "127.1",
    "127",
    "127.0.1",
    "127.0.0.1.1",
    "127.0.0.256",
    "127.0.0.01",
    "127.00.0.1",
    "0127.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "0x7f000001",
    "0X7F000001",
    "2130706433",
    "2130706432",
    "0",
    "0.0.0.0",
    "0.0.0.1",
    "00.0.0.0",
    "126.255.255.255",
    "128.0.0.1",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "8.8.8.8",
    "[::]",
    "[::2]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[2606:4700::1111]",
    "[ff02::1]",
    "[100::1]",
    "xn--lcalhost-n5a",
    "metadata.google.internal",
];

/// Addresses that are refused whatever their scheme.
const TRICKS: [&str; 76] = [
    "",
    " ",
    "a.example",
    "localhost:8080",
    "127.0.0.1",
    "/v1",
    "//a.example",
    "///a.example",
    "https",
    "https:",
    "https:/",
    "https://",
    "https:///",
    "https:///v1",
    "https:a.example",
    "https:/a.example",
    "https//a.example",
    "https;//a.example",
    ":https://a.example",
    "https://:443",
    "https://:443/x",
    "https://?x",
    "https://#x",
    "http://",
    "http:///localhost",
    "ftp://a.example",
    "ftp://localhost",
    "ws://localhost",
    "wss://a.example",
    "gopher://localhost",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "unix:/run/x",
    "unix://localhost/run/x",
    "data:text/plain,x",
    "javascript:alert(1)",
    "about:blank",
    "blob:https://a.example",
    "httpss://a.example",
    "xhttps://a.example",
    "https+unix://a.example",
    "null",
    "undefined",
    "https://user@a.example",
    "https://user:password@a.example",
    "https://:password@a.example",
    "https://@a.example",
    "https://a.example@evil.example",
    "https://a.example:443@evil.example",
    "https://a.example%40evil.example@evil.example",
    "http://localhost@evil.example",
    "http://localhost:80@evil.example",
    "http://127.0.0.1@evil.example",
    "http://user@localhost",
    "http://localhost#@evil.example",
    "https://a.example#@evil.example",
    "https://a.example\\@evil.example",
    "https://a.example\\.evil.example",
    "https:\\\\a.example",
    "http://localhost\\evil.example",
    "http://localhost%2eevil.example",
    "http://localhost%00.evil.example",
    "https://a.example:",
    "https://a.example:99999",
    "https://a.example:65536",
    "https://a.example:-1",
    "https://a.example:x",
    "https://a.example:443:443",
    "https://a b.example",
    "https://a.example/ x",
    "https://a.example\r\nhost: evil.example",
    "https://a.example\t",
    "https://a.example?x=1",
    "https://a.example/#x",
    "https://a.example/../x",
    "https://a.example/x/./y",
];

#[test]
#[expect(non_snake_case, reason = "S02 is the id of the promise")]
fn rel_S02_unsafe_addresses_are_refused() {
    let plain = |host: &&str| [format!("http://{host}"), format!("HTTP://{host}:8080/prefix")];
    let addresses: Vec<String> =
        NOT_LOOPBACK.iter().flat_map(plain).chain(TRICKS.map(str::to_owned)).collect();
    assert!(addresses.len() >= 200);
    for address in addresses {
        assert!(BaseUri::parse(&address).is_err(), "{address:?} was accepted");
    }
}

#[test]
fn encrypted_addresses_and_this_machine_are_accepted() {
    for host in NOT_LOOPBACK {
        // A valid host may be any server as long as it proves its name.
        if let Ok(base) = BaseUri::parse(&format!("https://{host}")) {
            assert_eq!((base.host(), base.port()), (host, 443));
            assert!(!base.is_loopback(), "{host}");
        }
    }
    for (address, port) in [
        ("http://localhost", 80),
        ("http://LOCALHOST:8080", 8080),
        ("http://127.0.0.1:1", 1),
        ("http://127.255.255.254", 80),
        ("http://[::1]:65535/x", 65_535),
        ("https://localhost", 443),
        ("https://localhost:22", 22),
    ] {
        let base = BaseUri::parse(address).unwrap();
        assert!(base.is_loopback() && base.port() == port, "{address}");
    }
}
