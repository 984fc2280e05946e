//! Random entries, as sites of this MTA could log them: plain ones, and the odd ones among them.

use fastrand::Rng;

use super::writer::{Connection, Format, Message, NODE, OPTIONS, PROCESS, Style};

fn pick<'a>(rng: &mut Rng, choices: &[&'a str]) -> &'a str {
    choices[rng.usize(..choices.len())]
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// The position of an option's field by the two letters that name it.
pub fn field(name: &str) -> usize {
    OPTIONS.iter().position(|option| option.1 == name).expect("an option")
}

/// A style with random options.
pub fn style(rng: &mut Rng, format: Format) -> Style {
    let dense = rng.f64();
    Style {
        format,
        on: std::array::from_fn(|_| rng.f64() < dense),
        old_dates: rng.u8(..6) == 0,
        trimmed: rng.bool(),
        characters: rng.bool(),
        always: rng.bool(),
        prefix: pick(rng, &["", "", "", "mail.log_current:", "Jun 11 09:07:57 mail1 mta: ", "12:"]),
    }
}

fn time(rng: &mut Rng) -> [u32; 7] {
    [
        rng.u32(1998..2040),
        rng.u32(1..=12),
        rng.u32(1..=28),
        rng.u32(..24),
        rng.u32(..60),
        rng.u32(..60),
        rng.u32(..100),
    ]
}

const CHANNELS: [&str; 9] = [
    "tcp_local",
    "l",
    "ims-ms",
    "tcp_intranet",
    "TCP_LOCAL",
    "conversion",
    "process",
    "tcp_lmtpcs_of_the_second_store",
    "D",
];

fn domain(rng: &mut Rng) -> &'static str {
    pick(
        rng,
        &[
            "siroe.com",
            "sesta.com",
            "very.bogus.com",
            "a-b.example",
            "192.example",
            "ims-ms-daemon",
            "d\u{e9}j\u{e0}.example",
        ],
    )
}

fn address(rng: &mut Rng) -> Vec<u8> {
    let domain = domain(rng);
    let local = match rng.u8(..12) {
        0 => "\"a b\"".to_owned(),
        1 => "\"odd ;rfc822;x \\\" y\"".to_owned(),
        2 => "bounces-fohf=my-domain.fr".to_owned(),
        3 => "r\u{e9}sum\u{e9}".to_owned(),
        4 => "13:adam".to_owned(),
        5 => return [b"caf\xe9@", domain.as_bytes()].concat(),
        6 => return bytes(&format!("@relay.example,@b.example:user{}@{domain}", rng.u8(..))),
        _ => format!("user{}", rng.u32(..10_000)),
    };
    bytes(&format!("{local}@{domain}"))
}

fn message_id(rng: &mut Rng) -> Vec<u8> {
    let one = |rng: &mut Rng| format!("<{:x}$7c1c1ee0${}@{}>", rng.u32(..), rng.u16(..), domain(rng));
    let first = one(rng);
    bytes(&if rng.u8(..10) == 0 { format!("{first},{}", one(rng)) } else { first })
}

fn filename(rng: &mut Rng, channel: &str) -> Vec<u8> {
    let root = pick(rng, &["/opt/sun/comms/messaging64/data/queue", "imta/queue", "/imta/queue"]);
    let attempts = pick(rng, &["ZZ", "ZY", "ZX", "Z0", "YZ"]);
    let extension = pick(rng, &["00", "01", "HELD"]);
    let letter = pick(rng, &["x", "_", "-", "N_y", "--", "+", "~", "$", "\u{e9}"]);
    bytes(&format!(
        "{root}/{channel}/{:03}/{attempts}f{:08x}{letter}.{extension}",
        rng.u8(..100),
        rng.u32(..)
    ))
}

fn process(rng: &mut Rng) -> Vec<u8> {
    let pid = rng.u32(1..);
    let thread = if rng.bool() { format!(".{:x}", rng.u16(..)) } else { String::new() };
    bytes(&format!("{pid:x}{thread}.{}", rng.u16(..)))
}

fn tuple(rng: &mut Rng) -> String {
    let ours = pick(rng, &["192.0.2.1", "[2001:db8::1]", "2001:db8::1"]);
    format!("TCP|{ours}|25|203.0.113.{}|{}", rng.u8(..), rng.u16(1..))
}

