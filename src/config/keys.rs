//! THE table of configuration keys, and of the sections they are in.
//!
//! To add a key: a row here and a field in its section's struct. Tests fail until both are there,
//! agree about values and defaults, and `docs/configuration.md` was made anew.

use ::config::{ConfigError, Value};

use super::{ENVIRONMENT_PREFIX, clients, held, http, logs, mta, processes, queue, sockets, state, value};

/// One section of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The name in the brackets.
    pub name: &'static str,
    /// One sentence for the reference.
    pub doc: &'static str,
}

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The section it is in.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// The command line flag that sets it too.
    pub flag: Option<&'static str>,
    /// What a right value is, as the end of "expected …".
    pub expects: &'static str,
    /// What holds when no layer sets it.
    pub absent: WhenAbsent,
    /// One sentence for the reference.
    pub doc: &'static str,
    /// The section's own parser, its result dropped.
    pub(super) check: fn(Value) -> Result<(), ConfigError>,
}

/// What holds when no layer sets a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenAbsent {
    /// This value, in TOML.
    Default(&'static str),
    /// The program finds out by itself.
    Found {
        /// From what, as a table cell.
        how: &'static str,
        /// A value to show, in TOML.
        example: &'static str,
    },
}

impl Key {
    /// `section.name`, as the errors write it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The environment variable that sets the key.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{ENVIRONMENT_PREFIX}{}__{}", self.section, self.name).to_ascii_uppercase()
    }

    /// The default, or where there is none the example, in TOML.
    #[must_use]
    pub fn shown_value(&self) -> &'static str {
        match self.absent {
            WhenAbsent::Default(value) => value,
            WhenAbsent::Found { example, .. } => example,
        }
    }
}

/// The key of this name in this section.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

const INTERVAL: &str = "a duration from 1s to 1h such as \"15s\"";
const DIRECTORY: &str = "the path of a directory";
const LINES: &str = "a number from 0 to 100000";

/// All sections, in the order of the reference.
pub static SECTIONS: [Section; 10] = [
    Section { name: "mta", doc: "Where the MTA is, and what it cannot tell about itself." },
    Section { name: "logs", doc: "Which transaction and connection logs are followed, and how." },
    Section { name: "queue", doc: "The scan of the queue directories." },
    Section { name: "held", doc: "Telling why messages are held, by the limits of the MTA." },
    Section { name: "sockets", doc: "The view of the kernel's sockets." },
    Section { name: "processes", doc: "The view of the MTA's processes." },
    Section { name: "files", doc: "The view of file systems, log sizes and directory owners." },
    Section { name: "clients", doc: "The metrics that name the clients of the SMTP server." },
    Section { name: "http", doc: "The HTTP listener." },
    Section { name: "state", doc: "What survives a restart." },
];

