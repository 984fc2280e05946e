//! Who is told of alerts: a real Alertmanager with a second sender beside this program, and receivers that do everything
//! wrong. All times are a thirtieth of those that are shipped.

mod beat;
mod client_certificate;
mod cluster;
mod hostile;
mod one_speaker;
mod program;
#[expect(dead_code, reason = "another program of tests uses the rest")]
#[path = "../e2e/prometheus.rs"]
pub mod prometheus;
mod real_prometheus;
mod receivers;
mod site;
mod tls;
mod trial;
#[expect(dead_code, reason = "another program of tests uses the rest")]
#[path = "../e2e/webhook.rs"]
mod webhook;
