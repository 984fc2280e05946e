//! A source file as the compiler's lexer sees it: no comments, no test modules, macros like all the rest.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// What a file of `src` says outside of its tests.
pub struct Source {
    /// From the root of the tree: `src/record/line.rs`.
    pub path: String,
    text: String,
    tokens: Vec<TokenTree>,
}

/// Every file of the program; files that are tests are left out.
pub fn program() -> Vec<Source> {
    let all = super::files("src", "rs").into_iter().filter(|path| !is_test(path));
    all.map(|path| Source::new(&super::relative(&path), &super::read(&path))).collect()
}

fn is_test(path: &Path) -> bool {
    let parts: PathBuf = path.with_extension("");
    parts.components().any(|part| part.as_os_str() == "tests")
}

impl Source {
    /// A file's text, or one that a test made up.
    pub fn new(path: &str, text: &str) -> Self {
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), text: text.to_owned(), tokens: program_tokens(tokens) }
    }

    /// The names of the modules around and of this one: `["record", "line"]`; the crate's root has none.
    pub fn module(&self) -> Vec<&str> {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let path = path.strip_suffix(".rs").unwrap_or(path);
        if ["lib", "main"].contains(&path) { Vec::new() } else { path.split('/').collect() }
    }

    /// Every path in the code, also in macros; groups as `use a::{b, c::d}` are one for each name.
    pub fn paths(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        self.each_level(&mut |tokens| found.extend(paths(tokens)));
        found
    }

    /// What the paths lead to within the crate, from its root: `crate::a::b` and `super::b` alike.
    pub fn uses(&self) -> Vec<Vec<String>> {
        let module = self.module();
        let absolute = |path: Vec<String>| match path[0].as_str() {
            "crate" => Some(path[1..].to_vec()),
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                // `pub(super)` leads nowhere.
                path.get(up)?;
                let around = module[..module.len().checked_sub(up)?].iter().map(|&part| part.to_owned());
                Some(around.chain(path[up..].iter().cloned()).collect())
            }
            _ => None,
        };
        self.paths().into_iter().filter_map(absolute).filter(|path: &Vec<String>| !path.is_empty()).collect()
    }

    /// How many capital letters something is compared with: bytes and characters, and texts of capitals that are
    /// asked whether they hold one. A whole alphabet (`b'A'..=b'Z'`) is none, and neither is a character that a text
    /// is searched for (`replace('T', " ")`).
    pub fn letters(&self) -> usize {
        let (mut found, mut searched) = (0, 0);
        self.each_level(&mut |tokens| {
            let places = || 0..tokens.len();
            let letters = places().filter(|&at| letter(&tokens[at]).is_some() && !is_in_alphabet(tokens, at));
            found += letters.chain(places().filter(|&at| asks_capitals(&tokens[at..]))).count();
            searched += places().filter(|&at| searches_letter(&tokens[at..])).count();
        });
        found - searched
    }

    /// Lines with code. Tests stand at a file's end.
    pub fn lines(&self) -> usize {
        let program = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(&self.text);
        program.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
    }

    /// What is public and has a type: parameters of functions, what functions return under their own names, and fields.
    pub fn public_names(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        self.each_level(&mut |tokens| {
            for (at, token) in tokens.iter().enumerate() {
                if is(token, "fn") && is_public(&tokens[..at]) {
                    found.extend(signature(&tokens[at + 1..]));
                }
                if is(token, "pub") {
                    found.extend(field(&tokens[at + 1..]));
                }
            }
        });
        found
    }

    fn each_level(&self, look: &mut impl FnMut(&[TokenTree])) {
        each_level(&self.tokens, look);
    }
}

fn each_level(tokens: &[TokenTree], look: &mut impl FnMut(&[TokenTree])) {
    look(tokens);
    for token in tokens {
        if let TokenTree::Group(inner) = token {
            each_level(&program_tokens(inner.stream()), look);
        }
    }
}

/// Without documentation and without what is compiled for tests alone.
fn program_tokens(tokens: TokenStream) -> Vec<TokenTree> {
    let mut kept: Vec<TokenTree> = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let inner = is(&token, "!") && kept.last().is_some_and(|before| is(before, "#"));
        if !is(&token, "#") && !inner {
            kept.push(token);
            continue;
        }
        match tokens
            .peek()
            .and_then(|next| group(next, Delimiter::Bracket))
            .map(|group| group.stream().to_string())
        {
            Some(attribute) if attribute.starts_with("doc ") => {
                tokens.next();
                if inner {
                    kept.pop();
                }
            }
            Some(attribute) if attribute.replace(' ', "") == "cfg(test)" => skip_item(&mut tokens),
            _ => kept.push(token),
        }
    }
    kept
}

