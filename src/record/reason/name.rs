//! Names in a text: addresses, hosts, URLs, and numbers with dots. Their words do not count.

use std::sync::LazyLock;

use rustc_hash::FxHashSet;

use super::kind;
use super::lexicon::key;
use super::vocabulary::{CLIENT, Classes, LIST_HOSTS, LISTHOST, MAILADDRESS};
use crate::record::bytes;

/// A name: where it ends, and what it counts as.
pub(super) struct Name {
    pub end: usize,
    pub classes: Classes,
}

/// Reads a run as a name; `None` for words. `kinds` are those of its marks; it has a dot among them only where one
/// stands between letters or digits.
pub(super) fn read(text: &[u8], start: usize, end: usize, kinds: u8) -> Option<Name> {
    let run = &text[start..end];
    let at = if kinds & kind::AT == 0 { None } else { bytes::find::<b'@'>(run) };
    if let Some(at) = at {
        let end = address_end(run, at).map_or(end, |length| start + length);
        return Some(Name { end, classes: MAILADDRESS });
    }
    if kinds & kind::SLASH != 0 && contains(run, b"://") {
        return Some(Name { end, classes: list_host(run) });
    }
    if kinds & kind::DOT == 0 || bytes::holds_capital(run) && (is_exception(run) || is_sentence(run)) {
        return None;
    }
    let numbers = run.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let classes = match numbers {
        true if memchr::memchr_iter(b'.', run).count() == 3 => CLIENT,
        true => 0,
        false => list_host(run),
    };
    Some(Name { end, classes })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Where an address ends, if a colon and a word follow it: `bob@example.com:blocked`.
fn address_end(run: &[u8], at: usize) -> Option<usize> {
    let colon = at + bytes::find::<b':'>(&run[at..])?;
    run.get(colon + 1).is_some_and(u8::is_ascii_alphabetic).then_some(colon)
}

/// `RESOLVER.ADR.RecipientNotFound`, `STOREDRV.Deliver`: how Exchange says what went wrong.
fn is_exception(run: &[u8]) -> bool {
    ["RESOLVER.", "STOREDRV.", "SMTPSEND.", "ROUTING.", "TRANSPORT.", "APPROVAL."]
        .iter()
        .any(|start| run.starts_with(start.as_bytes()))
        || contains(run, b"Exception")
}

/// `rejected.See`: a sentence that ends without a blank, and no other dot.
fn is_sentence(run: &[u8]) -> bool {
    let mut dots = memchr::memchr_iter(b'.', run);
    let (Some(dot), None) = (dots.next(), dots.next()) else { return false };
    dot > 2
        && kind::is_small(run[dot - 1])
        && run.get(dot + 1).is_some_and(u8::is_ascii_uppercase)
        && run.get(dot + 2).is_some_and(|&byte| kind::is_small(byte))
}

/// Whether a block list's host stands in a name: `zen.spamhaus.org`, `https://www.spamhaus.org/query`.
fn list_host(run: &[u8]) -> Classes {
    if bytes::is_host_name(run) {
        return if is_list_host(run) { LISTHOST } else { 0 };
    }
    let mut hosts = run.split(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'-'));
    if hosts.any(is_list_host) { LISTHOST } else { 0 }
}

fn is_list_host(host: &[u8]) -> bool {
    let Some(last) = bytes::find_last::<b'.'>(host) else { return false };
    let domain = bytes::find_last::<b'.'>(&host[..last]).map_or(host, |dot| &host[dot + 1..]);
    LIST_HOST_KEYS.contains(&key(domain))
        && LIST_HOSTS
            .iter()
            .any(|list| list.len() == domain.len() && domain.eq_ignore_ascii_case(list.as_bytes()))
}

/// The first bytes of the block lists' hosts: nearly every other host is none of them by these.
static LIST_HOST_KEYS: LazyLock<FxHashSet<u128>> =
    LazyLock::new(|| LIST_HOSTS.iter().map(|host| key(host.as_bytes())).collect());
