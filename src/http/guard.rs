//! What is asked of a request before a page is shown, what every answer carries, and the short answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};
use axum::response::Response;
use maud::Markup;
use subtle::ConstantTimeEq as _;

use super::access::{Access, Entrance, Serves, Terms};
use super::document;
use super::pages::HTML;
use super::routes;
use crate::web::Terms as WebTerms;

/// On every answer. The pages have a style of their own, an empty icon, and links; one script, which is a page of its own, asks
/// for them again.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];
/// The cookie that may hold the token.
const COOKIE: &str = "imsimta-exporter-token";

/// Who asks, and by which way in; in the extensions of each request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitor {
    pub(super) address: IpAddr,
    pub(super) entrance: Entrance,
}

/// What shows what is for this host and its owner alone; without one nobody sees any of it.
pub(super) type Token = Option<Arc<str>>;

/// With the headers that are on every answer.
pub(super) fn dressed(mut response: Response, terms: &WebTerms) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in &terms.headers {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    response
}

/// Whether a host asks how the exporter is that nobody knows: why it is not well has paths and channels in it.
pub(super) fn is_for_a_stranger(request: &Request) -> bool {
    let visitor = request.extensions().get::<Visitor>();
    let may_be_anybody =
        |visitor: &Visitor| visitor.entrance.serves == Serves::Numbers && !visitor.address.is_loopback();
    request.uri().path() == routes::READY && visitor.is_some_and(may_be_anybody)
}

/// Says no more than that.
pub(super) fn terse(mut response: Response) -> Response {
    let text = if response.status().is_success() { "ready\n" } else { "not ready\n" };
    response.headers_mut().remove(header::CONTENT_ENCODING);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(text);
    response
}

/// Refuses requests that are wrong, or that ask for more than their way in lets them have.
pub(super) fn refusal(request: &Request, token: Option<&str>, is_user: bool) -> Option<Response> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (host, more) = (hosts.next(), hosts.next());
    if more.is_some() || (host.is_none() && request.version() >= Version::HTTP_11) {
        return Some(short(StatusCode::BAD_REQUEST, "a request has one Host"));
    }
    let Some(visitor) = request.extensions().get::<Visitor>().copied() else {
        return Some(short(StatusCode::FORBIDDEN, "nobody knows by which way this came in"));
    };
    let access = routes::find(request.uri().path()).map(|route| route.access);
    let Visitor { address, entrance } = visitor;
    match entrance.serves.terms(access, is_user) {
        Terms::Free => None,
        Terms::OwnName => foreign_name(request, host, entrance),
        Terms::Token => {
            let has_token = || token.is_some_and(|token| has_token(request.headers(), token));
            let foreign = match entrance.serves {
                Serves::ThisHost => foreign_name(request, host, entrance),
                Serves::Numbers | Serves::Names => None,
            };
            foreign.or_else(|| {
                let admitted = address.is_loopback() && has_token();
                (!admitted).then(|| refused(access, visitor, token.is_some()))
            })
        }
    }
}

/// Refuses a name that is not this host's.
///
/// A page of somebody else can have its own name resolved to 127.0.0.1, and then read what is served
/// there to the browser of whoever looks at it. It cannot change the name in `Host`. Pages of numbers
/// alone are shown under any name.
fn foreign_name(request: &Request, host: Option<&HeaderValue>, entrance: Entrance) -> Option<Response> {
    let own = entrance.address.ip();
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    let authority = request.uri().authority().map(Authority::as_str);
    let known = names_this_host(host, own) && authority.is_none_or(|name| names_this_host(name, own));
    (!known).then(|| {
        let what = "this page is shown under the address of this host alone: 127.0.0.1, [::1] or localhost";
        short(StatusCode::MISDIRECTED_REQUEST, what)
    })
}

/// Says how to reach what needs the token. Of lines others hear only where nobody but this host can ask.
fn refused(access: Option<Access>, visitor: Visitor, is_there_a_token: bool) -> Response {
    let Visitor { address, entrance } = visitor;
    let here = address.is_loopback() && is_there_a_token;
    match (access, entrance.serves) {
        (Some(Access::Lines), Serves::ThisHost) if here => {
            let how = "this page shows lines of the logs, to who has the token in the state directory; \
                       imsimta-exporter unparsed shows them in a terminal";
            challenged(short(StatusCode::UNAUTHORIZED, how))
        }
        (Some(Access::Names), _) if here => challenged(numbers_alone(StatusCode::UNAUTHORIZED, entrance)),
        (Some(Access::Names), _) => numbers_alone(StatusCode::FORBIDDEN, entrance),
        _ => not_found(),
    }
}

