//! Tells others of alerts: Alertmanagers, each by itself, and without any a webhook, a command and a syslog; and shows that
//! this program lives. What fires comes from [`alerting`](crate::alerting), and nothing here holds up those who read.

mod alertmanager;
mod api;
mod aside;
mod beat;
mod client;
mod command;
mod failed;
mod lookup;
mod notice;
mod payload;
mod secrets;
mod syslog;
mod teller;
pub mod trial;
mod way;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use tokio::sync::watch;

use crate::alerting::Alert;
use crate::config::{Alerting, Config};
use crate::observed::notified::Notified;
use crate::observed::{Clock, Observed};
use alertmanager::{Alertmanager, Manner};
use beat::Beat;
use client::{Client, Patience};
use notice::Site;
use secrets::Files;
use teller::Teller;
use way::ways;

/// How often it is said again that an alert fires; Prometheus does it as often.
pub const RESEND: Duration = Duration::from_mins(1);

/// The receivers of a configuration, told of nothing so far.
pub fn receivers(config: &Config) -> Notified {
    let alerting = &config.alerting;
    let beat = alerting.beat_url_file.iter().map(|_| beat::NAME.to_owned());
    let ways = ways(config, Clock::start()).into_iter().map(|(way, _)| way.name().to_owned());
    Notified::new(alertmanagers(alerting).iter().map(name).chain(beat).chain(ways))
}

fn alertmanagers(alerting: &Alerting) -> &[Uri] {
    if alerting.tells() { &alerting.alertmanagers } else { &[] }
}

/// Host, port and path.
fn name(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    authority.to_owned() + uri.path().trim_end_matches('/')
}

/// What it takes to be let in by Alertmanagers.
fn files(alerting: &Alerting) -> Files {
    Files {
        ca: alerting.ca_file.clone(),
        client: alerting.client_cert_file.clone().zip(alerting.client_key_file.clone()),
        user: alerting.user.clone().zip(alerting.password_file.clone()),
        token: alerting.token_file.clone(),
        url: None,
    }
}

/// A task for each receiver of [`receivers`]. To be called within a runtime. `resend` is [`RESEND`], unless a test has
/// less time; `noticed` is held by each task, and dropped when it ends.
pub fn spawn<N: Send + 'static>(
    config: &Config,
    observed: &Arc<Observed>,
    alerts: &watch::Receiver<Arc<[Alert]>>,
    resend: Duration,
    noticed: impl Fn() -> N,
) {
    let (alerting, site) = (&config.alerting, Arc::new(Site::new(config)));
    let manner = Manner { mode: alerting.mode, resend };
    let files = files(alerting);
    for (place, uri) in alertmanagers(alerting).iter().enumerate() {
        let client = Client::new(files.clone(), Patience::default());
        let told =
            Alertmanager::new(uri.clone(), client, Arc::clone(&site), manner, Arc::clone(observed), place);
        begin(noticed(), told.run(alerts.clone()));
    }
    if alerting.beat_url_file.is_some() {
        let files = Files { url: alerting.beat_url_file.clone(), ..Files::default() };
        let (client, observed) = (Client::new(files, Patience::default()), Arc::clone(observed));
        let beat = Beat { client, every: resend, observed, place: alertmanagers(alerting).len() };
        begin(noticed(), beat.run(alerts.clone()));
    }
    let first = alertmanagers(alerting).len() + usize::from(alerting.beat_url_file.is_some());
    for (place, (way, manner)) in (first..).zip(ways(config, observed.clock)) {
        let teller = Teller::new(way, manner, Arc::clone(&site), Arc::clone(observed), place);
        begin(noticed(), teller.run(alerts.clone()));
    }
}

fn begin<N: Send + 'static>(notice: N, task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        let _notice = notice;
        task.await;
    });
}
