//! The values of the MTA's option `LOG_FORMAT`.

labelled! {
    /// How an entry is written. It is told line by line: one file may hold several (wiki page
    /// `Log_format`; 6.3 guide, "XML log format").
    Format {
        Text = "1": "fields by position";
        NonNull = "2": "fields by position, an empty address is `<>`";
        Counted = "3": "fields by position, each text with its length in front";
        Xml = "4": "one XML element a line";
        Json = "5": "one JSON object a line, the entry an object within it";
        FlatJson = "6": "one JSON object a line, fields only";
    }
}

impl Default for Format {
    /// The MTA's own default.
    fn default() -> Self {
        Self::Text
    }
}

impl Format {
    /// Whether fields are known by their position and not by a name.
    pub fn is_positional(self) -> bool {
        matches!(self, Self::Text | Self::NonNull | Self::Counted)
    }
}
