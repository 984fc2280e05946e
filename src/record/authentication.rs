//! How an authentication ended, and why it failed, by its U entry ("logs SMTP authentication successes and failures",
//! 2005Q4 guide, table "Logging Entry Codes").

use super::Connection;
use super::phrases::{self, Row};
use super::values::diagnostic::{self, Status};

labelled! {
    /// How an authentication ended.
    AuthenticationResult {
        Success = "success": "accepted";
        Failure = "failure": "refused";
        Unknown = "unknown": "the entry does not say";
    }
}

labelled! {
    /// Why an authentication failed.
    AuthenticationFailure {
        BadPassword = "bad_password": "the password, or what is not told apart from it, is wrong";
        UnknownUser = "unknown_user": "there is no such user";
        AccountDisabled = "account_disabled": "the account is disabled, locked or expired";
        TooMany = "too_many": "too many failures or connections";
        Mechanism = "mechanism": "the mechanism is not offered, too weak, or wants TLS";
        Policy = "policy": "the user or client may not, whatever the password is";
        Aborted = "aborted": "the client gave up or sent what cannot be read";
        Unavailable = "unavailable": "the directory or server could not tell";
        Unclassified = "unclassified": "nothing in the entry tells";
    }
}

impl AuthenticationResult {
    /// By our reply where the entry has it apart (XML), else by the last reply code in the text, else
    /// by the words in front of it.
    pub fn of(entry: &Connection<'_>) -> Self {
        match code(entry).map(|code| code / 100) {
            Some(2) => Self::Success,
            Some(4 | 5) => Self::Failure,
            _ => Self::by_words(if entry.text.is_empty() { entry.diagnostic } else { entry.text }),
        }
    }

    fn by_words(text: &[u8]) -> Self {
        let lower = text.to_ascii_lowercase();
        let says = |words: &str| memchr::memmem::find(&lower, words.as_bytes()).is_some();
        if says("authentication successful") {
            Self::Success
        } else if says("bad password") || says("failed") || says("failure") {
            Self::Failure
        } else {
            Self::Unknown
        }
    }
}

/// THE table of texts: the first row with a phrase that is said decides. A server that does not tell an attacker what
/// was wrong says "Bad username or password" of everything, so what says more stands first.
const TEXTS: &[Row<AuthenticationFailure>] = &[
    Row {
        tells: AuthenticationFailure::UnknownUser,
        phrases: &[
            "no such user",
            "unknown user",
            "user unknown",
            "user not found",
            "unknown account",
            "no such account",
        ],
    },
    Row {
        tells: AuthenticationFailure::AccountDisabled,
        phrases: &["disabled", "inactive", "locked", "suspended", "expired", "deleted"],
    },
    Row { tells: AuthenticationFailure::TooMany, phrases: &["too many", "limit", "exceed"] },
    Row {
        tells: AuthenticationFailure::Mechanism,
        phrases: &[
            "mechanism",
            "unrecognized authentication type",
            "unrecognised authentication type",
            "encryption required",
            "too weak",
            "plaintext",
            "tls required",
            "must issue a starttls",
            "starttls",
            "password transition",
        ],
    },
    Row {
        tells: AuthenticationFailure::Unavailable,
        phrases: &[
            "temporar",
            "unavailable",
            "ldap",
            "directory",
            "timed out",
            "timeout",
            "internal error",
            "server error",
            "system error",
        ],
    },
    Row {
        tells: AuthenticationFailure::Aborted,
        phrases: &[
            "cancel",
            "abort",
            "base64",
            "decod",
            "malformed",
            "syntax",
            "protocol error",
            "line too long",
        ],
    },
    Row {
        tells: AuthenticationFailure::BadPassword,
        phrases: &[
            "bad password",
            "bad username",
            "bad user",
            "wrong password",
            "incorrect password",
            "invalid password",
            "invalid user",
            "invalid credentials",
            "credentials invalid",
            "authentication credentials invalid",
            "password incorrect",
            "password mismatch",
            "incorrect username",
            "invalid login",
            "login incorrect",
        ],
    },
    Row {
        tells: AuthenticationFailure::Policy,
        phrases: &[
            "policy",
            "denied",
            "not permitted",
            "not allowed",
            "not authorized",
            "not authorised",
            "blocked",
            "prohibited",
        ],
    },
];

/// What is said of any failure, a wrong password as well: it tells something where nothing else does.
const VAGUE: &[Row<AuthenticationFailure>] =
    &[Row { tells: AuthenticationFailure::Unavailable, phrases: &["try again"] }];

impl AuthenticationFailure {
    /// By the words of the entry, then by status and code (RFC 4954, RFC 5248).
    pub fn of(entry: &Connection<'_>) -> Self {
        let said = phrases::said(&[entry.text, entry.diagnostic]);
        phrases::first(TEXTS, &said)
            .or_else(|| Self::by_codes(status(entry), code(entry)))
            .or_else(|| phrases::first(VAGUE, &said))
            .unwrap_or(Self::Unclassified)
    }

