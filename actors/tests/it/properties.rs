//! What holds over every history, known to be so for thousands of random ones.

use actors::{Asset, Core, Outcome, Stamp};
use model::{AccountId, Input, InstrumentId};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::histories::{Player, Step, history};
use crate::twin::{MONEY, PRICE, Twin, UNITS, whole};
use crate::world::{FUND, World, eur, usd};

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(2026),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// The currency of an instrument has its index.
fn compare(world: &World, twin: &Twin) {
    for account in 1..3 {
        let actor = world.core.account(AccountId::new(account)).unwrap();
        for index in 1..3 {
            let key = (account, index);
            let holding = actor.holding(InstrumentId::new(index));
            let expected = twin.holdings.get(&key).copied().unwrap_or_default();
            assert_eq!(whole(holding.position.get(), UNITS), expected.position, "{key:?} position");
            assert_eq!(whole(holding.cost.get(), MONEY), expected.cost, "{key:?} cost");
            assert_eq!(whole(holding.realised.get(), MONEY), expected.realised, "{key:?} realised");
            assert_eq!(whole(holding.fees.get(), MONEY), expected.fees, "{key:?} fees");
            assert_eq!(whole(holding.open_buy.get(), UNITS), twin.open_units(key, true), "{key:?}");
            assert_eq!(whole(holding.open_sell.get(), UNITS), twin.open_units(key, false), "{key:?}");
            let book = actor.ledger().book(Asset::Cash(if index == 1 { usd() } else { eur() })).unwrap();
            let settled = twin.settled.get(&key).copied().unwrap_or_default();
            assert_eq!(whole(book.settled().get(), MONEY), settled, "{key:?} settled");
            assert_eq!(whole(book.owned().unwrap().get(), MONEY), twin.owned(key), "{key:?} owned");
            assert_eq!(whole(book.reserved().get(), MONEY), twin.reserved_cash(key), "{key:?} reserved");
            assert_eq!(whole(book.fees().get(), MONEY), expected.fees, "{key:?} fees booked");
        }
    }
    for (index, currency) in [(1, usd()), (2, eur())] {
        let exposure = world.core.portfolio(FUND).unwrap().exposure(currency);
        let (positions, open) = twin.exposure(index);
        assert_eq!(whole(exposure.positions.get(), MONEY), positions, "{currency} exposure");
        assert_eq!(whole(exposure.open_orders.get(), MONEY), open, "{currency} open");
    }
    for (id, expected) in &twin.orders {
        let order = world.core.order(*id).unwrap();
        assert_eq!(whole(order.unit_price.get(), PRICE), expected.price, "{id}");
        assert_eq!(order.certainty == model::Certainty::InDoubt, expected.doubt, "{id} doubt");
        let missing = order.unexplained.map_or(0, |unexplained| whole(unexplained.quantity.get(), UNITS));
        assert_eq!(missing, expected.missing, "{id} missing");
        assert_eq!(order.pending.map(|p| p.request), expected.asked.map(|asked| asked.request), "{id}");
        assert_eq!((order.is_finished(), order.wire_id), (!expected.is_open(), expected.wire_id), "{id}");
    }
}

fn replay(journal: &[(Stamp, Input)]) -> (Core, Vec<Outcome>) {
    let mut core = Core::new();
    let mut outcomes = Vec::new();
    for (stamp, input) in journal {
        let mut outcome = Outcome::default();
        core.apply(*stamp, input, &mut outcome);
        outcomes.push(outcome);
    }
    (core, outcomes)
}

fn encoded(core: &Core) -> Vec<u8> {
    let mut bytes = Vec::new();
    core.encode(&mut bytes).unwrap();
    bytes
}

fn played(steps: &[Step]) -> Player {
    let mut player = Player::new();
    for step in steps {
        if let Some(input) = player.play(*step) {
            player.world.input(input);
            player.note();
        }
    }
    player
}

proptest! {
    #![proptest_config(config(1500))]

    /// After every input the core and its naive twin have the same positions, cash, fees, profit, reservations
    /// and exposure; what was accepted could be accepted by the twin's numbers.
    #[test]
    fn the_core_and_its_twin_agree(steps in history(80)) {
        let mut player = Player::new();
        let mut twin = Twin::default();
        let (_, outcomes) = replay(&player.world.journal);
        for ((stamp, input), outcome) in player.world.journal.iter().zip(&outcomes) {
            twin.hear(stamp.position, stamp.time.nanos, input, outcome.events.first());
        }
        compare(&player.world, &twin);
        for step in steps {
            let Some(input) = player.play(step) else { continue };
            player.world.input(input.clone());
            player.note();
            let position = player.world.journal.last().unwrap().0.position;
            twin.hear(position, player.world.now, &input, player.world.last.events.first());
            twin.retire(player.world.now, &input, |id| player.world.core.order(id).is_some());
            compare(&player.world, &twin);
        }
    }
}

proptest! {
    #![proptest_config(config(300))]

    /// The same inputs give the same outcomes and the same state, byte for byte; also from a snapshot in between.
    #[test]
    fn a_history_replays_to_the_same_bytes(steps in history(80), cut in any::<prop::sample::Index>()) {
        let player = played(&steps);
        let bytes = player.world.encoded();
        let journal = &player.world.journal;
        let (core, outcomes) = replay(journal);
        prop_assert_eq!(&encoded(&core), &bytes);
        let cut = cut.index(journal.len());
        let (before, _) = replay(&journal[..cut]);
        let snapshot = encoded(&before);
        let mut restored = Core::decode(&mut snapshot.as_slice()).unwrap();
        prop_assert_eq!(&restored, &before);
        prop_assert_eq!(encoded(&restored), snapshot);
        for ((stamp, input), expected) in journal[cut..].iter().zip(&outcomes[cut..]) {
            let mut outcome = Outcome::default();
            restored.apply(*stamp, input, &mut outcome);
            prop_assert_eq!(&outcome, expected);
        }
        prop_assert_eq!(encoded(&restored), bytes);
    }

    /// Nothing changes that the fingerprint does not tell: it is what the digests in a journal prove.
    #[test]
    fn every_change_moves_the_fingerprint(steps in history(60)) {
        let player = played(&steps);
        let mut core = Core::new();
        let mut outcome = Outcome::default();
        for (stamp, input) in &player.world.journal {
            let (before, told) = (encoded(&core), core.changes());
            outcome.clear();
            core.apply(*stamp, input, &mut outcome);
            let changed = encoded(&core) != before || !outcome.outbound.is_empty();
            prop_assert_eq!(changed, core.changes() != told, "{:?}", input);
        }
    }

    /// Bytes that are no state are refused, never a panic.
    #[test]
    fn a_damaged_snapshot_never_panics(at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = World::ready().encoded();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = Core::decode(&mut bytes.as_slice());
        let _ = Core::decode(&mut &bytes[..at]);
    }
}
