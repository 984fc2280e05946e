//! The pages: routes only, no logic. They show what is in memory and never wait for a source.
//!
//! [`server`] accepts connections and bounds them, `pages` makes pages, one at a time and shared.

mod connection;
mod crowd;
mod debug;
mod encoding;
mod guard;
mod life;
mod pages;
pub mod probe;
pub mod server;
mod status;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::metrics::Exposition;
use crate::observed::Observed;
use crate::observed::connections::ConnectionCounts;
use connection::Peer;
use encoding::Encoding;
use pages::{Made, Pages, View};

pub use pages::Renderer;

/// A scrape that takes longer is none. Shorter than what `healthcheck` waits for.
const HEALTHY_WITHIN: Duration = Duration::from_secs(2);
const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// What the pages are made of.
pub struct Site {
    /// Everything that is known.
    pub observed: Arc<Observed>,
    /// The registry.
    pub exposition: Exposition,
    /// Where the server listens.
    pub bound: SocketAddr,
    /// What a client must have to see lines of the logs; without one nobody sees any.
    pub token: Option<String>,
    /// Where the token is.
    pub state_directory: PathBuf,
}

/// What the routes need.
struct Desk {
    pages: Pages,
    bound: IpAddr,
    counts: Arc<ConnectionCounts>,
    token: Option<String>,
}

/// All routes, for GET and HEAD, and the work behind them, which belongs into a thread of its own:
///
/// - `/metrics`: the exposition, text format 0.0.4
/// - `/`: what is collected, since when, what fails and why
/// - `/-/healthy`: 200 while a scrape can be answered
/// - `/-/ready`: 200 once the logs are caught up with and something of every source was read, 503 before; it
///   names what is missing
/// - `/debug/unparsed`, `/debug/unparsed.txt`: the last lines that were not understood; they hold addresses
///   of people, so they are for this host alone, and for who has the token
///
/// Every page is compressed when asked.
pub fn routes(site: Site) -> (Router, Renderer) {
    let Site { observed, exposition, bound, token, state_directory } = site;
    let counts = Arc::clone(&observed.connections);
    let command = token.is_some().then(|| status::command(&state_directory, bound));
    let clock = observed.clock;
    let make = move |view| make(view, &observed, &exposition, command.as_deref());
    let (pages, renderer) = pages::desk(clock, make);
    let bound = bound.ip();
    let desk = Arc::new(Desk { pages, bound, counts, token });
    let router = Router::new()
        .route("/metrics", get(|desk, headers| show(desk, headers, View::Metrics)))
        .route("/", get(|desk, headers| show(desk, headers, View::Status)))
        .route("/-/ready", get(|desk, headers| show(desk, headers, View::Ready)))
        .route("/-/healthy", get(healthy))
        .route("/debug/unparsed", get(|desk, peer, headers| debug(desk, peer, headers, View::Unparsed)))
        .route(
            "/debug/unparsed.txt",
            get(|desk, peer, headers| debug(desk, peer, headers, View::UnparsedText)),
        )
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(desk)
        .layer(from_fn_with_state(bound, guard::admit));
    (router, renderer)
}

// No async closures: with them rustc 1.95 finds a cycle in constants when it optimizes.
async fn not_found() -> Response {
    guard::short(StatusCode::NOT_FOUND, "no such page")
}

async fn method_not_allowed() -> Response {
    guard::short(StatusCode::METHOD_NOT_ALLOWED, "pages are for GET and HEAD")
}

/// Makes a page. In the thread for pages, so it may wait for a lock.
fn make(view: View, observed: &Observed, exposition: &Exposition, command: Option<&str>) -> Made {
    let page = |status, content_type, body| Made { status, content_type, body };
    match view {
        View::Metrics => match exposition.encode() {
            Ok(body) => page(StatusCode::OK, Exposition::content_type(), body),
            Err(error) => page(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n").into_bytes()),
        },
        View::Status => {
            page(StatusCode::OK, HTML, status::page(observed, command).into_string().into_bytes())
        }
        View::Ready => {
            let readiness = observed.readiness();
            let ready = readiness.is_ready();
            let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            page(status, TEXT, format!("{}\n", readiness.sentence()).into_bytes())
        }
        View::Unparsed => page(StatusCode::OK, HTML, debug::unparsed(observed).into_string().into_bytes()),
        View::UnparsedText => page(StatusCode::OK, TEXT, debug::unparsed_text(observed).into_bytes()),
    }
}

async fn show(State(desk): State<Arc<Desk>>, headers: HeaderMap, view: View) -> Response {
    let Some(encoding) = encoding::wanted(&headers) else {
        return guard::short(StatusCode::NOT_ACCEPTABLE, "pages come as they are or with gzip");
    };
    let Some(page) = desk.pages.get(view, encoding, pages::TIMEOUT).await else {
        return guard::short(StatusCode::SERVICE_UNAVAILABLE, "the page could not be made in time");
    };
    let mut response = Response::new(Body::from(page.body(encoding)));
    *response.status_mut() = page.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if encoding == Encoding::Gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// A health that says 200 while no scrape can be answered is none.
async fn healthy(State(desk): State<Arc<Desk>>) -> Response {
    let page = desk.pages.get(View::Metrics, Encoding::Identity, HEALTHY_WITHIN).await;
    let problem = match page {
        _ if !desk.counts.accepting() => "connections cannot be accepted",
        Some(page) if page.status == StatusCode::OK => return "healthy\n".into_response(),
        Some(_) => "the page of metrics cannot be made",
        None => "the page of metrics does not come",
    };
    (StatusCode::SERVICE_UNAVAILABLE, format!("not healthy: {problem}\n")).into_response()
}

/// Lines of the logs, for this host and who has the token. Others hear of the page where nobody but
/// this host can ask.
async fn debug(
    state: State<Arc<Desk>>,
    Extension(Peer(peer)): Extension<Peer>,
    headers: HeaderMap,
    view: View,
) -> Response {
    let desk = &state.0;
    let Some(token) = desk.token.as_deref().filter(|_| peer.is_loopback()) else {
        return not_found().await;
    };
    if guard::has_token(&headers, token) {
        return show(state, headers, view).await;
    }
    if !desk.bound.to_canonical().is_loopback() {
        return not_found().await;
    }
    let how = "this page shows lines of the logs, to who has the token in the state directory; \
               imsimta-exporter unparsed shows them in a terminal";
    let mut response = guard::short(StatusCode::UNAUTHORIZED, how);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}
