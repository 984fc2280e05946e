//! A count in 16 bits, logarithmic.

/// Steps from a number to its double: two neighbours are less than 0.04 % apart.
const STEPS: f64 = 2048.0;

/// A count up to 2^32, exact below 2,000. Levels are in the order of their counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Level(u16);

impl Level {
    /// The nearest to a count.
    pub(super) fn of(count: u64) -> Self {
        if count == 0 {
            return Self(0);
        }
        #[expect(clippy::cast_precision_loss, reason = "its logarithm is rounded anyway")]
        let steps = ((count as f64).log2() * STEPS).round() + 1.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates")]
        Self(steps as u16)
    }

    /// The count.
    pub(super) fn count(self) -> f64 {
        match self.0 {
            0 => 0.0,
            steps => (f64::from(steps - 1) / STEPS).exp2().round(),
        }
    }

    /// By how many steps it is more than another; nothing where one of them is no count at all.
    pub(super) fn above(self, other: Self) -> Option<i32> {
        (self.0 > 0 && other.0 > 0).then(|| i32::from(self.0) - i32::from(other.0))
    }

    /// The factor that so many steps are.
    pub(super) fn factor(steps: i32) -> f64 {
        (f64::from(steps) / STEPS).exp2()
    }

    /// As two bytes of a file.
    pub(super) fn to_bytes(self) -> [u8; 2] {
        self.0.to_le_bytes()
    }

    /// From two bytes of a file; any two are a level.
    pub(super) fn from_bytes(bytes: [u8; 2]) -> Self {
        Self(u16::from_le_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn counts_are_exact_or_near_and_in_order() {
        for count in 0..2000_u32 {
            assert!((Level::of(count.into()).count() - f64::from(count)).abs() < 1e-9, "{count}");
        }
        let mut before = Level::of(0);
        for exponent in 0..640 {
            let count = 2_f64.powf(f64::from(exponent) / 20.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "up to 2^32")]
            let level = Level::of(count as u64);
            assert!(level >= before);
            assert!((level.count() - count.floor()).abs() <= count * 0.0004, "{count}");
            before = level;
        }
        assert_eq!(Level::of(u64::MAX), Level::of(1 << 33));
        let steps = Level::of(300).above(Level::of(100)).expect("counts");
        assert!((Level::factor(steps) - 3.0).abs() < 0.002);
        assert_eq!((Level::of(0).above(Level::of(1)), Level::of(1).above(Level::of(0))), (None, None));
    }
}
