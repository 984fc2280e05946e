//! A plot as SVG within a page: lines over time and what is usual behind them, the same in words and as a table for who
//! cannot see it.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::document::table;

/// The size of the drawing, and of what is left for the words at its sides; a browser scales it.
const SIZE: (f64, f64) = (360.0, 150.0);
const LEFT: f64 = 40.0;
const RIGHT: f64 = 6.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 20.0;
/// What is usual may be so many times what is shown, so that a line is seen beside it.
const ABOVE: f64 = 3.0;
/// Rows of the table.
const ROWS: u32 = 12;

/// A number at a time in Unix seconds; nothing where it is not known.
pub(super) type Point = (f64, Option<f64>);

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    /// What it is of.
    pub(super) label: &'static str,
    /// How it looks: `one`, or `two`, which is broken as well as of another colour.
    pub(super) class: &'static str,
    /// The earliest first.
    pub(super) points: Vec<Point>,
}

/// A time of which it is known what is usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Usual {
    /// Unix seconds.
    pub(super) at: f64,
    /// What is expected, and what more than which is unusual; nothing where that is not known.
    pub(super) band: Option<(f64, f64)>,
}

/// One plot.
#[derive(Clone, Debug)]
pub(super) struct Plot<'a> {
    /// What tells it from the others of the page.
    pub(super) id: String,
    /// Of what and over which time.
    pub(super) title: String,
    /// Of the time that is shown, Unix seconds.
    pub(super) from: f64,
    /// Its end.
    pub(super) until: f64,
    /// Seconds from one mark of the time to the next; of a day at full hours of the zone.
    pub(super) step: i64,
    /// What is shown.
    pub(super) lines: Vec<Line>,
    /// What is usual.
    pub(super) usual: Vec<Usual>,
    /// By which times are told.
    pub(super) zone: &'a TimeZone,
}

