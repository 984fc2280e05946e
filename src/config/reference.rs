//! `docs/configuration.md`, written from the key table.

use std::fmt::Write;

use super::{SECTIONS, Section, WhenAbsent};

const BEGINNING: &str = "\
<!-- Written from the sections in src/config/; UPDATE_EXPECT=1 cargo test --lib writes it anew. -->

# Configuration

With nothing configured, the program looks for the installation in the places it knows, follows its logs
and serves `/metrics` on `127.0.0.1:9797`. What differs is said in three ways, the later ones win:

1. a TOML file, `--config FILE`, else `/etc/imsimta-exporter.toml` where that is there
2. environment variables: `IMSIMTA_EXPORTER__SECTION__KEY`, so `IMSIMTA_EXPORTER__HTTP__LISTEN` is
   `listen` in `[http]`; lists are separated by commas, and an empty variable counts as not set
3. the flags named below

A duration has a unit: `\"15s\"`, `\"10m\"`, `\"1h 30m\"`, `\"500ms\"`. A size is a number of bytes or has a
unit: `65536`, `\"64KiB\"`, `\"64kB\"`. All mistakes are reported at once, and the program does not start
with any of them.
";

const BEFORE_EXAMPLE: &str = "
## A complete file

Every key with its default; a key without one has an example.

```toml
";

/// The Markdown reference of all sections and keys, which is `docs/configuration.md`.
#[must_use]
pub fn reference() -> String {
    let mut page = BEGINNING.to_owned();
    for section in SECTIONS {
        page.push_str(&table(section));
    }
    page + BEFORE_EXAMPLE + &example() + "```\n"
}

/// A TOML file with every key commented out: the same as no file at all.
#[must_use]
pub fn example() -> String {
    let sections = SECTIONS.iter().map(|section| {
        let keys = (section.keys)()
            .iter()
            .map(|key| format!("# {}\n# {} = {}\n", key.doc, key.name, key.shown_value()));
        format!("[{}]\n{}", section.name, keys.collect::<String>())
    });
    sections.collect::<Vec<_>>().join("\n")
}

fn table(section: &Section) -> String {
    let mut rows = String::new();
    for key in (section.keys)() {
        let flag = key.flag.map_or_else(String::new, |flag| format!(" Flag: `{flag}`."));
        let absent = match key.absent {
            WhenAbsent::Default(value) => format!("`{value}`"),
            WhenAbsent::Found { how, .. } => how.to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(rows, "| `{}` | {} | {absent} | {}{flag} |", key.name, key.expects, key.doc);
    }
    format!(
        "\n## `[{}]`\n\n{}\n\n| Key | Value | When not set | Meaning |\n| --- | --- | --- | --- |\n{rows}",
        section.name, section.doc
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{example, reference};
    use crate::config::tests::load_text;
    use crate::config::{Config, Flags, WhenAbsent, keys};

    #[test]
    fn the_example_is_the_default_with_and_without_its_comment_signs() {
        assert_eq!(load_text(&example(), &[], Flags::default()), Ok(Config::default()));
        let uncommented: String = example()
            .lines()
            .map(|line| {
                line.strip_prefix("# ").filter(|rest| !rest.ends_with('.')).unwrap_or(line).to_owned() + "\n"
            })
            .collect();
        load_text(&uncommented, &[], Flags::default()).expect("the examples are valid");
        let defaults = keys().filter_map(|key| match key.absent {
            WhenAbsent::Default(value) => Some(format!("{} = {value}\n", key.path())),
            WhenAbsent::Found { .. } => None,
        });
        assert_eq!(load_text(&defaults.collect::<String>(), &[], Flags::default()), Ok(Config::default()));
        assert_eq!(uncommented.lines().filter(|line| line.contains(" = ")).count(), keys().count());
    }

    #[test]
    fn the_reference_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, reference()).expect("docs/configuration.md");
        }
        let page = std::fs::read_to_string(&path).expect("docs/configuration.md");
        assert_eq!(page, reference(), "run UPDATE_EXPECT=1 cargo test --lib");
    }
}
