//! `imsimta-exporter rules`: its arguments, and where the rules go.

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use super::{FAILURE, USAGE, configuration, fail, print};
use crate::config::Flags;
use crate::rules::{Format, Rules};

#[derive(Debug, Args)]
pub(super) struct RulesArguments {
    /// Configuration file (TOML), for what a site has under `alerting` [default: as for run]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The job of Prometheus that scrapes the exporters [default: imsimta]
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    /// How often it does, from 10s to 60s; with a longer one alerts come later [default: 10s]
    #[arg(long, value_name = "DURATION")]
    scrape_interval: Option<String>,
    /// Where runbooks are; NAME in it stands for the alert
    #[arg(long, value_name = "URL")]
    runbook_url: Option<String>,
    /// Where Grafana is, with its scheme [default: the Grafana of this host]
    #[arg(long, value_name = "URL")]
    dashboard_url: Option<String>,
    /// Render the alerts on an error budget as well
    #[arg(long)]
    budget: bool,
    /// Divide all times by this, to try alerts out with something that happens faster; no time becomes less than 1s
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    scale: NonZero<u32>,
    /// Who reads them
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write files into this directory, which is made where there is none; without it all goes to standard output
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(super) fn rules(arguments: RulesArguments) -> ExitCode {
    let flags = Flags {
        job: arguments.job,
        scrape_interval: arguments.scrape_interval,
        runbook_url: arguments.runbook_url,
        dashboard_url: arguments.dashboard_url,
        budget: arguments.budget,
        ..Flags::default()
    };
    let config = match configuration(arguments.config, flags) {
        Ok(config) => config,
        Err(errors) => return fail(USAGE, &errors),
    };
    let rules = Rules {
        thresholds: &config.thresholds,
        alerting: &config.alerting,
        scale: arguments.scale,
        format: arguments.format,
    };
    let Some(directory) = arguments.output else { return print(rules.one_file().text.as_bytes()) };
    match write(&rules, &directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(FAILURE, &format!("{error:#}")),
    }
}

fn write(rules: &Rules<'_>, directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    for file in rules.files() {
        let path = directory.join(&file.name);
        fs::write(&path, file.text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
