//! Transport information: `TCP|<local address>|<local port>|<remote address>|<remote port>`, always
//! local side first (2005Q4 guide, examples 21-1 and 21-9).

use std::net::{IpAddr, Ipv4Addr};

use super::near;

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
    let (local_address, rest) = part(tuple.strip_prefix(b"TCP|")?)?;
    let (local_port, rest) = number(rest)?;
    let (remote_address, rest) = part(rest.strip_prefix(b"|")?)?;
    let (remote_port, rest) = number(rest)?;
    let whole = rest.is_empty() && !local_address.is_empty();
    whole.then_some(Transport { tuple, remote_address, local_port, remote_port })
}

/// What is in front of the next bar, and what is behind it.
fn part(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let bar = near::find::<b'|'>(text)?;
    Some((&text[..bar], &text[bar + 1..]))
}

/// The decimal number at the start, and what follows it.
fn number(text: &[u8]) -> Option<(u16, &[u8])> {
    let (mut value, mut digits) = (0_u64, 0);
    while let Some(digit @ b'0'..=b'9') = text.get(digits) {
        value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
        digits += 1;
    }
    let value = u16::try_from(value).ok()?;
    (digits > 0).then(|| (value, &text[digits..]))
}

/// The first tuple inside a text such as a diagnostic, bare or in parentheses.
pub fn find(text: &[u8]) -> Option<Transport<'_>> {
    let start = memchr::memmem::find(text, b"TCP|")?;
    let end = text[start..].iter().position(|byte| matches!(byte, b' ' | b')'));
    parse(&text[start..end.map_or(text.len(), |length| start + length)])
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
    let mut octets = [0; 4];
    let mut rest = text;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let (value, behind) = number(rest)?;
        let digits = rest.len() - behind.len();
        // As in the library, what might be octal is not decimal.
        if digits > 1 && rest[0] == b'0' {
            return None;
        }
        *octet = u8::try_from(value).ok()?;
        rest = behind;
    }
    rest.is_empty().then(|| octets.into())
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
