//! What is plotted: the last hour and the last day of a channel or of all, from the history, and what is usual behind it.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::plot::{Line, Plot, Point, Usual};
use crate::aggregate::baseline;
use crate::aggregate::time::{Millis, Time};
use crate::aggregate::timeline::Present;
use crate::findings::channels::is_a_way_out;
use crate::observed::Observed;
use crate::observed::history::{History, RESOLUTIONS, Series};

/// The finer resolution of the history, and the coarser one.
const FINE: usize = 0;
const COARSE: usize = 1;
/// So many slots of the finer one are one point.
const GROUP: usize = 6;
const HOUR: Millis = Millis::of_minutes(60);

/// What is drawn of one number.
struct Drawn {
    series: Series,
    label: &'static str,
    class: &'static str,
    /// Of which it is learned what is usual.
    usual: Option<baseline::Series>,
}

const fn drawn_as(series: Series, label: &'static str, class: &'static str) -> Drawn {
    Drawn { series, label, class, usual: None }
}

/// THE list of plots: what each is called, what it shows, and whether it is shown only where there was any.
const PLOTS: &[(&str, &str, &[Drawn], bool)] = &[
    (
        "flow",
        "Recipients per minute",
        &[drawn_as(Series::Deliveries, "out", "one"), drawn_as(Series::Failures, "failed", "two")],
        false,
    ),
    (
        "waiting",
        "Messages waiting",
        &[Drawn {
            series: Series::Queue,
            label: "waiting",
            class: "one",
            usual: Some(baseline::Series::Queue),
        }],
        false,
    ),
    (
        "came",
        "Recipients that came in through it per minute",
        &[Drawn {
            series: Series::Enqueues,
            label: "came in",
            class: "one",
            usual: Some(baseline::Series::Enqueues),
        }],
        true,
    ),
    ("held", "Messages held", &[drawn_as(Series::Held, "held", "two")], true),
    ("rejected", "Rejections per minute", &[drawn_as(Series::Rejections, "rejected", "two")], true),
    ("connections", "Connections per minute", &[drawn_as(Series::Connections, "opened", "one")], true),
];
/// So many of them are of all channels together.
const OF_ALL: usize = 2;

/// Whether it is a number at a moment, and none of what happened in a time.
fn is_level(series: Series) -> bool {
    matches!(series, Series::Queue | Series::Held)
}

/// The plots of all channels together.
pub(super) fn of_all(observed: &Observed) -> Markup {
    drawn(observed, None)
}

/// Those of a channel.
pub(super) fn of_channel(observed: &Observed, channel: &str) -> Markup {
    drawn(observed, Some(channel))
}

fn drawn(observed: &Observed, channel: Option<&str>) -> Markup {
    let source = Source::now(observed);
    let zone = &observed.timezone.zone;
    let plots = PLOTS.iter().take(if channel.is_some() { PLOTS.len() } else { OF_ALL });
    html! {
        h2 { "The last hour and day" }
        @for (id, title, drawn, only_any) in plots {
            @let both = [false, true].map(|day| {
                let usual = usual(observed, channel, drawn, &source, day);
                source.plot(channel, (id, title), drawn, usual, day, zone)
            });
            @if !only_any || both.iter().any(|plot| plot.most() > 0.0) {
                div.plots { @for plot in &both { (plot.html()) } }
            }
        }
        p.dim {
            "Times are those of " (zone.iana_name().unwrap_or("the MTA's host")) ". What nobody read or looked at is not drawn."
            @if channel.is_some() { " What is usual is known after two weeks; more than the coloured area is unusual." }
        }
    }
}

/// What there is to be drawn, as it was at one moment.
struct Source {
    history: History,
    present: Present,
}

impl Source {
    fn now(observed: &Observed) -> Self {
        let book = observed.logs();
        let present = observed.clock.now().shown(&book.aggregate);
        // A copy, so that nobody waits for the page.
        let history = book.history.lock().clone();
        Self { history, present }
    }

