//! Chance without chance: one seed is one history.
//!
//! Two kinds. [`Rng`] is a sequence, for the market, whose steps have an order. [`Dice`] is a function of
//! (seed, purpose, identifier), for decisions about orders, whose order of arrival depends on threads.

/// A splitmix64 sequence (Steele, Lea, Flood 2014).
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The sequence of a seed.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number.
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.state)
    }

    /// A number in `0..bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        scale(self.next_u64(), bound)
    }

    /// True with probability `p` (0 to 1).
    pub fn chance(&mut self, p: f64) -> bool {
        unit(self.next_u64()) < p
    }
}

/// Decisions that depend on nothing but the seed and what they are about.
#[derive(Clone, Copy, Debug)]
pub struct Dice {
    seed: u64,
}

impl Dice {
    /// The decisions of a seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// True with probability `p`, always the same for the same purpose and identifier.
    pub fn chance(self, purpose: &str, id: &str, p: f64) -> bool {
        p > 0.0 && unit(self.roll(purpose, id)) < p
    }

    /// A number from `low` to `high`, both included.
    pub fn between(self, purpose: &str, id: &str, low: u64, high: u64) -> u64 {
        let width = high.saturating_sub(low).saturating_add(1);
        low.saturating_add(scale(self.roll(purpose, id), width))
    }

    /// The number itself.
    pub fn roll(self, purpose: &str, id: &str) -> u64 {
        // FNV-1a over both texts, the zero byte between them keeps ("ab","c") and ("a","bc") apart.
        let mut hash = 0xCBF2_9CE4_8422_2325_u64 ^ mix(self.seed);
        for byte in purpose.bytes().chain([0]).chain(id.bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
        mix(hash)
    }
}

const fn mix(value: u64) -> u64 {
    let z = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn scale(random: u64, bound: u64) -> u64 {
    let wide = u128::from(random) * u128::from(bound);
    // The product is below 2^64 * bound, so its upper half is below the bound.
    u64::try_from(wide >> 64).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "53 bits are kept on purpose")]
fn unit(random: u64) -> f64 {
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_depend_on_seed_purpose_and_identifier_only() {
        let dice = Dice::new(7);
        assert_eq!(dice.roll("ack", "G1-0-5"), Dice::new(7).roll("ack", "G1-0-5"));
        assert_ne!(dice.roll("ack", "G1-0-5"), dice.roll("ack", "G1-0-6"));
        assert_ne!(dice.roll("ack", "G1-0-5"), dice.roll("fill", "G1-0-5"));
        assert_ne!(dice.roll("ack", "G1-0-5"), Dice::new(8).roll("ack", "G1-0-5"));
    }

    #[test]
    fn a_probability_is_met_over_many_identifiers() {
        let dice = Dice::new(1);
        let hits = (0..10_000).filter(|n| dice.chance("reject", &format!("id-{n}"), 0.2)).count();
        assert!((1_800..2_200).contains(&hits), "{hits}");
        assert!((0..100).all(|n| !dice.chance("reject", &format!("id-{n}"), 0.0)));
        assert!((0..100).all(|n| dice.chance("reject", &format!("id-{n}"), 1.0)));
    }

    #[test]
    fn ranges_include_both_ends() {
        let dice = Dice::new(3);
        let rolled: Vec<u64> = (0..200).map(|n| dice.between("x", &n.to_string(), 2, 4)).collect();
        assert!(rolled.iter().all(|n| (2..=4).contains(n)));
        assert!([2, 3, 4].iter().all(|n| rolled.contains(n)));
        assert_eq!(dice.between("x", "y", u64::MAX, u64::MAX), u64::MAX);
    }
}
