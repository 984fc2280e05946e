//! Whether so many failures are more than chance brings about.
//!
//! A few dozen attempts of which 43 in 100 fail are above a half each other minute, and are no outage. What chance brings about is
//! what the channel did before.

use crate::aggregate::recent::{Before, ChannelActivity, Judged, SHORT_MINUTES, SLOT, WINDOW_MINUTES};
use crate::aggregate::time::Millis;
use crate::findings::Thresholds;
use crate::findings::situation::Traffic;

/// A share of just the threshold is exceeded by so many standard deviations in one window of 4,000: a half by 13 of 13, 18 of 20,
/// 29 of 36, 80 of 120.
const DEVIATIONS: f64 = 3.5;

/// What failed in the hour before is exceeded by so many in none of 3,000,000. Where one in ten failed 10 of 20 do, which are a half: all
/// that fails as a whole is no chance then. Where 43 in 100 do it takes nearly all.
const DEVIATIONS_OF_HOUR: f64 = 5.0;

/// And what failed in the minutes before by so many: less is known of them.
const DEVIATIONS_OF_MINUTES: f64 = 4.0;

/// So many attempts at the threshold are added to those of the hour, or few would say too much.
const UNKNOWN: f64 = 20.0;

/// So many of the fewest attempts ring, whatever these are.
const CERTAIN_SHARE: f64 = 0.9;

/// Two ways to the same figure may differ by less.
const ROUNDED: f64 = 1e-9;

/// Attempts of some seconds.
#[derive(Clone, Copy)]
struct Part {
    judged: Judged,
    seconds: f64,
}

/// Some of the newest attempts, and those of minutes. The present slot is one more, and not over.
fn parts<'a>(limits: &'a Thresholds, traffic: &'a Traffic) -> impl Iterator<Item = Part> {
    let (span, slot) = (limits.spike_window.as_secs_f64(), SLOT.seconds());
    let ends = traffic.spike_ends.into_iter().zip([0.25, 0.5, 0.75].map(|part| part * span));
    let pair = |of: &[ChannelActivity; 2], span: f64| {
        of.each_ref().map(Judged::from).into_iter().zip([span, span + slot])
    };
    let spike = pair(&traffic.spike, span);
    let scraped = traffic.scraped_spike.as_ref();
    let scraped = scraped.map(|scraped| pair(scraped, limits.scraped_spike_window.as_secs_f64()));
    let minutes = [(&traffic.short, SHORT_MINUTES), (&traffic.window, WINDOW_MINUTES)];
    let minutes = minutes
        .map(|(activity, minutes)| (Judged::from(activity), Millis::of_minutes(minutes).and(SLOT).seconds()));
    let all = ends.chain(spike).chain(scraped.into_iter().flatten()).chain(minutes);
    all.map(|(judged, seconds)| Part { judged, seconds })
}

/// Whether so many failures are no chance: of some of the newest attempts, or of those of minutes, more fail than the share of the
/// threshold brings about, or than failed before. What fails in the minutes of the rules is a part of those minutes before.
pub(super) fn is_no_chance(limits: &Thresholds, traffic: &Traffic, minutes_fail: bool) -> bool {
    let hour =
        traffic.before.map(|before| Earlier { before, unknown: UNKNOWN, deviations: DEVIATIONS_OF_HOUR });
    let minutes = (!minutes_fail).then(|| minutes_before(limits, traffic));
    let is_more = |part: Part| hour.iter().chain(&minutes).all(|earlier| earlier.is_exceeded(limits, part));
    parts(limits, traffic).any(|part| exceeds_share(limits, part.judged) || is_more(part))
}

