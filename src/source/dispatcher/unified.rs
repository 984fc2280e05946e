//! `config.xml` of the Unified Configuration. Its elements are not documented ("should not be inspected or edited
//! manually"), the paths of its options are: `dispatcher.max_procs` and `dispatcher.service:SMTP.max_procs`. So an option is
//! found by the path that its elements spell, whether these are named `<max_procs>`, `<option name="max_procs">` or
//! `<service name="SMTP">`; what is set twice, as for a role and an instance, is unclear unless it is the same.

use roxmltree::{Document, Node, ParsingOptions};

use super::options::Section;
use super::{Sections, bounds};

/// A configuration has some thousand elements.
const MOST_NODES: u32 = 200_000;

/// Elements that are called by their attribute alone.
const NAMELESS: [&str; 6] = ["option", "opt", "group", "section", "setting", "entry"];

/// Reads the whole file.
pub(super) fn read(text: &str) -> Result<Sections, String> {
    bounds::check(text)?;
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).map_err(|error| format!("not XML: {error}"))?;
    let mut sections = Sections::default();
    walk(document.root(), Place::default(), &mut sections);
    Ok(sections)
}

/// Where a path has led to.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    in_dispatcher: bool,
    service: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// The next name of the path.
    fn enter(&mut self, name: &'a str) {
        if !self.in_dispatcher {
            self.in_dispatcher = name.eq_ignore_ascii_case("dispatcher");
        } else if self.service.is_none() {
            let (kind, service) = name.split_once(':').unwrap_or_default();
            self.service = kind.eq_ignore_ascii_case("service").then_some(service);
        }
    }
}

/// Takes the options that are within an element. How deeply these are nested is bounded.
fn walk(parent: Node<'_, '_>, place: Place<'_>, sections: &mut Sections) {
    for element in parent.children().filter(Node::is_element) {
        let (own, mut place) = (step(&element), place);
        let (before, option) =
            own.rsplit_once('.').map_or((None, own.as_str()), |(before, option)| (Some(before), option));
        before.into_iter().flat_map(|before| before.split('.')).for_each(|name| place.enter(name));
        if place.in_dispatcher && Section::knows(option) {
            take(sections, place.service, option, &element);
        }
        place.enter(option);
        walk(element, place, sections);
    }
}

fn take(sections: &mut Sections, service: Option<&str>, option: &str, element: &Node<'_, '_>) {
    let Some(value) = value(element) else { return };
    let section = match service {
        Some(service) => sections.of(service),
        None => Some(&mut sections.of_all),
    };
    if let Some(section) = section {
        section.hear(option, value);
    }
}

/// What an element adds to the path: its name, with that of what it is about.
fn step(element: &Node<'_, '_>) -> String {
    let name = element.tag_name().name();
    match element.attribute("name").or_else(|| element.attribute("id")).map(str::trim) {
        Some(about) if NAMELESS.iter().any(|nameless| nameless.eq_ignore_ascii_case(name)) => {
            about.to_owned()
        }
        Some(about) => format!("{name}:{about}"),
        None => name.to_owned(),
    }
}

/// The attribute, else the text of an element without others within.
fn value<'a>(element: &Node<'a, '_>) -> Option<&'a str> {
    let inner = element.children().any(|child| child.is_element());
    element.attribute("value").or_else(|| element.text().filter(|_| !inner))
}
