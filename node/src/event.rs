//! Events for subscribers: the core's own words, with names in place of numbers.

use model::{
    AccountId, Alert, AlertKind, Amount, Aside, Broken, BrokerId, CausedBy, ClOrdId, ClockJump, Currency,
    Date, Denial, Event, ExecId, Incarnation, InstrumentId, Money, OrdStatus, OrderId, Position, Price,
    Quantity, Reference, Scope, SessionId, SessionState, ShardId, Side,
};
use serde_json::{Map, Value, json};
use wire::Published;

use crate::node_api::Happened;
use front::directory::Directory;

/// One event as it travels.
pub(crate) fn published(directory: &Directory, happened: &Happened) -> Published {
    Published {
        position: happened.position,
        index: happened.index,
        time: happened.time.to_string(),
        event: named(directory, &happened.event),
    }
}

/// How a word stands in an event. Ids have names: there is no other way for them to be written, so that a new field is
/// written by its type, and a new type of id does not compile before somebody says how it is called.
trait Said {
    fn said(&self, directory: &Directory) -> Value;
}

macro_rules! said_by_name {
    ($($id:ty: $name:ident;)*) => {$(
        impl Said for $id {
            fn said(&self, directory: &Directory) -> Value {
                json!(directory.$name(*self))
            }
        }
    )*};
}

said_by_name! {
    AccountId: account_name;
    InstrumentId: symbol;
    SessionId: session_name;
    BrokerId: broker_name;
}

/// Words that say the same to everybody.
macro_rules! said_as_is {
    ($($word:ty),* $(,)?) => {$(
        impl Said for $word {
            fn said(&self, _: &Directory) -> Value {
                // Plain words and texts always have a JSON form.
                serde_json::to_value(self).unwrap_or_else(|error| json!({ "unwritable": error.to_string() }))
            }
        }
    )*};
}

said_as_is! {
    u16, u32, i64, bool, ClockJump, AlertKind, Amount, ClOrdId, Currency, Date, ExecId, Incarnation, Money, OrdStatus, OrderId, Price,
    Quantity, Reference, SessionState, Side,
}

impl<T: Said> Said for Option<T> {
    fn said(&self, directory: &Directory) -> Value {
        self.as_ref().map_or(Value::Null, |value| value.said(directory))
    }
}

impl Said for Denial {
    fn said(&self, _: &Directory) -> Value {
        json!(wire::Denied::new(None, self))
    }
}

impl Said for CausedBy {
    fn said(&self, _: &Directory) -> Value {
        json!({ "position": self.position.to_string(), "index": self.index })
    }
}

impl Said for Position {
    fn said(&self, _: &Directory) -> Value {
        json!(self.to_string())
    }
}

impl Said for ShardId {
    fn said(&self, _: &Directory) -> Value {
        json!(self.index)
    }
}

impl Said for Scope {
    fn said(&self, directory: &Directory) -> Value {
        match *self {
            Self::Firm => json!({ "firm": {} }),
            Self::Portfolio(id) => json!({ "portfolio": directory.portfolio_name(id) }),
            Self::Account(id) => json!({ "account": directory.account_name(id) }),
            Self::Strategy(portfolio, id) => json!({ "strategy": {
                "portfolio": directory.portfolio_name(portfolio),
                "strategy": directory.strategy_name(portfolio, id),
            }}),
            Self::Instrument(id) => json!({ "instrument": directory.symbol(id) }),
        }
    }
}

impl Said for Aside {
    fn said(&self, directory: &Directory) -> Value {
        match *self {
            Self::Account(id) => json!({ "account": directory.account_name(id) }),
            Self::Portfolio(id) => json!({ "portfolio": directory.portfolio_name(id) }),
            Self::Instrument(id) => json!({ "instrument": directory.symbol(id) }),
            Self::Ticks => json!({ "ticks": {} }),
            Self::Firm => json!({ "firm": {} }),
        }
    }
}