/// Whether more attempts fail than the share of the threshold brings about by chance: by [`DEVIATIONS`] of the binomial
/// distribution. Of the fewest attempts that are judged nine of ten are always enough.
#[expect(clippy::cast_precision_loss, reason = "counts of minutes")]
fn exceeds_share(limits: &Thresholds, Judged { failing, attempts }: Judged) -> bool {
    let (share, variance) = (limits.failing_share, limits.failing_share * (1.0 - limits.failing_share));
    let above = |failing: f64, attempts: f64| (failing - attempts * share) / (attempts * variance).sqrt();
    let least = limits.attempts.max(1) as f64;
    let enough = above(CERTAIN_SHARE * least, least).min(DEVIATIONS);
    attempts > 0 && (variance <= 0.0 || above(failing as f64, attempts as f64) + ROUNDED >= enough)
}

/// The last five minutes but for those seconds.
fn minutes_before(limits: &Thresholds, traffic: &Traffic) -> Earlier {
    let [minutes, seconds] = [&traffic.window, &traffic.spike[1]].map(Judged::from);
    let judged = Judged {
        failing: minutes.failing.saturating_sub(seconds.failing),
        attempts: minutes.attempts.saturating_sub(seconds.attempts),
    };
    let span = Millis::of_minutes(WINDOW_MINUTES).seconds() - limits.spike_window.as_secs_f64();
    let before = Before { judged, seconds: span.max(0.0) };
    Earlier { before, unknown: 0.0, deviations: DEVIATIONS_OF_MINUTES }
}

/// What failed earlier, and by how much that has to be exceeded.
struct Earlier {
    before: Before,
    unknown: f64,
    deviations: f64,
}

