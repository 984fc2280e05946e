//! A receiver of Alertmanager's webhooks.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::service::harness::{now, wait_for};

/// Longer than any incident of the tests.
const DEADLINE: Duration = Duration::from_mins(6);

/// One alert of one notification.
#[derive(Clone, Debug)]
pub struct Notice {
    pub at: Instant,
    pub receiver: String,
    pub status: String,
    pub alert: String,
    pub instance: String,
    /// Empty where the alert has none.
    pub channel: String,
    pub summary: String,
    pub description: String,
    /// Who spoke of it last.
    pub generator: String,
}

/// What came so far.
pub struct Webhook {
    pub address: SocketAddr,
    notices: Arc<Mutex<Vec<Notice>>>,
}

impl Webhook {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("bound");
        let notices = Arc::new(Mutex::new(Vec::new()));
        let received = Arc::clone(&notices);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if let Some(notification) = receive(stream) {
                    received.lock().expect("no panics").extend(read(&notification));
                }
            }
        });
        Self { address, notices }
    }

    /// When an alert of an instance first reached a receiver with a status.
    #[track_caller]
    pub fn wait_for(&self, receiver: &str, alert: &str, instance: &str, status: &str) -> Instant {
        let what = format!("{alert} of {instance} {status} at {receiver}");
        wait_for(&what, DEADLINE, || {
            let notices = self.notices.lock().expect("no panics");
            let found = notices.iter().find(|notice| {
                (notice.receiver.as_str(), notice.alert.as_str()) == (receiver, alert)
                    && (notice.instance.as_str(), notice.status.as_str()) == (instance, status)
            });
            found.map(|notice| notice.at)
        })
    }

    /// All that came, in that order.
    pub fn notices(&self) -> Vec<Notice> {
        self.notices.lock().expect("no panics").clone()
    }

    /// `(alert, instance)` of all that fired at a receiver.
    pub fn firing(&self, receiver: &str) -> BTreeSet<(String, String)> {
        let notices = self.notices.lock().expect("no panics");
        let firing = notices.iter().filter(|notice| notice.receiver == receiver && notice.status == "firing");
        firing.map(|notice| (notice.alert.clone(), notice.instance.clone())).collect()
    }
}

/// The body of a POST, which is answered.
fn receive(stream: TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? <= 2 {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    reader
        .into_inner()
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .ok()?;
    serde_json::from_slice(&body).ok()
}

fn read(notification: &Value) -> Vec<Notice> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let alerts = notification["alerts"].as_array().cloned().unwrap_or_default();
    let notices = alerts.iter().map(|alert| Notice {
        at: now(),
        receiver: text(&notification["receiver"]),
        status: text(&alert["status"]),
        alert: text(&alert["labels"]["alertname"]),
        instance: text(&alert["labels"]["instance"]),
        channel: text(&alert["labels"]["channel"]),
        summary: text(&alert["annotations"]["summary"]),
        description: text(&alert["annotations"]["description"]),
        generator: text(&alert["generatorURL"]),
    });
    notices.collect()
}