impl Said for Broken {
    fn said(&self, directory: &Directory) -> Value {
        json!({
            "position": self.position.to_string(),
            "invariant": self.invariant.number(),
            "text": self.text.as_str(),
            "aside": self.aside.said(directory),
        })
    }
}

/// Every event with its word and its fields. An event or a field that is not here does not compile.
macro_rules! events {
    ($event:expr, $directory:expr; $($word:literal $variant:ident { $($field:ident),* })*) => {
        match $event {
            $(Event::$variant { $($field),* } => {
                let fields: Map<String, Value> =
                    Map::from_iter([$((stringify!($field).to_owned(), $field.said($directory))),*]);
                json!({ $word: fields })
            })*
            Event::Alert(Alert { kind, order, session, value }) => json!({ "alert": {
                "kind": kind.said($directory),
                "order": order.said($directory),
                "session": session.said($directory),
                "value": value.said($directory),
            }}),
        }
    };
}

/// `{"order_accepted": {...}}`, with a name for every id.
pub(crate) fn named(directory: &Directory, event: &Event) -> Value {
    events! { event, directory;
        "opened" Opened { incarnation, in_doubt }
        "done" Done {}
        "denied" Denied { cl_ord_id, denial }
        "order_accepted" OrderAccepted { order, account, cl_ord_id }
        "order_exists" OrderExists { order, status }
        "request_accepted" RequestAccepted { order, request }
        "request_refused" RequestRefused { order, request, reject_code, text }
        "order_changed" OrderChanged { order, account, status, quantity, cum_quantity, limit_price }
        "executed" Executed {
            order, account, instrument, side, broker, exec_id, quantity, price, fee, realised, currency, settles
        }
        "execution_repeated" ExecutionRepeated { order, exec_id }
        "cash_moved" CashMoved { account, money }
        "cash_move_exists" CashMoveExists {}
        "cash_settled" CashSettled { account, money, date }
        "halt_changed" HaltChanged { scope, halted }
        "session_changed" SessionChanged { session, state }
        "marked" Marked { instrument, price }
        "cancels_asked" CancelsAsked { scope, asked, left, others }
        "ask_repeated" AskRepeated { cause }
        "asks_ended" AsksEnded { by, ended }
        "set_aside" SetAside { broken }
        "released" Released { aside }
        "settlement_held" SettlementHeld { account, date }
        "clock_jumped" ClockJumped { jump }
        "clock_accepted" ClockAccepted { found, step_ns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{DenyReason, PortfolioId, ShardId, StrategyId, Timestamp};

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
        assert_eq!(
            json_of(Event::HaltChanged {
                scope: Scope::Strategy(PortfolioId::new(4), StrategyId::new(2)),
                halted: true
            }),
            r##"{"halt_changed":{"halted":true,"scope":{"strategy":{"portfolio":"#4","strategy":"#2"}}}}"##
        );
        let alert = Alert {
            kind: AlertKind::StillInDoubt,
            order: Some(order),
            session: Some(SessionId::new(5)),
            value: None,
        };
        assert_eq!(
            json_of(Event::Alert(alert)),
            r##"{"alert":{"kind":"still_in_doubt","order":"G2-0-4","session":"#5","value":null}}"##
        );
        let executed = json_of(Event::Executed {
            order,
            account,
            instrument: InstrumentId::new(3),
            side: Side::Buy,
            broker: BrokerId::new(6),
            exec_id: ExecId::new("x").unwrap(),
            quantity: 1.into(),
            price: 2.into(),
            fee: 0.into(),
            realised: 0.into(),
            currency: "USD".parse().unwrap(),
            settles: date,
        });
        assert!(executed.contains(r##""broker":"#6""##), "{executed}");
        assert!(executed.contains(r##""instrument":"#3""##), "{executed}");
        let denied = Event::Denied { cl_ord_id, denial: Denial::of(DenyReason::Halted) };
        assert!(json_of(denied).contains(r#""number":201"#));
    }
}