fn application(rng: &mut Rng) -> Vec<u8> {
    bytes(pick(rng, &["SMTP", "SMTP/TLS-128-RC4", "SMTP/hostb.sesta.com/mailhub.sesta.com", "LMTP", "SMTP/"]))
}

fn source_system(rng: &mut Rng, letter: u8) -> Vec<u8> {
    let name = pick(rng, &["siroe.com", "host-1.example", "[127.0.0.1]", "localhost"]);
    bytes(&match rng.u8(..6) {
        0 => String::new(),
        1 if letter == b'E' => pick(rng, &["mailhub", "mail.siroe.com"]).to_owned(),
        1 => "mail.siroe.com".to_owned(),
        2 => format!("{name} ([192.0.2.{}])", rng.u8(..)),
        3 => format!("{name} ([IPv6:2001:db8::{:x}])", rng.u16(..)),
        _ => format!("{name} (rdns.example [192.0.2.{}])", rng.u8(..)),
    })
}

const REASONS: [&str; 4] = [
    "Illegal host/domain name found",
    "Remote SMTP server has rejected address",
    "unable to deliver this message after 1 day",
    "SMTP transmission failure has occurred",
];

const LOCAL_TEXTS: [&str; 6] = [
    "Mailbox is busy",
    "TCP active open: Failed connect()    Error: no route to host",
    "Too many failures to this host during this run; skipping this host: Dead (unresponsive) host",
    "4.4.3 Please try again later",
    "data/big_smtp_read Error reading SMTP packet",
    "550 5.7.1 Relaying not permitted: alan@very.bogus.com and \"more\" \\ <tags> & l\u{e9}",
];

const REPLIES: [&str; 5] = [
    "smtp;250 2.1.5 marlowe@siroe.com and options OK.",
    "smtp; 553 unknown or illegal user: nonesuch@siroe.com",
    "smtp;452 4.2.2 over quota",
    "smtp;550 5.1.1 <x@y.example>... User Unknown",
    "smtp;250 OK queued as a1b2c3",
];

/// A message entry; `style` says which fields there can be told apart.
pub fn message(rng: &mut Rng, style: &Style) -> Message {
    let letter = match rng.u8(..24) {
        0..8 => b'E',
        8..14 => b'D',
        14..22 => b"QRKZWJVQ"[usize::from(rng.u8(..8))],
        _ => b"AFGHLMNPST"[usize::from(rng.u8(..10))],
    };
    let mut code = String::from(char::from(letter));
    for modifier in pick(rng, &["", "", "", "E", "EC", "EPA", "EQ", "SA", "XZ"]).chars() {
        code.push(modifier);
    }
    let has_destination = letter == b'E' || matches!(letter, b'V' | b'J') && rng.bool();
    let source = pick(rng, &CHANNELS);
    // Where a node stands in front, a channel and a column that is left out are told by their width.
    let destination = if has_destination { pick(rng, &CHANNELS) } else { "" };
    let mut entry = Message {
        time: time(rng),
        source: bytes(source),
        destination: bytes(destination),
        code,
        blocks: rng.u64(..100_000),
        from: if rng.u8(..6) == 0 { Vec::new() } else { address(rng) },
        original_to: [&b"rfc822;"[..], &if rng.u8(..20) == 0 { Vec::new() } else { address(rng) }].concat(),
        to: if rng.u8(..8) == 0 { bytes("adam") } else { address(rng) },
        ..Message::default()
    };
    optional(rng, style, letter, source, &mut entry);
    entry
}