    fn plot<'a>(
        &self,
        channel: Option<&str>,
        (id, title): (&str, &str),
        drawn: &[Drawn],
        usual: Vec<Usual>,
        day: bool,
        zone: &'a TimeZone,
    ) -> Plot<'a> {
        let (span, name, step) =
            if day { (Millis::of_minutes(24 * 60), "day", 6 * 3600) } else { (HOUR, "hour", 900) };
        let until = self.present.unix;
        let line = |drawn: &Drawn| Line {
            label: drawn.label,
            class: drawn.class,
            points: self.points(channel, drawn.series, day),
        };
        Plot {
            id: format!("{id}-{name}"),
            title: format!("{title}, last {name}"),
            from: until.less(span).seconds(),
            until: until.seconds(),
            step,
            lines: drawn.iter().map(line).collect(),
            usual,
            zone,
        }
    }

    /// The numbers of a day, in five minutes each; of an hour the newest twenty minutes are each by itself.
    fn points(&self, channel: Option<&str>, series: Series, day: bool) -> Vec<Point> {
        let now = self.present.now();
        let coarse = self.slots(COARSE, channel, series);
        if day {
            return coarse.iter().map(|&slot| self.point(slot, COARSE, series)).collect();
        }
        // What came in is known in five minutes each.
        let fine = if series == Series::Enqueues { Vec::new() } else { self.slots(FINE, channel, series) };
        let begins = fine.first().map_or(now, |&(start, _)| start);
        let width = RESOLUTIONS[COARSE].width();
        let earlier = coarse
            .iter()
            .filter(|(start, _)| *start >= now.less(HOUR) && start.and(width) <= begins)
            .map(|&slot| self.point(slot, COARSE, series));
        let groups: Vec<_> = fine
            .rchunks(GROUP)
            .filter(|group| group.len() == GROUP)
            .map(|group| self.group(group, series))
            .collect();
        earlier.chain(groups.into_iter().rev()).collect()
    }

    /// The slots that are over, of what happened, or have been looked at; of all ways out where no channel is named, and of
    /// the queue of all channels.
    fn slots(&self, resolution: usize, channel: Option<&str>, series: Series) -> Vec<(Time, Option<u64>)> {
        let now = self.present.now();
        let mut channels = self.history.channels();
        channels.retain(|other| match channel {
            Some(channel) => *other == channel,
            None => is_level(series) || is_a_way_out(other),
        });
        let mut sums: Vec<(Time, Option<u64>)> = Vec::new();
        for channel in channels {
            let slots = self.history.slots(resolution, channel, series, now);
            if sums.is_empty() {
                sums = slots.collect();
            } else {
                for (sum, (_, value)) in sums.iter_mut().zip(slots) {
                    sum.1 = match (sum.1, value) {
                        (Some(sum), Some(value)) => Some(sum + value),
                        (sum, value) => sum.or(value),
                    };
                }
            }
        }
        if !is_level(series) {
            sums.pop();
        }
        sums
    }

    fn point(&self, (start, value): (Time, Option<u64>), resolution: usize, series: Series) -> Point {
        let width = RESOLUTIONS[resolution].width();
        if is_level(series) {
            return (self.unix(start), value.map(number));
        }
        let middle = start.and(Millis::of(width.millis() / 2));
        (self.unix(middle), value.map(|count| number(count) / (width.seconds() / 60.0)))
    }

    /// A minute of the finer slots.
    fn group(&self, group: &[(Time, Option<u64>)], series: Series) -> Point {
        let middle = self.unix(group[GROUP / 2].0);
        if is_level(series) {
            let last = group.iter().rev().find_map(|&(start, value)| Some((start, value?)));
            return last.map_or((middle, None), |(start, value)| (self.unix(start), Some(number(value))));
        }
        (middle, group.iter().map(|&(_, value)| value).sum::<Option<u64>>().map(number))
    }

    fn unix(&self, at: Time) -> f64 {
        self.present.unix_of(at).seconds()
    }
}

