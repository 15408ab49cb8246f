use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The metadata services of clouds whose addresses are not link-local.
const OTHERS: [Ipv4Addr; 3] = [
    // Alibaba Cloud, Oracle Cloud, Azure.
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];

/// Tells whether the address is link-local, or another one of a cloud's metadata service.
///
/// Such a service hands the credentials of a machine to every program on it. No API is reached at these addresses, so
/// the transport opens no connection when a name resolves to one.
///
/// ```
/// use skyflow_http::is_metadata_address;
///
/// assert!(is_metadata_address("169.254.169.254".parse()?));
/// assert!(!is_metadata_address("10.0.0.1".parse()?));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn is_metadata_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_v4(address),
        IpAddr::V6(address) => {
            // AWS has fd00:ec2::254.
            address.is_unicast_link_local()
                || address.segments().starts_with(&[0xfd00, 0x0ec2])
                || embedded(address).is_some_and(is_v4)
        }
    }
}

fn is_v4(address: Ipv4Addr) -> bool {
    address.is_link_local() || OTHERS.contains(&address)
}

/// Returns the IPv4 address that an IPv6 address leads to: mapped, compatible, NAT64, 6to4.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] => v4(high, low),
        [0, 0, 0, 0, 0xffff, 0, high, low] => v4(high, low),
        [0x64, 0xff9b, _, _, _, _, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_addresses_of_every_spelling_are_known() {
        for address in [
            "169.254.0.0",
            "169.254.169.254",
            "169.254.255.255",
            "169.254.170.2",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "fe80::1",
            "febf:ffff::1",
            "fd00:ec2::254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "2002:a9fe:a9fe::1",
        ] {
            assert!(is_metadata_address(address.parse().unwrap()), "{address}");
        }
        for address in [
            "169.253.255.255",
            "169.255.0.0",
            "10.0.0.1",
            "127.0.0.1",
            "52.84.1.1",
            "::1",
            "fec0::1",
            "fd00:ec3::254",
            "::ffff:127.0.0.1",
            "2606:4700::1111",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(!is_metadata_address(address.parse().unwrap()), "{address}");
        }
    }
}