fn challenged(mut response: Response) -> Response {
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// What a listener has that other hosts reach, and how to see the rest.
fn numbers_alone(status: StatusCode, entrance: Entrance) -> Response {
    let port = entrance.address.port();
    let listens_here = entrance.address.ip().is_unspecified();
    page(
        status,
        &maud::html! {
            p {
                (status) ": this listener is open to other hosts, so it has health and numbers alone. "
                @if listens_here {
                    "On the host itself, with the token in the state directory: "
                    code { "curl --oauth2-bearer TOKEN http://127.0.0.1:" (port) "/" } "."
                } @else {
                    "A listener on 127.0.0.1 shows it on the host itself: " code { "http.listen" } "."
                }
            }
            ul {
                @for route in routes::links(&[Access::Open, Access::Numbers]) {
                    li { a href=(route.path) { (route.path) } ": " (route.doc) }
                }
            }
        },
    )
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

/// There is no such page, or none for whoever asks.
pub(super) fn not_found() -> Response {
    short(StatusCode::NOT_FOUND, "no such page")
}

/// A short page with a way back.
pub(super) fn short(status: StatusCode, text: &str) -> Response {
    page(
        status,
        &maud::html! { p { (status) ": " (text) "." } p { a href="/" { "The pages of this exporter" } } },
    )
}

fn page(status: StatusCode, body: &Markup) -> Response {
    let page = document::short(&status.to_string(), body);
    let mut response = Response::new(Body::from(page.into_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(HTML));
    response
}

/// Too many answers are being sent.
pub(super) fn busy() -> Response {
    later("too many clients are being answered; ask again in a second")
}

/// It is to be asked again.
pub(super) fn later(why: &str) -> Response {
    let mut response = short(StatusCode::SERVICE_UNAVAILABLE, why);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{HeaderMap, HeaderValue, Request, header};

    use super::{Visitor, has_token, is_for_a_stranger, names_this_host, refusal};
    use crate::http::access::{Entrance, Serves};

    /// What stands for each path: the status of a refusal, or 200 for none.
    fn answers(serves: Serves, from: &str, host: &str, token: &str) -> [u16; 5] {
        answers_to(false, serves, (from, host), token)
    }

    /// The same of a user with a password, or of anybody.
    fn answers_to(is_user: bool, serves: Serves, (from, host): (&str, &str), token: &str) -> [u16; 5] {
        let listen = if serves == Serves::ThisHost { "127.0.0.1:9797" } else { "0.0.0.0:9797" };
        let entrance = Entrance { address: listen.parse().expect("an address"), serves };
        let visitor = Visitor { address: from.parse().expect("an address"), entrance };
        ["/-/healthy", "/metrics", "/", "/debug/unparsed", "/nothing"].map(|path| {
            let request = Request::get(path)
                .header(header::HOST, host)
                .header(header::AUTHORIZATION, format!("Bearer {token}"))
                .extension(visitor)
                .body(Body::empty())
                .expect("a request");
            refusal(&request, Some("secret"), is_user).map_or(200, |response| response.status().as_u16())
        })
    }

    #[test]
    fn each_listener_serves_what_it_is_for() {
        let (here, there) = ("127.0.0.1", "192.0.2.1");
        let rows = [
            (Serves::ThisHost, here, "localhost", "", [200, 200, 200, 401, 200]),
            (Serves::ThisHost, here, "localhost", "secret", [200, 200, 200, 200, 200]),
            (Serves::ThisHost, here, "evil.example", "secret", [200, 200, 421, 421, 421]),
            // Forwarded by somebody: what others cannot see they cannot see so either.
            (Serves::ThisHost, there, "localhost", "secret", [200, 200, 200, 404, 200]),
            (Serves::Numbers, there, "mail.example", "", [200, 200, 403, 404, 200]),
            (Serves::Numbers, there, "mail.example", "secret", [200, 200, 403, 404, 200]),
            (Serves::Numbers, here, "localhost", "", [200, 200, 401, 404, 200]),
            (Serves::Numbers, here, "localhost", "secre", [200, 200, 401, 404, 200]),
            (Serves::Numbers, here, "localhost", "secret", [200, 200, 200, 200, 200]),
            (Serves::Names, there, "mail.example", "secret", [200, 200, 200, 404, 200]),
            (Serves::Names, here, "mail.example", "secret", [200, 200, 200, 200, 200]),
        ];
        for (serves, from, host, token, expected) in rows {
            assert_eq!(answers(serves, from, host, token), expected, "{serves:?} {from} {host} {token:?}");
        }
    }

    /// A Prometheus has one, too.
    #[test]
    fn a_password_opens_names_and_no_lines() {
        let (here, there) = (("127.0.0.1", "localhost"), ("192.0.2.1", "mail.example"));
        for (serves, who, expected) in [
            (Serves::ThisHost, here, [200, 200, 200, 401, 200]),
            (Serves::ThisHost, ("127.0.0.1", "evil.example"), [200, 200, 421, 421, 421]),
            (Serves::Numbers, there, [200, 200, 200, 404, 200]),
            (Serves::Numbers, here, [200, 200, 200, 404, 200]),
            (Serves::Names, there, [200, 200, 200, 404, 200]),
        ] {
            assert_eq!(answers_to(true, serves, who, ""), expected, "{serves:?} {who:?}");
        }
    }

    #[test]
    fn strangers_hear_no_names_with_health() {
        for (serves, from, expected) in [
            (Serves::Numbers, "192.0.2.1", true),
            (Serves::Numbers, "127.0.0.1", false),
            (Serves::ThisHost, "127.0.0.1", false),
            (Serves::Names, "192.0.2.1", false),
        ] {
            let entrance = Entrance { address: "0.0.0.0:9797".parse().expect("an address"), serves };
            let visitor = Visitor { address: from.parse().expect("an address"), entrance };
            for (path, expected) in [("/-/ready", expected), ("/-/healthy", false), ("/metrics", false)] {
                let request = Request::get(path).extension(visitor).body(Body::empty()).expect("a request");
                assert_eq!(is_for_a_stranger(&request), expected, "{serves:?} {from} {path}");
            }
        }
    }

    #[test]
    fn who_came_by_no_known_way_sees_nothing() {
        let request = Request::get("/metrics").header(header::HOST, "localhost").body(Body::empty());
        let refusal = refusal(&request.expect("a request"), Some("secret"), false).expect("refused");
        assert_eq!(refusal.status(), 403);
    }

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