impl Plot<'_> {
    /// Whether anything is known of it.
    pub(super) fn is_known(&self) -> bool {
        self.lines.iter().flat_map(|line| &line.points).any(|(_, value)| value.is_some())
    }

    /// The greatest of all lines.
    pub(super) fn most(&self) -> f64 {
        let values = self.lines.iter().flat_map(|line| &line.points).filter_map(|&(_, value)| value);
        values.fold(0.0, f64::max)
    }

    /// As a figure.
    pub(super) fn html(&self) -> Markup {
        let (title, words) = (format!("{}-title", self.id), format!("{}-words", self.id));
        html! {
            figure {
                figcaption {
                    (self.title)
                    @for line in &self.lines { " " span.key.(line.class) { (line.label) } }
                    @if self.has_usual() { " " span.key.usual { "usual" } }
                }
                @if self.is_known() {
                    svg viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" aria-labelledby={ (title) " " (words) } {
                        title id=(title) { (self.title) }
                        desc id=(words) { (self.words()) }
                        (self.drawing())
                    }
                    details id={ (self.id) "-table" } { summary { "As a table" } (self.table()) }
                } @else {
                    p.dim { "Nothing is known of that time." }
                }
            }
        }
    }

    fn has_usual(&self) -> bool {
        self.usual.iter().any(|usual| usual.band.is_some())
    }

    fn drawing(&self) -> Markup {
        let top = self.top();
        let (x, y) = (|at: f64| self.x(at), |value: f64| y_of(value, top));
        html! {
            @for part in [0.0, 0.5, 1.0] {
                @let at = decimal(y(top * part));
                line.grid x1=(LEFT) x2=(SIZE.0 - RIGHT) y1=(at) y2=(at) {}
                text x=(LEFT - 4.0) y=(decimal(y(top * part) + 4.0)) text-anchor="end" { (shown(top * part)) }
            }
            @for tick in self.ticks() {
                @let at = decimal(x(tick));
                line.grid x1=(at) x2=(at) y1=(SIZE.1 - BOTTOM) y2=(SIZE.1 - BOTTOM + 4.0) {}
                text x=(at) y=(SIZE.1 - 4.0) text-anchor="middle" { (self.clock(tick)) }
            }
            @if self.has_usual() {
                path.band d=(self.area(top)) {}
                path.expected d=(path(self.usual.iter().map(|usual| {
                    (x(usual.at), usual.band.map(|(expected, _)| y(expected.min(top))))
                }))) {}
            }
            @for line in &self.lines {
                path.(line.class) d=(path(line.points.iter().map(|&(at, value)| (x(at), value.map(y))))) {}
            }
        }
    }

    /// The number at the upper end: a round one.
    fn top(&self) -> f64 {
        let most = self.most();
        let usual = self.usual.iter().filter_map(|usual| usual.band).map(|(_, upper)| upper);
        round(usual.fold(0.0, f64::max).min(most.max(1.0) * ABOVE).max(most))
    }

    fn x(&self, at: f64) -> f64 {
        LEFT + (at - self.from) / (self.until - self.from).max(1.0) * (SIZE.0 - LEFT - RIGHT)
    }

    /// What is usual: from nothing to the upper end.
    fn area(&self, top: f64) -> String {
        let mut area = String::new();
        for known in self.usual.split(|usual| usual.band.is_none()).filter(|known| !known.is_empty()) {
            let upper = |usual: &Usual| y_of(usual.band.map_or(0.0, |(_, upper)| upper.min(top)), top);
            let edge = known.iter().map(|usual| (self.x(usual.at), upper(usual)));
            let ends = [known.last(), known.first()].into_iter().flatten();
            let ends = ends.map(|usual| (self.x(usual.at), SIZE.1 - BOTTOM));
            for (number, (x, y)) in edge.chain(ends).enumerate() {
                // Writing into a string cannot fail.
                let _ = write!(area, "{}{} {}", if number == 0 { "M" } else { "L" }, decimal(x), decimal(y));
            }
            area += "Z";
        }
        area
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        #[expect(clippy::cast_possible_truncation, reason = "Unix seconds")]
        let (from, until) = (self.from.ceil() as i64, self.until as i64);
        // Zones are apart by quarters of hours.
        let grain = self.step.min(900);
        let first = from + (-from).rem_euclid(grain);
        let quarters = (0..).map(move |number| first + number * grain).take_while(move |&at| at <= until);
        let is_round = |&at: &i64| self.local(at).is_some_and(|seconds| seconds % self.step == 0);
        #[expect(clippy::cast_precision_loss, reason = "Unix seconds")]
        let seconds = |at| at as f64;
        quarters.filter(is_round).map(seconds)
    }

    /// Seconds since midnight.
    fn local(&self, at: i64) -> Option<i64> {
        let time = Timestamp::from_second(at).ok()?.to_zoned(self.zone.clone());
        Some(i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second()))
    }

    fn clock(&self, at: f64) -> String {
        #[expect(clippy::cast_possible_truncation, reason = "Unix seconds")]
        let time = Timestamp::from_second(at as i64);
        time.map_or_else(
            |_| String::new(),
            |time| time.to_zoned(self.zone.clone()).strftime("%H:%M").to_string(),
        )
    }

    /// What a person would say of it.
    fn words(&self) -> String {
        let mut words = format!("From {} to {}.", self.clock(self.from), self.clock(self.until));
        for line in &self.lines {
            let known = || line.points.iter().filter_map(|&(_, value)| value);
            let (from, to) = (known().fold(f64::INFINITY, f64::min), known().fold(0.0, f64::max));
            let _ = match known().next_back() {
                Some(now) => write!(
                    words,
                    " {}: at least {}, at most {}, last {}.",
                    line.label,
                    shown(from),
                    shown(to),
                    shown(now)
                ),
                None => write!(words, " {}: not known.", line.label),
            };
        }
        words
    }

    /// The greatest numbers of each twelfth.
    fn table(&self) -> Markup {
        let width = (self.until - self.from) / f64::from(ROWS);
        let most = |line: &Line, from: f64| {
            let within = line.points.iter().filter(|&&(at, _)| at >= from && at < from + width);
            within.filter_map(|&(_, value)| value).reduce(f64::max)
        };
        table(
            &self.title,
            &html! {
                thead {
                    tr {
                        th scope="col" { "From" }
                        @for line in &self.lines { th.n scope="col" { "Most " (line.label) } }
                    }
                }
                tbody {
                    @for from in (0..ROWS).map(|number| self.from + f64::from(number) * width) {
                        tr {
                            th scope="row" { (self.clock(from)) }
                            @for line in &self.lines { td.n { (most(line, from).map_or("–".to_owned(), shown)) } }
                        }
                    }
                }
            },
        )
    }
}

