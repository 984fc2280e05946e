//! One connection from its first byte to its end, with a limit for everything that its client may do.

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, ready};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::access::{Access, Entrance};
use super::crowd::{Crowd, Member, Place};
use super::guard::{self, Visitor};
use super::handshake::{self, Refused};
use super::life::Patience;
use super::routes;
use super::stream::{Stream, Watched};
use crate::observed::connections::Cut;
use crate::web::Web;

/// The largest head of a request, and what is read at once.
const HEAD_BYTES: usize = 16 * 1024;

/// What all connections share.
#[derive(Clone)]
pub(super) struct Host {
    pub(super) crowd: Arc<Crowd>,
    pub(super) router: Router,
    pub(super) entrance: Entrance,
    pub(super) web: Arc<Web>,
    pub(super) patience: Patience,
    /// Closed when the program ends.
    pub(super) stopping: watch::Receiver<()>,
}

/// Serves one connection to its end.
pub(super) async fn serve(stream: impl Stream, address: IpAddr, place: Place, host: Host) {
    let member = Arc::clone(&place.member);
    let cut = Arc::new(AtomicBool::new(false));
    let stream = Watched { stream, ahead: None, member: Arc::clone(&member), cut: Arc::clone(&cut) };
    let Host { crowd, router, entrance, web, patience, mut stopping } = host;
    let visitor = Visitor { address, entrance };
    let (router, asking) = (TowerToHyperService::new(router), Arc::clone(&member));
    let counts = Arc::clone(&crowd.counts);
    let tls = web.terms().tls.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        answer(router.clone(), Arc::clone(&crowd), Arc::clone(&asking), (visitor, Arc::clone(&web)), request)
    });
    let mut overdue = pin!(overdue(&member, &patience));
    let mut opening = pin!(handshake::open(stream, tls));
    let opened = tokio::select! {
        biased;
        opened = &mut opening => Some(opened),
        () = member.leave.notified() => None,
        cause = &mut overdue => {
            cause.inspect(|&cause| counts.cut(cause));
            None
        }
        _ = stopping.changed() => return,
    };
    let wire = match opened {
        Some(Ok(wire)) => wire,
        Some(Err(Refused { worth_counting })) => {
            if worth_counting {
                counts.cut(Cut::Tls);
            }
            return;
        }
        None => return cut.store(true, Ordering::Relaxed),
    };
    let mut connection = pin!(
        http1::Builder::new()
            .half_close(true)
            .max_buf_size(HEAD_BYTES)
            // Limits are watched here, all in one place.
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(wire), service)
    );
    let mut stopped = false;
    loop {
        tokio::select! {
            // First what is done, then whether it took too long.
            biased;
            // A client that goes away is no fault of anybody.
            _ = &mut connection => return,
            () = member.leave.notified() => break,
            cause = &mut overdue => {
                cause.inspect(|&cause| counts.cut(cause));
                break;
            }
            _ = stopping.changed(), if !stopped => {
                stopped = true;
                connection.as_mut().graceful_shutdown();
                if member.life().waits() {
                    return;
                }
            }
        }
    }
    cut.store(true, Ordering::Relaxed);
}

/// Waits until a connection's patience is at an end, however often what it does changes meanwhile.
async fn overdue(member: &Member, patience: &Patience) -> Option<Cut> {
    let mut timer = pin!(sleep_until(member.life().due(patience).0));
    poll_fn(|context| {
        loop {
            let (due, cause) = member.life().due(patience);
            if due != timer.deadline() {
                timer.as_mut().reset(due);
            }
            ready!(timer.as_mut().poll(context));
            if due <= Instant::now() {
                return Poll::Ready(cause);
            }
        }
    })
    .await
}

