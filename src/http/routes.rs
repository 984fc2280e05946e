//! THE table of pages: where each is, how much it tells, what makes it, and what it is for. The router, the guard, the
//! links between pages and `docs/pages.md` derive from it.
//!
//! To add a page: a row, and what makes it.

use std::sync::Arc;

use super::access::Access;
use super::document::{SCRIPT, SCRIPT_PATH};
use super::pages::{JSON, Made};
use super::{Site, alerts, channel, daemon_log, debug, history, runbooks, status, top};
use crate::metrics::Exposition;

pub(super) const METRICS: &str = "/metrics";
pub(super) const HEALTHY: &str = "/-/healthy";
pub(super) const READY: &str = "/-/ready";
pub(super) const ALERTS: &str = "/api/alerts";
pub(super) const UNPARSED_TEXT: &str = "/debug/unparsed.txt";

/// A page.
#[derive(Debug)]
pub(super) struct Route {
    /// Where it is.
    pub(super) path: &'static str,
    /// How much it tells.
    pub(super) access: Access,
    pub(super) makes: Makes,
    /// What it is for, as the end of a sentence.
    pub(super) doc: &'static str,
}

/// What makes a page.
#[derive(Debug)]
pub(super) enum Makes {
    /// What is known; in the thread for pages, so it may wait for a lock.
    Page(fn(&Site) -> Made),
    /// What is the same everywhere and always, for each name that can stand in the place of `NAME`.
    Named(fn(&str) -> Option<Made>),
    /// What is known of each name that can stand in the place of `NAME`.
    Of(fn(&Site, &str) -> Option<Made>),
    /// That the page at this path can be made: a health that says 200 while no scrape can be answered is none.
    Proof(&'static str),
}

/// All of them, in the order in which they are shown.
pub(super) static ROUTES: &[Route] = &[
    Route {
        path: METRICS,
        access: Access::Numbers,
        makes: Makes::Page(metrics),
        doc: "the metrics, in the text format 0.0.4 of Prometheus",
    },
    Route {
        path: "/",
        access: Access::Names,
        makes: Makes::Page(status),
        doc: "whether mail flows, and else why not; alerts and what to do, a row a channel, the last hour and day, who knocks; what \
              is collected, since when, what fails and why",
    },
    Route {
        path: "/status.txt",
        access: Access::Names,
        makes: Makes::Page(status_text),
        doc: "the first half of that for a terminal, where runbooks begin: what is wrong, a row a channel, and the busiest",
    },
    Route {
        path: "/api/status",
        access: Access::Names,
        makes: Makes::Page(status_json),
        doc: "the same as JSON, with all findings and alerts; its fields are [below](#apistatus)",
    },
    Route {
        path: "/channel/NAME",
        access: Access::Names,
        makes: Makes::Of(channel::made),
        doc: "what is known of the channel of that name: what is wrong with it, its row, and its last hour and day",
    },
    Route {
        path: SCRIPT_PATH,
        access: Access::Numbers,
        makes: Makes::Page(|_| Made::new("text/javascript; charset=utf-8", SCRIPT.as_bytes().to_vec())),
        doc: "shows a page anew every few seconds, where a browser runs it; the same everywhere",
    },
    Route {
        path: "/top",
        access: Access::Names,
        makes: Makes::Page(top),
        doc: "the busiest clients, networks, authenticated senders and destinations of the last minutes, 100 of each",
    },
    Route { path: "/top.json", access: Access::Names, makes: Makes::Page(top_json), doc: "the same as JSON" },
    Route {
        path: ALERTS,
        access: Access::Names,
        makes: Makes::Page(alerts_json),
        doc: "the alerts of the exporter's own that are pending or fire, as JSON: why, since when, and where the runbook is; \
              `imsimta-exporter alerts` shows them in a terminal",
    },
    Route {
        path: runbooks::INDEX,
        access: Access::Numbers,
        makes: Makes::Page(|_| Made::html(runbooks::index())),
        doc: "what to do about each alert; the same everywhere, so whoever may read the metrics may read it",
    },
    Route {
        path: "/runbooks/NAME",
        access: Access::Numbers,
        makes: Makes::Named(runbooks::made),
        doc: "what to do about the alert of that name, to which the alerts lead; with `.txt` at its end for a terminal",
    },
    Route {
        path: READY,
        access: Access::Open,
        makes: Makes::Page(ready),
        doc: "200 once the logs are caught up with and something of every source was read, 503 before; to who \
              asks from this host it names what is missing",
    },
    Route {
        path: HEALTHY,
        access: Access::Open,
        makes: Makes::Proof(METRICS),
        doc: "200 while a scrape can be answered, else 503",
    },
    Route {
        path: "/debug/unparsed",
        access: Access::Lines,
        makes: Makes::Page(unparsed),
        doc: "the last lines that were not understood, and why",
    },
    Route {
        path: UNPARSED_TEXT,
        access: Access::Lines,
        makes: Makes::Page(unparsed_text),
        doc: "the same for a terminal, where `imsimta-exporter unparsed` shows it",
    },
    Route {
        path: "/debug/daemons",
        access: Access::Lines,
        makes: Makes::Page(daemons),
        doc: "the last errors in the logs of daemons, and what they are about",
    },
    Route {
        path: "/debug/daemons.txt",
        access: Access::Lines,
        makes: Makes::Page(daemons_text),
        doc: "the same for a terminal, where runbooks ask for it",
    },
    Route {
        path: "/debug/history",
        access: Access::Lines,
        makes: Makes::Page(lately),
        doc: "what each channel did in the last minutes and in the last day, as JSON; it holds no lines",
    },
];

/// The page at a path.
pub(super) fn find(path: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| match route.makes {
        Makes::Named(_) | Makes::Of(_) => {
            path.strip_prefix(route.base()).is_some_and(|name| !name.is_empty() && !name.contains('/'))
        }
        _ => route.path == path,
    })
}

