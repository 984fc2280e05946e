//! What may stand in a web configuration, and what is said of what may not.

use std::path::Path;

use super::super::names::ClientAuth;
use super::Settings;

const TLS: &str = "tls_server_config:\n  cert_file: server.pem\n  key_file: /keys/server.key\n";
/// Of "correct-horse", at the least cost.
const HASH: &str = "$2b$04$abcdefghijklmnopqrstuuPoaPXzWjiVz4HaNq2LJXksWbO79E.S6";

fn parse(text: &str) -> Result<Settings, String> {
    Settings::parse(text, Path::new("/etc/web"))
}

#[test]
fn what_says_nothing_is_plain_http() {
    for text in [
        "",
        "\n# nothing\n",
        "---\n",
        "{}",
        "tls_server_config:\n",
        "tls_server_config: {}\nhttp_server_config:\nbasic_auth_users:\n",
        "tls_server_config: {prefer_server_cipher_suites: true}",
        "http_server_config: {http2: false}",
    ] {
        let settings = parse(text).expect(text);
        assert!(settings.tls.is_none() && settings.users.is_empty() && settings.headers.is_empty(), "{text}");
        assert!(settings.notes.is_empty(), "{text}: {:?}", settings.notes);
    }
}

#[test]
fn every_field_is_taken() {
    let text = format!(
        "{TLS}  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]
  curve_preferences: [CurveP384, X25519]
  prefer_server_cipher_suites: false
http_server_config:
  http2: false
  headers:
    Strict-Transport-Security: max-age=31536000
    X-Frame-Options: sameorigin
basic_auth_users:
  prometheus: {HASH}
  \"at\\u00e9\": '{HASH}'
"
    );
    let settings = parse(&text).expect("all of it");
    let tls = settings.tls.as_ref().expect("TLS");
    assert_eq!(tls.cert_file, Path::new("/etc/web/server.pem"));
    assert_eq!(tls.key_file, Path::new("/keys/server.key"));
    assert_eq!(tls.client_ca_file.as_deref(), Some(Path::new("/etc/web/ca.pem")));
    assert_eq!(tls.client_auth, ClientAuth::RequireAndVerify);
    assert_eq!((tls.versions.len(), tls.suites.len(), tls.groups.len()), (2, 4, 2));
    assert!(!tls.prefers_own_order);
    assert_eq!((settings.users.len(), settings.headers.len()), (2, 2));
    assert!(settings.notes.is_empty(), "{:?}", settings.notes);
    assert_eq!(
        settings.summary(),
        "TLS with /etc/web/server.pem, RequireAndVerifyClientCert, 2 users with passwords"
    );
}

/// What rustls has no use for, and the rest does not need: it holds, and it is said.
#[test]
fn what_cannot_be_done_is_noted() {
    let in_tls = |field: &str| format!("{TLS}  {field}\n");
    for (text, expected) in [
        (in_tls("min_version: TLS10"), "min_version: TLS10 is not spoken; the oldest is TLS12"),
        (in_tls("curve_preferences: [CurveP521, CurveP256]"), "curve_preferences: CurveP521 is not spoken"),
        (
            in_tls("cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]"),
            "TLS_RSA_WITH_AES_128_CBC_SHA is not spoken",
        ),
        (in_tls("") + "http_server_config: {http2: true}", "HTTP/1.1 is all that is spoken"),
        (format!("basic_auth_users: {{a: '{HASH}'}}"), "passwords can be read on their way"),
    ] {
        let settings = parse(&text).expect(&text);
        let notes = settings.notes.join("; ");
        assert!(settings.notes.len() == 1 && notes.contains(expected), "{text}: {notes}");
    }
}

#[test]
fn what_is_wrong_is_named_with_what_would_be_right() {
    let in_tls = |field: &str| format!("{TLS}  {field}\n");
    for (text, expected) in [
        ("tls: {}".to_owned(), &["unknown field `tls`", "tls_server_config", "line 1"][..]),
        (in_tls("cert_fille: a"), &["unknown field `cert_fille`", "cert_file", "line 4"]),
        (in_tls("client_allowed_sans: [a]"), &["unknown field `client_allowed_sans`"]),
        (in_tls("key_file: twice"), &["key_file", "line 4"]),
        (in_tls("cipher_suites: TLS_AES_128_GCM_SHA256"), &["line 4"]),
        ("tls_server_config: {cert_file: a}".to_owned(), &["tls_server_config.key_file: missing"]),
        ("tls_server_config: {min_version: TLS13}".to_owned(), &["tls_server_config.cert_file: missing"]),
        (
            in_tls("min_version: TLS14"),
            &["tls_server_config.min_version: found \"TLS14\"; expected one of TLS13, TLS12, TLS11, TLS10"],
        ),
        (
            in_tls("max_version: TLS11"),
            &["max_version TLS11 and min_version TLS12", "expected TLS12 or TLS13"],
        ),
        (
            in_tls("min_version: TLS13\n  max_version: TLS12"),
            &["max_version TLS12 and min_version TLS13: nothing is left"],
        ),
        (in_tls("cipher_suites: [DES]"), &["cipher_suites: found \"DES\"", "TLS_AES_128_GCM_SHA256"]),
        (
            in_tls("max_version: TLS12\n  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]"),
            &["cipher_suites: none of them is spoken"],
        ),
        (in_tls("curve_preferences: [CurveP521]"), &["curve_preferences: none of them is spoken"]),
        (in_tls("curve_preferences: [P256]"), &["found \"P256\"; expected one of CurveP256"]),
        (in_tls("client_auth_type: Yes"), &["client_auth_type: found \"Yes\"; expected one of NoClientCert"]),
        (in_tls("client_ca_file: a"), &["client_ca_file: there, and nobody is asked"]),
        (in_tls("client_auth_type: VerifyClientCertIfGiven"), &["client_ca_file: missing"]),
        (
            "http_server_config: {headers: {Server: a}}".to_owned(),
            &["http_server_config.headers: found \"Server\"; expected one of Strict-Transport-Security"],
        ),
        (
            "http_server_config: {headers: {X-Frame-Options: allow}}".to_owned(),
            &["headers.X-Frame-Options: found \"allow\"; expected one of deny, sameorigin"],
        ),
        (
            "http_server_config: {headers: {Content-Security-Policy: \"a\\nb\"}}".to_owned(),
            &["headers.Content-Security-Policy", "cannot be sent"],
        ),
        ("basic_auth_users: {a: secret}".to_owned(), &["basic_auth_users.a: found no hash of bcrypt"]),
        (
            format!("basic_auth_users: {{a: '{}'}}", HASH.replace("$04$", "$20$")),
            &["basic_auth_users.a: found a hash of cost 20; expected one from 4 to 14"],
        ),
        (format!("basic_auth_users: {{'a:b': '{HASH}'}}"), &["basic_auth_users.a:b: a name with a colon"]),
        ("tls_server_config: [".to_owned(), &[]),
        ("- a".to_owned(), &[]),
        ("\0".to_owned(), &[]),
    ] {
        let error = parse(&text).map(|settings| settings.summary()).expect_err(&text);
        for part in expected {
            assert!(error.contains(part), "{text}\nsays: {error}\nand not: {part}");
        }
        assert!(!error.contains('\n') && !error.contains("secret") && error.len() < 700, "{text}: {error}");
    }
}