    fn by_codes(status: Option<Status>, code: Option<u16>) -> Option<Self> {
        match status.map(|status| (status.class, status.subject, status.detail)) {
            Some((5, 7, 8)) => return Some(Self::BadPassword),
            Some((5, 7, 13)) => return Some(Self::AccountDisabled),
            Some((5, 7, 9 | 11) | (4, 7, 12) | (5, 5, 4)) => return Some(Self::Mechanism),
            Some((5, 5, 2 | 6)) => return Some(Self::Aborted),
            Some((5, 7, 1)) => return Some(Self::Policy),
            _ => {}
        }
        match code? {
            432 | 504 | 534 | 538 => Some(Self::Mechanism),
            500 | 501 => Some(Self::Aborted),
            421 | 450..=454 => Some(Self::Unavailable),
            535 => Some(Self::BadPassword),
            _ => None,
        }
    }
}

fn code(entry: &Connection<'_>) -> Option<u16> {
    diagnostic::parse(entry.diagnostic).code.or_else(|| diagnostic::last_code(entry.diagnostic))
}

fn status(entry: &Connection<'_>) -> Option<Status> {
    diagnostic::parse(entry.diagnostic).status.or_else(|| diagnostic::last_status(entry.diagnostic))
}

#[cfg(test)]
mod tests {
    use super::{AuthenticationFailure, AuthenticationResult};
    use crate::record::{Line, Reader};

    /// The result and reason of an entry.
    #[track_caller]
    fn check(line: &str, result: &str, reason: Option<&str>) {
        let mut reader = Reader::default();
        let Line::Connection(entry) = reader.read(line.as_bytes()) else {
            panic!("a connection entry: {line}")
        };
        assert_eq!(AuthenticationResult::of(&entry).label(), result, "{line}");
        if let Some(reason) = reason {
            assert_eq!(AuthenticationFailure::of(&entry).label(), reason, "{line}");
        }
    }

    #[test]
    fn entries_with_text_and_reply_apart() {
        for (entry, result, reason) in [
            (
                r#"mi="Bad password" di="535 5.7.8 Bad username or password (Authentication failed).""#,
                "failure",
                Some("bad_password"),
            ),
            (
                r#"mi="No such user" di="535 5.7.8 Bad username or password (Authentication failed).""#,
                "failure",
                Some("unknown_user"),
            ),
            (
                r#"mi="Authentication successful - switched to channel tcp_submit" di="235 2.7.0 ok""#,
                "success",
                None,
            ),
            (r#"mi="Authentication successful""#, "success", None),
            (r#"mi="Bad password""#, "failure", Some("bad_password")),
            (r#"mi="something""#, "unknown", None),
            ("", "unknown", None),
            (r#"mi="Account disabled" di="535 5.7.8 no""#, "failure", Some("account_disabled")),
            (r#"di="504 5.5.4 Unrecognized authentication type""#, "failure", Some("mechanism")),
            (r#"di="538 5.7.11 no""#, "failure", Some("mechanism")),
            (r#"di="454 4.7.0 Temporary authentication failure""#, "failure", Some("unavailable")),
            (r#"di="501 5.7.0 Authentication cancelled""#, "failure", Some("aborted")),
            (r#"di="535 5.7.8 no""#, "failure", Some("bad_password")),
            (r#"di="550 5.7.1 no""#, "failure", Some("policy")),
            (r#"di="550 no""#, "failure", Some("unclassified")),
            (r#"mi="failed""#, "failure", Some("unclassified")),
            (r#"di="535 5.7.8 Bad username or password, please try again""#, "failure", Some("bad_password")),
            (r#"di="535 5.7.8 Authentication failed, try again""#, "failure", Some("bad_password")),
            (r#"di="454 4.7.0 Please try again later""#, "failure", Some("unavailable")),
            (r#"mi="Failure, try again later""#, "failure", Some("unavailable")),
            (r#"mi="LDAP error" di="535 5.7.8 Bad username or password""#, "failure", Some("unavailable")),
            (r#"mi="Too many bad passwords" di="421 4.7.0 no""#, "failure", Some("too_many")),
        ] {
            let start = r#"<co ts="2014-06-02T22:02:13.94" sc="tcp_submit" dr="+" ac="U" "#;
            check(&format!("{start}{entry}/>"), result, reason);
        }
    }

    #[test]
    fn entries_of_text() {
        for (text, result, reason) in [
            (
                "SMTP Bad password *nic@d.example 535 5.7.8 Bad username or password",
                "failure",
                Some("bad_password"),
            ),
            ("SMTP No such user *nic 535 5.7.8 Bad username or password", "failure", Some("unknown_user")),
            (
                "SMTP *nic 535 5.7.8 Bad username or password, please try again",
                "failure",
                Some("bad_password"),
            ),
            // Who guesses chooses the name.
            ("SMTP *locked 535 5.7.8 no", "failure", Some("bad_password")),
            ("SMTP Failure *x@ldap.example 550 5.7.1 no", "failure", Some("policy")),
            (
                "SMTP Authentication successful - switched to channel tcp_submit *a 235 2.7.0 ok",
                "success",
                None,
            ),
            ("SMTP", "unknown", None),
        ] {
            let line =
                format!("19-Jan-2019 19:16:57.64 tcp_local + U TCP|192.0.2.1|25|192.0.2.9|4299 {text}");
            check(&line, result, reason);
        }
    }
}
