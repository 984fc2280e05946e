//! Exactly one page and one end of it, whoever speaks first, dies or is away.

use std::time::Duration;

use imsimta_exporter::observed::notified::Said;

use super::site::{ANOTHER, Alertmanager, Another, RESEND, Sender, US, has_alertmanager};
use crate::service::harness::{now, wait_for};

const PAGE: [&str; 2] = ["firing", "resolved"];

/// A second alert comes and goes, so that whatever is still to come of the first has come.
#[track_caller]
fn nothing_more_comes(alertmanager: &Alertmanager, sender: &Sender, channel: &str, said: &[&str]) {
    let later = format!("after_{channel}_{}", alertmanager.webhook.notices().len());
    sender.fires(&[later.as_str()]);
    alertmanager.wait_until_said(&later, &["firing"]);
    sender.fires(&[]);
    alertmanager.wait_until_said(&later, &PAGE);
    assert_eq!(alertmanager.said(channel), said);
}

#[test]
fn alone_it_pages_within_seconds_and_ends_it() {
    if !has_alertmanager() {
        return;
    }
    let alertmanager = Alertmanager::start();
    let sender = Sender::start(&[&alertmanager.url()], "");
    let begun = now();
    sender.fires(&["tcp_local"]);
    alertmanager.wait_for_speaker("tcp_local", Some(US));
    assert!(now() - begun < Duration::from_secs(2), "{:?}", now() - begun);
    alertmanager.wait_until_said("tcp_local", &["firing"]);
    let notices = alertmanager.webhook.notices();
    let notice = notices.iter().find(|notice| notice.channel == "tcp_local").expect("a page");
    assert_eq!(notice.summary, "mx1:9797: tcp_local: 20 messages wait.");
    // Longer than one word holds.
    wait_for("it is said again", RESEND * 10, || (sender.told(0).said(Said::Firing) > 3).then_some(()));
    sender.fires(&[]);
    alertmanager.wait_until_said("tcp_local", &PAGE);
    nothing_more_comes(&alertmanager, &sender, "tcp_local", &PAGE);
    // A later run of the program ends what this one said.
    sender.fires(&["ims-ms"]);
    alertmanager.wait_until_said("ims-ms", &["firing"]);
    drop(sender);
    let sender = Sender::start(&[&alertmanager.url()], "");
    alertmanager.wait_until_said("ims-ms", &PAGE);
    nothing_more_comes(&alertmanager, &sender, "ims-ms", &PAGE);
}

/// The other first, the other later; the other ends it each time, or this program does where it is the last.
#[test]
fn beside_another_there_is_one_page() {
    if !has_alertmanager() {
        return;
    }
    let alertmanager = Alertmanager::start();
    let sender = Sender::start(&[&alertmanager.url()], "");

    let another = Another::fires(&alertmanager, "first");
    alertmanager.wait_for_speaker("first", Some(ANOTHER));
    sender.fires(&["first"]);
    wait_for("it keeps still", RESEND * 5, || (sender.told(0).of_another == Some(1)).then_some(()));
    another.resolves();
    alertmanager.wait_until_said("first", &PAGE);
    // Its own condition holds on.
    wait_for("it looked", RESEND * 5, || (sender.told(0).of_another == Some(0)).then_some(()));
    sender.fires(&[]);
    assert_eq!(sender.told(0).said(Said::Firing), 0);
    nothing_more_comes(&alertmanager, &sender, "first", &PAGE);

    sender.fires(&["later"]);
    alertmanager.wait_for_speaker("later", Some(US));
    let another = Another::fires(&alertmanager, "later");
    alertmanager.wait_for_speaker("later", Some(ANOTHER));
    sender.fires(&[]);
    nothing_more_comes(&alertmanager, &sender, "later", &["firing"]);
    another.resolves();
    alertmanager.wait_until_said("later", &PAGE);
    nothing_more_comes(&alertmanager, &sender, "later", &PAGE);
}

#[test]
fn who_dies_is_taken_over_from() {
    if !has_alertmanager() {
        return;
    }
    let alertmanager = Alertmanager::start();
    let sender = Sender::start(&[&alertmanager.url()], "");
    let another = Another::fires(&alertmanager, "tcp_local");
    alertmanager.wait_for_speaker("tcp_local", Some(ANOTHER));
    sender.fires(&["tcp_local"]);
    wait_for("it keeps still", RESEND * 5, || (sender.told(0).of_another == Some(1)).then_some(()));
    another.dies();
    alertmanager.wait_for_speaker("tcp_local", Some(US));
    wait_for("it is said again", RESEND * 10, || (sender.told(0).said(Said::Firing) > 3).then_some(()));
    assert_eq!(alertmanager.said("tcp_local"), ["firing"]);
    sender.fires(&[]);
    alertmanager.wait_until_said("tcp_local", &PAGE);
    nothing_more_comes(&alertmanager, &sender, "tcp_local", &PAGE);
}

/// It forgets alerts, and remembers what it told.
#[test]
fn an_alertmanager_that_was_away_hears_all_that_is_so() {
    if !has_alertmanager() {
        return;
    }
    let mut alertmanager = Alertmanager::start();
    let sender = Sender::start(&[&alertmanager.url()], "");
    sender.fires(&["stays", "ends"]);
    alertmanager.wait_until_said("stays", &["firing"]);
    alertmanager.wait_until_said("ends", &["firing"]);
    wait_for("both are seen", RESEND * 5, || (sender.told(0).said(Said::Firing) >= 4).then_some(()));
    alertmanager.stop();
    sender.fires(&["stays", "begins"]);
    wait_for("it is found to be away", RESEND * 10, || sender.told(0).problem);
    alertmanager.run();
    alertmanager.wait_until_said("ends", &PAGE);
    alertmanager.wait_until_said("begins", &["firing"]);
    alertmanager.wait_for_speaker("stays", Some(US));
    assert_eq!(sender.told(0).problem, None);
    sender.fires(&[]);
    for channel in ["stays", "begins"] {
        alertmanager.wait_until_said(channel, &PAGE);
    }
    nothing_more_comes(&alertmanager, &sender, "stays", &PAGE);
}
