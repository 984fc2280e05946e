//! The runbooks as pages: the Markdown of `alerts/runbooks`, without raw HTML, and links from one to another.

use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::document::{document, table};
use super::pages::Made;
use crate::runbooks::{self, Runbook};

/// Where they are.
pub(super) const INDEX: &str = "/runbooks/";

/// Which there are.
pub(super) fn index() -> Markup {
    let body = html! {
        h1 { "Runbooks" }
        p { "What to do about each alert." }
        (table("Runbooks", &html! {
            thead { tr { th scope="col" { "Alert" } th scope="col" { "Meaning" } } }
            tbody {
                @for runbook in runbooks::all() {
                    tr {
                        th scope="row" { a href=(path(runbook.name)) { (runbook.name) } }
                        td.wrap { (runbook.meaning().replace('`', "")) }
                    }
                }
            }
        }))
    };
    document("imsimta-exporter: runbooks", None, &body)
}

/// Where that of an alert is.
pub(super) fn path(alert: &str) -> String {
    format!("{INDEX}{alert}")
}

/// What the name of one for a terminal ends in.
const FOR_A_TERMINAL: &str = ".txt";

/// Where that of an alert is for a terminal.
pub(super) fn text_path(alert: &str) -> String {
    format!("{INDEX}{alert}{FOR_A_TERMINAL}")
}

/// That of an alert: as it is written for a terminal, else as a page.
pub(super) fn made(name: &str) -> Option<Made> {
    match name.strip_suffix(FOR_A_TERMINAL) {
        Some(alert) => runbooks::of(alert).map(|runbook| Made::text(runbook.text.to_owned())),
        None => page(name).map(Made::html),
    }
}

/// That of an alert as a page.
fn page(alert: &str) -> Option<Markup> {
    let runbook = runbooks::of(alert)?;
    let body = html! {
        (rendered(runbook))
    };
    Some(document(&format!("imsimta-exporter: {alert}"), None, &body))
}

fn rendered(runbook: Runbook) -> Markup {
    let mut page = String::new();
    let events = Parser::new_ext(runbook.text, Options::ENABLE_TABLES);
    let events = events.flat_map(|event| harmless(event, runbook.name));
    pulldown_cmark::html::push_html(&mut page, events);
    PreEscaped(page)
}

/// HTML is shown as it is written; links lead to other pages of runbooks or to the web; names of other alerts are links.
fn harmless<'a>(event: Event<'a>, of: &str) -> Vec<Event<'a>> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => vec![Event::Text(text)],
        Event::Start(Tag::Link { dest_url, link_type, title, id }) => {
            vec![Event::Start(Tag::Link { dest_url: destination(&dest_url), link_type, title, id })]
        }
        Event::Code(name) if *name != *of && runbooks::of(&name).is_some() => {
            let link = Tag::Link {
                link_type: LinkType::Inline,
                dest_url: path(&name).into(),
                title: CowStr::Borrowed(""),
                id: CowStr::Borrowed(""),
            };
            vec![Event::Start(link), Event::Text(name), Event::End(TagEnd::Link)]
        }
        other => vec![other],
    }
}

/// Files beside a runbook are pages beside it; nothing but the web is linked else.
fn destination(url: &str) -> CowStr<'static> {
    if ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
        return url.to_owned().into();
    }
    match url.strip_suffix(".md").filter(|name| runbooks::of(name).is_some()) {
        Some(name) => path(name).into(),
        None => CowStr::Borrowed(INDEX),
    }
}

#[cfg(test)]
mod tests {
    use super::{index, made, page, rendered};
    use crate::runbooks::{Runbook, all};

    #[test]
    fn every_alert_has_a_page_and_the_index_leads_to_it() {
        let index = index().into_string();
        for runbook in all() {
            let page = page(runbook.name).expect("a page").into_string();
            assert!(
                page.contains(&format!("<h1>{}</h1>", runbook.name)) && page.contains("<h2>Meaning</h2>")
            );
            assert!(index.contains(&format!("<a href=\"/runbooks/{0}\">{0}</a>", runbook.name)));
        }
        assert!(page("ImsMtaNothing").is_none() && page("../README").is_none());
        assert!(
            made("ImsMtaNothing.txt").is_none()
                && made(".txt").is_none()
                && made("ImsMtaNoBanner.txt").is_some()
        );
    }

    #[test]
    fn what_is_written_is_shown_and_nothing_runs() {
        let text = "# T\n\n<script>alert(1)</script>\n\na <b onclick=\"x\">b</b> [c](javascript:alert(1)) \
                    [d](ImsMtaNoBanner.md) [e](https://example.com/) `ImsMtaNoBanner` `T` `x < y`\n\n| f |\n| --- |\n| g |\n";
        let page = rendered(Runbook { name: "T", text }).into_string();
        assert!(!page.contains("<script") && !page.contains("<b ") && !page.contains("javascript"), "{page}");
        for part in [
            "&lt;script&gt;",
            "<a href=\"/runbooks/ImsMtaNoBanner\">d</a>",
            "<a href=\"https://example.com/\">e</a>",
            "<a href=\"/runbooks/ImsMtaNoBanner\">ImsMtaNoBanner</a>",
            "<code>T</code>",
            "<code>x &lt; y</code>",
            "<td>g</td>",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
    }
}