fn optional(rng: &mut Rng, style: &Style, letter: u8, source: &str, entry: &mut Message) {
    let queued = b"EDQRKZW".contains(&letter);
    let tried = b"DQRKZW".contains(&letter);
    let on = style.on;
    let mut set = |name: &str, value: Vec<u8>| entry.fields[field(name)] = value;
    set("no", bytes(pick(rng, &["mail1", "HOSTA", "host.domain.com"])));
    set("pi", process(rng));
    set("rf", bytes(pick(rng, &["276", "22", "0", "4294967295"])));
    if queued {
        set("fi", filename(rng, source));
        set("mi", message_id(rng));
        if rng.bool() {
            set("ei", bytes(pick(rng, &["01LI4QL1W0EC00I68O@mauve.sun.com", "<01IWFVYLG@innosoft.com>"])));
        }
    }
    set("us", bytes(pick(rng, &["mailsrv", "mailsrv", "*jon@siroe.com", "adam", ""])));
    set("ss", if b"EDRVJ".contains(&letter) { source_system(rng, letter) } else { Vec::new() });
    set("se", bytes(pick(rng, &["0", "1", "3"])));
    set("pr", bytes(pick(rng, &["2", "4"])));
    set("in", if rng.bool() { address(rng) } else { Vec::new() });
    set("ia", if rng.bool() { address(rng) } else { Vec::new() });
    set(
        "fl",
        bytes(pick(
            rng,
            &["", "", "spamfilter1:rvLiXh158xWdQKa9iJ0d7Q==, addheader, keep", "fileinto 'x', keep"],
        )),
    );
    let remote = bytes("dns;thor.siroe.com");
    let (reason, mut diagnostic) = texts(rng, letter, on[field("rm")]);
    if on[field("rm")] && tried && diagnostic.starts_with(b"(TCP|") {
        set("rm", remote);
    }
    // A reason alone cannot be told from a delivery status of this host.
    let of_another_host = diagnostic.starts_with(b"dns;") || diagnostic.starts_with(b"(TCP|");
    if !reason.is_empty() && !of_another_host {
        diagnostic.clear();
    }
    set("re", reason);
    set("di", diagnostic);
    if rng.bool() {
        set("tr", bytes(&tuple(rng)));
        set("ap", application(rng));
    }
    if tried {
        set("qt", bytes(&rng.u32(..1_000_000).to_string()));
    }
}

/// Reason and delivery status.
fn texts(rng: &mut Rng, letter: u8, remote_apart: bool) -> (Vec<u8>, Vec<u8>) {
    let reason = if b"RK".contains(&letter) && rng.bool() { bytes(pick(rng, &REASONS)) } else { Vec::new() };
    let diagnostic = match letter {
        b'D' | b'Q' | b'R' | b'Z' if rng.bool() => {
            let host = if remote_apart { "" } else { "dns;thor.siroe.com " };
            let banner =
                pick(rng, &["(thor -- Server ESMTP [iMS V5.0 #8694])", "(x4 -- ESMTP (x4.d5.example.org)"]);
            bytes(&format!("{host}({}) {banner} {}", tuple(rng), pick(rng, &REPLIES)))
        }
        b'E' | b'D' | b'K' => Vec::new(),
        _ if rng.u8(..5) == 0 => Vec::new(),
        _ => bytes(pick(rng, &LOCAL_TEXTS)),
    };
    (reason, diagnostic)
}

/// A connection entry.
pub fn connection(rng: &mut Rng, style: &Style) -> Connection {
    let code = pick(rng, &["O", "C", "X", "Y", "I", "U", "OE", "CS", "T"]);
    let mut entry = Connection {
        time: time(rng),
        channel: bytes(pick(rng, &CHANNELS[..7])),
        inbound: rng.bool(),
        code: code.to_owned(),
        ..Connection::default()
    };
    if style.on[NODE] {
        entry.node = bytes(pick(rng, &["mail1", "host.domain.com"]));
    }
    if style.on[PROCESS] {
        entry.process = process(rng);
    }
    if code != "Y" || rng.bool() {
        entry.transport = bytes(&tuple(rng));
    }
    if rng.u8(..8) > 0 {
        entry.application = application(rng);
    }
    match code {
        "U" => {
            let (text, reply) = if rng.bool() {
                (
                    "Authentication successful - switched to channel tcp_submit",
                    "235 2.7.0 LOGIN authentication successful.",
                )
            } else {
                ("Bad password", "535 5.7.8 Bad username or password (Authentication failed).")
            };
            entry.text = bytes(text);
            entry.username = bytes("jon@siroe.com");
            entry.diagnostic = bytes(reply);
        }
        "X" => entry.diagnostic = bytes("500 can't connect now"),
        "C" | "Y" if rng.bool() => entry.diagnostic = bytes("connection refused \"x\""),
        _ => {}
    }
    entry
}
