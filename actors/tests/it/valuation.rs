//! Marks and what a portfolio is exposed to.

use model::{Event, Input, InstrumentId, Price, Quote};

use crate::world::{ACME, ALPHA, FUND, World, amount, price, usd};

fn mark(world: &mut World, instrument: InstrumentId, bid: Price, ask: Price) {
    let quote = Quote { bid, ask, ..Quote::default() };
    world.input(Input::Mark { instrument, quote });
}

#[test]
fn the_first_execution_is_the_first_mark() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    assert_eq!(world.core.instrument(ACME).unwrap().mark, None);
    world.fill(id, 60, "9.9");
    assert_eq!(world.core.instrument(ACME).unwrap().mark, Some(price("9.9")));
    let exposure = world.core.portfolio(FUND).unwrap().exposure(usd());
    assert_eq!((exposure.positions, exposure.open_orders), (amount("594"), amount("400")));
}

#[test]
fn a_cost_basis_is_shared_to_eight_decimals_half_to_even() {
    for (total, sold, left) in
        [("0.000000005", "0", "0.00000001"), ("0.000000015", "0.00000002", "0.00000001")]
    {
        let mut world = World::ready();
        let id = world.working("a", 2, "10");
        // Two units for an odd hundred-millionth.
        world.fill(id, 2, total);
        let sell = world.order("s", model::Side::Sell, 1, "10");
        let sell = world.submit(sell);
        world.fill(sell, 1, "0");
        let holding = world.holding(ALPHA, ACME);
        assert_eq!((holding.realised, holding.cost), (amount(sold).negated(), amount(left)));
    }
}

#[test]
fn a_crossed_quote_moves_no_mark_and_a_locked_one_does() {
    let mut world = World::ready();
    mark(&mut world, ACME, price("180"), price("180.2"));
    mark(&mut world, ACME, price("190"), price("180"));
    assert!(world.last.events.is_empty());
    assert_eq!(world.core.instrument(ACME).unwrap().mark, Some(price("180.1")));
    mark(&mut world, ACME, price("185"), price("185"));
    assert_eq!(world.core.instrument(ACME).unwrap().mark, Some(price("185")));
}

#[test]
fn a_mark_revalues_positions_and_an_equal_one_is_nothing() {
    let mut world = World::ready();
    let id = world.working("a", 100, "10");
    world.fill(id, 100, "10");
    mark(&mut world, ACME, price("10.5"), price("10.6"));
    assert_eq!(world.last.events, [Event::Marked { instrument: ACME, price: price("10.55") }]);
    assert_eq!(world.core.portfolio(FUND).unwrap().exposure(usd()).positions, amount("1055"));
    assert_eq!(world.holding(ALPHA, ACME).unrealised(price("10.55"), 1.into()), Ok(amount("55")));
    mark(&mut world, ACME, price("10.50"), price("10.60"));
    assert!(world.last.events.is_empty());
    mark(&mut world, ACME, price("0"), price("10.7"));
    assert_eq!(world.last.events, [Event::Marked { instrument: ACME, price: price("10.7") }]);
}

#[test]
fn marks_that_say_nothing_or_cannot_be_computed_change_nothing() {
    let mut world = World::ready();
    let id = world.working("a", 7, "10");
    world.fill(id, 7, "10");
    let before = world.encoded();
    mark(&mut world, ACME, price("0"), price("-1"));
    mark(&mut world, ACME, price("79228162514264337593543950335"), price("0"));
    mark(&mut world, ACME, price("79228162514264337593543950335"), price("79228162514264337593543950335"));
    mark(&mut world, InstrumentId::new(u32::MAX), price("1"), price("1"));
    assert!(world.last.events.is_empty());
    assert_eq!(world.encoded(), before);
}