fn y_of(value: f64, top: f64) -> f64 {
    SIZE.1 - BOTTOM - value / top * (SIZE.1 - TOP - BOTTOM)
}

/// A line through what is known, broken where nothing is; a point alone is a dot.
fn path(points: impl Iterator<Item = (f64, Option<f64>)>) -> String {
    let (mut path, mut length) = (String::new(), 0);
    for (x, y) in points {
        let Some(y) = y else {
            dot(&mut path, &mut length);
            continue;
        };
        let _ = write!(path, "{}{} {}", if length == 0 { "M" } else { "L" }, decimal(x), decimal(y));
        length += 1;
    }
    dot(&mut path, &mut length);
    path
}

fn dot(path: &mut String, length: &mut u32) {
    if std::mem::take(length) == 1 {
        path.push_str("h0");
    }
}

/// With a decimal, where there is one.
fn decimal(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The next of 1, 2, 4, 5 and 10 times a power of ten, so that its half is short as well.
fn round(number: f64) -> f64 {
    let power = 10_f64.powf(number.max(1.0).log10().floor());
    let steps = [1.0, 2.0, 4.0, 5.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|&step| step >= number).unwrap_or(number)
}

/// Short: `7`, `0.5`, `1.2k`, `3M`.
fn shown(number: f64) -> String {
    match number {
        great if great >= 999_500.0 => decimal(great / 1e6) + "M",
        great if great >= 9_950.0 => decimal(great / 1e3) + "k",
        small if small < 10.0 => decimal(small),
        number => format!("{number:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use jiff::tz::TimeZone;

    use super::{Line, Plot, Usual, path, round, shown};

    /// 2026-11-15 06:13:20 UTC.
    const AT: f64 = 1_794_723_200.0;

    fn plot(zone: &TimeZone) -> Plot<'_> {
        let points = |values: &[Option<f64>]| {
            values.iter().zip(0_u32..).map(|(&value, n)| (AT + f64::from(n) * 900.0, value)).collect()
        };
        Plot {
            id: "waiting-hour".to_owned(),
            title: "Waiting, last hour".to_owned(),
            from: AT,
            until: AT + 3600.0,
            step: 900,
            lines: vec![
                Line {
                    label: "waiting",
                    class: "one",
                    points: points(&[Some(3.0), Some(40.0), None, Some(7.5)]),
                },
                Line { label: "held", class: "two", points: points(&[None, None, None, None]) },
            ],
            usual: [Some((5.0, 9.0)), Some((6.0, 900.0)), None]
                .into_iter()
                .zip(0_u32..)
                .map(|(band, n)| Usual { at: AT + f64::from(n) * 1800.0, band })
                .collect(),
            zone,
        }
    }

    #[test]
    fn a_plot_is_drawn_said_and_told_as_a_table() {
        let html = plot(&TimeZone::UTC).html().into_string();
        let (drawing, told) = html.split_once("<details").expect("a table");
        expect![[r#"
            <figure>
            <figcaption>Waiting, last hour <span class="key one">waiting</span> <span class="key two">held</span> <span class="key usual">usual</span>
            </figcaption>
            <svg viewBox="0 0 360 150" role="img" aria-labelledby="waiting-hour-title waiting-hour-words">
            <title id="waiting-hour-title">Waiting, last hour</title>
            <desc id="waiting-hour-words">From 06:13 to 07:13. waiting: at least 3, at most 40, last 7.5. held: not known.</desc>
            <line class="grid" x1="40" x2="354" y1="130" y2="130">
            </line>
            <text x="36" y="134" text-anchor="end">0</text>
            <line class="grid" x1="40" x2="354" y1="69" y2="69">
            </line>
            <text x="36" y="73" text-anchor="end">100</text>
            <line class="grid" x1="40" x2="354" y1="8" y2="8">
            </line>
            <text x="36" y="12" text-anchor="end">200</text>
            <line class="grid" x1="48.7" x2="48.7" y1="130" y2="134">
            </line>
            <text x="48.7" y="146" text-anchor="middle">06:15</text>
            <line class="grid" x1="127.2" x2="127.2" y1="130" y2="134">
            </line>
            <text x="127.2" y="146" text-anchor="middle">06:30</text>
            <line class="grid" x1="205.7" x2="205.7" y1="130" y2="134">
            </line>
            <text x="205.7" y="146" text-anchor="middle">06:45</text>
            <line class="grid" x1="284.2" x2="284.2" y1="130" y2="134">
            </line>
            <text x="284.2" y="146" text-anchor="middle">07:00</text>
            <path class="band" d="M40 124.5L197 8L197 130L40 130Z">
            </path>
            <path class="expected" d="M40 127L197 126.3">
            </path>
            <path class="one" d="M40 128.2L118.5 105.6M275.5 125.4h0">
            </path>
            <path class="two" d="">
            </path>
            </svg>
            "#]].assert_eq(&(drawing.replace("><", ">\n<") + "\n"));
        let row = |from, waiting| {
            format!(
                "<tr><th scope=\"row\">{from}</th><td class=\"n\">{waiting}</td><td class=\"n\">–</td></tr>"
            )
        };
        for (from, waiting) in
            [("06:13", "3"), ("06:18", "–"), ("06:28", "40"), ("06:58", "7.5"), ("07:08", "–")]
        {
            assert!(told.contains(&row(from, waiting)), "{from}: {told}");
        }
    }

    #[test]
    fn of_what_is_not_known_nothing_is_drawn() {
        let zone = TimeZone::UTC;
        let mut plot = plot(&zone);
        plot.lines.remove(0);
        let html = plot.html().into_string();
        assert!(html.contains("Nothing is known of that time.") && !html.contains("<svg"), "{html}");
    }

    /// Marks of a day are at full hours where it is shown: Kathmandu is three quarters of an hour apart.
    #[test]
    fn marks_are_at_round_times_of_the_zone() {
        let zone = TimeZone::get("Asia/Kathmandu").expect("bundled");
        let mut plot = plot(&zone);
        (plot.until, plot.step) = (AT + 86_400.0, 6 * 3600);
        let ticks: Vec<_> = plot.ticks().map(|at| plot.clock(at)).collect();
        assert_eq!(ticks, ["12:00", "18:00", "00:00", "06:00"]);
    }

    #[test]
    fn lines_are_broken_where_nothing_is_known() {
        let points = [Some(1.0), None, Some(2.0), Some(3.25), None, None, Some(4.0)];
        let points = points.into_iter().zip(0_u32..).map(|(y, x)| (f64::from(x), y));
        assert_eq!(path(points), "M0 1h0M2 2L3 3.2M6 4h0");
        assert_eq!(path(std::iter::empty()), "");
    }

    #[test]
    fn numbers_are_short_and_ends_round() {
        for (number, expected, end) in [
            (0.0, "0", 1.0),
            (0.25, "0.2", 1.0),
            (1.0, "1", 1.0),
            (7.5, "7.5", 10.0),
            (41.0, "41", 50.0),
            (2001.0, "2001", 4000.0),
            (12_345.0, "12.3k", 20_000.0),
            (3_000_000.0, "3M", 4_000_000.0),
        ] {
            assert_eq!((shown(number).as_str(), round(number)), (expected, end), "{number}");
        }
    }
}
