//! Transport information: `TCP|<local address>|<local port>|<remote address>|<remote port>`, always
//! local side first (2005Q4 guide, examples 21-1 and 21-9).

use std::net::{IpAddr, Ipv4Addr};

use crate::record::bytes;
use crate::record::number;

/// The two ends of a connection, as written in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport<'a> {
    /// The whole tuple, which names the connection.
    pub tuple: &'a [u8],
    /// The other side's address.
    pub remote_address: &'a [u8],
    /// This host's port.
    pub local_port: u16,
    /// The other side's port.
    pub remote_port: u16,
}

/// Reads a whole tuple.
pub fn parse(tuple: &[u8]) -> Option<Transport<'_>> {
    let rest = tuple.strip_prefix(b"TCP|")?;
    let local_end = bytes::find::<b'|'>(rest).filter(|&end| end > 0)?;
    let rest = &rest[local_end + 1..];
    let port_end = bytes::find::<b'|'>(rest)?;
    let local_port = number::at_start(rest, port_end)?;
    let rest = &rest[port_end + 1..];
    let remote_end = bytes::find::<b'|'>(rest)?;
    let remote_port = number::at_end(rest, rest.len() - remote_end - 1)?;
    Some(Transport {
        tuple,
        remote_address: &rest[..remote_end],
        local_port: u16::try_from(local_port).ok()?,
        remote_port: u16::try_from(remote_port).ok()?,
    })
}

/// The first tuple inside a text such as a diagnostic, bare or in parentheses.
pub fn find(text: &[u8]) -> Option<Transport<'_>> {
    let mut behind = 0;
    loop {
        let bar = behind + bytes::find::<b'|'>(&text[behind..])?;
        behind = bar + 1;
        if text[..bar].ends_with(b"TCP") {
            let tuple = &text[bar - 3..];
            return parse(&tuple[..bytes::find_either::<b' ', b')'>(tuple).unwrap_or(tuple.len())]);
        }
    }
}

/// An IP address as the MTA spells it: bare, `[…]`, `IPv6:…`, with a zone; an IPv4-mapped IPv6
/// address is the IPv4 address.
pub fn address(text: &[u8]) -> Option<IpAddr> {
    if let Some(address) = plain_v4(text) {
        return Some(address.into());
    }
    let text = text.strip_prefix(b"[").map_or(text, |inner| inner.strip_suffix(b"]").unwrap_or(inner));
    let text = if text.len() > 5 && text[..5].eq_ignore_ascii_case(b"ipv6:") { &text[5..] } else { text };
    let text = text.split(|&byte| byte == b'%').next().unwrap_or(text);
    let address: IpAddr = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(address.to_canonical())
}

/// Four decimal numbers, as nearly all addresses are: the library's reader is slower by far.
fn plain_v4(text: &[u8]) -> Option<Ipv4Addr> {
    if text.len() > "255.255.255.255".len() {
        return None;
    }
    let mut dots = bytes::bits_of_few(text, bytes::equal::<b'.'>);
    if dots.count_ones() != 3 {
        return None;
    }
    let mut octets = [0; 4];
    let mut rest = text;
    for octet in &mut octets {
        // Behind the last dot are no more: the rest is the number.
        let end = rest.len().min(dots.trailing_zeros() as usize);
        // As in the library, what might be octal is not decimal.
        if end > 1 && rest[0] == b'0' {
            return None;
        }
        *octet = u8::try_from(number::at_start(rest, end)?).ok()?;
        rest = rest.get(end + 1..).unwrap_or_default();
        dots = dots.unbounded_shr(dots.trailing_zeros() + 1);
    }
    Some(octets.into())
}

/// The address in the source-system field: `name (name [ip])`, `name ([ip])`.
pub fn source_address(source_system: &[u8]) -> Option<IpAddr> {
    let open = memchr::memrchr(b'[', source_system)?;
    let close = open + memchr::memchr(b']', &source_system[open..])?;
    address(&source_system[open + 1..close])
}

#[cfg(test)]
mod tests {
    use super::{address, find, parse, source_address};

    #[test]
    fn tuples() {
        let transport = parse(b"TCP|206.184.139.12|25|192.160.253.66|1244").expect("a tuple");
        assert_eq!(transport.remote_address, b"192.160.253.66");
        assert_eq!((transport.local_port, transport.remote_port), (25, 1244));
        for text in [
            "TCP|a|25|b",
            "TCP|a|25|b|1|2",
            "UDP|a|25|b|1",
            "TCP||25|b|1",
            "TCP|a|x|b|1",
            "TCP|a||b|1",
            "TCP|a|+25|b|1",
            "TCP|a|25|b|",
            "TCP|a|25|b|1x",
            "TCP|a|65536|b|1",
            "TCP|a|18446744073709551641|b|1",
            "TCP|a|99999999999999999999999999|b|1",
            "TCP|a|25|b|65536",
            "TCP|a|25|b|70000",
            "",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_tuple_inside_a_diagnostic() {
        let text = b"dns;thor.siroe.com (TCP|206.184.139.12|2788|192.160.253.66|25) (banner) smtp;250 ok";
        assert_eq!(find(text).expect("a tuple").remote_address, b"192.160.253.66");
        assert_eq!(find(b"dns;thor.siroe.com smtp;250 ok"), None);
    }

    #[test]
    fn spellings_of_addresses() {
        for (text, expected) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("[192.0.2.1]", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[IPv6:2001:db8::1]", Some("2001:db8::1")),
            ("IPv6:::1", Some("::1")),
            ("fe80::1%eth0", Some("fe80::1")),
            ("::ffff:192.0.2.1", Some("192.0.2.1")),
            ("host.example.com", None),
            ("192.0.2", None),
            ("192.0.2.256", None),
            ("192.0.02.1", None),
            ("192.0.2.1.1", None),
            ("", None),
        ] {
            assert_eq!(address(text.as_bytes()).map(|ip| ip.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn addresses_of_source_systems() {
        for (text, expected) in [
            ("siroe.com (siroe.com [192.160.253.66])", Some("192.160.253.66")),
            ("hostatv11.my-domain.fr ([195.221.67.130])", Some("195.221.67.130")),
            ("[127.0.0.1] ([127.0.0.1])", Some("127.0.0.1")),
            ("mailhub.sesta.com", None),
            ("broken ([", None),
        ] {
            assert_eq!(
                source_address(text.as_bytes()).map(|ip| ip.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
