//! `alerts`: what it says of a running exporter, and its exit status, by which monitoring systems go.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::harness::{Install, PROGRAM, Service, run};

const SPIKE: &str = "ImsMtaDeliveryFailureSpike";

fn alerts(arguments: &[&str]) -> (i32, String, String) {
    run(Command::new(PROGRAM).arg("alerts").args(arguments))
}

fn failures(count: usize) -> String {
    let stamp = jiff::Zoned::now().strftime("%d-%b-%Y %H:%M:%S.00").to_string();
    let line = |number: usize| {
        let to = format!("b@d{number}.example");
        format!("{stamp} tcp_local Q 1 a@siroe.example rfc822;{to} {to} No route to host\n")
    };
    (0..count).map(line).collect()
}

#[test]
fn what_fires_is_listed_and_is_the_exit_status() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let mut command = install.command();
    command.env("IMSIMTA_EXPORTER__PROCESSES__NAMES", "nothing");
    let service = Service::start(command);
    let address = service.address.to_string();
    service.wait_for("it has seen everything", |_| service.get("/-/ready").0.contains(" 200 "));
    let (status, text, said) = alerts(&["--listen", &address]);
    assert_eq!((status, said.as_str()), (0, ""), "{text}");
    assert!(text.starts_with(&format!("{address}: no alert fires")), "{text}");

    install.append("mail.log_current", &failures(40));
    service.wait_for("the spike", |page| {
        page.contains(&format!("{SPIKE}\",channel=\"tcp_local\",severity=\"critical\"}} 2"))
    });
    // With what the service was started with, whatever it means to the question.
    let state = install.path("state");
    let (status, text, said) =
        alerts(&["--as-root", "--listen", &address, "--state-dir", state.to_str().expect("text")]);
    assert_eq!((status, said.as_str()), (2, ""), "{text}");
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    for wanted in [
        format!("{address}: 1 alert fires"),
        format!("\n\nFIRING   critical {SPIKE} tcp_local\n         since "),
        "         tcp_local: 100 % of attempts failed in ".to_owned(),
        format!("         http://{address}/runbooks/{SPIKE}\n"),
    ] {
        assert!(text.contains(&wanted), "{wanted:?} is not in {text}");
    }
    let (status, json, _) = alerts(&["--listen", &address, "--format", "json"]);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((status, &json["alerts"][0]["alertname"]), (2, &Value::from(SPIKE)));

    // A reader that goes away is no failure, and changes nothing of what is so.
    let mut command = Command::new(PROGRAM);
    command.args(["alerts", "--listen", &address]).stdout(Stdio::piped());
    let mut child = command.spawn().expect("started");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("waited").code(), Some(2));
}

/// A listener that other hosts reach shows names to who has the token.
#[test]
fn the_token_is_sent_where_it_is_asked_for() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let mut command = Command::new(PROGRAM);
    install.arguments_at("0.0.0.0:0", &mut command);
    command.env("IMSIMTA_EXPORTER__PROCESSES__NAMES", "nothing");
    let service = Service::start(command);
    service.wait_for("it has seen everything", |_| service.get("/-/ready").0.contains(" 200 "));
    let address = format!("127.0.0.1:{}", service.address.port());
    let (state, elsewhere) = (install.path("state"), install.path("root"));
    let asked = |directory: &std::path::Path| {
        alerts(&["--listen", &address, "--state-dir", directory.to_str().expect("text")])
    };
    let (status, text, said) = asked(&state);
    assert!(status == 0 && text.contains("no alert fires"), "{text}{said}");
    let (status, text, said) = asked(&elsewhere);
    assert!(status == 3 && text.is_empty(), "{text}");
    assert!(said.contains("answered 401") && said.contains("the token: "), "{said}");
}

/// Answers each request on a port of its own by its path.
fn serve(answers: &'static [(&'static str, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let answer = answers.iter().find(|(path, _)| head.contains(&format!("GET {path} ")));
            drop(stream.write_all(answer.map_or("", |(_, answer)| answer).as_bytes()));
        }
    });
    address
}

#[test]
fn what_nobody_can_say_is_no_success() {
    const READY: (&str, &str) = ("/-/ready", "HTTP/1.1 200 OK\r\n\r\nready\n");
    const UNREADY: (&str, &str) = ("/-/ready", "HTTP/1.1 503 Service Unavailable\r\n\r\nqueue is missing\n");
    const NOTHING: (&str, &str) = ("/api/alerts", "HTTP/1.1 200 OK\r\n\r\n{\"alerts\":[],\"left_out\":0}");
    const FOREIGN: (&str, &str) = ("/api/alerts", "HTTP/1.1 200 OK\r\n\r\n<html>");
    let nobody = TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("bound").to_string();
    let nowhere = tempfile::tempdir().expect("a temporary directory");
    let nowhere = nowhere.path().to_str().expect("text");
    for (address, status, expected) in [
        (serve(&[READY, NOTHING]), 0, ""),
        (serve(&[UNREADY, NOTHING]), 3, "has not seen everything yet: queue is missing"),
        (serve(&[READY, FOREIGN]), 3, "does not answer as an exporter does"),
        (serve(&[READY]), 3, "closed the connection without an answer"),
        (nobody, 3, "nothing listens there"),
        ("127.0.0.1:0".to_owned(), 3, "chose its port itself"),
        ("nonsense".to_owned(), 64, "nonsense"),
    ] {
        let (found, text, said) = alerts(&["--listen", &address, "--state-dir", nowhere]);
        assert_eq!(found, status, "{address}: {text}{said}");
        assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{said}");
    }
    let (status, _, said) = alerts(&["--test", "ImsMtaQueueStack"]);
    assert!(status == 64 && said.contains("did you mean ImsMtaQueueStuck?"), "{said}");
    let config = format!("{nowhere}/exporter.toml");
    std::fs::write(&config, "").expect("written");
    let (status, _, said) = alerts(&["--test", "ImsMtaQueueStuck", "--config", &config]);
    assert!(status == 1 && said.contains("nobody is told of alerts"), "{said}");
}
