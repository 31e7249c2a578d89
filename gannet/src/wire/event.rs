//! Events for subscribers: the core's own words, with names in place of numbers.

use model::{Event, Scope};
use serde_json::{Map, Value, json};

use super::Published;
use crate::directory::Directory;
use crate::node_api::Happened;

/// One event as it travels.
pub(crate) fn published(directory: &Directory, happened: &Happened) -> Published {
    Published {
        position: happened.position,
        index: happened.index,
        time: happened.time.to_string(),
        event: named(directory, &happened.event),
    }
}

/// As serde writes it (`{"order_accepted": {...}}`, or a bare word), then every id replaced by its text.
pub(crate) fn named(directory: &Directory, event: &Event) -> Value {
    let mut value = match serde_json::to_value(event) {
        Ok(Value::String(word)) => Value::Object(Map::from_iter([(word, json!({}))])),
        Ok(value) => value,
        // Plain words and texts always have a JSON form.
        Err(error) => json!({ "unwritable": { "text": error.to_string() } }),
    };
    for (_, fields) in value.as_object_mut().into_iter().flatten() {
        for (key, field) in fields.as_object_mut().into_iter().flatten() {
            rename(directory, event, key, field);
        }
    }
    value
}

fn rename(directory: &Directory, event: &Event, key: &str, field: &mut Value) {
    let index = field.as_u64().and_then(|index| u32::try_from(index).ok());
    let short = index.and_then(|index| u16::try_from(index).ok());
    match (key, index, short) {
        ("account", Some(id), _) => *field = json!(directory.account_name(model::AccountId::new(id))),
        ("instrument", Some(id), _) => {
            *field = json!(directory.symbol(model::InstrumentId::new(id)));
        }
        ("session", _, Some(id)) => *field = json!(directory.session_name(model::SessionId::new(id))),
        ("scope", ..) => {
            if let Event::HaltChanged { scope: what, .. } = event {
                *field = scope(directory, *what);
            }
        }
        ("denial", ..) => {
            if let Event::Denied { denial, .. } = event {
                *field = json!(super::Denied::new(None, denial));
            }
        }
        _ => {}
    }
}

fn scope(directory: &Directory, scope: Scope) -> Value {
    match scope {
        Scope::Firm => json!({ "firm": {} }),
        Scope::Portfolio(id) => json!({ "portfolio": directory.portfolio_name(id) }),
        Scope::Account(id) => json!({ "account": directory.account_name(id) }),
        Scope::Strategy(portfolio, id) => json!({ "strategy": {
            "portfolio": directory.portfolio_name(portfolio),
            "strategy": directory.strategy_name(portfolio, id),
        }}),
        Scope::Instrument(id) => json!({ "instrument": directory.symbol(id) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{
        AccountId, ClOrdId, Denial, DenyReason, InstrumentId, Money, OrderId, Position, ShardId, Timestamp,
    };

    fn json_of(event: Event) -> String {
        let position = Position::new(ShardId::new(0), 9);
        let happened = Happened { position, index: 0, time: Timestamp::from_nanos(0), event };
        let published = published(&Directory::default(), &happened);
        assert_eq!(published.position, position);
        published.event.to_string()
    }

    #[test]
    fn no_bare_id_reaches_a_subscriber() {
        let order = OrderId { seq: 4, incarnation: 2, shard: 0 };
        let account = AccountId::new(7);
        let cl_ord_id = ClOrdId::new("a").unwrap();
        assert_eq!(
            json_of(Event::OrderAccepted { order, account, cl_ord_id }),
            r##"{"order_accepted":{"account":"#7","cl_ord_id":"a","order":"G2-0-4"}}"##
        );
        let money = Money { amount: 5.into(), currency: "USD".parse().unwrap() };
        let date = model::Date::from_civil(2026, 11, 23).unwrap();
        assert_eq!(
            json_of(Event::CashSettled { account, money, date }),
            r##"{"cash_settled":{"account":"#7","date":"2026-11-23","money":{"amount":"5","currency":"USD"}}}"##
        );
        assert_eq!(json_of(Event::Done), r#"{"done":{}}"#);
        let scope = Scope::Instrument(InstrumentId::new(3));
        assert!(json_of(Event::HaltChanged { scope, halted: true }).contains(r##"{"instrument":"#3"}"##));
        let denied = Event::Denied { cl_ord_id, denial: Denial::of(DenyReason::Halted) };
        assert!(json_of(denied).contains(r#""number":201"#));
    }
}
