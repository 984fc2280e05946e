//! What every request passes: passwords, where a web configuration has users, and then the guard.
//!
//! Health is for everybody. Everything else asks for a password, or for the token, from this host: who can read that is the owner of the
//! service, whose commands need no password then.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::access::Access;
use super::crowd::Origin;
use super::guard::{self, Visitor, has_token, later, short};
use super::routes;
use crate::observed::connections::{ConnectionCounts, Cut};
use crate::web::{Terms, Verdict, Web};

/// What a request is held to.
#[derive(Clone, Debug)]
pub(super) struct Door {
    pub(super) token: guard::Token,
    pub(super) web: Arc<Web>,
    pub(super) counts: Arc<ConnectionCounts>,
}

/// Refuses requests that are wrong, or that ask for more than their way in lets them have; adds headers.
pub(super) async fn admit(State(door): State<Door>, request: Request, next: Next) -> Response {
    let terms = door.web.terms();
    let user = match login(&request, &door, &terms) {
        Ok(None) => Ok(false),
        Ok(Some(login)) => login.check(&door, &terms).await.map(|()| true),
        Err(response) => Err(response),
    };
    let token = door.token.as_deref();
    let refusal =
        user.map_or_else(|refused| Some(*refused), |is_user| guard::refusal(&request, token, is_user));
    let is_terse = guard::is_for_a_stranger(&request);
    let response = match refusal {
        Some(response) => response,
        None => next.run(request).await,
    };
    guard::dressed(if is_terse { guard::terse(response) } else { response }, &terms)
}

/// Who says that he is a user.
pub(super) struct Login {
    name: String,
    password: Vec<u8>,
    origin: IpAddr,
}

/// Who has to be looked at before the request is; nobody where no password is asked for, and an answer where one is missing.
pub(super) fn login(request: &Request, door: &Door, terms: &Terms) -> Result<Option<Login>, Box<Response>> {
    let access = routes::find(request.uri().path()).map(|route| route.access);
    if terms.users.is_empty() || access == Some(Access::Open) {
        return Ok(None);
    }
    // Without one it is refused behind this.
    let Some(visitor) = request.extensions().get::<Visitor>().copied() else { return Ok(None) };
    let address = visitor.address;
    let owns = || door.token.as_deref().is_some_and(|token| has_token(request.headers(), token));
    if address.is_loopback() && owns() {
        return Ok(None);
    }
    let Some((name, password)) = basic(request.headers()) else {
        return Err(Box::new(challenge("these pages are for who has a user and a password")));
    };
    Ok(Some(Login { name, password, origin: Origin::of(address).address() }))
}

impl Login {
    /// Whether he is; else what he hears.
    pub(super) async fn check(self, door: &Door, terms: &Terms) -> Result<(), Box<Response>> {
        let Self { name, password, origin } = self;
        match door.web.passwords.check(&terms.users, (&name, &password), origin).await {
            Verdict::Right => Ok(()),
            Verdict::Wrong => {
                door.counts.cut(Cut::WrongPassword);
                Err(Box::new(challenge("user or password are wrong")))
            }
            Verdict::Busy => {
                door.counts.cut(Cut::Busy);
                Err(Box::new(later("too many passwords are being looked at; ask again in a second")))
            }
        }
    }
}

fn challenge(why: &str) -> Response {
    let mut response = short(StatusCode::UNAUTHORIZED, why);
    let value = HeaderValue::from_static("Basic realm=\"imsimta-exporter\", charset=\"UTF-8\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    response
}

/// The one user and password that a request carries.
fn basic(headers: &HeaderMap) -> Option<(String, Vec<u8>)> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, more) = (values.next()?.to_str().ok()?, values.next());
    let (scheme, text) = value.split_once(' ')?;
    if more.is_some() || !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = STANDARD.decode(text.trim()).ok()?;
    let colon = bytes.iter().position(|&byte| byte == b':')?;
    let name = String::from_utf8(bytes[..colon].to_vec()).ok()?;
    Some((name, bytes[colon + 1..].to_vec()))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::basic;

    #[test]
    fn a_user_and_a_password_are_in_one_header() {
        for (values, expected) in [
            (&["Basic YTpi"][..], Some(("a", "b"))),
            (&["basic  YTpi "], Some(("a", "b"))),
            (&["Basic YTpiOmM="], Some(("a", "b:c"))),
            (&["Basic Og=="], Some(("", ""))),
            (&["Basic YWI="], None),
            (&["Basic YTpi="], None),
            (&["Basic a:b"], None),
            (&["Basic /zpi"], None),
            (&["Bearer YTpi"], None),
            (&["YTpi"], None),
            (&["Basic YTpi", "Basic YTpi"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            let found = basic(&headers);
            let expected = expected.map(|(name, password)| (name.to_owned(), password.as_bytes().to_vec()));
            assert_eq!(found, expected, "{values:?}");
        }
    }
}