/// What was usual at those times in a channel, of what is learned.
fn usual(
    observed: &Observed,
    channel: Option<&str>,
    drawn: &[Drawn],
    source: &Source,
    day: bool,
) -> Vec<Usual> {
    let drawn = drawn.iter().find_map(|drawn| Some((drawn.series, drawn.usual?)));
    let (Some(channel), Some((series, learned))) = (channel, drawn) else { return Vec::new() };
    let (now, step) = (source.present.now(), if day { 30 } else { 5 });
    let span = if day { 24 * 60 } else { 60 };
    // What is counted is learned of five minutes.
    let minutes = if is_level(series) { 1.0 } else { RESOLUTIONS[COARSE].width().seconds() / 60.0 };
    let book = observed.logs();
    let baseline = book.baseline.lock();
    let moments = (0..=span / step).rev().map(|number| now.less(Millis::of_minutes(number * step)));
    let band = |at| {
        let band = baseline.expected(channel, learned, at)?;
        Some((band.expected / minutes, band.upper / minutes))
    };
    moments.map(|at| Usual { at: source.unix(at), band: band(at) }).collect()
}

fn number(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a plot needs no 53 bits")]
    let number = count as f64;
    number
}

#[cfg(test)]
mod tests {
    use super::{Present, Series, Source};
    use crate::aggregate::time::Time;
    use crate::observed::history::{History, Waiting};

    /// A boundary of five minutes.
    const START: i64 = 1_795_000_200_000;

    /// Three hours in which as many messages wait in a channel as minutes are over, one in another; each five minutes ten
    /// recipients come in.
    fn lived() -> Source {
        let mut history = History::default();
        for second in (0..=3 * 3600).step_by(10) {
            let now = Time::of(START + second * 1000);
            let messages = u64::try_from(second / 60).expect("positive");
            let waiting = |messages| Waiting { messages, held: 0 };
            history.looked(now, [("tcp_local", waiting(messages)), ("hold", waiting(1))]);
            if second % 300 == 0 {
                history.came(now, [("tcp_local", 10)]);
            }
        }
        Source { history, present: Present::of_entry(Time::of(START + 3 * 3_600_000)) }
    }

    /// Minutes since the start.
    fn minutes(at: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a time in seconds")]
        let start = START as f64 / 1000.0;
        (at - start) / 60.0
    }

    #[test]
    fn the_newest_minutes_of_an_hour_are_told_one_by_one() {
        let source = lived();
        for (channel, more) in [(Some("tcp_local"), 0.0), (None, 1.0)] {
            let points = source.points(channel, Series::Queue, false);
            let known: Vec<_> =
                points.iter().filter_map(|&(at, value)| Some((minutes(at), value? - more))).collect();
            assert_eq!(known.len(), points.len());
            assert!(known.iter().all(|(at, value)| (at.floor() - value).abs() < 0.01), "{known:?}");
            assert!(known.first().is_some_and(|(at, _)| (120.0..=125.0).contains(at)), "{known:?}");
            assert!(known.last().is_some_and(|(at, _)| *at > 179.0), "{known:?}");
            let steps: Vec<f64> = known.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
            assert!(steps.iter().all(|step| (0.9..=6.1).contains(step)), "{steps:?}");
            assert!(steps.iter().rev().take(18).all(|step| *step < 1.1), "{steps:?}");
        }
    }

    #[test]
    fn what_is_counted_is_told_by_the_minute_and_what_is_not_over_not_at_all() {
        let source = lived();
        for (day, expected) in [(false, 12), (true, 37)] {
            let points = source.points(Some("tcp_local"), Series::Enqueues, day);
            let known: Vec<_> =
                points.iter().filter_map(|&(at, value)| Some((minutes(at), value?))).collect();
            assert_eq!(known.len(), expected, "{known:?}");
            assert!(known.iter().all(|&(_, value)| (value - 2.0_f64).abs() < 0.01), "{known:?}");
            assert!(known.last().is_some_and(|(at, _)| *at < 180.0), "{known:?}");
        }
        // Of what nobody has read nothing is said.
        let points = source.points(Some("tcp_local"), Series::Deliveries, true);
        assert!(!points.is_empty() && points.iter().all(|(_, value)| value.is_none()));
        assert!(source.points(Some("nothing"), Series::Queue, true).is_empty());
    }
}
