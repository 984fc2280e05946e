//! Pages are made by one thread, one at a time, and shared by all who ask within a quarter of a second.
//!
//! The thread is there from the start, so that a scrape needs neither a thread nor a task that the
//! system may refuse, and a thousand scrapers cost four pages a second. Its pages are shared bytes: a
//! client that reads slowly holds no copy.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use maud::Markup;
use parking_lot::{Condvar, Mutex};
use tokio::sync::{oneshot, watch};

use super::encoding::{self, Encoding};
use crate::observed::Clock;

/// How long a page is good for others who ask.
const SHARED: Duration = Duration::from_millis(250);
/// Pages of names that wait to be made at once: each is for one client alone.
const NAMED_AT_ONCE: usize = 16;
/// How long is waited for a page.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) const HTML: &str = "text/html; charset=utf-8";
pub(super) const JSON: &str = "application/json";
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// A page as it was made.
#[derive(Clone, Debug)]
pub(super) struct Made {
    status: StatusCode,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Made {
    pub(super) fn new(content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, content_type, body }
    }

    pub(super) fn html(page: Markup) -> Self {
        Self::new(HTML, page.into_string().into_bytes())
    }

    pub(super) fn text(text: String) -> Self {
        Self::new(TEXT, text.into_bytes())
    }

    /// As it is sent, when it is shared with nobody.
    pub(super) fn encoded(self, encoding: Encoding) -> Page {
        encoded(self.at(Duration::ZERO), encoding)
    }

    fn at(self, at: Duration) -> Page {
        let Self { status, content_type, body } = self;
        Page { at, status, content_type, plain: body.into(), gzip: None }
    }

    /// The same, of what is not there yet.
    pub(super) fn unavailable(self) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, ..self }
    }

    /// The same, of what could not be made.
    pub(super) fn failed(self) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, ..self }
    }
}

/// A page as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// When making it began.
    at: Duration,
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    plain: Bytes,
    gzip: Option<Bytes>,
}

impl Page {
    /// Its bytes in an encoding.
    pub(super) fn body(&self, encoding: Encoding) -> Bytes {
        match (encoding, &self.gzip) {
            (Encoding::Gzip, Some(gzip)) => gzip.clone(),
            _ => self.plain.clone(),
        }
    }

    fn has(&self, encoding: Encoding) -> bool {
        encoding == Encoding::Identity || self.gzip.is_some()
    }
}

/// Where pages are asked for.
#[derive(Debug)]
pub(super) struct Pages {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    orders: Mutex<Orders>,
    ordered: Condvar,
    /// The last page of each row.
    last: Vec<watch::Sender<Option<Page>>>,
}

#[derive(Debug)]
struct Orders {
    /// By row of the table of pages: in which encodings it is asked for.
    asked: Vec<Option<Encoding>>,
    /// Pages of names, which nobody shares.
    named: VecDeque<Named>,
    closed: bool,
}

/// An order for the page of a row that a name has.
#[derive(Debug)]
struct Named {
    row: usize,
    name: String,
    encoding: Encoding,
    answer: oneshot::Sender<Option<Page>>,
}

/// What the thread does next.
enum Work {
    Row(usize, Encoding),
    Named(Named),
}

/// Why there is no page of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPage {
    /// Nothing has that name.
    NoSuch,
    /// It did not come in time, or too many others wait.
    Late,
}

/// Makes the page of a row, or of a row and a name.
type Make = Box<dyn Fn(usize, Option<&str>) -> Option<Made> + Send>;

/// The work of the thread.
pub struct Renderer {
    shared: Arc<Shared>,
    make: Make,
}

