//! Where pages are that have a name of somebody else's in their path.

/// Where those of channels are.
const BASE: &str = "/channel/";

/// Where that of a channel is. Names come from logs and directories.
pub(super) fn channel(name: &str) -> String {
    let mut path = BASE.to_owned();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => path.push(char::from(byte)),
            _ => {
                let digit = |half: u8| char::from(b"0123456789ABCDEF"[usize::from(half)]);
                path.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::channel;
    use crate::http::routes::find;

    #[test]
    fn the_path_of_a_channel_is_one_part_whatever_its_name() {
        for (name, expected) in [
            ("tcp_local", "/channel/tcp_local"),
            ("ims-ms", "/channel/ims-ms"),
            ("../a?b#c%/<d>\u{e9}", "/channel/%2E%2E%2Fa%3Fb%23c%25%2F%3Cd%3E%C3%A9"),
        ] {
            assert_eq!(channel(name), expected);
            assert_eq!(find(expected).map(|route| route.path), Some("/channel/NAME"));
        }
    }
}
