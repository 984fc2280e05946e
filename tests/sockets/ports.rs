//! Without `sockets.ports`, the ports are those that the MTA's processes listen on and its Dispatcher is configured with.

use super::Open;
use crate::service::harness::{Install, Service, available, value_of, words_of};

/// Whether a page has a port.
fn has(page: &str, port: u16) -> bool {
    value_of(page, &format!(r#"imsimta_smtp_sockets{{port="{port}",state="listen"}}"#)).is_some()
}

#[test]
fn ports_are_those_on_which_the_dispatcher_listens() {
    if !available("python3") {
        return;
    }
    let install = Install::new();
    install.append("mail.log_current", "");
    std::fs::create_dir(install.path("root/config")).expect("made");
    let mut open =
        Open::start(&[("established", 10), ("close_wait", 4)], &install.path("root/lib/dispatcher"));
    let [first, others @ ..] = &open.ports()[..] else { panic!("no listener") };
    let cnf = format!(
        "MAX_PROCS=2\nMAX_CONNS=8\n[SERVICE=SMTP]\nPORT={first}\n[SERVICE=OTHER]\nPORT=1\nMAX_CONNS=x\n"
    );
    std::fs::write(install.path("root/config/dispatcher.cnf"), cnf).expect("written");
    let service = Service::start(install.command());
    let page = service.wait_for("the ports of the listeners", |page| {
        has(page, *first) && has(page, 1) && others.iter().all(|&port| has(page, port)) && !has(page, 25)
    });
    let used: f64 = ["established", "close_wait"]
        .iter()
        .filter_map(|state| {
            value_of(&page, &format!(r#"imsimta_smtp_sockets{{port="{first}",state="{state}"}}"#))
        })
        .sum();
    assert!(used >= 5.0, "{page}");
    let of = |metric: &str, service: &str| value_of(&page, &format!(r#"{metric}{{service="{service}"}}"#));
    assert_eq!(of("imsimta_connections_limit", "smtp"), Some(16.0));
    assert_eq!(of("imsimta_connections_used", "smtp"), Some(used));
    assert_eq!(of("imsimta_connections_limit", "other"), None, "no limit is better than a wrong one");
    assert_eq!(of("imsimta_connections_used", "other"), Some(0.0));
    assert_eq!(of("imsimta_service_max_life_time_seconds", "smtp"), Some(86_400.0));
    let (_, status) = service.get("/");
    assert!(
        status.contains("<h2>Connections</h2>") && status.contains("<th scope=\"row\">smtp</th>"),
        "{status}"
    );

    // What has been listened on is looked at when the Dispatcher has died: nobody listens, which is to be seen.
    open.child.kill().expect("killed");
    open.child.wait().expect("ended");
    service.wait_for("no listener on ports that stay", |page| {
        let listen = |port: u16| format!(r#"imsimta_smtp_sockets{{port="{port}",state="listen"}}"#);
        open.ports().iter().all(|&port| value_of(page, &listen(port)) == Some(0.0))
            && !page.contains("imsimta_smtp_listen_queue{")
    });
}

#[test]
fn without_any_hint_the_ports_are_the_usual_ones_and_check_says_so() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let page = install.start().wait_for("the usual ports", |page| has(page, 465));
    assert!([25, 465, 587].iter().all(|&port| has(&page, port)));
    let (_, text) = words_of(&mut install.check());
    assert!(
        text.contains("these ports are the usual ones, since no process of the MTA is seen to listen"),
        "{text}"
    );
    assert!(text.contains("how many connections any service takes at once is not known"), "{text}");
}
