//! The time zone of the times in the logs, which do not name it: the configured one, else the host's.

use std::ffi::OsString;

use jiff::tz::TimeZone;

/// A zone, and whether anything on this host says it.
#[derive(Clone, Debug)]
pub struct LogZone {
    /// By which times are read; UTC where none is known.
    pub zone: TimeZone,
    /// Where it comes from, for people.
    pub origin: Origin,
}

/// Where a time zone comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The configuration.
    Configured,
    /// `TZ`, or else `/etc/localtime`.
    Host,
    /// Neither of them: a container has no `/etc/localtime` of its own.
    Nowhere,
    /// `TZ` has this value, which names no zone.
    Misnamed(OsString),
}

impl LogZone {
    /// The configured zone, else the one that the host is in.
    pub fn find(configured: Option<&TimeZone>) -> Self {
        match configured {
            Some(zone) => Self { zone: zone.clone(), origin: Origin::Configured },
            None => Self::of_host(TimeZone::try_system().ok(), std::env::var_os("TZ")),
        }
    }

    fn of_host(zone: Option<TimeZone>, variable: Option<OsString>) -> Self {
        let origin = match (&zone, variable) {
            (Some(_), _) => Origin::Host,
            (None, Some(name)) => Origin::Misnamed(name),
            (None, None) => Origin::Nowhere,
        };
        Self { zone: zone.unwrap_or(TimeZone::UTC), origin }
    }

    /// Whether something says it.
    pub fn is_known(&self) -> bool {
        matches!(self.origin, Origin::Configured | Origin::Host)
    }

    /// Its name, as far as it has one.
    pub fn name(&self) -> &str {
        self.zone.iana_name().unwrap_or("a zone without a name")
    }

    /// What is wrong, and what to do about it.
    pub fn problem(&self) -> Option<String> {
        let why = match &self.origin {
            Origin::Configured | Origin::Host => return None,
            Origin::Nowhere => "neither TZ nor /etc/localtime tells a time zone".to_owned(),
            Origin::Misnamed(name) => {
                format!("TZ is {:?}, which is no time zone known here", name.to_string_lossy())
            }
        };
        Some(format!(
            "{why}: times in the logs are read as UTC; set mta.timezone to the zone of the MTA's host"
        ))
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::LogZone;

    #[test]
    fn a_zone_that_nothing_tells_is_said() {
        let berlin = TimeZone::get("Europe/Berlin").expect("bundled");
        for (found, variable, known, says) in [
            (Some(&berlin), None, true, ""),
            (Some(&berlin), Some("Europe/Berlin"), true, ""),
            (
                None,
                Some("Bogus/Zone"),
                false,
                "TZ is \"Bogus/Zone\", which is no time zone known here: times",
            ),
            (None, Some("/no/such\nfile"), false, "TZ is \"/no/such\\nfile\", which"),
            (
                None,
                None,
                false,
                "neither TZ nor /etc/localtime tells a time zone: times in the logs are read as UTC",
            ),
        ] {
            let zone = LogZone::of_host(found.cloned(), variable.map(Into::into));
            assert_eq!(zone.is_known(), known, "{variable:?}");
            assert_eq!(zone.zone, found.cloned().unwrap_or(TimeZone::UTC), "{variable:?}");
            assert!(zone.problem().unwrap_or_default().starts_with(says), "{:?}", zone.problem());
            assert_eq!(zone.problem().is_none(), known, "{variable:?}");
        }
        assert!(LogZone::find(Some(&berlin)).is_known());
    }
}
