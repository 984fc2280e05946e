//! The command line: what each command needs, and the exit status.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::app::{self, Environment};
use crate::check;
use crate::config::{self, Config, Flags};
use crate::demo;
use crate::explain::{Explainer, Explanation};
use crate::http;
use crate::metrics::documentation;
use crate::report::progress::Progress;
use crate::report::{MAX_THREADS, Report, ReportError, json, text};
use crate::source::install::InstallError;
use crate::source::user::UserError;

/// `EX_USAGE` of sysexits.h: wrong command line or configuration.
const USAGE: u8 = 64;
/// A start that failed.
const FAILURE: u8 = 1;

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
    /// Ask a running exporter whether it is healthy; for containers, which have no curl
    Healthcheck {
        /// Where it listens [default: as configured, 127.0.0.1:9797]
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
    },
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
    /// Configuration file (TOML); see docs/configuration.md
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to serve on [default: 127.0.0.1:9797]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Where counts and offsets are saved [default: /var/lib/imsimta-exporter]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ReportArguments {
    /// How to print it
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
    /// Configuration file (TOML), for time zone, block size and client labels
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
    /// Configuration file (TOML), for the MTA's user and the longest line
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
        Some(Command::Healthcheck { listen }) => healthcheck(listen),
        Some(Command::Metrics { format: CatalogueFormat::Text }) => print(documentation::text().as_bytes()),
        Some(Command::Metrics { format: CatalogueFormat::Markdown }) => {
            print(documentation::markdown().as_bytes())
        }
    }
}

fn run(arguments: RunArguments) -> ExitCode {
    let flags = Flags { root: arguments.root, listen: arguments.listen, state_dir: arguments.state_dir };
    let config = match config::load(arguments.config.as_deref(), environment(), flags) {
        Ok(config) => config,
        Err(errors) => return fail(USAGE, &errors),
    };
    log_to_stderr();
    let result = app::prepare(config, Environment::default()).and_then(|prepared| {
        serve(async {
            let signals = app::signals()?;
            prepared.start()?.serve(signals).await
        })
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<InstallError>() || error.is::<UserError>() => {
            fail(USAGE, &format!("{error:#}"))
        }
        Err(error) => fail(FAILURE, &format!("{error:#}")),
    }
}

fn healthcheck(listen: Option<String>) -> ExitCode {
    let flags = Flags { listen, ..Flags::default() };
    match config::load(None, environment(), flags) {
        Ok(config) => match http::probe::healthy(config.http.listen) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(FAILURE, &format!("{}: {error}", config.http.listen)),
        },
        Err(errors) => fail(USAGE, &errors),
    }
}

fn demo(arguments: &demo::Arguments) -> ExitCode {
    log_to_stderr();
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
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start")?;
    let result = runtime.block_on(task);
    // A thread that hangs in the kernel is left behind.
    runtime.shutdown_background();
    result
}

fn report(arguments: &ReportArguments) -> ExitCode {
    let config: Config = match config::load(arguments.config.as_deref(), environment(), Flags::default()) {
        Ok(config) => config,
        Err(errors) => return fail(USAGE, &errors),
    };
    let mut report = Report::new(&config, app::new_seed()).threads(threads(arguments));
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
    let flags = Flags { root: arguments.root, listen: arguments.listen, state_dir: arguments.state_dir };
    let file = arguments.config.as_deref();
    match config::load(file, environment(), flags) {
        Ok(config) => {
            let checked = check::check(&config, file, &Environment::default());
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
    let config = match config::load(arguments.config.as_deref(), environment(), Flags::default()) {
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
        let lines = arguments.lines.iter().map(|line| line.as_encoded_bytes());
        (1..).zip(lines).try_for_each(|(number, line)| show(explainer.line(number, line)))
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

fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("IMSIMTA_EXPORTER_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let color = io::IsTerminal::is_terminal(&io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(color)
        .with_target(false)
        .with_writer(io::stderr)
        // Said on standard error too, which ends the program where that is what cannot be written.
        .log_internal_errors(false)
        .init();
}

/// A reader that goes away, such as `head`, is no failure.
fn print(bytes: &[u8]) -> ExitCode {
    match io::stdout().write_all(bytes).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(FAILURE, &error),
        _ => ExitCode::SUCCESS,
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
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
