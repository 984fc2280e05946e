//! The pages: routes only, no logic. They show what is in memory and never wait for a source.
//!
//! `routes` has THE table of pages, [`access`] says who sees which, [`server`] accepts connections and bounds them,
//! `pages` makes pages, one at a time and shared.

pub mod access;
mod alerts;
mod channel;
mod connection;
mod crowd;
mod daemon_log;
mod debug;
mod document;
pub mod documentation;
mod door;
mod encoding;
mod guard;
mod handshake;
mod history;
mod life;
mod links;
mod pages;
mod plot;
mod plots;
pub mod probe;
mod routes;
mod runbooks;
pub mod server;
mod status;
mod stream;
mod top;

use std::future::ready;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use parking_lot::RwLock;

use crate::metrics::ClientDisplay;
use crate::metrics::Exposition;
use crate::observed::Observed;
use crate::observed::connections::ConnectionCounts;
use crate::web::Web;
use door::Door;
use encoding::Encoding;
use pages::{NoPage, Pages};
use routes::{Makes, ROUTES};

pub use pages::Renderer;

/// A scrape that takes longer is none. Shorter than what `healthcheck` waits for.
const HEALTHY_WITHIN: Duration = Duration::from_secs(2);

/// What the pages are made of.
pub struct Site {
    /// Everything that is known.
    pub observed: Arc<Observed>,
    /// The registry.
    pub exposition: Exposition,
    /// How clients are shown now.
    pub clients: Arc<RwLock<ClientDisplay>>,
    /// Where the server listens.
    pub bound: SocketAddr,
    /// What a client must have to see lines of the logs; without one nobody sees any.
    pub token: Option<String>,
    /// Where the token is.
    pub state_directory: PathBuf,
    /// What is asked of who connects, besides.
    pub web: Arc<Web>,
}

impl Site {
    /// What shows lines that were not understood, where there is anything that does.
    fn command(&self) -> Option<String> {
        self.token.as_ref().map(|_| status::command(&self.state_directory, self.bound))
    }
}

/// What the routes need.
struct Desk {
    pages: Pages,
    counts: Arc<ConnectionCounts>,
}

/// All pages of the table, for GET and HEAD and compressed when asked, and the work behind them, which belongs into a
/// thread of its own.
pub fn routes(site: Site) -> (Router, Renderer) {
    let counts = Arc::clone(&site.observed.connections);
    let door = Door {
        token: site.token.as_deref().map(Arc::from),
        web: Arc::clone(&site.web),
        counts: Arc::clone(&counts),
    };
    let (pages, renderer) =
        pages::desk(site.observed.clock, ROUTES.len(), move |row, name| match (&ROUTES[row].makes, name) {
            (Makes::Page(make), _) => Some(make(&site)),
            (Makes::Of(make), Some(name)) => make(&site, name),
            (Makes::Of(_) | Makes::Named(_) | Makes::Proof(_), _) => None,
        });
    let mut router = Router::new();
    for (row, route) in ROUTES.iter().enumerate() {
        router = match route.makes {
            Makes::Page(_) => router.route(route.path, get(move |desk, headers| show(desk, headers, row))),
            Makes::Named(make) => {
                let path = format!("{}{{name}}", route.base());
                router.route(
                    &path,
                    get(move |Path(name): Path<String>, headers: HeaderMap| {
                        ready(named(&name, &headers, make))
                    }),
                )
            }
            Makes::Of(_) => {
                let path = format!("{}{{name}}", route.base());
                router.route(&path, get(move |desk, name, headers| show_named(desk, name, headers, row)))
            }
            Makes::Proof(path) => router.route(route.path, get(move |desk| proof(desk, path))),
        };
    }
    let router = router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(Arc::new(Desk { pages, counts }))
        .layer(from_fn_with_state(door, door::admit));
    (router, renderer)
}

// No async closures: with them rustc 1.95 finds a cycle in constants when it optimizes.
async fn not_found() -> Response {
    guard::not_found()
}

async fn method_not_allowed() -> Response {
    guard::short(StatusCode::METHOD_NOT_ALLOWED, "pages are for GET and HEAD")
}

async fn show(State(desk): State<Arc<Desk>>, headers: HeaderMap, row: usize) -> Response {
    let Some(encoding) = encoding::wanted(&headers) else {
        return guard::short(StatusCode::NOT_ACCEPTABLE, "pages come as they are or with gzip");
    };
    let Some(page) = desk.pages.get(row, encoding, pages::TIMEOUT).await else {
        return guard::short(StatusCode::SERVICE_UNAVAILABLE, "the page could not be made in time");
    };
    response(page.body(encoding), page.status, page.content_type, encoding)
}

async fn show_named(
    State(desk): State<Arc<Desk>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    row: usize,
) -> Response {
    let Some(encoding) = encoding::wanted(&headers) else {
        return guard::short(StatusCode::NOT_ACCEPTABLE, "pages come as they are or with gzip");
    };
    match desk.pages.named(row, name, encoding, pages::TIMEOUT).await {
        Ok(page) => response(page.body(encoding), page.status, page.content_type, encoding),
        Err(NoPage::NoSuch) => guard::not_found(),
        Err(NoPage::Late) => {
            guard::short(StatusCode::SERVICE_UNAVAILABLE, "the page could not be made in time")
        }
    }
}

/// A page that depends on its name alone.
fn named(name: &str, headers: &HeaderMap, make: fn(&str) -> Option<pages::Made>) -> Response {
    let Some(encoding) = encoding::wanted(headers) else {
        return guard::short(StatusCode::NOT_ACCEPTABLE, "pages come as they are or with gzip");
    };
    let Some(page) = make(name) else { return guard::not_found() };
    let page = page.encoded(encoding);
    response(page.body(encoding), page.status, page.content_type, encoding)
}

fn response(body: Bytes, status: StatusCode, content_type: &'static str, encoding: Encoding) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if encoding == Encoding::Gzip {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Says that the exporter is well while the page at a path can be made, and why not otherwise.
async fn proof(State(desk): State<Arc<Desk>>, path: &'static str) -> Response {
    let row = ROUTES.iter().position(|route| route.path == path).unwrap_or_default();
    let page = desk.pages.get(row, Encoding::Identity, HEALTHY_WITHIN).await;
    let problem = match page {
        _ if !desk.counts.accepting() => "connections cannot be accepted",
        Some(page) if page.status == StatusCode::OK => return "healthy\n".into_response(),
        Some(_) => "the page of metrics cannot be made",
        None => "the page of metrics does not come",
    };
    (StatusCode::SERVICE_UNAVAILABLE, format!("not healthy: {problem}\n")).into_response()
}
