//! What all pages for people have in common: the skeleton of a document, and how it looks.

use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:64rem;padding:0 1rem;color:#1b1b1b;background:#fff}\
h1{font-size:1.4rem;margin:0 0 .3rem}h2{font-size:1.1rem;margin-top:2rem}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd;vertical-align:top}\
pre{overflow-x:auto}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}ul{padding-left:1.2rem}code{overflow-wrap:anywhere}\
@media(max-width:40rem){table{display:block;overflow-x:auto;white-space:nowrap}td div{white-space:normal;min-width:14rem}}\
.critical{color:#a4161a}.warning{color:#8a5300}.good{color:#17692f}\
.ok{color:#17692f}.bad{color:#a4161a;font-weight:600}.dim{color:#666}\
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}td,th{border-color:#333}a{color:#8ab4f8}.critical{color:#ff8a80}.warning{color:#ffc46b}.good{color:#6fcf97}.ok{color:#6fcf97}.bad{color:#ff8a80}.dim{color:#999}}";

/// A whole page. A browser shows it anew after `refresh` seconds, where there are some.
pub(super) fn document(title: &str, refresh: Option<u32>, body: &Markup) -> Markup {
    let more = html! {
        @if let Some(seconds) = refresh { meta http-equiv="refresh" content=(seconds); }
        style { (PreEscaped(STYLE)) }
    };
    skeleton(title, &more, body)
}

/// A page without a style: a refusal is sent to whoever asks, however often, so it is short.
pub(super) fn short(title: &str, body: &Markup) -> Markup {
    skeleton(title, &Markup::default(), body)
}

fn skeleton(title: &str, more: &Markup, body: &Markup) -> Markup {
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
            body { (body) }
        }
    }
}
