//! `config.xml` of the Unified Configuration. Its elements are not documented ("should not be inspected or edited
//! manually"), the paths of its options are: `dispatcher.max_procs` and `dispatcher.service:SMTP.max_procs`. So an option is
//! found by the path that its elements spell, whether these are named `<max_procs>`, `<option name="max_procs">` or
//! `<service name="SMTP">`; what is set twice, as for a role and an instance, is unclear unless it is the same.

use roxmltree::{Document, Node, ParsingOptions};

use super::Sections;
use super::options::Section;

/// A configuration has some thousand elements.
const MOST_NODES: u32 = 200_000;

/// Elements that are called by their attribute alone.
const NAMELESS: [&str; 6] = ["option", "opt", "group", "section", "setting", "entry"];

/// Reads the whole file.
pub(super) fn read(text: &str) -> Result<Sections, String> {
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document =
        Document::parse_with_options(text, options).map_err(|error| format!("not XML: {error}"))?;
    let mut sections = Sections::default();
    for element in document.descendants().filter(Node::is_element) {
        let own = step(&element);
        // Few elements are options of interest; a path is built for those alone.
        if own.rsplit('.').next().is_some_and(Section::knows) {
            take(&mut sections, &element);
        }
    }
    Ok(sections)
}

fn take(sections: &mut Sections, element: &Node<'_, '_>) {
    let Some(value) = value(element) else { return };
    let mut steps: Vec<String> = element.ancestors().filter(Node::is_element).map(|of| step(&of)).collect();
    steps.reverse();
    let path = steps.join(".");
    let names: Vec<&str> = path.split('.').collect();
    let Some(of_dispatcher) = names.iter().position(|name| name.eq_ignore_ascii_case("dispatcher")) else {
        return;
    };
    let Some((option, within)) = names[of_dispatcher + 1..].split_last() else { return };
    let service = within.iter().find_map(|name| {
        let (kind, service) = name.split_once(':')?;
        kind.eq_ignore_ascii_case("service").then_some(service)
    });
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