/// A desk for orders of so many pages, and the work behind it, which belongs into a thread of its own. A page is that of a
/// row, or of a row and a name.
pub(super) fn desk(
    clock: Clock,
    rows: usize,
    make: impl Fn(usize, Option<&str>) -> Option<Made> + Send + 'static,
) -> (Pages, Renderer) {
    let last = (0..rows).map(|_| watch::Sender::new(None)).collect();
    let orders = Mutex::new(Orders { asked: vec![None; rows], named: VecDeque::new(), closed: false });
    let shared = Arc::new(Shared { clock, orders, ordered: Condvar::new(), last });
    (Pages { shared: Arc::clone(&shared) }, Renderer { shared, make: Box::new(make) })
}

impl Pages {
    /// A page that is no older than what is shared. `None` when it did not come in time.
    pub(super) async fn get(&self, row: usize, encoding: Encoding, limit: Duration) -> Option<Page> {
        let shared = &self.shared;
        let mut made = shared.last[row].subscribe();
        let oldest = shared.clock.monotonic().saturating_sub(SHARED);
        let good =
            |page: &Option<Page>| page.as_ref().is_some_and(|page| page.at >= oldest && page.has(encoding));
        if !good(&made.borrow()) {
            shared.order(row, encoding);
        }
        let page = tokio::time::timeout(limit, made.wait_for(good)).await.ok()?.ok()?;
        page.clone()
    }

    /// The page of a row that a name has.
    pub(super) async fn named(
        &self,
        row: usize,
        name: String,
        encoding: Encoding,
        limit: Duration,
    ) -> Result<Page, NoPage> {
        let (answer, made) = oneshot::channel();
        if !self.shared.order_named(Named { row, name, encoding, answer }) {
            return Err(NoPage::Late);
        }
        match tokio::time::timeout(limit, made).await {
            Ok(Ok(page)) => page.ok_or(NoPage::NoSuch),
            Ok(Err(_)) | Err(_) => Err(NoPage::Late),
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.shared.orders.lock().closed = true;
        self.shared.ordered.notify_one();
    }
}

impl Shared {
    fn order(&self, row: usize, encoding: Encoding) {
        let mut orders = self.orders.lock();
        let asked = &mut orders.asked[row];
        if *asked != Some(Encoding::Gzip) {
            *asked = Some(encoding);
        }
        self.ordered.notify_one();
    }

    /// Whether there was room.
    fn order_named(&self, named: Named) -> bool {
        let mut orders = self.orders.lock();
        orders.named.retain(|waits| !waits.answer.is_closed());
        let room = orders.named.len() < NAMED_AT_ONCE;
        if room {
            orders.named.push_back(named);
            self.ordered.notify_one();
        }
        room
    }

    /// The next order, those that are shared first; `None` when nobody asks any more.
    fn next(&self) -> Option<Work> {
        let mut orders = self.orders.lock();
        let idle = |orders: &mut Orders| {
            !orders.closed && orders.named.is_empty() && orders.asked.iter().all(Option::is_none)
        };
        self.ordered.wait_while(&mut orders, idle);
        if orders.closed {
            return None;
        }
        let row = |(row, asked): (usize, &mut Option<Encoding>)| Some(Work::Row(row, asked.take()?));
        let shared = orders.asked.iter_mut().enumerate().find_map(row);
        shared.or_else(|| orders.named.pop_front().map(Work::Named))
    }
}

impl Renderer {
    /// Makes pages until nobody can ask any more.
    pub fn run(self) {
        while let Some(work) = self.shared.next() {
            let at = self.shared.clock.monotonic();
            match work {
                Work::Row(row, encoding) => self.make_row(row, encoding, at),
                Work::Named(Named { row, name, encoding, answer }) => {
                    let page = (self.make)(row, Some(&name)).map(|made| encoded(made.at(at), encoding));
                    // Whoever asked may have gone.
                    drop(answer.send(page));
                }
            }
        }
    }

