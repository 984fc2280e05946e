//! What a byte of a text is.

/// A run of bytes without one that [`BREAK`]s it is a word, a name, or words with marks between them.
pub(super) const BREAK: u8 = 1;
/// A letter, or a byte of one that is not of ASCII.
pub(super) const LETTER: u8 = 2;
pub(super) const DIGIT: u8 = 4;
/// All others; those that a name may have are told apart.
pub(super) const MARK: u8 = 8;
pub(super) const DOT: u8 = 16;
pub(super) const AT: u8 = 32;
pub(super) const SLASH: u8 = 64;

static KINDS: [u8; 256] = {
    let mut table = [MARK; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | 0x80.. => LETTER,
            b'0'..=b'9' => DIGIT,
            b'.' => DOT,
            b'@' => AT,
            b'/' => SLASH,
            b'<' | b'>' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"' | b'\'' | b',' | b';' => BREAK,
            other if other.is_ascii_whitespace() => BREAK,
            _ => MARK,
        };
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

#[inline]
pub(super) fn of(byte: u8) -> u8 {
    KINDS[usize::from(byte)]
}

/// Whether it is a small letter, as far as a word may have a capital behind it.
#[inline]
pub(super) fn is_small(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte >= 0x80
}
