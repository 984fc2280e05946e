//! What is saved: the same lines give the same tables, wherever the program was restarted between them.

use imsimta_exporter::aggregate::{Aggregate, Totals};
use imsimta_exporter::app::state::Snapshot;
use imsimta_exporter::app::state::contents::{decode, encode};
use imsimta_exporter::counting::LogReader;
use imsimta_exporter::record::Dialect;
use imsimta_exporter::source::state::{Loaded, StateDirectory};
use proptest::prelude::*;

use crate::report::{INCIDENTS, log};

/// The entries of all incidents of the demo, one after the other.
fn all_incidents() -> Vec<u8> {
    INCIDENTS.iter().flat_map(|incident| std::fs::read(log(incident)).expect("readable")).collect()
}

fn count(totals: Totals, log: &[&[u8]]) -> Totals {
    let mut aggregate = Aggregate::new(totals, jiff::tz::TimeZone::UTC, 1024);
    let account = aggregate.totals.accounts.index("mail.log_current");
    LogReader::new(Dialect::default(), usize::MAX).count(&log.concat(), &mut aggregate, account, None);
    aggregate.totals
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_changes_no_table(cuts in prop::collection::vec(0.0..1.0, 1..4)) {
        let text = all_incidents();
        let all: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
        let expected = count(Totals::new(7), &all);
        prop_assert_ne!(&expected, &Totals::new(7));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let mut cuts: Vec<usize> = cuts.iter().map(|cut: &f64| (cut * all.len() as f64) as usize).collect();
        cuts.extend([0, all.len()]);
        cuts.sort_unstable();
        let directory = tempfile::tempdir().expect("a temporary directory");
        let state = StateDirectory::open(&directory.path().join("state")).expect("ours alone");
        let mut totals = Totals::new(7);
        for part in cuts.windows(2) {
            let snapshot = Snapshot { positions: [].into(), totals: count(totals, &all[part[0]..part[1]]) };
            state.save(&encode(&snapshot, &imsimta_exporter::alerting::Saved::default(), &[]).expect("encoded")).expect("saved");
            let Loaded::Whole(contents) = state.load(decode).expect("read") else {
                panic!("what was saved is there");
            };
            totals = contents.snapshot.expect("a snapshot").totals;
        }
        prop_assert!(totals == expected, "a table differs after restarts at {:?}", cuts);
    }
}