/// Up to the end of an item: its semicolon, or its braces.
fn skip_item(tokens: &mut std::iter::Peekable<impl Iterator<Item = TokenTree>>) {
    for token in tokens.by_ref() {
        if is(&token, ";") {
            return;
        }
        if group(&token, Delimiter::Brace).is_some() {
            break;
        }
    }
    tokens.next_if(|token| is(token, ";"));
}

/// A literal of one capital letter, `b'E'` or `'E'`, without its quotes.
fn letter(token: &TokenTree) -> Option<u8> {
    let TokenTree::Literal(literal) = token else { return None };
    match literal.to_string().as_bytes() {
        [b'b', b'\'', letter, b'\''] | [b'\'', letter, b'\''] => Some(*letter).filter(u8::is_ascii_uppercase),
        _ => None,
    }
}

/// Whether a letter is the first or the last of `'A'..='Z'`.
fn is_in_alphabet(tokens: &[TokenTree], at: usize) -> bool {
    [Some(at), at.checked_sub(4)].into_iter().flatten().any(|first| {
        let Some([first, dots @ .., last]) = tokens.get(first..first + 5) else { return false };
        let range = dots.iter().zip([".", ".", "="]).all(|(token, mark)| is(token, mark));
        range && (letter(first), letter(last)) == (Some(b'A'), Some(b'Z'))
    })
}

/// `b"QZ".contains`
fn asks_capitals(tokens: &[TokenTree]) -> bool {
    let [TokenTree::Literal(literal), dot, method, ..] = tokens else { return false };
    let text = literal.to_string();
    let text = text.trim_start_matches('b');
    let capitals = text.len() > 2 && text[1..text.len() - 1].bytes().all(|byte| byte.is_ascii_uppercase());
    text.starts_with('"') && capitals && is(dot, ".") && is(method, "contains")
}

/// `.replace('T'`
fn searches_letter(tokens: &[TokenTree]) -> bool {
    let [dot, TokenTree::Ident(_), arguments, ..] = tokens else { return false };
    let first = group(arguments, Delimiter::Parenthesis).and_then(|group| group.stream().into_iter().next());
    let Some(first) = first.filter(|_| is(dot, ".")) else { return false };
    letter(&first).is_some() && first.to_string().starts_with('\'')
}

fn is(token: &TokenTree, text: &str) -> bool {
    match token {
        TokenTree::Ident(ident) => ident == text,
        TokenTree::Punct(punct) => text.len() == 1 && text.starts_with(punct.as_char()),
        TokenTree::Group(_) | TokenTree::Literal(_) => false,
    }
}

fn group(token: &TokenTree, delimiter: Delimiter) -> Option<&Group> {
    match token {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

/// The paths of one level. A name alone is a path, too.
fn paths(tokens: &[TokenTree]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        at = match &tokens[at] {
            TokenTree::Ident(_) => path(tokens, at, &[], &mut found),
            _ => at + 1,
        };
    }
    found
}

/// The path that begins at an identifier, behind `before`; where the tokens go on.
fn path(tokens: &[TokenTree], mut at: usize, before: &[String], found: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
        path.push(ident.to_string());
        at += 1;
        if !(tokens.get(at).is_some_and(|token| is(token, ":"))
            && tokens.get(at + 1).is_some_and(|token| is(token, ":")))
        {
            break;
        }
        at += 2;
        if let Some(names) = tokens.get(at).and_then(|token| group(token, Delimiter::Brace)) {
            let names: Vec<TokenTree> = names.stream().into_iter().collect();
            for tree in names.split(|token| is(token, ",")).filter(|tree| !tree.is_empty()) {
                self::path(tree, 0, &path, found);
            }
            return at + 1;
        }
    }
    found.push(path);
    at
}

/// Whether the words in front of a `fn` make it public, also within the crate.
fn is_public(before: &[TokenTree]) -> bool {
    let mut words = before.iter().rev().skip_while(|token| {
        ["const", "async", "unsafe"].iter().any(|word| is(token, word))
            || group(token, Delimiter::Parenthesis).is_some()
    });
    words.next().is_some_and(|token| is(token, "pub"))
}

