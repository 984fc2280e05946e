//! Lines for people, with the addresses in them shown as clients are.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::client_display::ClientDisplay;
use crate::config::ClientLabel;

/// What stands for an address where clients are not shown, and for the beginning of one where a line ends.
const ADDRESS: &str = "(address)";
/// The longest address as text: `::ffff:` and the like in front of the longest of IPv4.
const LONGEST: usize = 45;

impl ClientDisplay {
    /// A line of a log, in which every IPv4 and IPv6 address is shown as clients are. Which of them is a client's is
    /// known of lines that were understood alone, and people are shown the others.
    pub fn masked<'a>(&self, line: &'a [u8]) -> Cow<'a, [u8]> {
        if self.label == ClientLabel::Address {
            return Cow::Borrowed(line);
        }
        let mut masked = Vec::with_capacity(line.len());
        let mut rest = line;
        while let Some(&byte) = rest.first() {
            let length = rest.iter().take_while(|&&byte| is_of_an_address(byte)).count();
            let (run, behind) = rest.split_at(length);
            if run.is_empty() {
                masked.push(byte);
                rest = &rest[1..];
            } else {
                // `IPv6:2001:db8::17`, as in SMTP: the 6 is not of the address.
                let literal = run.starts_with(b"6:") && masked.to_ascii_lowercase().ends_with(b"ipv");
                let (name, run) = run.split_at(if literal { 2 } else { 0 });
                masked.extend_from_slice(name);
                self.mask(run, behind.is_empty(), &mut masked);
                rest = behind;
            }
        }
        Cow::Owned(masked)
    }

    /// Bytes of which addresses are made; `last` says that the line ends with them, perhaps because it was cut there.
    fn mask(&self, mut run: &[u8], last: bool, masked: &mut Vec<u8>) {
        while !run.is_empty() {
            let mut longest_first = (2..=run.len().min(LONGEST)).rev();
            let found = longest_first.find_map(|length| Some((length, address(&run[..length])?)));
            if let Some((length, address)) = found {
                let more = if address.is_ipv6() { groups(&run[length..]) } else { 0 };
                // With more groups than an address has, nobody knows where it begins.
                let value = self.value(address).filter(|_| more == 0);
                masked.extend_from_slice(value.as_deref().unwrap_or(ADDRESS).as_bytes());
                run = &run[length + more..];
            } else if last && is_most_of_an_address(run) {
                masked.extend_from_slice(ADDRESS.as_bytes());
                return;
            } else {
                masked.push(run[0]);
                run = &run[1..];
            }
        }
    }
}

/// The length of further groups of an IPv6 address at the beginning.
fn groups(run: &[u8]) -> usize {
    let [b':', rest @ ..] = run else { return 0 };
    match rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count() {
        0 => 0,
        digits => 1 + digits + groups(&rest[digits..]),
    }
}

fn is_of_an_address(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b'.' || byte == b':'
}

fn is_most_of_an_address(run: &[u8]) -> bool {
    let count = |sign: u8| memchr::memchr_iter(sign, run).count();
    run[0].is_ascii_hexdigit() && (count(b'.') > 1 || count(b':') > 2)
}

/// The address that this is. `::` alone is none: other texts have it, too.
fn address(text: &[u8]) -> Option<IpAddr> {
    if let Some(address) = dotted(text) {
        return Some(IpAddr::V4(address));
    }
    let address: Ipv6Addr = std::str::from_utf8(text).ok()?.parse().ok()?;
    (!address.is_unspecified()).then(|| IpAddr::V6(address).to_canonical())
}

/// Four numbers, also with zeros in front.
fn dotted(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split(|&byte| byte == b'.');
    for octet in &mut octets {
        let digits =
            parts.next().filter(|digits| digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit))?;
        *octet = std::str::from_utf8(digits).ok()?.parse().ok()?;
    }
    parts.next().is_none().then(|| octets.into())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::ClientDisplay;
    use crate::config::ClientLabel;

    fn shown(label: ClientLabel, line: &str) -> String {
        let masked = ClientDisplay { label, top: 10, seed: 7 }.masked(line.as_bytes()).into_owned();
        String::from_utf8(masked).expect("text")
    }

    #[test]
    fn addresses_are_shown_as_clients_are() {
        for (line, network, off) in [
            (
                "TCP|10.0.0.1|25|192.0.2.17|4711",
                "TCP|10.0.0.0/24|25|192.0.2.0/24|4711",
                "TCP|(address)|25|(address)|4711",
            ),
            ("from [192.0.2.17]:25.", "from [192.0.2.0/24]:25.", "from [(address)]:25."),
            ("192.0.2.17:4711", "192.0.2.0/24:4711", "(address):4711"),
            ("192.000.002.017 x", "192.0.2.0/24 x", "(address) x"),
            ("[2001:db8::17] x", "[2001:db8::/64] x", "[(address)] x"),
            ("[IPv6:2001:db8::17] x", "[IPv6:2001:db8::/64] x", "[IPv6:(address)] x"),
            (
                "[IPV6:2001:db8:85a3:8d3:1319:8a2e:370:7348] x",
                "[IPV6:2001:db8:85a3:8d3::/64] x",
                "[IPV6:(address)] x",
            ),
            ("id:2001:db8:85a3:8d3:1319:8a2e:370:7348 x", "i(address) x", "i(address) x"),
            ("::ffff:192.0.2.17 x", "192.0.2.0/24 x", "(address) x"),
            (
                "19-Jan-2024 19:16:57.64 1a.2.3 tcp_local D 1",
                "19-Jan-2024 19:16:57.64 1a.2.3 tcp_local D 1",
                "19-Jan-2024 19:16:57.64 1a.2.3 tcp_local D 1",
            ),
            ("x :: 5.7.1 12:34:56 x", "x :: 5.7.1 12:34:56 x", "x :: 5.7.1 12:34:56 x"),
            (
                "cut in an address 2001:db8:85a3:8d3:13",
                "cut in an address (address)",
                "cut in an address (address)",
            ),
            ("cut in an address 192.0.2.", "cut in an address (address)", "cut in an address (address)"),
        ] {
            assert_eq!(shown(ClientLabel::Network, line), network);
            assert_eq!(shown(ClientLabel::Off, line), off);
            assert_eq!(shown(ClientLabel::Address, line), line);
            assert!(!shown(ClientLabel::Hashed, line).contains("192.0.2."), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_whole_address_is_left(
            address in prop_oneof![
                any::<Ipv4Addr>().prop_map(IpAddr::V4),
                any::<Ipv6Addr>().prop_map(IpAddr::V6),
            ],
            before in "[ -~]{0,20}",
            behind in "[ -~]{0,20}",
            label in prop_oneof![Just(ClientLabel::Off), Just(ClientLabel::Hashed), Just(ClientLabel::Network)],
        ) {
            prop_assume!(!address.is_unspecified());
            let line = format!("{before}|{address}|{behind}");
            let masked = shown(label, &line);
            let left = format!("|{address}|");
            prop_assert!(!masked.contains(&left), "{line}: {masked}");
        }

        #[test]
        fn any_bytes_are_masked(line: Vec<u8>) {
            let display = ClientDisplay { label: ClientLabel::Off, top: 0, seed: 0 };
            let once = display.masked(&line).into_owned();
            prop_assert_eq!(display.masked(&once).into_owned(), once);
        }
    }
}
