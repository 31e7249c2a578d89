//! What an execution does to an account's books, worked out without a list of legs: most of what a core books are
//! executions, and each part of one is a movement between two buckets anyway.

use model::{Amount, Date};

use super::{Asset, Balances, Change, Ledger, LedgerError};

/// What an execution does to one asset: so much moves between two buckets each time, so that the legs balance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    pub asset: Asset,
    /// Reserved more (or less) than before.
    pub reserved: Amount,
    /// When it settles.
    pub date: Date,
    /// What comes from the outside, or goes there.
    pub comes: Amount,
    /// What is paid of it as a fee.
    pub fee: Amount,
}

impl Ledger {
    /// One asset's book after an execution; `None` where nothing moves. The same as the general way by legs.
    #[inline]
    pub(crate) fn exchanged(&self, exchange: &Exchange) -> Result<Option<Change>, LedgerError> {
        let Exchange { asset, reserved, date, comes, fee } = *exchange;
        let (reserves, settles) = (!reserved.is_zero(), !comes.is_zero() || !fee.is_zero());
        if !reserves && !settles {
            return Ok(None);
        }
        let book = self.book(asset);
        let balances = book.map_or_else(Balances::default, |book| book.balances);
        let mut change = Change { asset, balances, unsettled: None };
        if reserves {
            change.balances.earmarked = balances.earmarked.minus(reserved)?;
            change.balances.reserved = balances.reserved.plus(reserved)?;
        }
        if settles {
            let mut unsettled = book.map_or(Amount::ZERO, |book| book.unsettled_on(date));
            if !comes.is_zero() {
                unsettled = unsettled.plus(comes)?;
                change.balances.external = balances.external.minus(comes)?;
            }
            if !fee.is_zero() {
                unsettled = unsettled.minus(fee)?;
                change.balances.fees = balances.fees.plus(fee)?;
            }
            change.unsettled = Some((date, unsettled));
        }
        change.check_sums(book)?;
        Ok(Some(change))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bucket, Leg};
    use super::*;
    use crate::store::growth::Spare;
    use alloc::vec::Vec;
    use model::{Currency, Decimal};
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    /// The same as legs.
    fn legs(exchange: &Exchange) -> Vec<Leg> {
        let Exchange { asset, reserved, date, comes, fee } = *exchange;
        let unsettled = Bucket::Unsettled(date);
        let movements = [
            (Bucket::Earmarked, Bucket::Reserved, reserved),
            (Bucket::External, unsettled, comes),
            (unsettled, Bucket::Fees, fee),
        ];
        let legs = movements.into_iter().flat_map(|(from, to, amount)| {
            [(from, amount.negated()), (to, amount)].map(|(bucket, amount)| Leg { asset, bucket, amount })
        });
        legs.collect()
    }

    fn amount() -> impl Strategy<Value = Amount> {
        // Small, with zeros behind, and so large that sums are not exact any more.
        prop_oneof![
            (-500i128..500, 0u32..4),
            (Just(0), 0u32..6),
            (-1i128..=1, 18u32..20)
                .prop_map(|(digit, scale)| (digit * 79_000_000_000_000_000_000_000_000_000, scale)),
            (-9i128..9, 24u32..28),
        ]
        .prop_map(|(digits, scale)| Amount::new(Decimal::from_i128_with_scale(digits, scale)))
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 500, rng_seed: RngSeed::Fixed(41), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// What legs lead to, digit for digit, and refused where they are refused.
        #[test]
        fn an_exchange_is_its_legs(
            exchanges in proptest::collection::vec((amount(), amount(), amount(), 0i32..3), 1..12),
        ) {
            let asset = Asset::Cash(Currency::new("USD").unwrap());
            let (mut ledger, mut twin) = (Ledger::default(), Ledger::default());
            let mut rooms = Spare::default();
            for (reserved, comes, fee, days) in exchanges {
                let exchange = Exchange { asset, reserved, date: Date { days }, comes, fee };
                match (ledger.exchanged(&exchange), twin.prepare(&legs(&exchange))) {
                    (Ok(change), Ok(prepared)) => {
                        if let Some(change) = change {
                            ledger.commit_change(&change, &mut rooms);
                        }
                        twin.commit(&prepared, &mut rooms);
                    }
                    (Err(_), Err(_)) => {}
                    (one, other) => prop_assert!(false, "{one:?} {other:?}"),
                }
                prop_assert_eq!(borsh::to_vec(&ledger).unwrap(), borsh::to_vec(&twin).unwrap());
            }
        }
    }
}