/// Names and types of a function's parameters, and its own name with what it returns.
fn signature(function: &[TokenTree]) -> Vec<(String, String)> {
    let at = function.iter().position(|token| group(token, Delimiter::Parenthesis).is_some());
    let (Some(name), Some(at)) = (function.first(), at) else { return Vec::new() };
    let arguments: Vec<TokenTree> =
        group(&function[at], Delimiter::Parenthesis).into_iter().flat_map(Group::stream).collect();
    let named = arguments.split(|token| is(token, ",")).filter_map(|parameter| {
        let colon = parameter.iter().position(|token| is(token, ":"))?;
        Some((parameter[..colon].last()?.to_string(), spelled(&parameter[colon + 1..])))
    });
    let ends =
        |token: &&TokenTree| group(token, Delimiter::Brace).is_some() || is(token, ";") || is(token, "where");
    let returned: Vec<TokenTree> =
        function[at + 1..].iter().take_while(|token| !ends(token)).cloned().collect();
    named.chain([(name.to_string(), spelled(&returned))]).filter(|(_, kind)| !kind.is_empty()).collect()
}

/// Name and type of a field behind its `pub`.
fn field(tokens: &[TokenTree]) -> Option<(String, String)> {
    let skipped =
        usize::from(tokens.first().is_some_and(|token| group(token, Delimiter::Parenthesis).is_some()));
    let [TokenTree::Ident(name), colon, kind @ ..] = &tokens[skipped..] else { return None };
    let end = kind.iter().position(|token| is(token, ",")).unwrap_or(kind.len());
    (is(colon, ":") && !kind.first().is_some_and(|token| is(token, ":")))
        .then(|| (name.to_string(), spelled(&kind[..end])))
}

fn spelled(tokens: &[TokenTree]) -> String {
    tokens.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_source_is_read_without_comments_and_tests() {
    let text = r#"
        //! Documentation names crate::metrics.
        use crate::{source, aggregate::{self, Batch as B, digest::*}};
        /// So does crate::app.
        pub fn first(&self, index: usize, text: &str) -> u8 { b'Q' /* crate::http */ }
        fn hidden(index: usize) { assert!(crate::record::is(super::code::X), "crate::cli b'E'"); }
        #[cfg(test)]
        mod tests { use crate::report::x; const Q: u8 = b'Z'; }
        #[cfg(test)]
        use crate::{demo};
        pub(super) const fn last(at: &mut usize) {}
        pub struct S { pub by_log: HashMap<usize, u8>, pub(super) of: u8, at: usize }
    "#;
    let source = Source::new("src/record/line.rs", text);
    let uses: Vec<String> = source.uses().iter().map(|path| path.join("::")).collect();
    assert_eq!(
        uses,
        [
            "source",
            "aggregate::self",
            "aggregate::Batch",
            "aggregate::digest",
            "record::is",
            "record::code::X",
        ]
    );
    assert_eq!(source.letters(), 1);
    let names: Vec<String> =
        source.public_names().iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
    assert_eq!(
        names,
        [
            "index: usize",
            "text: & str",
            "first: - > u8",
            "at: & mut usize",
            "by_log: HashMap < usize",
            "of: u8"
        ]
    );
}

#[test]
fn letters_are_what_something_is_compared_with() {
    for (text, letters) in [
        ("fn f(x: u8) -> bool { matches!(x, b'Q' | b'E') || x == b'R' }", 3),
        ("fn f(x: char) -> bool { match (x, 1) { ('Q', _) => true, _ => x == 'E' } }", 2),
        ("fn f(x: &u8) -> bool { b\"QZ\".contains(x) || \"RK\".contains('x') }", 2),
        ("const ENQUEUE: u8 = b'E';", 1),
        ("fn f(x: u8) -> bool { (b'A'..=b'Z').contains(&x) || matches!(x, b'A'..=b'Z' | b'a') }", 0),
        ("fn f(x: u8) -> bool { matches!(x, b'A'..=b'E') }", 2),
        ("fn f(x: &str) -> bool { x.replace('T', \" \").starts_with(\"TCP\") && x.contains(\"QZ\") }", 0),
        ("// b'E'\nconst FIRST: &[u8] = b\"E\";", 0),
    ] {
        assert_eq!(Source::new("src/a.rs", text).letters(), letters, "{text}");
    }
}
