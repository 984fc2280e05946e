//! Incidents of the demo on the panels that are for them: demos, and a real Prometheus that is asked what the
//! dashboards ask.

use std::collections::BTreeMap;

use imsimta_exporter::demo::incident::{Becomes, Incident};

use crate::chain::{ALERTMANAGER, Chain, Demo};
use crate::dashboards::queries::{SHOWN, Shown, runnable};
use crate::service::harness::available;

/// The queries of a panel about one exporter.
fn queries(row: &Shown, address: &str) -> Vec<String> {
    let values = [("job", "imsimta"), ("__rate_interval", "40s"), ("instance", address)];
    let of_panel = runnable(&values).into_iter().filter(|(panel, _)| panel == row.panel);
    of_panel.map(|(_, query)| query).collect()
}

#[test]
fn incidents_show_on_their_panels() {
    if !available("prometheus") || !available(ALERTMANAGER) {
        return;
    }
    let _turn = crate::turn();
    let mut demos = BTreeMap::new();
    for row in SHOWN {
        let arguments =
            ["--rate", "2", "--incident", row.incident, "--incident-after", "10s", "--incident-for", "0"];
        demos.entry(row.incident).or_insert_with(|| Demo::start(&arguments));
    }
    let chain = Chain::start(&demos.values().map(|demo| demo.address.as_str()).collect::<Vec<_>>());
    for row in SHOWN {
        let what = format!("{} on {}", row.incident, row.panel);
        let wanted = |value: f64| match row.becomes {
            Becomes::Equal(wanted) => value.total_cmp(&wanted).is_eq(),
            Becomes::Least(least) => value >= least,
            Becomes::Rises(_) | Becomes::Slows(_) => false,
        };
        chain.wait_for_value(&what, &queries(row, &demos[row.incident].address), wanted);
        chain.say(&what);
    }
    // And nothing fires that the table does not promise, of those alerts that can within these minutes: they have no
    // `for`, or a short one. Of the others nothing is said.
    for (&incident, demo) in &demos {
        let expected = Incident::named(incident).map_or(&[][..], |row| row.alerts);
        for alert in chain.firing(&demo.address) {
            assert!(expected.iter().any(|&(promised, _)| promised == alert), "{incident}: {alert} fires");
        }
    }
}
