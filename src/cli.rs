//! The command line: what each command needs, and the exit status.

mod alerts;
mod rules;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::app::{self, Environment, PrivilegeError};
use crate::check;
use crate::config::{self, Config, Flags};
use crate::demo;
use crate::explain::{Explainer, Explanation};
use crate::http;
use crate::metrics::documentation;
use crate::report::progress::Progress;
use crate::report::{MAX_THREADS, Report, ReportError, json, text};
use crate::source::install::InstallError;
use crate::source::seed::new_seed;
use crate::source::token;
use crate::source::user::UserError;
use crate::web::own;

/// `EX_USAGE` of sysexits.h: wrong command line or configuration.
const USAGE: u8 = 64;
/// A start that failed.
const FAILURE: u8 = 1;
/// The configuration of a host.
const HOST_CONFIGURATION: &str = "/etc/imsimta-exporter.toml";

#[derive(Debug, Parser)]
#[command(name = "imsimta-exporter", version, about, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the MTA and serve /metrics until SIGTERM or SIGINT (the default)
    Run(RunArguments),
    /// Show it all on a synthetic MTA: logs, queue, connections, processes, and incidents to choose
    Demo(Box<demo::Arguments>),
    /// One process of the synthetic MTA
    #[command(name = demo::processes::CHILD_COMMAND, hide = true)]
    DemoChild,
    /// Read whole log files once and print what they add up to; no state is read or written
    Report(ReportArguments),
    /// Look whether it would work here: configuration, permissions, the MTA's LOG_* options
    Check(RunArguments),
    /// Say what log lines mean, field by field, or where they stop to be understood
    Explain(ExplainArguments),
    /// Ask a running exporter whether it is healthy, with the options that it was started with; for containers, which
    /// have no curl
    Healthcheck(RunArguments),
    /// Say what fires on a running exporter, or send a test alert to all who are told
    Alerts(Box<alerts::AlertsArguments>),
    /// Print the last lines that a running exporter did not understand; for who may read its state directory
    Unparsed(RunArguments),
    /// Render the alert and recording rules: with the thresholds, the job and the scrape interval of a site
    Rules(Box<rules::RulesArguments>),
    /// Print every metric with its type, labels and meaning
    Metrics {
        /// How to print them
        #[arg(long, value_enum, default_value_t = CatalogueFormat::Text)]
        format: CatalogueFormat,
    },
}

