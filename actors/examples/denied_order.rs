//! Orders that the gate refuses, with the limit and the actual: `cargo run -p actors --example denied_order`.

mod firm;

use firm::Firm;
use model::{Actor, Command, DenyReason, Event, Input, LimitKind, Origin, Scope, Stamped};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut firm = Firm::open("1000")?;
    let before = firm.core.clone();

    // 100 at 10.05 cost 1,005; 10.051 is no tick; 12 is beyond the band of 10 % around the offer.
    for (quantity, limit, expected) in [
        ("100", "10.05", DenyReason::AvailableCash),
        ("10", "10.051", DenyReason::PriceNotInTicks),
        ("10", "12", DenyReason::PriceBand),
        ("0", "10", DenyReason::QuantityNotPositive),
        ("79228162514264337593543950335", "10", DenyReason::Arithmetic),
    ] {
        let order = firm.buy("o-1", quantity, limit)?;
        let outcome = firm.apply(order);
        let [Event::Denied { denial, .. }] = outcome.events.as_slice() else {
            return Err(format!("not denied: {:?}", outcome.events).into());
        };
        assert_eq!(denial.reason, expected);
        assert!(outcome.outbound.is_empty(), "nothing leaves");
        println!("buy {quantity} at {limit}: {denial}");
    }
    assert_eq!(firm.core, before, "a refusal changes nothing");

    // Limits and halts are commands as well: journalled, and in force from the next order on.
    let (kind, actor) = (LimitKind::MaxOrderQuantity, Actor::Account(firm::ACCOUNT));
    let set = Command::SetLimit { actor, kind, currency: None, value: Some("50".parse()?) };
    for (command, expected) in
        [(set, DenyReason::OrderQuantity), (Command::Halt(Scope::Firm), DenyReason::Halted)]
    {
        firm.apply(Input::command(Origin::default(), Stamped::default(), command));
        let order = firm.buy("o-2", "60", "10")?;
        let outcome = firm.apply(order);
        let Some(Event::Denied { denial, .. }) = outcome.events.first() else {
            return Err(format!("not denied: {:?}", outcome.events).into());
        };
        assert_eq!(denial.reason, expected);
        println!("buy 60 at 10: {denial}");
    }
    Ok(())
}

#[test]
fn it_runs() {
    assert!(main().is_ok());
}
