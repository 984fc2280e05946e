//! Writes entries as the MTA does, from the manuals alone: nothing of the reader is used here.
//!
//! Positional formats: 2005Q4 guide, "Understanding the MTA Log Entry Format"; named fields:
//! Administration Guide 6.3, "XML log format".

/// `LOG_FORMAT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    NonNull,
    Counted,
    Xml,
    Json,
    FlatJson,
}

pub const FORMATS: [Format; 6] =
    [Format::Text, Format::NonNull, Format::Counted, Format::Xml, Format::Json, Format::FlatJson];

/// An option that adds a field, in the order of the fields behind the recipients; node and process id
/// stand at the start of the entry.
pub const OPTIONS: [(&str, &str); 19] = [
    ("log_node", "no"),
    ("log_process", "pi"),
    ("log_notary", "rf"),
    ("log_filename", "fi"),
    ("log_envelope_id", "ei"),
    ("log_message_id", "mi"),
    ("log_username", "us"),
    ("log_connection=1", "ss"),
    ("log_sensitivity", "se"),
    ("log_priority", "pr"),
    ("log_intermediate=1", "in"),
    ("log_intermediate=2", "ia"),
    ("log_filter", "fl"),
    ("log_reason", "re"),
    ("log_diagnostics", "di"),
    ("log_remote_mta", "rm"),
    ("log_connection=32", "tr"),
    ("log_connection=64", "ap"),
    ("log_queue_time", "qt"),
];

/// Positions in [`OPTIONS`].
pub const NODE: usize = 0;
pub const PROCESS: usize = 1;
const NOTARY: usize = 2;
const SENSITIVITY: usize = 8;
const PRIORITY: usize = 9;
const FILTER: usize = 12;
const QUEUE_TIME: usize = 18;

/// How one log is written, beside the options.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit of its own, in any combination")]
pub struct Style {
    pub format: Format,
    /// Which of [`OPTIONS`] are on.
    pub on: [bool; OPTIONS.len()],
    /// `19-JAN-1998 20:49:04`, without a fraction.
    pub old_dates: bool,
    /// Blanks at the end of a line are cut off.
    pub trimmed: bool,
    /// What a length of format 3 counts: characters, or else bytes.
    pub characters: bool,
    /// Named fields are written even when they are empty.
    pub always: bool,
    /// What a relay or `grep` put in front of each line.
    pub prefix: &'static str,
}

/// A message entry: what the MTA knows, whether or not an option shows it.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Year, month, day, hour, minute, second, hundredths.
    pub time: [u32; 7],
    pub source: Vec<u8>,
    pub destination: Vec<u8>,
    pub code: String,
    pub blocks: u64,
    pub from: Vec<u8>,
    pub original_to: Vec<u8>,
    pub to: Vec<u8>,
    /// By position in [`OPTIONS`].
    pub fields: [Vec<u8>; OPTIONS.len()],
}