impl Earlier {
    /// Whether more fails than this brings about of so many attempts, and in such a time, since in the evening a greater share of fewer
    /// attempts fails.
    #[expect(clippy::cast_precision_loss, reason = "counts of an hour")]
    fn is_exceeded(&self, limits: &Thresholds, Part { judged, seconds }: Part) -> bool {
        let (failing, attempts) = (judged.failing as f64, judged.attempts as f64);
        let Before { judged, seconds: of } = self.before;
        let (failed, tried) = (judged.failing as f64, judged.attempts as f64);
        let known = failed + self.unknown * limits.failing_share;
        let share = (known / (tried + self.unknown).max(1.0)).min(limits.failing_share);
        let in_time = if of > 0.0 { failed * seconds / of } else { 0.0 };
        let expected = in_time.max(attempts * share);
        let chance = (expected * (1.0 - share)).sqrt();
        failing > 0.0 && failing - expected + ROUNDED >= self.deviations * chance
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use fastrand::Rng;

    use super::{exceeds_share, is_no_chance};
    use crate::aggregate::recent::{Before, ChannelActivity, Judged};
    use crate::findings::Thresholds;
    use crate::findings::situation::Traffic;
    use crate::record::reason::Reason;

    /// Slots of ten seconds: the window, and the hour before.
    const WINDOW: usize = 31;
    const HOUR: usize = 360;

    /// A channel that tries so many a minute by chance, of which such a share fails.
    struct Channel {
        rng: Rng,
        slots: VecDeque<Judged>,
    }

    impl Channel {
        fn new(seed: u64) -> Self {
            Self { rng: Rng::with_seed(seed), slots: VecDeque::from([Judged::default(); WINDOW + HOUR]) }
        }

        /// Ten seconds.
        fn live(&mut self, a_minute: u32, share: f64) {
            let mut slot = Judged::default();
            // As many as would come in each of a thousand parts.
            let tried = (0..1000).filter(|_| self.rng.f64() < f64::from(a_minute) / 6000.0).count();
            slot.attempts = tried as u64;
            slot.failing = (0..tried).filter(|_| self.rng.f64() < share).count() as u64;
            self.slots.pop_front();
            self.slots.push_back(slot);
        }

        fn sum(&self, slots: std::ops::Range<usize>) -> Judged {
            let newest = self.slots.iter().rev().skip(slots.start).take(slots.len());
            newest.fold(Judged::default(), |sum, slot| Judged {
                failing: sum.failing + slot.failing,
                attempts: sum.attempts + slot.attempts,
            })
        }

        /// What the expression of the rule asks for: a half of 40 s.
        fn fails(&self, limits: &Thresholds) -> bool {
            [4, 5].iter().any(|&slots| {
                let Judged { failing, attempts } = self.sum(0..slots);
                limits.fails(failing, attempts)
            })
        }

        fn pages(&self, limits: &Thresholds) -> bool {
            let of = |slots: usize| {
                let Judged { failing, attempts } = self.sum(0..slots);
                let mut activity = ChannelActivity { attempts, ..ChannelActivity::default() };
                (0..failing).for_each(|_| activity.failures.add(Reason::NoRoute));
                activity
            };
            let before = |slots| Before {
                judged: self.sum(WINDOW..WINDOW + slots),
                seconds: f64::from(u32::try_from(slots).expect("few")) * 10.0,
            };
            let traffic = Traffic {
                window: of(WINDOW),
                short: of(7),
                spike: [of(4), of(5)],
                spike_ends: [1, 2, 3].map(|slots| self.sum(0..slots)),
                before: [before(HOUR / 4), before(HOUR)],
                ..Traffic::default()
            };
            self.fails(limits) && is_no_chance(limits, &traffic, false)
        }
    }

    /// A hundred hours in which as much fails as ever. A page stays for ten minutes after it was last so.
    #[test]
    fn what_fails_as_ever_pages_hardly_ever() {
        let limits = Thresholds::default();
        for (a_minute, share, most) in [(54, 0.43, 2), (30, 0.3, 1), (90, 0.1, 0)] {
            let (mut channel, mut until, mut pages, mut halves) = (Channel::new(7), 0, 0, 0);
            (0..HOUR).for_each(|_| channel.live(a_minute, share));
            for slot in 0..100 * HOUR {
                channel.live(a_minute, share);
                let fails = channel.fails(&limits);
                halves += u32::from(fails);
                let begins = slot >= until && channel.pages(&limits);
                pages += u32::from(begins);
                until = if begins || fails && slot < until { slot + 60 } else { until };
            }
            assert!(pages <= most, "{a_minute} {share}: {pages} pages, {halves} times a half");
        }
    }

    /// Where hardly anything failed before, the page is there when the rule is.
    #[test]
    fn what_did_not_fail_before_pages_with_the_rule() {
        let limits = Thresholds::default();
        for a_minute in [30, 90] {
            for share in [0.6, 0.9, 1.0] {
                for seed in 0..10 {
                    let mut channel = Channel::new(seed);
                    (0..WINDOW + HOUR).for_each(|_| channel.live(a_minute, 0.03));
                    for _ in 0..30 {
                        channel.live(a_minute, share);
                        assert_eq!(
                            channel.pages(&limits),
                            channel.fails(&limits),
                            "{a_minute} {share} {seed}"
                        );
                        if channel.fails(&limits) {
                            break;
                        }
                    }
                }
            }
        }
    }

    /// Whatever the fewest attempts are, nine of ten of them are enough; and of a share that nearly all exceeds no more is asked.
    #[test]
    fn so_many_failures_are_no_chance() {
        for (least, share, failing, attempts, expected) in [
            (20, 0.5, 13, 13, true),
            (20, 0.5, 12, 12, false),
            (20, 0.5, 18, 20, true),
            (20, 0.5, 17, 20, false),
            (20, 0.5, 80, 120, true),
            (20, 0.5, 79, 120, false),
            (5, 0.5, 5, 5, true),
            (5, 0.5, 4, 5, false),
            (10, 0.5, 9, 10, true),
            (20, 0.9, 18, 20, true),
            (20, 0.95, 19, 20, true),
            (20, 0.2, 10, 20, false),
            (20, 0.2, 11, 20, true),
            (20, 1.0, 20, 20, true),
            (20, 0.0, 1, 20, true),
            (0, 0.5, 1, 1, true),
            (20, 0.5, 0, 0, false),
        ] {
            let limits = Thresholds { attempts: least, failing_share: share, ..Thresholds::default() };
            let found = exceeds_share(&limits, Judged { failing, attempts });
            assert_eq!(found, expected, "{failing} of {attempts}: {share} of {least}");
        }
    }
}
