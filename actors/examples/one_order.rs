//! One order, from submission to settled cash: `cargo run -p actors --example one_order`.

mod firm;

use actors::Asset;
use firm::{Firm, PLENTY};
use model::{Date, Event, ExecType, Input, OrdStatus, OutboundKind};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut firm = Firm::open(PLENTY)?;

    // Accepted: what leaves for the broker is in the outcome, the worst cost is reserved.
    let order = firm.buy("first-1", "100", "10.05")?;
    let outcome = firm.apply(order);
    let Some(Event::OrderAccepted { order: id, .. }) = outcome.events.first().copied() else {
        return Err(format!("denied: {:?}", outcome.events).into());
    };
    assert!(matches!(
        outcome.outbound.first().map(|out| out.kind),
        Some(OutboundKind::NewOrderSingle { .. })
    ));
    println!("{id} accepted; cash {}", firm.cash()?);

    // The broker acknowledges and fills it in two parts, the second one twice.
    let new = firm.report(id, ExecType::New, "ack", "0", "0", "0")?;
    firm.apply(new);
    for (exec_id, quantity, price, total) in
        [("x1", "40", "10.04", "40"), ("x2", "60", "10.05", "100"), ("x2", "60", "10.05", "100")]
    {
        let fill = firm.report(id, ExecType::Trade, exec_id, quantity, price, total)?;
        let events = firm.apply(fill).events;
        println!("{exec_id}: {}; cash {}", events.first().map_or("", name), firm.cash()?);
    }
    let order = firm.core.order(id).ok_or("the order is there")?;
    assert_eq!(order.status, OrdStatus::Filled);

    // T+1: what is unsettled becomes settled.
    let monday = Date::from_civil(2026, 11, 23).ok_or("a date")?;
    assert!(firm.core.next_deadline().is_some_and(|due| due <= monday.start()));
    firm.now = monday.start();
    firm.apply(Input::Tick);
    let book = firm.core.account(firm::ACCOUNT).and_then(|a| a.ledger().book(Asset::Cash(firm.currency)));
    let book = book.ok_or("the account has cash")?;
    assert_eq!((book.settled(), book.reserved()), ("98995.4".parse()?, "0".parse()?));
    assert!(book.sum()?.is_zero(), "double entry");
    println!("settled: cash {}", firm.cash()?);
    Ok(())
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::Executed { .. } => "executed",
        Event::ExecutionRepeated { .. } => "heard before, not booked again",
        _ => "something else",
    }
}

#[test]
fn it_runs() {
    assert!(main().is_ok());
}
