//! Files of rules, for who reads them.

use super::File;

/// Who reads the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Files of rules for Prometheus
    #[default]
    Prometheus,
    /// One `PrometheusRule` for prometheus-operator, to apply in Kubernetes
    PrometheusOperator,
    /// The same files for vmalert, whose older versions know no `keep_firing_for`
    Vmalert,
}

/// The width of the lines of comments.
const WIDTH: usize = 110;

/// What vmalert has to be told.
const VMALERT: &str = "For vmalert. It knows `keep_firing_for` from version 1.92 on; for all versions it is a comment here. What that \
    loses: an alert ends with the first evaluation in which it does not hold, so that retries that come in waves end and \
    begin a page with each. Take the comment signs away where yours knows it, or give the route of the alerts a longer \
    group_interval.";

/// What is above the groups of the one resource.
const RESOURCE: &str = "\
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: imsimta-exporter
  # What the ruleSelector of your Prometheus asks for, for example:
  # labels:
  #   release: kube-prometheus-stack
spec:
";

/// The line above the groups.
const GROUPS: &str = "groups:\n";

/// The templates with their figures.
pub(super) struct Rendering {
    /// A file each.
    pub(super) files: Vec<File>,
    /// Where figures are others than those that are shipped.
    pub(super) notes: Vec<String>,
}

impl Rendering {
    pub(super) fn files(self, format: Format) -> Vec<File> {
        if format == Format::PrometheusOperator {
            return vec![self.one_file(format)];
        }
        let head = |name: &str| self.head(&format!("alerts/templates/{name}"), format);
        let files = self.files.iter().map(|File { name, text }| {
            let text = format!("{}\n{}", head(name), for_reader(text, format));
            File { name: name.clone(), text }
        });
        files.collect()
    }

    pub(super) fn one_file(self, format: Format) -> File {
        let mut text = self.head("alerts/templates/", format);
        let operator = format == Format::PrometheusOperator;
        let indent = if operator { "  " } else { "" };
        if operator {
            text += RESOURCE;
        }
        text += indent;
        text += GROUPS;
        for file in &self.files {
            let rules = for_reader(&file.text, format);
            let (above, groups) = rules.split_once(GROUPS).expect("invariant: a test has seen the groups");
            text += &indented(above, &format!("{indent}  "));
            text += &indented(groups, indent);
        }
        let name = if operator { "imsimta-exporter.prometheusrule.yml" } else { "imsimta.rules.yml" };
        File { name: name.to_owned(), text }
    }

    fn head(&self, from: &str, format: Format) -> String {
        let first = format!("Rendered from {from} by `imsimta-exporter rules`: change it there, not here.");
        let vmalert = (format == Format::Vmalert).then(|| VMALERT.to_owned());
        let options = textwrap::Options::new(WIDTH).initial_indent("# ").subsequent_indent("#   ");
        let lines = [first].into_iter().chain(self.notes.iter().cloned()).chain(vmalert);
        lines.map(|line| textwrap::fill(&line, &options) + "\n").collect()
    }
}

fn for_reader(text: &str, format: Format) -> String {
    match format {
        Format::Prometheus | Format::PrometheusOperator => text.to_owned(),
        Format::Vmalert => text.replace("\n        keep_firing_for: ", "\n        # keep_firing_for: "),
    }
}

fn indented(text: &str, by: &str) -> String {
    textwrap::indent(text, by)
}
