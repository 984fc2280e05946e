//! Which encoding of a page a client takes (RFC 9110, 12.5.3), and gzip.

use std::io::Write as _;

use axum::http::{HeaderMap, header};
use flate2::Compression;
use flate2::write::GzEncoder;

/// How the body of a page is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As it is.
    Identity,
    /// Compressed.
    Gzip,
}

/// What these headers ask for. `None` when they rule out both.
pub(super) fn wanted(headers: &HeaderMap) -> Option<Encoding> {
    let (mut gzip, mut identity, mut others) = (None, None, None);
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for member in values.flat_map(|value| value.split(',')) {
        let (name, parameters) = member.split_once(';').unwrap_or((member, ""));
        let Some(weight) = weight(parameters) else { continue };
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(weight),
            "identity" => identity = Some(weight),
            "*" => others = Some(weight),
            _ => {}
        }
    }
    let gzip = gzip.or(others).unwrap_or(0);
    // What is not named may be sent as it is, but only if nothing else can be.
    match identity.or(others) {
        Some(0) if gzip == 0 => None,
        Some(0) => Some(Encoding::Gzip),
        Some(identity) if identity > gzip => Some(Encoding::Identity),
        _ if gzip > 0 => Some(Encoding::Gzip),
        _ => Some(Encoding::Identity),
    }
}

/// The weight of a member in thousandths; `None` for what is none.
fn weight(parameters: &str) -> Option<u32> {
    let mut weight = 1000;
    for parameter in parameters.split(';').map(str::trim).filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=')?;
        if name.trim_end().eq_ignore_ascii_case("q") {
            let value: f32 = value.trim_start().parse().ok()?;
            if !(0.0..=1.0).contains(&value) {
                return None;
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1000")]
            let thousandths = (value * 1000.0).round() as u32;
            weight = thousandths;
        }
    }
    Some(weight)
}

/// The bytes compressed, quickly rather than well: a page is made anew for each scrape.
pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    encoder.write_all(bytes).expect("memory takes all bytes");
    let mut compressed = encoder.finish().expect("memory takes all bytes");
    compressed.shrink_to_fit();
    compressed
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::Encoding::{Gzip, Identity};
    use super::wanted;

    #[test]
    fn what_clients_ask_for() {
        for (values, expected) in [
            (&[][..], Some(Identity)),
            (&[""], Some(Identity)),
            (&["gzip"], Some(Gzip)),
            (&["GZIP"], Some(Gzip)),
            (&["x-gzip"], Some(Gzip)),
            (&["deflate, gzip;q=0.5, br"], Some(Gzip)),
            (&["br", "gzip"], Some(Gzip)),
            (&["br"], Some(Identity)),
            (&["*"], Some(Gzip)),
            (&["gzip;q=0"], Some(Identity)),
            (&["gzip;q=0.2, identity;q=0.8"], Some(Identity)),
            (&["gzip;q=0.8, identity;q=0.2"], Some(Gzip)),
            (&["identity"], Some(Identity)),
            (&["identity;q=0"], None),
            (&["Identity ; Q = 0.000"], None),
            (&["br, identity;q=0"], None),
            (&["identity;q=0, gzip"], Some(Gzip)),
            (&["identity;q=0, *"], Some(Gzip)),
            (&["*;q=0"], None),
            (&["*;q=0, identity"], Some(Identity)),
            (&["*;q=0, gzip;q=0.001"], Some(Gzip)),
            (&["gzip;q=0, *;q=0"], None),
            (&["gzip;q=2"], Some(Identity)),
            (&["gzip;q=x, identity;q=nan"], Some(Identity)),
            (&["\u{1}gzip"], Some(Identity)),
        ] {
            let mut headers = HeaderMap::new();
            for value in values {
                if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                    headers.append(header::ACCEPT_ENCODING, value);
                }
            }
            assert_eq!(wanted(&headers), expected, "{values:?}");
        }
    }
}
