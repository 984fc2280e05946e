//! `[held]`: telling why messages are held.

use std::path::PathBuf;

use super::error::quoted;
use super::keys::section;
use super::value::{Refusal, number, one, optional, path};

/// The longest host name in the DNS.
const HOST_BYTES: usize = 253;
/// More lines than this are in no header.
const MOST_LINES: u32 = 100_000;
const LINES: &str = "a number from 0 to 100000";

section! {
    held: Held "Telling why messages are held, by the limits of the MTA.";

    host: Option<String> = optional(host),
        expects "a host name such as \"mta1.example.com\"",
        found "the host name of the system, if it has a domain; without one no loop is found by this host's own lines" =>
            "\"mta1.example.com\"",
        "The MTA's official local host name, by which it knows its own `Received:` lines.";

    max_received_lines: u32 = one(lines),
        expects LINES,
        default 50,
        "The MTA's option `max_received_lines`: a message with more `Received:` lines is held as looping.";

    max_local_received_lines: u32 = one(lines),
        expects LINES,
        default 10,
        "The MTA's option `max_local_received_lines`: a message with more `Received:` lines that hold the \
         official local host name is held as looping.";

    max_mr_received_lines: u32 = one(lines),
        expects LINES,
        default 20,
        "The MTA's option `max_mr_received_lines`: a message with more `MR-Received:` lines is held as looping.";

    max_x400_received_lines: u32 = one(lines),
        expects LINES,
        default 50,
        "The MTA's option `max_x400_received_lines`: a message with more `X400-Received:` lines is held as looping.";

    max_total_received_lines: u32 = one(lines),
        expects LINES,
        default 100,
        "The MTA's option `max_total_received_lines`: a message with more such lines of all three names is held \
         as looping.";

    syslog: Option<PathBuf> = optional(syslog),
        expects "the absolute path of a file",
        found "no notices are counted" => "\"/var/log/syslog\"",
        "The file that gets the MTA's notices by syslog: lines that say `Received count exceeded; message held.` are \
         counted. The MTA writes them only if its option `held_sndopr` is on, and it is off by default.";
}

fn host(text: &str) -> Result<String, Refusal> {
    if text.is_empty() || text.len() > HOST_BYTES {
        return Err(Refusal::new("it is not from 1 to 253 bytes long"));
    }
    if let Some(wrong) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !"-._".contains(*c)) {
        return Err(Refusal::new(format!("{} is in no host name", quoted(&wrong.to_string()))));
    }
    Ok(text.to_owned())
}

fn lines(text: &str) -> Result<u32, Refusal> {
    number(text, 0, MOST_LINES)
}

fn syslog(text: &str) -> Result<PathBuf, Refusal> {
    let path = path(text)?;
    if !path.is_absolute() {
        return Err(Refusal::new("it does not begin with a slash"));
    }
    Ok(path)
}
