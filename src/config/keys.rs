//! What a key of the configuration is, and how a section's table of them is written.
//!
//! To add a key: a row in the `section!` of its section's file. The field, its default, its parsing, its errors
//! and `docs/configuration.md` derive from the row.

use ::config::Value;

use super::value::Refusal;
use super::{ENVIRONMENT_PREFIX, SECTIONS};

/// What an interval is, as the end of "expected …".
pub(super) const INTERVAL: &str = "a duration from 1s to 1h such as \"15s\"";
/// The same for a directory.
pub(super) const DIRECTORY: &str = "the path of a directory";

/// One section of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// The name in the brackets; one within another has its name behind a dot.
    pub name: &'static str,
    /// One sentence for the reference.
    pub doc: &'static str,
    /// Its keys, in the order of the reference.
    pub keys: fn() -> &'static [Key],
}

impl Section {
    /// The part of environment variables that names it.
    pub(super) fn variable(&self) -> String {
        self.name.replace('.', "__").to_ascii_uppercase()
    }
}

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The section it is in.
    pub section: &'static str,
    /// Its name there.
    pub name: &'static str,
    /// The command line flag that sets it too.
    pub flag: Option<&'static str>,
    /// What a right value is, as the end of "expected …".
    pub expects: &'static str,
    /// What holds when no layer sets it.
    pub absent: WhenAbsent,
    /// One sentence for the reference.
    pub doc: &'static str,
}

/// What holds when no layer sets a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenAbsent {
    /// This value, in TOML.
    Default(&'static str),
    /// The program finds out by itself.
    Found {
        /// From what, as a table cell.
        how: &'static str,
        /// A value to show, in TOML.
        example: &'static str,
    },
}

impl Key {
    /// `section.name`, as the errors write it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The environment variable that sets the key.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{ENVIRONMENT_PREFIX}{}__{}", self.section.replace('.', "__"), self.name).to_ascii_uppercase()
    }

    /// The default, or where there is none the example, in TOML.
    #[must_use]
    pub fn shown_value(&self) -> &'static str {
        match self.absent {
            WhenAbsent::Default(value) => value,
            WhenAbsent::Found { example, .. } => example,
        }
    }
}

/// What is set, for a section to read.
pub(super) trait Values {
    /// What a key is set to, if its parser takes it.
    fn read<T>(
        &mut self,
        section: &str,
        name: &str,
        parse: impl Fn(Value) -> Result<T, Refusal>,
    ) -> Option<T>;
}

/// All keys, section by section.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    SECTIONS.iter().flat_map(|section| (section.keys)())
}

/// The key of this name in this section.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    keys().find(|key| key.section == section && key.name == name)
}

/// Makes a section of the table of its keys: the struct with its defaults, how it is read, and the rows
/// that errors and reference are written from.
///
/// ```text
/// section! {
///     section: Struct in "outer.section" "What the section is for.";     `in` only where it is within another
///
///     key: Type = parser, flag "--flag",              the flag only where one sets the key
///         expects "the end of a sentence",
///         default value => "the same in TOML",        the text only where Rust writes it otherwise
///         "What the key means.";
///
///     key: Option<Type> = optional(parser),
///         expects "the end of a sentence",
///         found "from what the program finds out by itself" => "an example in TOML",
///         "What the key means.";
/// }
/// ```
///
/// A parser takes a [`Value`]: `one`, `optional`, `many` and `some` of [`super::value`]
/// make one of a function that takes text.
macro_rules! section {
    (
        $section:ident: $struct:ident $(in $within:literal)? $about:literal;
        $(
            $key:ident: $type:ty = $parser:expr, $(flag $flag:literal,)?
            expects $expects:expr,
            $(default $default:expr $(=> $text:literal)?,)?
            $(found $how:literal => $example:literal,)?
            $doc:literal;
        )*
    ) => {
        #[doc = $about]
        #[derive(Clone, Debug, PartialEq)]
        pub struct $struct {
            $(
                #[doc = $doc]
                $(#[doc = concat!("\n\n`None`: ", $how, ".")])?
                pub $key: $type,
            )*
        }

        impl $struct {
            const NAME: &'static str = section!(@name $section $($within)?);

            pub(in $crate::config) const SECTION: $crate::config::Section = $crate::config::Section {
                name: Self::NAME,
                doc: $about,
                keys: || &[$($crate::config::Key {
                    section: Self::NAME,
                    name: stringify!($key),
                    flag: section!(@flag $($flag)?),
                    expects: $expects,
                    absent: section!(@absent $($default $(=> $text)?)? $(; $how => $example)?),
                    doc: $doc,
                }),*],
            };

            pub(in $crate::config) fn read(values: &mut impl $crate::config::keys::Values) -> Self {
                let mut section = Self::default();
                $(
                    if let Some(value) = values.read(Self::NAME, stringify!($key), $parser) {
                        section.$key = value;
                    }
                )*
                section
            }
        }

        impl Default for $struct {
            fn default() -> Self {
                Self { $($key: section!(@value $($default)?)),* }
            }
        }
    };
    (@name $section:ident) => { stringify!($section) };
    (@name $section:ident $within:literal) => { $within };
    (@flag) => { None };
    (@flag $flag:literal) => { Some($flag) };
    (@absent $default:expr) => { $crate::config::WhenAbsent::Default(stringify!($default)) };
    (@absent $default:expr => $text:literal) => { $crate::config::WhenAbsent::Default($text) };
    (@absent ; $how:literal => $example:literal) => {
        $crate::config::WhenAbsent::Found { how: $how, example: $example }
    };
    (@value) => { None };
    (@value $default:expr) => { $default };
}
pub(super) use section;