    fn make_row(&self, row: usize, encoding: Encoding, at: Duration) {
        let last = self.shared.last[row].borrow().clone();
        let page = last.filter(|page| at.saturating_sub(page.at) < SHARED);
        if let Some(page) = page.or_else(|| (self.make)(row, None).map(|made| made.at(at))) {
            self.shared.last[row].send_replace(Some(encoded(page, encoding)));
        }
    }
}

fn encoded(mut page: Page, encoding: Encoding) -> Page {
    if !page.has(encoding) {
        page.gzip = Some(encoding::gzip(&page.plain).into());
    }
    page
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::{Made, NAMED_AT_ONCE, NoPage, TIMEOUT, desk};
    use crate::http::encoding::Encoding::{Gzip, Identity};
    use crate::observed::Clock;

    #[tokio::test]
    async fn one_making_serves_all_who_ask_at_once() {
        let makings = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&makings);
        let clock = Clock::start();
        let (pages, renderer) = desk(clock, 2, move |row, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            Some(Made::text(format!("row {row}")))
        });
        let thread = std::thread::spawn(move || renderer.run());
        let mut gzipped = None;
        for number in 0..1000 {
            let encoding = if number % 2 == 0 { Identity } else { Gzip };
            let page = pages.get(0, encoding, TIMEOUT).await.expect("a page");
            assert_eq!(&page.body(Identity)[..], b"row 0");
            if encoding == Gzip {
                gzipped = Some(page.body(Gzip));
            }
        }
        let quarters = usize::try_from(clock.monotonic().as_millis() / 250).expect("a few");
        let makings = makings.load(Ordering::Relaxed);
        assert!((1..=quarters + 1).contains(&makings), "{makings} in {quarters} quarters of a second");
        assert_eq!(&gzipped.expect("compressed")[..2], [0x1f, 0x8b]);
        let status = pages.get(1, Identity, TIMEOUT).await.expect("a page");
        assert_eq!(&status.body(Identity)[..], b"row 1");
        drop(pages);
        thread.join().expect("it ends with the desk");
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_does_not_come_is_not_waited_for() {
        let (pages, _renderer) = desk(Clock::start(), 1, |_, _| Some(Made::text(String::new())));
        assert!(pages.get(0, Identity, Duration::from_secs(2)).await.is_none());
    }

    #[tokio::test]
    async fn a_page_of_a_name_is_made_for_who_asks() {
        let (pages, renderer) = desk(Clock::start(), 1, |row, name| {
            let name = name.filter(|name| !name.is_empty())?;
            Some(Made::text(format!("{row} {name}")))
        });
        let thread = std::thread::spawn(move || renderer.run());
        let page = pages.named(0, "l".to_owned(), Gzip, TIMEOUT).await.expect("a page");
        assert_eq!((&page.body(Identity)[..], &page.body(Gzip)[..2]), (&b"0 l"[..], &[0x1f, 0x8b][..]));
        let none = pages.named(0, String::new(), Identity, TIMEOUT).await;
        assert_eq!(none.err(), Some(NoPage::NoSuch));
        drop(pages);
        thread.join().expect("it ends with the desk");
    }

    /// Whoever went away holds no place.
    #[tokio::test(start_paused = true)]
    async fn no_more_pages_of_names_wait_than_there_are_places() {
        let (pages, _renderer) = desk(Clock::start(), 1, |_, _| None);
        let ask = |limit| pages.named(0, "l".to_owned(), Identity, limit);
        for _ in 0..NAMED_AT_ONCE * 2 {
            assert_eq!(ask(Duration::from_secs(1)).await.err(), Some(NoPage::Late));
        }
        assert_eq!(pages.shared.orders.lock().named.len(), 1);
        let waiting = (0..NAMED_AT_ONCE * 2).map(|_| Box::pin(ask(Duration::from_secs(1))));
        let mut waiting: Vec<_> = waiting.collect();
        for one in &mut waiting {
            let _ = futures_poll(one.as_mut()).await;
        }
        assert_eq!(pages.shared.orders.lock().named.len(), NAMED_AT_ONCE);
    }

    /// Looks once whether a future is ready.
    async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
        std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_ready())).await
    }
}
