//! A number in three bytes.

/// A count up to 2^31: exact below 2^23, above to a multiple of 256, so that what is counted one by one
/// stops at 2^23. Or absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell([u8; 3]);

/// Says that the rest is a multiple of 256.
const COARSE: u32 = 1 << 23;

impl Cell {
    /// Not known.
    pub(super) const ABSENT: Self = Self([u8::MAX; 3]);

    /// The nearest to a number.
    pub(super) fn of(number: u64) -> Self {
        let code = match u32::try_from(number) {
            Ok(number) if number < COARSE => number,
            // The largest would be the one that is absent.
            Ok(number) => COARSE | ((number >> 8) + (number >> 7 & 1)).min(COARSE - 2),
            Err(_) => COARSE | (COARSE - 2),
        };
        let [first, second, third, _] = code.to_le_bytes();
        Self([first, second, third])
    }

    /// The number.
    pub(super) fn get(self) -> Option<u64> {
        let Self([first, second, third]) = self;
        let code = u32::from_le_bytes([first, second, third, 0]);
        (self != Self::ABSENT)
            .then(|| u64::from(if code < COARSE { code } else { (code & (COARSE - 1)) << 8 }))
    }
}

#[cfg(test)]
mod tests {
    use super::Cell;

    #[test]
    fn numbers_are_exact_or_near() {
        assert_eq!((size_of::<Cell>(), Cell::ABSENT.get()), (3, None));
        for (number, expected) in [
            (0, 0),
            (1, 1),
            ((1 << 23) - 1, (1 << 23) - 1),
            (1 << 23, 1 << 23),
            ((1 << 23) + 127, 1 << 23),
            ((1 << 23) + 128, (1 << 23) + 256),
            (1 << 30, 1 << 30),
            ((1 << 31) - 512, (1 << 31) - 512),
            (u64::from(u32::MAX), (1 << 31) - 512),
            (u64::MAX, (1 << 31) - 512),
        ] {
            assert_eq!(Cell::of(number).get(), Some(expected), "{number}");
        }
    }
}
