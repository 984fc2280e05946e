//! What the kernel has counted of all its listeners, in `net/netstat`: lines in pairs, names and then numbers, each with
//! the name of their group in front (kernel, `net/ipv4/proc.c`).

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Connections that the kernel has turned away since it started, on all ports of the host together: it keeps no account by
/// port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenDrops {
    /// `ListenOverflows`: those that found a full listen queue.
    pub overflows: u64,
    /// `ListenDrops`: those that were dropped at a listener for any reason, a full queue among them.
    pub drops: u64,
}

/// The file has some thousand bytes.
const MOST_BYTES: u64 = 256 * 1024;

pub(super) fn read(path: &Path) -> io::Result<ListenDrops> {
    let mut text = String::new();
    File::open(path)?.take(MOST_BYTES).read_to_string(&mut text)?;
    parse(&text).ok_or_else(|| io::Error::other("it has no ListenOverflows and ListenDrops"))
}

fn parse(text: &str) -> Option<ListenDrops> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt:"));
    let (names, numbers) = (lines.next()?, lines.next()?);
    let find = |wanted: &str| {
        let mut pairs = names.split_ascii_whitespace().zip(numbers.split_ascii_whitespace());
        pairs.find(|&(name, _)| name == wanted).and_then(|(_, number)| number.parse().ok())
    };
    Some(ListenDrops { overflows: find("ListenOverflows")?, drops: find("ListenDrops")? })
}

#[cfg(test)]
mod tests {
    use super::{ListenDrops, parse};

    #[test]
    fn numbers_stand_below_their_names() {
        let whole = "TcpExt: SyncookiesSent ListenOverflows ListenDrops TCPHPHits\nTcpExt: 1 20 300 4\n\
                     IpExt: InNoRoutes ListenDrops\nIpExt: 5 6\n";
        assert_eq!(parse(whole), Some(ListenDrops { overflows: 20, drops: 300 }));
        for text in [
            "",
            "TcpExt: ListenOverflows ListenDrops\n",
            "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1\n",
            "TcpExt: ListenDrops\nTcpExt: 1\n",
            "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 x\n",
            "IpExt: ListenOverflows ListenDrops\nIpExt: 1 2\n",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
