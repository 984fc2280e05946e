//! PURE: the rules of Prometheus, rendered for a site. No I/O, no clock.
//!
//! [`templates`] has them as they are written, with names instead of figures; [`values`] is what the names stand for at a
//! site, at a scrape interval and at a scale; [`render`] puts the one into the other, and [`formats`] makes files of it as
//! Prometheus, its operator, and vmalert take them.

mod duration;
pub mod formats;
pub mod links;
pub mod render;
pub mod templates;
pub mod values;

use std::num::NonZero;

use crate::config::Alerting;
use crate::findings::thresholds::Table;

pub use formats::Format;
use formats::Rendering;
use values::Values;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The thresholds of the site.
    pub thresholds: &'a Table,
    /// Its job, scrape interval and places.
    pub alerting: &'a Alerting,
    /// All times are divided by it.
    pub scale: NonZero<u32>,
    /// Who is to read them.
    pub format: Format,
}

/// A file of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl Rules<'_> {
    /// The files, one for each template that is asked for where the format has files of groups.
    pub fn files(&self) -> Vec<File> {
        self.rendering().files(self.format)
    }

    /// All of it in one file.
    pub fn one_file(&self) -> File {
        self.rendering().one_file(self.format)
    }

    fn rendering(&self) -> Rendering {
        let values = Values::new(self.thresholds, self.alerting, self.scale);
        let asked_for = templates::TEMPLATES.iter().filter(|template| template.is_asked_for(self.alerting));
        let rendered = asked_for.map(|template| {
            let text = render::render(template, &values)
                .expect("invariant: a test renders every template, and values keep their kinds");
            File { name: template.name.to_owned(), text }
        });
        Rendering { files: rendered.collect(), notes: values.notes }
    }
}