/// A connection entry.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    pub time: [u32; 7],
    pub node: Vec<u8>,
    pub process: Vec<u8>,
    pub channel: Vec<u8>,
    pub inbound: bool,
    pub code: String,
    pub transport: Vec<u8>,
    pub application: Vec<u8>,
    pub text: Vec<u8>,
    pub username: Vec<u8>,
    pub diagnostic: Vec<u8>,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Style {
    pub fn message(&self, entry: &Message) -> Vec<u8> {
        match self.format {
            Format::Text | Format::NonNull | Format::Counted => self.positional_message(entry),
            Format::Xml | Format::Json | Format::FlatJson => {
                let mut fields = vec![("ts", iso(entry.time).into_bytes())];
                for field in [NODE, PROCESS] {
                    self.named(&mut fields, field, entry);
                }
                fields.push(("sc", entry.source.clone()));
                fields.push(("dc", entry.destination.clone()));
                fields.push(("ac", entry.code.clone().into_bytes()));
                fields.push(("sz", entry.blocks.to_string().into_bytes()));
                fields.push(("so", entry.from.clone()));
                fields.push(("od", entry.original_to.clone()));
                fields.push(("de", entry.to.clone()));
                for field in NOTARY..OPTIONS.len() {
                    self.named(&mut fields, field, entry);
                }
                self.element("en", &fields)
            }
        }
    }

    pub fn connection(&self, entry: &Connection) -> Vec<u8> {
        let texts = [&entry.transport, &entry.application, &entry.text, &entry.username, &entry.diagnostic];
        if matches!(self.format, Format::Xml | Format::Json | Format::FlatJson) {
            let direction = if entry.inbound { b"+" } else { b"-" };
            let mut fields = vec![("ts", iso(entry.time).into_bytes())];
            for (field, value) in [(NODE, &entry.node), (PROCESS, &entry.process)] {
                if self.on[field] {
                    fields.push((OPTIONS[field].1, value.clone()));
                }
            }
            fields.push(("sc", entry.channel.clone()));
            fields.push(("dr", direction.to_vec()));
            fields.push(("ac", entry.code.clone().into_bytes()));
            for (name, value) in ["tr", "ap", "mi", "us", "di"].into_iter().zip(texts) {
                if !value.is_empty() || self.always {
                    fields.push((name, value.clone()));
                }
            }
            return self.element("co", &fields);
        }
        let mut line = self.start(entry.time, &entry.node, &entry.process);
        let direction: &[u8] = if entry.inbound { b"+" } else { b"-" };
        pad(&mut line, &entry.channel);
        pad(&mut line, direction);
        line.extend_from_slice(entry.code.as_bytes());
        for text in texts {
            if self.format == Format::Counted {
                line.push(b' ');
                self.counted(&mut line, text);
            } else if !text.is_empty() {
                line.push(b' ');
                line.extend_from_slice(text);
            }
        }
        line
    }

    pub fn header(&self, time: [u32; 7], node: &[u8], process: &[u8], text: &[u8]) -> Vec<u8> {
        if matches!(self.format, Format::Xml | Format::Json | Format::FlatJson) {
            return self.element("he", &[("ts", iso(time).into_bytes()), ("va", text.to_vec())]);
        }
        let mut line = self.start(time, node, process);
        line.extend_from_slice(b"> ");
        line.extend_from_slice(text);
        line
    }

    fn start(&self, time: [u32; 7], node: &[u8], process: &[u8]) -> Vec<u8> {
        let [year, month, day, hour, minute, second, hundredths] = time;
        let month = MONTHS[month as usize - 1];
        let stamp = if self.old_dates {
            format!("{day:02}-{}-{year} {hour:02}:{minute:02}:{second:02} ", month.to_uppercase())
        } else {
            format!("{day:02}-{month}-{year} {hour:02}:{minute:02}:{second:02}.{hundredths:02} ")
        };
        let mut line = self.prefix.as_bytes().to_vec();
        line.extend_from_slice(stamp.as_bytes());
        for (field, value) in [(NODE, node), (PROCESS, process)] {
            if self.on[field] {
                line.extend_from_slice(value);
                line.push(b' ');
            }
        }
        line
    }

    fn positional_message(&self, entry: &Message) -> Vec<u8> {
        let mut line = self.start(entry.time, &entry.fields[NODE], &entry.fields[PROCESS]);
        pad(&mut line, &entry.source);
        pad(&mut line, &entry.destination);
        line.extend_from_slice(entry.code.as_bytes());
        line.extend_from_slice(format!(" {}", entry.blocks).as_bytes());
        for address in [&entry.from, &entry.original_to, &entry.to] {
            line.push(b' ');
            match self.format {
                Format::Counted => self.counted(&mut line, address),
                Format::NonNull if address.is_empty() => line.extend_from_slice(b"<>"),
                _ => line.extend_from_slice(address),
            }
        }
        for field in (NOTARY..OPTIONS.len()).filter(|&field| self.on[field]) {
            line.push(b' ');
            let mut value = entry.fields[field].clone();
            if field == FILTER {
                value = [b"'", &value[..], b"'"].concat();
            }
            let number = matches!(field, NOTARY | SENSITIVITY | PRIORITY | QUEUE_TIME);
            if self.format == Format::Counted && !number {
                self.counted(&mut line, &value);
            } else {
                line.extend_from_slice(&value);
            }
        }
        if self.trimmed {
            while line.last() == Some(&b' ') {
                line.pop();
            }
        }
        line
    }

    fn counted(&self, line: &mut Vec<u8>, text: &[u8]) {
        // A byte that is no UTF-8 is a character of its own.
        let characters = || String::from_utf8_lossy(text).chars().count();
        let length = if self.characters { characters() } else { text.len() };
        line.extend_from_slice(format!("{length}:").as_bytes());
        line.extend_from_slice(text);
    }

    fn named(&self, fields: &mut Vec<(&str, Vec<u8>)>, field: usize, entry: &Message) {
        let value = &entry.fields[field];
        if self.on[field] && (self.always || !value.is_empty()) {
            fields.push((OPTIONS[field].1, value.clone()));
        }
    }

    fn element(&self, element: &str, fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut line = self.prefix.as_bytes().to_vec();
        if self.format == Format::Xml {
            line.extend_from_slice(format!("<{element}").as_bytes());
            for (name, value) in fields {
                line.extend_from_slice(format!(" {name}=\"").as_bytes());
                xml_value(&mut line, value);
                line.push(b'"');
            }
            line.extend_from_slice(b"/>");
            return line;
        }
        let flat = self.format == Format::FlatJson;
        let open = if flat { format!("{{\"entry\":\"{element}\"") } else { format!("{{\"{element}\":{{") };
        line.extend_from_slice(open.as_bytes());
        for (number, (name, value)) in fields.iter().enumerate() {
            if flat || number > 0 {
                line.push(b',');
            }
            line.extend_from_slice(format!("\"{name}\":").as_bytes());
            json_value(&mut line, name, value);
        }
        line.extend_from_slice(if flat { b"}" } else { b"}}" });
        line
    }
}

fn iso([year, month, day, hour, minute, second, hundredths]: [u32; 7]) -> String {
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{hundredths:02}")
}

/// Left in a column of 12, and one blank.
fn pad(line: &mut Vec<u8>, value: &[u8]) {
    line.extend_from_slice(value);
    line.extend(std::iter::repeat_n(b' ', 12_usize.saturating_sub(value.len()) + 1));
}

fn xml_value(line: &mut Vec<u8>, value: &[u8]) {
    for &byte in value {
        match byte {
            b'&' => line.extend_from_slice(b"&amp;"),
            b'<' => line.extend_from_slice(b"&lt;"),
            b'>' => line.extend_from_slice(b"&gt;"),
            b'"' => line.extend_from_slice(b"&quot;"),
            b'\t' => line.extend_from_slice(b"&#9;"),
            byte => line.push(byte),
        }
    }
}

/// A number as a number, all else as a string.
fn json_value(line: &mut Vec<u8>, name: &str, value: &[u8]) {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    if digits && matches!(name, "sz" | "rf" | "se" | "pr" | "qt") {
        line.extend_from_slice(value);
        return;
    }
    line.push(b'"');
    let mut rest = value;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'"' | b'\\' => line.extend_from_slice(&[b'\\', byte]),
            b'\t' => line.extend_from_slice(b"\\t"),
            b'/' => line.extend_from_slice(b"\\/"),
            byte => line.push(byte),
        }
    }
    line.push(b'"');
}
