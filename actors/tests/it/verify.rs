//! What `verify` finds: a state in which one section is of another moment than the rest.

use actors::{Core, Section};
use model::{AccountId, CashMove, CashMoveKind, Date, Money, Reference};

use crate::world::*;

fn section(name: &str) -> Section {
    Core::sections().find(|section| section.name == name).unwrap()
}

/// The state of one world with a section of another's.
fn mixed(core: &Core, name: &str, other: &Core) -> Core {
    let (section, mut bytes) = (section(name), Vec::new());
    other.save(section, &mut bytes).unwrap();
    with(core, section, &bytes)
}

fn with(core: &Core, section: Section, bytes: &[u8]) -> Core {
    let mut mixed = core.clone();
    mixed.load(section.name, section.version, bytes).unwrap();
    mixed
}

fn found(core: &Core) -> String {
    core.verify().unwrap_err().to_string()
}

#[test]
fn a_section_of_another_moment_is_found() {
    let mut before = World::ready();
    let order = before.working("a", 10, "10");
    let mut after = before.clone();
    after.fill(order, 4, "10");
    assert_eq!((before.core.verify(), after.core.verify()), (Ok(()), Ok(())));
    for (name, says) in [
        ("instruments", "exposure of positions is their value"),
        ("portfolios", "gross units are the sum"),
        ("accounts", "what is reserved is what open orders reserve"),
        ("orders", "what is reserved is what open orders reserve"),
        ("settlements", "a tick will settle what is unsettled"),
    ] {
        let mixed = mixed(&after.core, name, &before.core);
        assert!(found(&mixed).contains(says), "{name}: {}", found(&mixed));
    }
}

#[test]
fn a_movement_of_nobody_is_found() {
    let world = World::ready();
    let strange = CashMove {
        account: AccountId::new(77),
        kind: CashMoveKind::Deposit,
        money: Money { amount: amount("1"), currency: usd() },
        reference: Reference::new("M").unwrap(),
    };
    // A row for each account before; the third holds the one movement.
    let mut bytes = borsh::to_vec(&(3u32, 0u8, 0u8, 1u8, 1u32)).unwrap();
    bytes.extend(borsh::to_vec(&(strange.reference, strange)).unwrap());
    // Its day, on which it stands alone.
    let day = (1u32, Date { days: 20_000 }, 1u32, (BETA, strange.reference));
    bytes.extend(borsh::to_vec(&(day, 400u16)).unwrap());
    let core = with(&world.core, section("movements"), &bytes);
    assert!(found(&core).contains("of an account that is there"), "{}", found(&core));
}
