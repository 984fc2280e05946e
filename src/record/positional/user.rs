//! What a word has to look like for the field of `LOG_USERNAME`.
//!
//! The MTA's processes run as one user; a local submission carries the login name of whoever made it,
//! and an authenticated one the name behind `*` (2005Q4 guide, "Understanding the MTA Log Entry
//! Format"). Where the option may have been switched since, a word of a delivery status must not be
//! taken for a name: `Mailbox is busy` has none.

use crate::record::Dialect;
use crate::record::bytes::first_token;

/// The users that the product's installers make for the MTA (Administration Guide, all releases).
const RUN_USERS: [&[u8]; 4] = [b"mailsrv", b"inetmail", b"inetuser", b"mailsrv2"];

/// A user that the MTA's own processes run as, or an authenticated one.
pub(in crate::record) fn is_certain(token: &[u8], dialect: &Dialect) -> bool {
    token.len() > 1 && token[0] == b'*' || is_run_user(token, dialect)
}

/// A user that the MTA's own processes run as.
pub(super) fn is_run_user(token: &[u8], dialect: &Dialect) -> bool {
    RUN_USERS.contains(&token) || dialect.run_users.iter().any(|user| user == token)
}

/// Whether a word is a login name in front of what follows. `usual` says that the log had the option
/// on at first: without that, only a reply right behind it shows that it is no part of the text.
pub(super) fn is_login(token: &[u8], behind: &[u8], usual: bool) -> bool {
    let name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !matches!(token.first(), Some(b'a'..=b'z' | b'_')) || !token.iter().all(name) {
        return false;
    }
    let text = behind.strip_prefix(b" ").unwrap_or(behind);
    if begins_status(text) {
        return true;
    }
    // Texts of the MTA begin with a capital or a number; a plain word in lower case goes on with the one in
    // front of it, unless it is a host.
    let (next, further) = first_token(text);
    let plain = |byte: &u8| byte.is_ascii_lowercase() || matches!(byte, b':' | b',' | b'-' | b'\'');
    let goes_on = matches!(next.first(), Some(b'a'..=b'z')) && next.iter().all(plain);
    usual && next.first() != Some(&b'(') && (!goes_on || further.starts_with(b" ("))
}

/// Whether a text begins as only a delivery status does: a host, transport, or reply with its code.
pub(super) fn begins_status(text: &[u8]) -> bool {
    match text {
        [b'4' | b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', rest @ ..] => {
            matches!(rest, [b'4' | b'5', b'.', ..])
        }
        [b'2' | b'4' | b'5', b'.', b'0'..=b'9', ..] => true,
        _ => text.starts_with(b"dns;") || text.starts_with(b"smtp;") || text.starts_with(b"(TCP|"),
    }
}