/// All keys, section by section.
pub static KEYS: [Key; 37] = [
    Key {
        section: "mta",
        name: "root",
        flag: Some("--root"),
        expects: DIRECTORY,
        absent: WhenAbsent::Found {
            how: "the first known place that exists",
            example: "\"/opt/sun/comms/messaging64\"",
        },
        doc: "The root directory of the installation.",
        check: |value| mta::directory(value).map(drop),
    },
    Key {
        section: "mta",
        name: "log_directory",
        flag: None,
        expects: DIRECTORY,
        absent: WhenAbsent::Found {
            how: "`log`, else `data/log`, below the root",
            example: "\"/var/opt/sun/comms/messaging64/log\"",
        },
        doc: "Where the MTA writes its logs; a relative path begins at the root.",
        check: |value| mta::directory(value).map(drop),
    },
    Key {
        section: "mta",
        name: "queue_directory",
        flag: None,
        expects: DIRECTORY,
        absent: WhenAbsent::Found {
            how: "`data/queue`, for PMDF and SIMS `queue`, below the root",
            example: "\"/var/opt/sun/comms/messaging64/queue\"",
        },
        doc: "The directory that holds one queue directory a channel; a relative path begins at the root.",
        check: |value| mta::directory(value).map(drop),
    },
    Key {
        section: "mta",
        name: "user",
        flag: None,
        expects: "the name or number of a user such as \"mailsrv\"",
        absent: WhenAbsent::Found { how: "the owner of the queue directory", example: "\"mailsrv\"" },
        doc: "The user that the MTA runs as and that has to own its directories.",
        check: |value| mta::user(value).map(drop),
    },
    Key {
        section: "mta",
        name: "as_root",
        flag: Some("--as-root"),
        expects: "true or false",
        absent: WhenAbsent::Default("false"),
        doc: "Whether a service that root starts stays root. By default it becomes `mta.user` before it reads anything \
              of the MTA; as root it could be led to any file of the host.",
        check: |value| mta::as_root(value).map(drop),
    },
    Key {
        section: "mta",
        name: "active",
        flag: None,
        expects: "true or false",
        absent: WhenAbsent::Found {
            how: "judged by what is there of logs, queue and processes",
            example: "true",
        },
        doc: "Whether the MTA runs on this host, for a pair of which one node is passive.",
        check: |value| mta::active(value).map(drop),
    },
    Key {
        section: "mta",
        name: "timezone",
        flag: None,
        expects: "an IANA time zone such as \"Europe/Berlin\"",
        absent: WhenAbsent::Found { how: "the host's time zone", example: "\"Europe/Berlin\"" },
        doc: "The time zone of the times in the logs, which do not name it.",
        check: |value| mta::timezone(value).map(drop),
    },
    Key {
        section: "mta",
        name: "block_size",
        flag: None,
        expects: "a size from 1B to 1GiB such as \"1KiB\"",
        absent: WhenAbsent::Default("\"1KiB\""),
        doc: "The MTA's option `block_size`: message sizes in the logs are counted in blocks of it.",
        check: |value| mta::block_size(value).map(drop),
    },
    Key {
        section: "logs",
        name: "files",
        flag: None,
        expects: "a list of 1 to 16 base names such as [\"mail.log_current\"]",
        absent: WhenAbsent::Default("[\"mail.log_current\", \"connection.log_current\"]"),
        doc: "The logs to follow, by base name; the first has to be there, the others may be switched off in the MTA; never the cumulative `mail.log` and `connection.log`, \
              which would count every line twice.",
        check: |value| logs::files(value).map(drop),
    },
    Key {
        section: "logs",
        name: "max_line_bytes",
        flag: None,
        expects: "a size from 1KiB to 1MiB such as \"64KiB\"",
        absent: WhenAbsent::Default("\"64KiB\""),
        doc: "A longer line is skipped and counted.",
        check: |value| logs::max_line_bytes(value).map(drop),
    },
    Key {
        section: "logs",
        name: "start",
        flag: None,
        expects: "\"end\" or \"beginning\"",
        absent: WhenAbsent::Default("\"end\""),
        doc: "Where reading begins when there is no state of an earlier run.",
        check: |value| logs::start(value).map(drop),
    },
    Key {
        section: "logs",
        name: "poll",
        flag: None,
        expects: "a duration from 100ms to 60s such as \"1s\"",
        absent: WhenAbsent::Default("\"1s\""),
        doc: "How often a log is looked at when no event came, as on network file systems.",
        check: |value| logs::poll(value).map(drop),
    },
    Key {
        section: "logs",
        name: "drain",
        flag: None,
        expects: "a duration from 10s to 24h such as \"10m\"",
        absent: WhenAbsent::Default("\"10m\""),
        doc: "How long a log that has lost its names is still read after it last grew.",
        check: |value| logs::drain(value).map(drop),
    },
    Key {
        section: "logs",
        name: "options",
        flag: None,
        expects: "a list of the LOG_* options that are on, such as [\"log_filename\", \"log_connection=3\"]",
        absent: WhenAbsent::Found {
            how: "inferred from the first 200 entries of each log",
            example: "[\"log_filename\", \"log_message_id\", \"log_connection=3\"]",
        },
        doc: "The options of the MTA that add fields to entries of `LOG_FORMAT` 1, 2 and 3, whose fields are known by \
              position alone; XML and JSON name theirs. One whose field has no known place, such as `log_auth`, is taken \
              where `logs.format` is 4, 5 or 6.",
        check: |value| logs::options(value).map(drop),
    },
    Key {
        section: "logs",
        name: "format",
        flag: None,
        expects: "a LOG_FORMAT from 1 to 6",
        absent: WhenAbsent::Found { how: "told by each line", example: "1" },
        doc: "`LOG_FORMAT` of the MTA: 1 or 2 keeps an address such as `13:adam@sesta.com` from being taken for a \
              counted field of format 3.",
        check: |value| logs::format(value).map(drop),
    },
    Key {
        section: "queue",
        name: "interval",
        flag: None,
        expects: INTERVAL,
        absent: WhenAbsent::Default("\"15s\""),
        doc: "The time between two scans.",
        check: |value| value::interval(value).map(drop),
    },
    Key {
        section: "queue",
        name: "stuck_after",
        flag: None,
        expects: "a duration from 1s to 720h such as \"10m\"",
        absent: WhenAbsent::Default("\"10m\""),
        doc: "A message that waited longer than this without one delivery attempt counts as stuck.",
        check: |value| queue::stuck_after(value).map(drop),
    },
    Key {
        section: "queue",
        name: "stuck_after_by_channel",
        flag: None,
        expects: "a list of at most 256 entries such as \"tcp_night=12h\", each a channel and a duration from 1s to 720h",
        absent: WhenAbsent::Default("[]"),
        doc: "The same for single channels, such as those that deliver at certain hours only.",
        check: |value| queue::stuck_after_by_channel(value).map(drop),
    },
    Key {
        section: "queue",
        name: "budget",
        flag: None,
        expects: "a duration from 100ms to 1h such as \"2s\"",
        absent: WhenAbsent::Default("\"2s\""),
        doc: "How long one scan may take; the next goes on where it stopped. Scans take at most a twentieth of the time.",
        check: |value| queue::budget(value).map(drop),
    },
    Key {
        section: "queue",
        name: "first_pass",
        flag: None,
        expects: "a duration from 100ms to 1h such as \"30s\"",
        absent: WhenAbsent::Default("\"30s\""),
        doc: "How long the first scan may take to count the names of all files, in front of its budget; sizes and ages \
              of a large queue follow with the next scans.",
        check: |value| queue::budget(value).map(drop),
    },
    Key {
        section: "held",
        name: "host",
        flag: None,
        expects: "a host name such as \"mta1.example.com\"",
        absent: WhenAbsent::Found {
            how: "the host name of the system, if it has a domain; without one no loop is found by this host's own lines",
            example: "\"mta1.example.com\"",
        },
        doc: "The MTA's official local host name, by which it knows its own `Received:` lines.",
        check: |value| held::host(value).map(drop),
    },
    Key {
        section: "held",
        name: "max_received_lines",
        flag: None,
        expects: LINES,
        absent: WhenAbsent::Default("50"),
        doc: "The MTA's option `max_received_lines`: a message with more `Received:` lines is held as looping.",
        check: |value| held::lines(value).map(drop),
    },
    Key {
        section: "held",
        name: "max_local_received_lines",
        flag: None,
        expects: LINES,
        absent: WhenAbsent::Default("10"),
        doc: "The MTA's option `max_local_received_lines`: a message with more `Received:` lines that hold the official local host name is held as looping.",
        check: |value| held::lines(value).map(drop),
    },
    Key {
        section: "held",
        name: "max_mr_received_lines",
        flag: None,
        expects: LINES,
        absent: WhenAbsent::Default("20"),
        doc: "The MTA's option `max_mr_received_lines`: a message with more `MR-Received:` lines is held as looping.",
        check: |value| held::lines(value).map(drop),
    },
    Key {
        section: "held",
        name: "max_x400_received_lines",
        flag: None,
        expects: LINES,
        absent: WhenAbsent::Default("50"),
        doc: "The MTA's option `max_x400_received_lines`: a message with more `X400-Received:` lines is held as looping.",
        check: |value| held::lines(value).map(drop),
    },
    Key {
        section: "held",
        name: "max_total_received_lines",
        flag: None,
        expects: LINES,
        absent: WhenAbsent::Default("100"),
        doc: "The MTA's option `max_total_received_lines`: a message with more such lines of all three names is held as looping.",
        check: |value| held::lines(value).map(drop),
    },
    Key {
        section: "held",
        name: "syslog",
        flag: None,
        expects: "the absolute path of a file",
        absent: WhenAbsent::Found { how: "no notices are counted", example: "\"/var/log/syslog\"" },
        doc: "The file that gets the MTA's notices by syslog: lines that say `Received count exceeded; message held.` are \
              counted. The MTA writes them only if its option `held_sndopr` is on, and it is off by default.",
        check: |value| held::syslog(value).map(drop),
    },
    Key {
        section: "sockets",
        name: "ports",
        flag: None,
        expects: "a list of 1 to 32 ports from 1 to 65535 such as [25, 587]",
        absent: WhenAbsent::Default("[25, 465, 587]"),
        doc: "The TCP ports that the MTA listens on.",
        check: |value| sockets::ports(value).map(drop),
    },
    Key {
        section: "sockets",
        name: "interval",
        flag: None,
        expects: INTERVAL,
        absent: WhenAbsent::Default("\"15s\""),
        doc: "The time between two looks at the sockets.",
        check: |value| value::interval(value).map(drop),
    },
    Key {
        section: "processes",
        name: "names",
        flag: None,
        expects: "a list of 1 to 64 program names such as [\"dispatcher\"]",
        absent: WhenAbsent::Default(
            "[\"dispatcher\", \"job_controller\", \"tcp_smtp_server\", \"tcp_smtp_client\", \
             \"tcp_lmtp_server\", \"tcp_lmtp_client\", \"ims_master\"]",
        ),
        doc: "The programs of the MTA to look for.",
        check: |value| processes::names(value).map(drop),
    },
    Key {
        section: "processes",
        name: "interval",
        flag: None,
        expects: INTERVAL,
        absent: WhenAbsent::Default("\"10s\""),
        doc: "The time between two looks at the processes.",
        check: |value| value::interval(value).map(drop),
    },
    Key {
        section: "files",
        name: "interval",
        flag: None,
        expects: INTERVAL,
        absent: WhenAbsent::Default("\"60s\""),
        doc: "The time between two looks at file systems, log sizes and owners.",
        check: |value| value::interval(value).map(drop),
    },
    Key {
        section: "clients",
        name: "label",
        flag: None,
        expects: "\"address\", \"network\", \"hashed\" or \"off\"",
        absent: WhenAbsent::Default("\"address\""),
        doc: "How a client's address becomes a label: as it is, its network, a keyed hash, or not at all.",
        check: |value| clients::label(value).map(drop),
    },
    Key {
        section: "clients",
        name: "top",
        flag: None,
        expects: "a number from 0 to 1000",
        absent: WhenAbsent::Default("10"),
        doc: "How many clients get series of their own.",
        check: |value| clients::top(value).map(drop),
    },
    Key {
        section: "http",
        name: "listen",
        flag: Some("--listen"),
        expects: "an IP address and a port such as \"127.0.0.1:9797\" or \"[::]:9797\"",
        absent: WhenAbsent::Default("\"127.0.0.1:9797\""),
        doc: "Where `/metrics` and the other pages are served; port 0 takes any free port.",
        check: |value| http::listen(value).map(drop),
    },
    Key {
        section: "state",
        name: "directory",
        flag: Some("--state-dir"),
        expects: DIRECTORY,
        absent: WhenAbsent::Default("\"/var/lib/imsimta-exporter\""),
        doc: "The only directory that the program writes to.",
        check: |value| state::directory(value).map(drop),
    },
    Key {
        section: "state",
        name: "interval",
        flag: None,
        expects: INTERVAL,
        absent: WhenAbsent::Default("\"30s\""),
        doc: "How often the state is written when something changed.",
        check: |value| value::interval(value).map(drop),
    },
];
