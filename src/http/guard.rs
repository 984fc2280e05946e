//! What is asked of a request before a page is shown, what every answer carries, and the short answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use subtle::ConstantTimeEq as _;

/// On every answer. The pages have a style of their own, an empty icon, and links.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];
/// The cookie that may hold the token.
const COOKIE: &str = "imsimta-exporter-token";

/// Refuses requests that are wrong, or that come by a name which is not this host's; adds [`HEADERS`].
///
/// A page of somebody else can have its own name resolved to 127.0.0.1, and then read what is served
/// there to the browser of whoever looks at it. It cannot change the name in `Host`. Pages of numbers
/// alone are shown under any name.
pub(super) async fn admit(State(bound): State<IpAddr>, request: Request, next: Next) -> Response {
    let mut response = match refusal(&request, bound) {
        Some(response) => response,
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refusal(request: &Request, bound: IpAddr) -> Option<Response> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (host, more) = (hosts.next(), hosts.next());
    if more.is_some() || (host.is_none() && request.version() >= Version::HTTP_11) {
        return Some(short(StatusCode::BAD_REQUEST, "a request has one Host"));
    }
    let path = request.uri().path();
    let numbers = path == "/metrics" || path.starts_with("/-/");
    if numbers || !bound.to_canonical().is_loopback() {
        return None;
    }
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let authority = request.uri().authority().map(Authority::as_str);
    let known = names_this_host(host, bound) && authority.is_none_or(|name| names_this_host(name, bound));
    (!known).then(|| {
        let what = "this page is shown under the address of this host alone: 127.0.0.1, [::1] or localhost";
        short(StatusCode::MISDIRECTED_REQUEST, what)
    })
}

/// Whether a `Host` is one that nobody else can have, on any port.
fn names_this_host(host: &str, bound: IpAddr) -> bool {
    let (name, port) = match host.rfind(':') {
        // The colons within brackets are of the address.
        Some(colon) if !host[colon..].contains(']') => (&host[..colon], &host[colon + 1..]),
        _ => (host, ""),
    };
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let bracketed = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let address = match bracketed {
        Some(name) => name.parse::<Ipv6Addr>().ok().map(|address| IpAddr::V6(address).to_canonical()),
        None => name.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
    };
    let own = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into(), bound.to_canonical()];
    address.is_some_and(|address| own.contains(&address))
}

/// Whether a request carries the token: `Authorization: Bearer`, or the cookie. Never in the address,
/// which ends up in logs and histories.
pub(super) fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let bearers = headers.get_all(header::AUTHORIZATION).iter().filter_map(text).filter_map(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
    });
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(text).flat_map(|value| {
        let named = value.split(';').filter_map(|cookie| cookie.trim().split_once('='));
        named.filter(|(name, _)| *name == COOKIE).map(|(_, token)| token.to_owned()).collect::<Vec<_>>()
    });
    bearers.chain(cookies).any(|given| given.as_bytes().ct_eq(token.as_bytes()).into())
}

/// A short page with a way back.
pub(super) fn short(status: StatusCode, text: &str) -> Response {
    let page = maud::html! {
        (maud::DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { (status) } link rel="icon" href="data:,"; }
            body { p { (status) ": " (text) "." } p { a href="/" { "The pages of this exporter" } } }
        }
    };
    let mut response = Response::new(Body::from(page.into_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// Too many answers are being sent.
pub(super) fn busy() -> Response {
    let mut response =
        short(StatusCode::SERVICE_UNAVAILABLE, "too many clients are being answered; ask again in a second");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::{has_token, names_this_host};

    #[test]
    fn names_that_nobody_else_can_have() {
        for (host, bound, expected) in [
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1:9797", "127.0.0.1", true),
            ("127.0.0.1:1", "::1", true),
            ("localhost:9797", "127.0.0.1", true),
            ("LocalHost", "127.0.0.1", true),
            ("[::1]:9797", "127.0.0.1", true),
            ("[0:0:0:0:0:0:0:1]", "127.0.0.1", true),
            ("[::ffff:127.0.0.1]:1", "127.0.0.1", true),
            ("127.0.0.5:9797", "127.0.0.5", true),
            ("127.0.0.5:9797", "127.0.0.1", false),
            ("", "127.0.0.1", false),
            (":9797", "127.0.0.1", false),
            ("evil.example:9797", "127.0.0.1", false),
            ("localhost.evil.example", "127.0.0.1", false),
            ("127.0.0.1.evil.example", "127.0.0.1", false),
            ("evil.example#127.0.0.1", "127.0.0.1", false),
            ("user@127.0.0.1", "127.0.0.1", false),
            ("127.1", "127.0.0.1", false),
            ("2130706433", "127.0.0.1", false),
            ("127.0.0.1:97x", "127.0.0.1", false),
            ("127.0.0.1:80:80", "127.0.0.1", false),
            ("::1", "127.0.0.1", false),
            ("[::1", "127.0.0.1", false),
            ("[::1]x", "127.0.0.1", false),
            ("0.0.0.0:9797", "127.0.0.1", false),
            ("10.0.0.1", "127.0.0.1", false),
        ] {
            assert_eq!(names_this_host(host, bound.parse().expect("an address")), expected, "{host:?}");
        }
    }

    #[test]
    fn the_token_is_in_a_header_or_a_cookie() {
        for (name, value, expected) in [
            (header::AUTHORIZATION, "Bearer abc123", true),
            (header::AUTHORIZATION, "bearer  abc123 ", true),
            (header::AUTHORIZATION, "Basic abc123", false),
            (header::AUTHORIZATION, "Bearer abc1234", false),
            (header::AUTHORIZATION, "Bearer abc12", false),
            (header::AUTHORIZATION, "Bearer ", false),
            (header::AUTHORIZATION, "abc123", false),
            (header::COOKIE, "imsimta-exporter-token=abc123", true),
            (header::COOKIE, "a=b; imsimta-exporter-token=abc123; c=d", true),
            (header::COOKIE, "imsimta-exporter-token=", false),
            (header::COOKIE, "token=abc123", false),
            (header::REFERER, "abc123", false),
        ] {
            let headers = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static(value))]);
            assert_eq!(has_token(&headers, "abc123"), expected, "{name}: {value}");
        }
    }
}