/// What stands for the name in the path of a page that has one.
const NAME: &str = "NAME";

impl Route {
    /// The path without the name at its end.
    pub(super) fn base(&self) -> &'static str {
        self.path.trim_end_matches(NAME)
    }

    /// Whether the path is one that can be gone to as it stands.
    fn is_a_place(&self) -> bool {
        !matches!(self.makes, Makes::Named(_) | Makes::Of(_))
    }
}

/// The pages that a page can lead to, for who may see this much.
pub(super) fn links(most: &[Access]) -> Vec<&'static Route> {
    let leads_there = |route: &&Route| !["/", SCRIPT_PATH].contains(&route.path) && route.is_a_place();
    ROUTES.iter().filter(leads_there).filter(|route| most.contains(&route.access)).collect()
}

fn metrics(site: &Site) -> Made {
    match site.exposition.encode() {
        Ok(body) => Made::new(Exposition::content_type(), body),
        Err(error) => Made::text(format!("{error}\n")).failed(),
    }
}

fn status(site: &Site) -> Made {
    let links = links(&[Access::Open, Access::Numbers, Access::Names]);
    let links: Vec<_> = links.iter().map(|route| (route.path, route.doc)).collect();
    Made::html(status::page(&site.observed, &site.clients.read(), &links, site.command().as_deref()))
}

fn status_json(site: &Site) -> Made {
    Made::new(JSON, status::json::json(&status::known(&site.observed, &site.clients.read())))
}

fn status_text(site: &Site) -> Made {
    Made::text(status::text::text(&site.observed, &site.clients.read()))
}

fn alerts_json(site: &Site) -> Made {
    let alerts = Arc::clone(&site.observed.alerts.lock());
    Made::new(JSON, alerts::as_json(&alerts))
}

fn top(site: &Site) -> Made {
    Made::html(top::page(&site.observed, &site.clients.read()))
}

fn top_json(site: &Site) -> Made {
    Made::new(JSON, top::json(&site.observed, &site.clients.read()))
}

fn ready(site: &Site) -> Made {
    let readiness = site.observed.readiness();
    let page = Made::text(format!("{}\n", readiness.sentence()));
    if readiness.is_ready() { page } else { page.unavailable() }
}

fn unparsed(site: &Site) -> Made {
    Made::html(debug::unparsed(&site.observed, &site.clients.read()))
}

fn unparsed_text(site: &Site) -> Made {
    Made::text(debug::unparsed_text(&site.observed, &site.clients.read()))
}

fn daemons(site: &Site) -> Made {
    Made::html(daemon_log::page(&site.observed, &site.clients.read()))
}

fn daemons_text(site: &Site) -> Made {
    Made::text(daemon_log::text(&site.observed, &site.clients.read()))
}

fn lately(site: &Site) -> Made {
    Made::new(JSON, history::json(&site.observed))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Makes, NAME, ROUTES, find};
    use crate::http::access::Access;

    #[test]
    fn the_table_is_sound() {
        let paths: BTreeSet<_> = ROUTES.iter().map(|route| route.path).collect();
        assert_eq!(paths.len(), ROUTES.len(), "no path twice");
        for route in ROUTES {
            assert!(route.path.starts_with('/') && !route.path.contains(['{', '*', '%']), "{}", route.path);
            assert!(!route.doc.ends_with('.') && !route.doc.is_empty(), "{}", route.path);
            if let Makes::Proof(path) = route.makes {
                let proof = find(path).map(|proof| &proof.makes);
                assert!(matches!(proof, Some(Makes::Page(_))), "{path}");
            }
            assert_eq!(route.path.ends_with(NAME), !route.is_a_place(), "{}", route.path);
            // Health is cheap and always there; lines of the logs are nowhere but for debugging.
            assert_eq!(route.path.starts_with("/-/"), route.access == Access::Open, "{}", route.path);
            assert_eq!(route.path.starts_with("/debug/"), route.access == Access::Lines, "{}", route.path);
        }
    }

    #[test]
    fn a_name_is_one_part_of_a_path() {
        let path_of = |path| find(path).map(|route| route.path);
        assert_eq!(path_of("/runbooks/ImsMtaNoBanner"), Some("/runbooks/NAME"));
        assert_eq!(path_of("/runbooks/"), Some("/runbooks/"));
        assert_eq!(path_of("/runbooks/a/b"), None);
        assert_eq!(path_of("/runbooks"), None);
    }
}