#[derive(Debug, Args)]
struct RunArguments {
    /// Root of the installation; the usual places are tried without it
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Configuration file (TOML), see docs/configuration.md [default: /etc/imsimta-exporter.toml, where it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to serve on [default: 127.0.0.1:9797]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// TLS, passwords and headers, as exporter-toolkit has them, see docs/web.md [default: plain HTTP]
    #[arg(long = "web.config.file", value_name = "FILE")]
    web_config: Option<PathBuf>,
    /// Where counts and offsets are saved [default: /var/lib/imsimta-exporter]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Stay root; by default a service that root starts becomes the MTA's user
    #[arg(long)]
    as_root: bool,
    /// The process file system of the MTA's host, such as /host/proc in a container [default: /proc]
    #[arg(long, value_name = "DIR")]
    proc: Option<PathBuf>,
}

impl RunArguments {
    /// The configuration, with what the command line says.
    fn config(self) -> Result<Config, config::ConfigErrors> {
        let flags = Flags {
            root: self.root,
            listen: self.listen,
            web_config: self.web_config,
            state_dir: self.state_dir,
            as_root: self.as_root,
            proc: self.proc,
            ..Flags::default()
        };
        configuration(self.config, flags)
    }
}

/// The file that is named, else that of the host, where it is there. Whether it can be read is seen when it is.
fn configuration_file(named: Option<PathBuf>) -> Option<PathBuf> {
    let of_the_host =
        || Some(PathBuf::from(HOST_CONFIGURATION)).filter(|path| path.symlink_metadata().is_ok());
    named.or_else(of_the_host)
}

fn configuration(named: Option<PathBuf>, flags: Flags) -> Result<Config, config::ConfigErrors> {
    config::load(configuration_file(named).as_deref(), environment(), flags)
}

#[derive(Debug, Args)]
struct ReportArguments {
    /// How to print it
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
    /// Configuration file (TOML), for time zone, block size and client labels [default: as for run]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How many threads read; the report is the same [default: 2, or 1 where there is one processor]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=i64::from(MAX_THREADS)))]
    threads: Option<u8>,
    /// Log files, also in gzip or zstd; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct ExplainArguments {
    /// Configuration file (TOML), for the MTA's user and the longest line [default: as for run]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Lines as they stand in a log; without any, they are read from standard input
    #[arg(value_name = "LINE")]
    lines: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ReportFormat {
    /// A summary for people, 80 columns wide: what stands out first
    Text,
    /// The same for programs; docs/report.md has the keys
    Json,
    /// The exposition format of Prometheus
    Prometheus,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CatalogueFormat {
    /// One line a metric
    Text,
    /// The page docs/metrics.md
    Markdown,
}

/// The command line as `clap` has it: what completions and a manual page are made from.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program as the command line says.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            drop(message.print());
            return if message.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match cli.command {
        None => run(cli.run),
        Some(Command::Run(arguments)) => run(arguments),
        Some(Command::Demo(arguments)) => demo(&arguments),
        Some(Command::DemoChild) => {
            demo::processes::wait_for_parent();
            ExitCode::SUCCESS
        }
        Some(Command::Report(arguments)) => report(&arguments),
        Some(Command::Check(arguments)) => check(arguments),
        Some(Command::Explain(arguments)) => explain(&arguments),
        Some(Command::Healthcheck(arguments)) => healthcheck(arguments),
        Some(Command::Alerts(arguments)) => alerts::alerts(*arguments),
        Some(Command::Unparsed(arguments)) => unparsed(arguments),
        Some(Command::Rules(arguments)) => rules::rules(*arguments),
        Some(Command::Metrics { format: CatalogueFormat::Text }) => print(documentation::text().as_bytes()),
        Some(Command::Metrics { format: CatalogueFormat::Markdown }) => {
            print(documentation::markdown().as_bytes())
        }
    }
}

fn run(arguments: RunArguments) -> ExitCode {
    let config = match arguments.config() {
        Ok(config) => config,
        Err(errors) => return fail(USAGE, &errors),
    };
    if let Err(error) = log_to_stderr() {
        return fail(USAGE, &error);
    }
    app::warn_of_root(&config);
    let result = app::prepare(config, Environment::default()).and_then(|prepared| {
        serve(async {
            let signals = app::signals(app::Hangup::Ignored)?;
            prepared.start()?.serve(signals).await
        })
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error)
            if error.is::<InstallError>() || error.is::<UserError>() || error.is::<PrivilegeError>() =>
        {
            fail(USAGE, &format!("{error:#}"))
        }
        Err(error) => fail(FAILURE, &format!("{error:#}")),
    }
}

fn healthcheck(arguments: RunArguments) -> ExitCode {
    let config = match arguments.config() {
        Ok(config) => config,
        Err(errors) => return fail(USAGE, &errors),
    };
    match http::probe::healthy(config.http.listen, &own::any(config.http.web_config.as_deref())) {
        Ok(health) => {
            let took = health.took.as_secs_f64();
            print(format!("{} is healthy, {took:.3} s\n", health.address).as_bytes())
        }
        Err(error) => fail(FAILURE, &error),
    }
}

/// What may be read is for who may read the token.
fn unparsed(arguments: RunArguments) -> ExitCode {
    let config = match arguments.config() {
        Ok(config) => config,
        Err(errors) => return fail(USAGE, &errors),
    };
    let token = match token::read(&config.state.directory) {
        Ok(token) => token,
        Err(error) => return fail(FAILURE, &error),
    };
    let way = match own::trusted(config.http.web_config.as_deref()) {
        Ok(way) => way,
        Err(problem) => return fail(FAILURE, &format!("http.web_config: {problem}")),
    };
    match http::probe::unparsed(config.http.listen, &way, &token) {
        Ok(text) => print(text.as_bytes()),
        Err(error) => fail(FAILURE, &error),
    }
}

fn demo(arguments: &demo::Arguments) -> ExitCode {
    if let Err(error) = log_to_stderr() {
        return fail(USAGE, &error);
    }
    let result = if arguments.write_only {
        demo::write(arguments)
    } else if arguments.lines.is_some() {
        demo::write_lines(arguments, io::stdout().lock()).context("cannot write")
    } else {
        serve(demo::serve(arguments, |message| {
            print(format!("{message}\n").as_bytes());
        }))
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(FAILURE, &format!("{error:#}")),
    }
}

/// Runs something that serves until it is told to stop.
fn serve(task: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    // All of HTTP runs on this thread: it needs no other that the system may refuse, and whatever its
    // clients do, it takes one processor at most.
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    let result = runtime.block_on(task);
    // A thread that hangs in the kernel is left behind.
    runtime.shutdown_background();
    result
}

fn report(arguments: &ReportArguments) -> ExitCode {
    let config = match configuration(arguments.config.clone(), Flags::default()) {
        Ok(config) => config,
        Err(errors) => return fail(USAGE, &errors),
    };
    let mut report = Report::new(&config, new_seed()).threads(threads(arguments));
    if let ReportFormat::Prometheus = arguments.format {
        report = report.exposition_only();
    }
    let mut progress = Progress::on_terminal(&arguments.files);
    let mut status = ExitCode::SUCCESS;
    for file in &arguments.files {
        if let Err(error) = report.read_file(file, &mut progress) {
            progress.clear();
            status = fail(FAILURE, &error);
        }
    }
    progress.clear();
    match spelled(report, arguments.format) {
        Ok(page) if status == ExitCode::SUCCESS => print(&page),
        Ok(page) => {
            print(&page);
            status
        }
        Err(error) => fail(FAILURE, &error),
    }
}

/// Exits with 0 when there is no problem.
fn check(arguments: RunArguments) -> ExitCode {
    let file = configuration_file(arguments.config.clone());
    match arguments.config() {
        Ok(config) => {
            let checked = check::check(&config, file.as_deref(), &Environment::default());
            match print(checked.text().as_bytes()) {
                ExitCode::SUCCESS if checked.problems() > 0 => ExitCode::from(FAILURE),
                status => status,
            }
        }
        Err(errors) => fail(USAGE, &errors),
    }
}

/// Exits with 0 when every line is understood or skipped on purpose.
fn explain(arguments: &ExplainArguments) -> ExitCode {
    let config = match configuration(arguments.config.clone(), Flags::default()) {
        Ok(config) => config,
        Err(errors) => return fail(USAGE, &errors),
    };
    let mut explainer = Explainer::new(&config);
    let mut understood = true;
    let mut show = |explanation: Explanation| {
        understood &= explanation.understood;
        io::stdout().write_all(explanation.text.as_bytes())
    };
    let result = if arguments.lines.is_empty() {
        explainer.stream(io::stdin().lock(), &mut show)
    } else {
        let mut lines = arguments.lines.iter().map(|line| line.as_encoded_bytes());
        lines.try_for_each(|line| explainer.line(line, &mut show))
    };
    match result.and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(FAILURE, &error),
        _ if understood => ExitCode::SUCCESS,
        _ => ExitCode::from(FAILURE),
    }
}

/// Two read nearly twice as fast as one, and more than two are not what a mail host has to spare.
fn threads(arguments: &ReportArguments) -> u8 {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.threads.unwrap_or(if processors > 1 { 2 } else { 1 })
}

fn spelled(report: Report, format: ReportFormat) -> Result<Vec<u8>, ReportError> {
    match format {
        ReportFormat::Text => Ok(text::text(&report.summary()).into_bytes()),
        ReportFormat::Json => Ok(json::json(&report.summary())?),
        ReportFormat::Prometheus => report.exposition(),
    }
}

/// The environment, less what is not UTF-8: such a variable cannot be one of ours.
fn environment() -> HashMap<String, String> {
    let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(utf8).collect()
}

/// The variable that says what is logged.
const LOG_VARIABLE: &str = "IMSIMTA_EXPORTER_LOG";
const LOG_LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// What is logged: a level, or levels of this program's modules such as `info,imsimta_exporter::source=debug`.
/// A word that is no level would be taken for the name of a module, and silence all others.
fn log_filter(value: &str) -> Result<tracing_subscriber::EnvFilter, String> {
    let refused = |part: &str| {
        format!(
            "{LOG_VARIABLE}: {part:?} is no level; expected one of {}, or MODULE=LEVEL with commas between",
            LOG_LEVELS.join(", ")
        )
    };
    let is_level = |text: &str| LOG_LEVELS.contains(&text.to_ascii_lowercase().as_str());
    let value: String = value.split_whitespace().collect();
    for part in value.split(',').filter(|part| !part.is_empty()) {
        let known = match part.split_once('=') {
            Some((module, level)) => {
                is_level(level) && MODULES.contains(&module.split("::").next().unwrap_or(""))
            }
            None => is_level(part),
        };
        if !known {
            return Err(refused(part));
        }
    }
    let value = if value.is_empty() { "info" } else { &value };
    value.parse().map_err(|_| refused(value))
}

/// What has modules that log.
const MODULES: [&str; 5] = [env!("CARGO_CRATE_NAME"), "axum", "hyper", "tokio", "linemux"];

fn log_to_stderr() -> Result<(), String> {
    let filter = log_filter(&std::env::var_os(LOG_VARIABLE).unwrap_or_default().to_string_lossy())?;
    let color = io::IsTerminal::is_terminal(&io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(color)
        .with_target(false)
        .with_writer(io::stderr)
        // Said on standard error too, which ends the program where that is what cannot be written.
        .log_internal_errors(false)
        .init();
    Ok(())
}

fn print(bytes: &[u8]) -> ExitCode {
    match write(bytes) {
        Err(error) => fail(FAILURE, &error),
        Ok(()) => ExitCode::SUCCESS,
    }
}

/// A reader that goes away, such as `head`, is no failure.
fn write(bytes: &[u8]) -> io::Result<()> {
    match io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

fn fail(status: u8, message: &impl std::fmt::Display) -> ExitCode {
    let mut stderr = io::stderr();
    for line in message.to_string().lines() {
        drop(writeln!(stderr, "imsimta-exporter: {line}"));
    }
    ExitCode::from(status)
}

#[cfg(test)]
mod tests {
    use super::log_filter;

    #[test]
    fn the_command_line_is_sound() {
        super::command().debug_assert();
    }

    #[test]
    fn a_log_level_that_is_none_is_an_error_and_not_silence() {
        for value in ["", " ", "info", "WARN", "off", "info,imsimta_exporter::app=debug", "warn, hyper=info"]
        {
            assert!(log_filter(value).is_ok(), "{value}");
        }
        for value in [
            "verbose",
            "lkasjdl=kjasd",
            "lkasjdl=debug",
            "info,verbose",
            "imsimta_exporter=loud",
            "imsimta_exporter[=info",
            "=info",
            "\u{fffd}",
        ] {
            let error = log_filter(value).expect_err(value);
            assert!(error.contains("IMSIMTA_EXPORTER_LOG: ") && error.contains("warn, info"), "{error}");
        }
    }
}
