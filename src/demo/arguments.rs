//! The command line of `demo`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
use hyper::Uri;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::format::LogFormat;
use super::incident::{self, Incident};
use super::traffic::{Options, Planned};
use crate::config::alertmanager;

/// Whoever asks for more than this wants the benches.
const MOST_RATE: f64 = 10_000.0;
const MOST_SPEED: f64 = 100_000.0;

/// What is not as on a real host, for the help.
const LIMITS: &str = "Limits: a message is returned after 10 attempts, which is about half an hour (a real MTA tries for \
days), so a queue that nothing leaves stops growing then; beyond 20,000 messages in the queue mail is refused. No SMTP is spoken. \
A demo that is killed (kill -9) cannot clear up: it leaves /tmp/imsimta-exporter-demo-* or the directory that was given.";

/// What the demo is told.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = LIMITS)]
pub struct Arguments {
    /// Where the synthetic MTA lives; must be empty or not exist [default: a temporary directory]
    #[arg(long, value_name = "DIR", required_if_eq("write_only", "true"))]
    pub dir: Option<PathBuf>,
    /// Address and port that the exporter serves on; port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9797")]
    pub listen: SocketAddr,
    /// What all chance derives from
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Mean messages a second over a week; office hours have more, nights and weekends fewer
    #[arg(long, value_name = "NUMBER", default_value_t = 5.0, value_parser = rate)]
    pub rate: f64,
    /// How many times faster simulated time goes: hours, weekends and the nightly rollover. Entries
    /// still carry the present time
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0, value_parser = speed, conflicts_with = "write_only")]
    pub speed: f64,
    /// The MTA's option `LOG_FORMAT`
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// A rollover of the logs that often, such as 2m, beside the one at simulated midnight. SIGUSR1
    /// makes one at once
    #[arg(long, value_name = "DURATION", value_parser = long_enough)]
    pub rollover_every: Option<Duration>,
    /// What every mail host sees beside mail: probing for relays, guessed passwords, refused clients, and messages that
    /// are held from the start. Without it the MTA is quiet, and no alert fires
    #[arg(long)]
    pub noise: bool,
    /// What goes wrong
    #[arg(long, value_name = "NAME", value_parser = incidents())]
    pub incident: Option<&'static Incident>,
    /// When it begins
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub incident_after: Duration,
    /// How long it lasts; 0 is for ever
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub incident_for: Duration,
    /// An Alertmanager that the exporter tells of alerts by itself, such as `http://127.0.0.1:9093`
    #[arg(long, value_name = "URL", value_parser = alertmanager)]
    pub alertmanager: Option<Uri>,
    /// How many times faster its alerts wait, stay and are said again; what they are found by stays as it is
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub hurry: u32,
    /// After so long without an attempt a message counts as stuck, as by `queue.stuck_after`
    #[arg(long, value_name = "DURATION", value_parser = long_enough)]
    pub stuck_after: Option<Duration>,
    /// Simulated local time at the start: by default a Monday morning, so that there is something to
    /// see whenever it is tried
    #[arg(long, value_name = "TIME", default_value = "2026-01-05T09:00:00")]
    pub start: DateTime,
    /// Write logs and queue files as fast as possible, without serving anything, and leave them in
    /// --dir. One seed and one --start give the same files; entries carry the simulated time
    #[arg(long, requires = "duration")]
    pub write_only: bool,
    /// Write so many entries of both logs to standard output as fast as possible, and nothing else; they
    /// carry the simulated time
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["write_only", "dir", "speed"])]
    pub lines: Option<usize>,
    /// How much simulated time --write-only writes
    #[arg(long, value_name = "DURATION", value_parser = long_enough, requires = "write_only")]
    pub duration: Option<Duration>,
}

