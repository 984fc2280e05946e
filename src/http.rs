//! The pages: routes only, no logic. They show what is in memory and never wait for a source.

mod debug;
pub mod probe;
mod status;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

use crate::app::Observed;
use crate::metrics::Exposition;

/// No page takes long: they are made from memory.
const TIMEOUT: Duration = Duration::from_secs(10);

/// All routes, for GET and HEAD:
///
/// - `/metrics`: the exposition, text format 0.0.4, compressed when asked
/// - `/`: what is collected, since when, what fails and why
/// - `/-/healthy`: 200 while the program answers
/// - `/-/ready`: 200 once the logs are caught up with and every collector has run, 503 before
/// - `/debug/unparsed`: the last lines that were not understood; they hold addresses of people, so
///   the page exists only while `bound` is loopback
pub fn router(observed: Arc<Observed>, exposition: Arc<Exposition>, bound: IpAddr) -> Router {
    let local = bound.to_canonical().is_loopback();
    let mut pages = Router::new()
        .route("/", get(move |State(observed): State<Arc<Observed>>| async move { status(&observed, local) }))
        .route("/-/healthy", get(|| async { "healthy\n" }))
        .route("/-/ready", get(ready));
    if local {
        pages = pages.route("/debug/unparsed", get(unparsed));
    }
    let pages = pages.with_state(observed);
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(exposition)
        .merge(pages)
        .layer(CompressionLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
}

async fn metrics(State(exposition): State<Arc<Exposition>>) -> Response {
    let encoded = tokio::task::spawn_blocking(move || exposition.encode()).await;
    match encoded {
        Ok(Ok(page)) => {
            let kind = HeaderValue::from_static(Exposition::content_type());
            ([(header::CONTENT_TYPE, kind)], page).into_response()
        }
        Ok(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

fn status(observed: &Observed, local: bool) -> Html<String> {
    Html(status::page(observed, local).into_string())
}

async fn unparsed(State(observed): State<Arc<Observed>>) -> Response {
    let page = Html(debug::unparsed(&observed).into_string());
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], page).into_response()
}

async fn ready(State(observed): State<Arc<Observed>>) -> (StatusCode, String) {
    let waits = observed.waits_for();
    if waits.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: waits for {}\n", waits.join(", ")))
    }
}
