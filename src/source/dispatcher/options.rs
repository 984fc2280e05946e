//! What is read of a service, by the names that its options have in both forms of the configuration.

use std::time::Duration;

use super::Service;

/// What a section says of one option.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Said<T> {
    #[default]
    Nothing,
    Value(T),
    /// Something else than a value, or different things in different places.
    Unclear,
}

impl<T: PartialEq + Clone> Said<T> {
    fn hear(&mut self, value: Option<T>) {
        *self = match (std::mem::take(self), value) {
            (Self::Nothing, Some(value)) => Self::Value(value),
            (Self::Value(before), Some(value)) if before == value => Self::Value(value),
            _ => Self::Unclear,
        };
    }

    /// What holds, where another section speaks for all.
    fn or(&self, of_all: &Self) -> Option<T> {
        match if matches!(self, Self::Nothing) { of_all } else { self } {
            Self::Value(value) => Some(value.clone()),
            Self::Nothing | Self::Unclear => None,
        }
    }
}

/// What a part of the configuration says about one service, or about all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    max_procs: Said<u64>,
    max_conns: Said<u64>,
    max_life_time: Said<u64>,
    max_life_conns: Said<u64>,
    enable: Said<u64>,
    program: Said<String>,
    ports: Said<()>,
    /// Those of all options that give ports.
    all_ports: Vec<u16>,
}

/// A service has the image of its process by default since 7.0.5 (Messaging Server Technical Reference Wiki, "Service
/// group").
const DEFAULT_PROGRAMS: [(&str, &str); 1] = [("smtp", "tcp_smtp_server")];

impl Section {
    /// Takes an option, whatever the case of its name; whether it is one that is read.
    pub(super) fn hear(&mut self, option: &str, value: &str) -> bool {
        let value = value.trim();
        match option.to_ascii_lowercase().as_str() {
            "max_procs" => self.max_procs.hear(number(value)),
            "max_conns" => self.max_conns.hear(number(value)),
            "max_life_time" => self.max_life_time.hear(number(value)),
            "max_life_conns" => self.max_life_conns.hear(number(value)),
            "enable" => self.enable.hear(number(value)),
            "image" => self.program.hear(program(value)),
            "port" | "tls_port" | "tcp_port" | "tcp_ports" | "tls_ports" | "ssl_ports" => {
                let ports = ports(value);
                self.ports.hear(ports.is_some().then_some(()));
                self.all_ports.extend(ports.unwrap_or_default());
            }
            _ => return false,
        }
        true
    }

    /// Whether an option is one that is read.
    pub(super) fn knows(option: &str) -> bool {
        Self::default().hear(option, "")
    }

    /// How long a server process lives, where another section speaks for all.
    pub(super) fn max_life_time(&self, of_all: &Self) -> Option<Duration> {
        self.max_life_time.or(&of_all.max_life_time).map(Duration::from_secs)
    }

    /// What is unclear, for people.
    pub(super) fn tell_doubts(&self, of: &str, doubts: &mut Vec<String>) {
        let numbers = [
            ("MAX_PROCS", &self.max_procs),
            ("MAX_CONNS", &self.max_conns),
            ("MAX_LIFE_TIME", &self.max_life_time),
            ("MAX_LIFE_CONNS", &self.max_life_conns),
            ("ENABLE", &self.enable),
        ];
        let unclear = numbers.into_iter().filter(|(_, said)| **said == Said::Unclear).map(|(name, _)| name);
        let others = [("IMAGE", self.program == Said::Unclear), ("PORT", self.ports == Said::Unclear)];
        let others = others.into_iter().filter(|&(_, unclear)| unclear).map(|(name, _)| name);
        doubts.extend(unclear.chain(others).map(|name| format!("{name} of {of} is unclear")));
    }

    /// The service; none where it is switched off.
    pub(super) fn service(&self, name: String, of_all: &Self) -> Option<Service> {
        if self.enable.or(&of_all.enable) == Some(0) {
            return None;
        }
        let mut ports = if self.ports == Said::Unclear { Vec::new() } else { self.all_ports.clone() };
        ports.sort_unstable();
        ports.dedup();
        let usual = DEFAULT_PROGRAMS.iter().find(|(service, _)| *service == name);
        let program =
            self.program.or(&of_all.program).or_else(|| usual.map(|(_, usual)| (*usual).to_owned()));
        Some(Service {
            ports,
            program,
            max_procs: self.max_procs.or(&of_all.max_procs),
            max_conns: self.max_conns.or(&of_all.max_conns),
            max_life_time: self.max_life_time(of_all),
            max_life_conns: self.max_life_conns.or(&of_all.max_life_conns),
            name,
        })
    }
}

/// More is a mistake, and its square has to fit.
const MOST: u64 = u32::MAX as u64;

/// A whole number, also with its base in front: `16%FF` (Administration Reference, "Dispatcher Configuration File").
fn number(text: &str) -> Option<u64> {
    let digits = |text: &str| text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let number = match text.split_once('%') {
        Some((base, digits)) => {
            let base = base.parse().ok().filter(|base| (2..=36).contains(base))?;
            (digits, base)
        }
        None => (text, 10),
    };
    let (text, base) = number;
    // A sign is none.
    u64::from_str_radix(text, base).ok().filter(|&number| digits(text) && number <= MOST)
}

/// The file name of `IMTA_BIN:tcp_smtp_server` or `/opt/…/lib/tcp_smtp_server`.
fn program(text: &str) -> Option<String> {
    let name = text.rsplit(['/', ':']).next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// Ports, separated by commas or blanks.
fn ports(text: &str) -> Option<Vec<u16>> {
    let words = text.split([',', ' ', '\t']).filter(|word| !word.is_empty());
    let ports: Option<Vec<u16>> =
        words.map(|word| u16::try_from(number(word)?).ok().filter(|&port| port > 0)).collect();
    ports.filter(|ports| !ports.is_empty())
}