impl Arguments {
    /// The traffic that was asked for; `now` and `zone` are the host's.
    pub fn traffic(&self, now: Timestamp, zone: &TimeZone) -> Options {
        // Without a zone a written log is the same everywhere.
        let only_written = self.write_only || self.lines.is_some();
        let zone = if only_written { TimeZone::UTC } else { zone.clone() };
        let written = TimeZone::UTC.to_timestamp(self.start).unwrap_or(now);
        let planned = |incident: &Incident| Planned {
            trouble: incident.trouble,
            after: self.incident_after,
            lasts: Some(self.incident_for).filter(|lasts| !lasts.is_zero()),
        };
        Options {
            seed: self.seed,
            start: if only_written { written } else { now },
            zone,
            simulated_start: self.start,
            speed: self.speed,
            rate: self.rate,
            format: self.log_format,
            rollover_every: self.rollover_every,
            noise: self.noise,
            incident: self.incident.map(planned),
        }
    }
}

/// The names of the table, with what happens for the long help.
fn incidents() -> impl clap::builder::TypedValueParser<Value = &'static Incident> {
    let row = |incident: &'static Incident| {
        PossibleValue::new(incident.name).help(format!("{}: {}", incident.what, incident.expected()))
    };
    PossibleValuesParser::new(incident::incidents().map(row))
        .try_map(|name| Incident::named(&name).ok_or("this is no incident"))
}

fn rate(text: &str) -> Result<f64, String> {
    number(text, MOST_RATE)
}

fn speed(text: &str) -> Result<f64, String> {
    number(text, MOST_SPEED)
}

fn number(text: &str, most: f64) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "this is not a number".to_owned())?;
    if number >= 0.001 && number <= most {
        return Ok(number);
    }
    Err(format!("it is not from 0.001 to {most}"))
}

fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let signed: SignedDuration = text.parse().map_err(|_| "write a number and a unit, such as 30s or 5m")?;
    Duration::try_from(signed).map_err(|_| "it is negative".to_owned())
}

fn long_enough(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        short if short < Duration::from_secs(1) => Err("it is shorter than a second".to_owned()),
        duration => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser as _;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::Arguments;
    use crate::demo::incident::Trouble;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(line: &str) -> Result<Arguments, String> {
        let words = std::iter::once("demo").chain(line.split_whitespace());
        Line::try_parse_from(words).map(|line| line.arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_are_the_present_in_the_zone_of_the_host() {
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        let now: Timestamp = "2026-07-01T10:00:00Z".parse().expect("a time");
        let options = parse("").expect("nothing wrong").traffic(now, &zone);
        assert_eq!(options.start, now);
        assert_eq!(options.zone, zone);
        assert_eq!(options.simulated_start.weekday(), jiff::civil::Weekday::Monday);
        assert!(options.incident.is_none());
    }

    #[test]
    fn an_incident_has_a_time_and_may_last_for_ever() {
        let line = "--incident mail-loop --incident-after 5s --incident-for 0";
        let options = parse(line).expect("nothing wrong").traffic(Timestamp::UNIX_EPOCH, &TimeZone::UTC);
        let planned = options.incident.expect("an incident");
        assert_eq!((planned.trouble, planned.after), (Trouble::MailLoop, Duration::from_secs(5)));
        assert_eq!(planned.lasts, None);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, part) in [
            ("--incident fire", "dead-dns"),
            ("--rate 0", "0.001"),
            ("--rate NaN", "0.001"),
            ("--speed -1", "unexpected argument"),
            ("--rollover-every 5", "unit"),
            ("--rollover-every 10ms", "shorter than a second"),
            ("--write-only --dir a", "--duration"),
            ("--write-only --dir a --duration 1h --speed 2", "--speed"),
            ("--write-only --start 2026-01-05T08:00:00 --duration 1h", "--dir"),
            ("--duration 1h", "--write-only"),
            ("--lines 5 --dir a", "--dir"),
            ("--listen 9797", "socket address"),
            ("--log-format 7", "possible values"),
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