/// The answer to one request. Where all places for large ones are taken, that is said.
async fn answer(
    router: TowerToHyperService<Router>,
    crowd: Arc<Crowd>,
    member: Arc<Member>,
    (visitor, web): (Visitor, Arc<Web>),
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let now = Instant::now();
    let small = routes::find(request.uri().path()).is_some_and(|route| route.access == Access::Open);
    if small {
        member.life().asked(now, false);
    } else if !crowd.may_have(&member, now) {
        member.life().asked(now, false);
        crowd.counts.cut(Cut::Busy);
        member.life().answered(now);
        return Ok(guard::dressed(guard::busy(), &web.terms()));
    }
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(visitor);
    let response = router.call(request).await;
    member.life().answered(Instant::now());
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::sync::watch;
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, sleep};

    use super::{Host, serve};

    use crate::http::access::{Entrance, Serves};
    use crate::http::crowd::{Crowd, Origin};
    use crate::http::life::Patience;
    use crate::http::stream::Stream;
    use crate::observed::connections::{ConnectionCounts, Cut};
    use crate::web::own::{self, Way};
    use crate::web::{Web, tests::with_tls};

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    /// What the pipe between client and server holds: less than the page.
    const PIPE: usize = 1000;
    const PAGE: usize = 10_000;

    async fn page() -> String {
        "x".repeat(PAGE)
    }

    async fn slow() -> &'static str {
        sleep(Duration::from_secs(1)).await;
        "slow"
    }

    impl Stream for DuplexStream {
        fn forget_unsent(&self) {}
    }

    struct Test {
        client: DuplexStream,
        served: JoinHandle<Instant>,
        counts: Arc<ConnectionCounts>,
        stop: watch::Sender<()>,
        began: Instant,
    }

    impl Test {
        fn new() -> Self {
            Self::over(Web::plain())
        }

        fn over(web: Arc<Web>) -> Self {
            let (client, stream) = duplex(PIPE);
            let counts = Arc::new(ConnectionCounts::default());
            let crowd = Crowd::new(1024, Arc::clone(&counts));
            let address = std::net::IpAddr::from([192, 0, 2, 1]);
            let place = crowd.admit(Origin::of(address), Instant::now());
            let (stop, stopping) = watch::channel(());
            let router = Router::new().route("/", get(page)).route("/slow", get(slow));
            let entrance = Entrance { address: (address, 9797).into(), serves: Serves::Numbers };
            let host = Host { crowd, router, entrance, web, patience: Patience::default(), stopping };
            let served = tokio::spawn(async move {
                serve(stream, address, place, host).await;
                Instant::now()
            });
            Self { client, served, counts, stop, began: Instant::now() }
        }

        async fn ask(&mut self, request: &[u8]) {
            self.client.write_all(request).await.expect("written");
        }

        async fn read_page(&mut self) {
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                answer.push(self.client.read_u8().await.expect("a head"));
            }
            self.client.read_exact(&mut vec![0; PAGE]).await.expect("a page");
        }

        /// When the server closes the connection, to the second, and what it counts.
        async fn ends(self) -> (u64, [u64; 2]) {
            let ended = self.served.await.expect("no panic");
            let counts = [Cut::SlowRequest, Cut::SlowReader].map(|cause| self.counts.cuts(cause));
            ((ended - self.began).as_secs(), counts)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_cut() {
        assert_eq!(Test::new().ends().await, (10, [1, 0]));
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_request_is_cut() {
        let mut test = Test::new();
        test.ask(&GET[..20]).await;
        assert_eq!(test.ends().await, (10, [1, 0]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_byte_by_byte_is_cut() {
        let mut test = Test::new();
        for byte in GET {
            sleep(Duration::from_secs(1)).await;
            if test.client.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        assert_eq!(test.counts.cuts(Cut::SlowRequest), 1);
        assert_eq!(test.began.elapsed().as_secs(), 11);
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_cut() {
        let mut test = Test::new();
        test.ask(GET).await;
        assert_eq!(test.ends().await, (10, [0, 1]));
    }

    /// A byte a second would take hours.
    #[tokio::test(start_paused = true)]
    async fn who_reads_byte_by_byte_is_cut() {
        let mut test = Test::new();
        test.ask(GET).await;
        while test.client.read_u8().await.is_ok() && test.counts.cuts(Cut::SlowReader) == 0 {
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(test.ends().await, (30, [0, 1]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_kept_connection_may_be_idle_for_longer_and_then_ends_quietly() {
        let mut test = Test::new();
        for pause in [0, 60, 60] {
            sleep(Duration::from_secs(pause)).await;
            test.ask(GET).await;
            test.read_page().await;
        }
        assert_eq!(test.ends().await, (120 + 75, [0, 0]));
    }

    /// A second request that stops half-way has no more time than a first.
    #[tokio::test(start_paused = true)]
    async fn half_a_second_request_is_cut() {
        let mut test = Test::new();
        test.ask(GET).await;
        test.read_page().await;
        sleep(Duration::from_secs(20)).await;
        test.ask(&GET[..20]).await;
        assert_eq!(test.ends().await, (30, [1, 0]));
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_waits_for_an_answer_and_for_nothing_else() {
        let silent = Test::new();
        tokio::task::yield_now().await;
        silent.stop.send(()).expect("heard");
        assert_eq!(silent.ends().await, (0, [0, 0]));

        let mut test = Test::new();
        test.ask(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await;
        sleep(Duration::from_millis(100)).await;
        test.stop.send(()).expect("heard");
        let mut answer = String::new();
        test.client.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.ends_with("slow"), "{answer}");
        assert_eq!(test.ends().await, (1, [0, 0]));
    }

    /// A handshake is part of the first request, and has no more time than that.
    #[tokio::test(start_paused = true)]
    async fn a_handshake_that_does_not_come_is_cut() {
        for begin in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01"] {
            let mut test = Test::over(with_tls(""));
            test.ask(begin).await;
            assert_eq!(test.ends().await, (10, [1, 0]), "{begin:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_tls_ends_at_once_and_is_counted() {
        for (begin, expected) in [
            (&b"\x00\x01\x02\x03\x04\x05\x06"[..], ""),
            (b"\x16\x03\x01\x00\x05\xff\xff\xff\xff\xff", ""),
            (b"\x16\x03\x01\xff\xff", ""),
            (GET, "this listener speaks TLS, ask it by https://"),
        ] {
            let mut test = Test::over(with_tls(""));
            test.ask(begin).await;
            let mut answer = Vec::new();
            test.client.read_to_end(&mut answer).await.expect("an end");
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.contains(expected), "{begin:?}: {answer}");
            assert_eq!(test.counts.cuts(Cut::Tls), 1, "{begin:?}");
            assert_eq!(test.ends().await, (0, [0, 0]), "{begin:?}");
        }
        let Test { client, counts, served, .. } = Test::over(with_tls(""));
        drop(client);
        served.await.expect("no panic");
        assert_eq!(counts.cuts(Cut::Tls), 0, "who only knocks speaks nothing that is wrong");
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_over_tls_is_cut_and_who_reads_is_not() {
        let ways = own::any(Some(std::path::Path::new("/nowhere")));
        let Some(Way::Tls(config)) = ways.first() else { panic!("TLS comes first") };
        for (reads, expected) in [(true, (75, [0, 0])), (false, (10, [0, 1]))] {
            let test = Test::over(with_tls(""));
            let Test { client, served, counts, stop, began } = test;
            let name = "localhost".try_into().expect("a name");
            let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
            let mut client = connector.connect(name, client).await.expect("TLS");
            client.write_all(GET).await.expect("written");
            client.flush().await.expect("written");
            if reads {
                let mut answer = vec![0; PAGE];
                client.read_exact(&mut answer).await.expect("a page");
                assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
                // Kept, and then ended as one without TLS is.
                drop(client.read_to_end(&mut answer).await);
            }
            let ended = served.await.expect("no panic");
            let counted = [Cut::SlowRequest, Cut::SlowReader].map(|cause| counts.cuts(cause));
            assert_eq!(((ended - began).as_secs(), counted), expected, "{reads}");
            drop((client, stop));
        }
    }
}
