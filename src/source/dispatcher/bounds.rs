//! What an XML file may not have, found before it is parsed: the parser compares each attribute of an element with all others
//! of it, and an element that declares a namespace copies all those that it is within.

/// Elements within each other. A configuration has some ten.
const MOST_DEPTH: usize = 32;

/// Attributes of an element. A configuration has some three.
const MOST_ATTRIBUTES: usize = 64;

/// Namespaces that are declared. A configuration has one or none.
const MOST_NAMESPACES: usize = 64;

/// What has no elements within, whatever it looks like.
const OTHERS: [(&str, &str); 3] = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")];

/// Whether a file is within the bounds; else, what is wrong. What is no XML is left to the parser.
pub(super) fn check(text: &str) -> Result<(), String> {
    if text.matches("xmlns").count() > MOST_NAMESPACES {
        return Err(format!("more than {MOST_NAMESPACES} namespaces are declared"));
    }
    let (mut depth, mut rest) = (0_usize, text);
    while let Some((_, found)) = rest.split_once('<') {
        let other = OTHERS.iter().find_map(|(begin, end)| Some((found.strip_prefix(begin)?, end)));
        if let Some((within, end)) = other {
            rest = within.split_once(end).map_or("", |(_, behind)| behind);
            continue;
        }
        let (tag, behind) = tag(found)?;
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if !tag.ends_with('/') {
            depth += 1;
        }
        if depth > MOST_DEPTH {
            return Err(format!("elements are nested too deeply, more than {MOST_DEPTH}"));
        }
        rest = behind;
    }
    Ok(())
}

/// A tag up to its end, and what is behind it. A value may have the sign of an end in it.
fn tag(text: &str) -> Result<(&str, &str), String> {
    let (mut quote, mut values) = (None, 0);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                values += 1;
            }
            (Some(begun), _) if begun == byte => quote = None,
            (None, b'>') => return Ok((&text[..at], &text[at + 1..])),
            _ => {}
        }
        if values > MOST_ATTRIBUTES {
            return Err(format!("an element has more than {MOST_ATTRIBUTES} attributes"));
        }
    }
    Ok((text, ""))
}

#[cfg(test)]
mod tests {
    use super::{MOST_ATTRIBUTES, MOST_DEPTH, MOST_NAMESPACES, check};

    #[test]
    fn what_is_within_the_bounds_is_fine() {
        let deep = |depth: usize| "<a>".repeat(depth) + "<b c='>'/>" + &"</a>".repeat(depth);
        let attributes = |number: usize| format!("<a{}/>", " b='\"'".repeat(number));
        let namespaces = |number: usize| "<a xmlns:b='c'/>".repeat(number);
        for (text, wrong) in [
            (deep(MOST_DEPTH), None),
            (deep(MOST_DEPTH).repeat(2), None),
            (deep(MOST_DEPTH + 1), Some("elements are nested too deeply")),
            (format!("<!--{0}--><![CDATA[{0}]]><?{0}?>", "<a>".repeat(MOST_DEPTH)).repeat(2), None),
            (attributes(MOST_ATTRIBUTES).repeat(9), None),
            (attributes(MOST_ATTRIBUTES + 1), Some("an element has more than 64 attributes")),
            (namespaces(MOST_NAMESPACES), None),
            (namespaces(MOST_NAMESPACES + 1), Some("more than 64 namespaces")),
            ("no XML".to_owned(), None),
            ("<".to_owned(), None),
            ("<a b='".to_owned(), None),
            ("<!--".to_owned(), None),
        ] {
            match (check(&text), wrong) {
                (Ok(()), None) => {}
                (Err(said), Some(wrong)) if said.starts_with(wrong) => {}
                (said, _) => panic!("{said:?}, not {wrong:?}: {text}"),
            }
        }
    }
}
