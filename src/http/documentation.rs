//! `docs/pages.md`, written from the table of pages.

use std::fmt::Write as _;

use super::access::Access;
use super::routes::ROUTES;
use super::status::json::FIELDS;

const BEGINNING: &str = "\
<!-- Written from the table of pages in src/http/routes.rs; UPDATE_EXPECT=1 cargo test --lib writes it anew. -->

# Pages

All of them are for GET and HEAD, and are compressed when asked. They show what is in memory: no page waits for a source.

| path | tells | what it is |
| --- | --- | --- |
";

const STATUS: &str = "
## The status page

`/` begins with one sentence, which `/status.txt` and `/api/status` have as well. *Mail is going out* stands there only where mail was
seen to go out in the last minute. Nobody knows in the first minutes, while a log is being caught up with or is behind, and where
nothing was logged: then the sentence says that. Only what is critical comes before it. What is wrong follows, the gravest first, each with what shows it, what to do and its
runbook; what follows from something else is folded away below that.

Then come the alerts that fire, a row for each channel (its name leads to a page of its own), plots of the last hour and day, who
knocks, and how the exporter itself fares. The plots are drawn from what the exporter keeps of a day: the newest twenty minutes of an hour by the
minute, all else by five minutes. Of what waits and of what came in through a channel the coloured area behind the line is
[usual](baseline.md) at that hour of the week. Each plot says the same in words and as a table, for who cannot see it.

A browser that runs JavaScript renews the page every few seconds and keeps the place; where the exporter does not answer any more the
page says so. Without JavaScript it is loaded again. Nothing is asked of any other host, and the only script is `/live.js`.

## /api/status

The status page for programs, in one JSON object. `null` is not known, never 0. Fields may be added; `schema` changes when one goes
or means something else. `x[]` is each of a list, `x{}` each value of an object whose names are not these.

| field | kind | what it says |
| --- | --- | --- |
";

const LISTENERS: &str = "
## Who sees what

How much a page tells decides who sees it:

| a page of | tells |
| --- | --- |
";

const END: &str = "
What a listener asks for them depends on whom it is for:

| `http.listen` | open, numbers | names | lines |
| --- | --- | --- | --- |
| loopback, such as the default `127.0.0.1:9797` | everybody on this host | everybody on this host, under a name that is this host's own (`127.0.0.1`, `[::1]`, `localhost` or the configured address): else 421, since a web page could have its own name resolved to 127.0.0.1 | the same, with the token: else 401 |
| all addresses, `0.0.0.0:9797` or `[::]:9797` | everybody who reaches it | from this host, with the token: else 401 or 403, and how to get there | from this host, with the token: else 404 |
| one outside address, such as `192.0.2.1:9797` | everybody who reaches it | nobody, since this host comes from outside there, too: 403 | nobody: 404 |

With users in a [web configuration](web.md) everything but pages that are open asks for a password, or for the token from this
host, and names are for every user from wherever he comes; lines are for this host and the token all the same. Without one, whoever lets
other hosts reach the listener lets them have health and numbers and nothing else. On such a host the status page comes with

```sh
curl --oauth2-bearer \"$(sudo cat /var/lib/imsimta-exporter/token)\" http://127.0.0.1:9797/
```

The **token** is the file `token` in the state directory, for the service's user alone. It is taken from `Authorization: Bearer
TOKEN` or from the cookie `imsimta-exporter-token`, never from an address, which ends up in logs and histories. Where the
state directory cannot be used there is none, and what needs it is not shown. The `demo` shows its status page on any address:
names of a synthetic MTA are nobody's.

## Addresses of clients

`clients.label` says how clients are shown, and it holds for pages and texts as it does for labels: where it is
`network`, `hashed` or `off`, what looks like an address in the lines of `/debug/unparsed`, `imsimta-exporter unparsed` and
`imsimta-exporter report` is shown as its network, as a hash, or as `(address)`. These are lines that could not be read, so every
IPv4 and IPv6 address in them is taken for a client's, this host's own as well; names of hosts and mail
addresses of people stay as they are, which is why such lines need the token. `explain` shows lines as they were
given to it.
";

/// The Markdown reference of all pages, which is `docs/pages.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = BEGINNING.to_owned();
    for route in ROUTES {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{}` | {} | {} |", route.path, route.access.label(), route.doc);
    }
    page.push_str(STATUS);
    for (field, kind, says) in FIELDS {
        let _ = writeln!(page, "| `{field}` | {kind} | {says} |");
    }
    page.push_str(LISTENERS);
    for access in Access::ALL {
        let _ = writeln!(page, "| {} | {} |", access.label(), access.meaning());
    }
    page + END
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::reference;

    #[test]
    fn the_reference_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pages.md");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, reference()).expect("docs/pages.md");
        }
        let page = std::fs::read_to_string(&path).expect("docs/pages.md");
        assert_eq!(page, reference(), "run UPDATE_EXPECT=1 cargo test --lib");
    }
}
