//! A further row of the table of collectors, and all that derives from it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use imsimta_exporter::app::collectors::{COLLECTORS, Collector, Of, Remark, Shown, Start, Verdict};
use imsimta_exporter::app::{self, Environment};
use imsimta_exporter::check;
use imsimta_exporter::config::Config;
use imsimta_exporter::metrics::catalogue::{FILESYSTEM_FILES_FREE, Feed};
use imsimta_exporter::observed::reading::{Reading, Run};
use tokio::sync::oneshot;

use super::harness::{DEADLINE, Install, request, value_of, wait_for};

/// Whether the source of the further collector can be read.
static THERE: AtomicBool = AtomicBool::new(false);

#[derive(Debug)]
struct Sheep(u64);

/// One row, and nothing else.
static TRIAL: Collector<Sheep> = Collector {
    name: "trial",
    shown: Some(Shown {
        reads: |_| "a flock".to_owned(),
        called: "flock",
        first: "the first look at the sheep",
    }),
    of: Of::Host,
    interval: |_| Duration::from_millis(10),
    start: |_| {
        Box::new(|| {
            if THERE.load(Ordering::Relaxed) {
                Run::Whole(Sheep(7))
            } else {
                Run::Failed("no sheep".to_owned())
            }
        })
    },
    is_anything: |_| true,
    fill: |page, sheep, _| page.count(&FILESYSTEM_FILES_FREE, &["sheep"], sheep.0),
    remarks: plainly,
};

/// What `check` says of it.
fn plainly(reading: &Reading<Sheep>, _: &Start<'_>) -> Vec<Remark> {
    vec![match &reading.problem {
        None => (Verdict::Fine, "can be read".to_owned()),
        Some(problem) => (Verdict::Problem, problem.clone()),
    }]
}

fn environment() -> Environment {
    let mut environment = Environment::default();
    environment.collectors.push(&TRIAL);
    assert_eq!(environment.collectors.len(), COLLECTORS.len() + 1);
    environment
}

fn configuration(install: &Install) -> Config {
    let mut config = Config::default();
    config.mta.root = Some(install.path("root"));
    config.mta.as_root = true;
    config.state.directory = install.path("state");
    config.http.listen = ([127, 0, 0, 1], 0).into();
    config
}

/// Head and body of a page.
type Get<'a> = &'a dyn Fn(&str) -> (String, String);

#[test]
fn a_row_is_all_that_a_further_collector_needs() {
    let install = Install::new();
    install.append("mail.log_current", "");
    let prepared = app::prepare(configuration(&install), environment()).expect("prepared");
    let address = prepared.address().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            ask(&install, &|path| request(&address, "GET", path).expect("an answer"));
            drop(stop);
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let serve = async { prepared.start()?.serve(async { drop(stopped.await) }).await };
        runtime.block_on(serve).expect("ended well");
    });
}

fn ask(install: &Install, get: Get<'_>) {
    let until = |path: &str, wanted: &dyn Fn(&str, &str) -> bool| {
        wait_for(path, DEADLINE, || {
            let (head, body) = get(path);
            wanted(&head, &body).then_some(body)
        })
    };
    let success = "imsimta_collector_success{collector=\"trial\"}";
    let sample = "imsimta_filesystem_files_free{path=\"sheep\"}";

    // What cannot be read is waited for, named, and absent.
    let page = until("/metrics", &|_, page| value_of(page, success) == Some(0.0));
    assert_eq!(value_of(&page, sample), None);
    until("/-/ready", &|head, body| head.contains(" 503 ") && body.contains("trial (no sheep)"));
    until("/", &|_, page| {
        ["<th scope=\"row\">trial</th><td>a flock</td>", "The flock cannot be read: no sheep."]
            .iter()
            .all(|text| page.contains(text))
    });
    let checked = check::check(&configuration(install), None, &environment()).text();
    assert!(checked.contains("PROBLEM trial         no sheep"), "{checked}");

    THERE.store(true, Ordering::Relaxed);
    let page = until("/metrics", &|_, page| value_of(page, success) == Some(1.0));
    assert_eq!(value_of(&page, sample), Some(7.0));
    until("/-/ready", &|head, body| head.contains(" 200 ") && body == "ready\n");
    let checked = check::check(&configuration(install), None, &environment()).text();
    assert!(checked.contains("ok      trial         can be read"), "{checked}");
}

/// Whoever is woken by a collector reads what it may be.
#[test]
fn the_runbook_names_every_collector() {
    let runbook = include_str!("../../alerts/runbooks/ImsMtaCollectorFailing.md");
    for feed in Feed::collectors() {
        assert!(runbook.contains(&format!("`{}`", feed.label())), "{}", feed.label());
    }
}
