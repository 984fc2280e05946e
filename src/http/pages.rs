//! Pages are made by one thread, one at a time, and shared by all who ask within a quarter of a second.
//!
//! The thread is there from the start, so that a scrape needs neither a thread nor a task that the
//! system may refuse, and a thousand scrapers cost four pages a second. Its pages are shared bytes: a
//! client that reads slowly holds no copy.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use super::encoding::{self, Encoding};
use crate::observed::Clock;

/// How long a page is good for others who ask.
const SHARED: Duration = Duration::from_millis(250);
/// How long is waited for a page.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// The exposition.
    Metrics,
    /// The status page.
    Status,
    /// Whether it is ready.
    Ready,
    /// Lines that were not understood.
    Unparsed,
    /// The same for a terminal.
    UnparsedText,
}

impl View {
    const ALL: &[Self] = &[Self::Metrics, Self::Status, Self::Ready, Self::Unparsed, Self::UnparsedText];
}

/// A page as a view made it.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) status: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
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
    /// The last page of each view.
    last: Vec<watch::Sender<Option<Page>>>,
}

#[derive(Debug, Default)]
struct Orders {
    /// By view: in which encodings it is asked for.
    asked: [Option<Encoding>; View::ALL.len()],
    closed: bool,
}

/// The work of the thread.
pub struct Renderer {
    shared: Arc<Shared>,
    make: Box<dyn Fn(View) -> Made + Send>,
}

/// A desk for orders, and the work behind it, which belongs into a thread of its own.
pub(super) fn desk(clock: Clock, make: impl Fn(View) -> Made + Send + 'static) -> (Pages, Renderer) {
    let last = View::ALL.iter().map(|_| watch::Sender::new(None)).collect();
    let shared = Arc::new(Shared { clock, orders: Mutex::default(), ordered: Condvar::new(), last });
    (Pages { shared: Arc::clone(&shared) }, Renderer { shared, make: Box::new(make) })
}

impl Pages {
    /// A page that is no older than what is shared. `None` when it did not come in time.
    pub(super) async fn get(&self, view: View, encoding: Encoding, limit: Duration) -> Option<Page> {
        let shared = &self.shared;
        let mut made = shared.last[view as usize].subscribe();
        let oldest = shared.clock.monotonic().saturating_sub(SHARED);
        let good =
            |page: &Option<Page>| page.as_ref().is_some_and(|page| page.at >= oldest && page.has(encoding));
        if !good(&made.borrow()) {
            shared.order(view, encoding);
        }
        let page = tokio::time::timeout(limit, made.wait_for(good)).await.ok()?.ok()?;
        page.clone()
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        self.shared.orders.lock().closed = true;
        self.shared.ordered.notify_one();
    }
}

impl Shared {
    fn order(&self, view: View, encoding: Encoding) {
        let mut orders = self.orders.lock();
        let asked = &mut orders.asked[view as usize];
        if *asked != Some(Encoding::Gzip) {
            *asked = Some(encoding);
        }
        self.ordered.notify_one();
    }

    /// The next order; `None` when nobody asks any more.
    fn next(&self) -> Option<(View, Encoding)> {
        let mut orders = self.orders.lock();
        let idle = |orders: &mut Orders| !orders.closed && orders.asked.iter().all(Option::is_none);
        self.ordered.wait_while(&mut orders, idle);
        if orders.closed {
            return None;
        }
        View::ALL.iter().find_map(|&view| Some((view, orders.asked[view as usize].take()?)))
    }
}

impl Renderer {
    /// Makes pages until nobody can ask any more.
    pub fn run(self) {
        while let Some((view, encoding)) = self.shared.next() {
            let at = self.shared.clock.monotonic();
            let last = self.shared.last[view as usize].borrow().clone();
            let page = match last {
                Some(page) if at.saturating_sub(page.at) < SHARED => page,
                _ => self.make(view, at),
            };
            self.shared.last[view as usize].send_replace(Some(encoded(page, encoding)));
        }
    }

    fn make(&self, view: View, at: Duration) -> Page {
        let Made { status, content_type, body } = (self.make)(view);
        Page { at, status, content_type, plain: body.into(), gzip: None }
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

    use axum::http::StatusCode;

    use super::{Made, TIMEOUT, View, desk};
    use crate::http::encoding::Encoding::{Gzip, Identity};
    use crate::observed::Clock;

    fn made(body: &str) -> Made {
        Made { status: StatusCode::OK, content_type: "text/plain", body: body.as_bytes().to_vec() }
    }

    #[tokio::test]
    async fn one_making_serves_all_who_ask_at_once() {
        let makings = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&makings);
        let clock = Clock::start();
        let (pages, renderer) = desk(clock, move |view| {
            counted.fetch_add(1, Ordering::Relaxed);
            made(&format!("{view:?}"))
        });
        let thread = std::thread::spawn(move || renderer.run());
        let mut gzipped = None;
        for number in 0..1000 {
            let encoding = if number % 2 == 0 { Identity } else { Gzip };
            let page = pages.get(View::Metrics, encoding, TIMEOUT).await.expect("a page");
            assert_eq!(&page.body(Identity)[..], b"Metrics");
            if encoding == Gzip {
                gzipped = Some(page.body(Gzip));
            }
        }
        let quarters = usize::try_from(clock.monotonic().as_millis() / 250).expect("a few");
        let makings = makings.load(Ordering::Relaxed);
        assert!((1..=quarters + 1).contains(&makings), "{makings} in {quarters} quarters of a second");
        assert_eq!(&gzipped.expect("compressed")[..2], [0x1f, 0x8b]);
        let status = pages.get(View::Status, Identity, TIMEOUT).await.expect("a page");
        assert_eq!(&status.body(Identity)[..], b"Status");
        drop(pages);
        thread.join().expect("it ends with the desk");
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_does_not_come_is_not_waited_for() {
        let (pages, _renderer) = desk(Clock::start(), |_| made(""));
        assert!(pages.get(View::Ready, Identity, Duration::from_secs(2)).await.is_none());
    }
}
