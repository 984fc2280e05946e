//! What all pages for people have in common: the skeleton of a document, how it looks, and tables.

use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("page.css");
/// Shows a page anew where a browser runs it. It is a page of its own, so that nothing within a page ever runs.
pub(super) const SCRIPT: &str = include_str!("live.js");
/// Where it is.
pub(super) const SCRIPT_PATH: &str = "/live.js";

/// The pages that each page leads to.
const PAGES: [(&str, &str); 4] =
    [("/", "Status"), ("/top", "The busiest"), ("/runbooks/", "Runbooks"), ("/metrics", "Metrics")];

/// A whole page. A browser shows it anew after `refresh` seconds, where there are some: the script within the page, else by
/// loading it again.
pub(super) fn document(title: &str, refresh: Option<u32>, body: &Markup) -> Markup {
    let more = html! {
        @if let Some(seconds) = refresh {
            noscript { meta http-equiv="refresh" content=(seconds); }
            script src=(SCRIPT_PATH) data-seconds=(seconds) defer {}
        }
        style { (PreEscaped(STYLE)) }
    };
    let nav = html! {
        nav aria-label="Pages" { @for (path, name) in PAGES { a href=(path) { (name) } " " } }
    };
    skeleton(title, &more, &nav, body)
}

/// A page without a style: a refusal is sent to whoever asks, however often, so it is short.
pub(super) fn short(title: &str, body: &Markup) -> Markup {
    skeleton(title, &Markup::default(), &Markup::default(), body)
}

fn skeleton(title: &str, more: &Markup, before: &Markup, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                link rel="icon" href="data:,";
                title { (title) }
                (more)
            }
            body { (before) main { (body) } }
        }
    }
}

/// A table, which is wider than a phone: it scrolls within the page, by the keyboard as well.
pub(super) fn table(label: &str, rows: &Markup) -> Markup {
    html! { div.wide role="region" aria-label=(label) tabindex="0" { table { (rows) } } }
}

/// What stands between backticks is typed.
pub(super) fn with_commands(text: &str) -> Markup {
    html! {
        @for (number, part) in text.split('`').enumerate() {
            @if number % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
