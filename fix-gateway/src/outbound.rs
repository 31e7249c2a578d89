//! From the model to FIX: the one place where words become outgoing tags (FIX 4.4 volume 4).

use std::fmt;

use model::{
    Name, OrderType, Outbound, OutboundKind, Price, Quantity, Side, Symbol, Text, TimeInForce, Timestamp,
    WireId,
};

use crate::draft::Draft;
use crate::port::Doubt;
use crate::tags;

/// FIX `UTCTimestamp` with milliseconds: `YYYYMMDD-HH:MM:SS.sss`.
pub(crate) struct UtcTimestamp(pub(crate) Timestamp);

impl fmt::Display for UtcTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.date().to_civil();
        let millis = self.0.nanos.rem_euclid(86_400_000_000_000) / 1_000_000;
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}{month:02}{day:02}-{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
    }
}

/// What every order message says about the order.
struct Order {
    account: Name,
    symbol: Symbol,
    side: Side,
    quantity: Quantity,
}

/// How an order is to be executed.
struct Terms {
    order_type: OrderType,
    time_in_force: TimeInForce,
    limit_price: Option<Price>,
}

/// Which order a request is about.
struct Target {
    orig_cl_ord_id: WireId,
    broker_order_id: Text<40>,
}

/// Writes an outbound into `draft`; `None` for a word to the gateway itself.
pub(crate) fn translate(outbound: &Outbound, handl_inst: Option<char>, draft: &mut Draft) -> Option<WireId> {
    match outbound.kind {
        OutboundKind::NewOrderSingle {
            cl_ord_id,
            account,
            symbol,
            side,
            order_type,
            time_in_force,
            quantity,
            limit_price,
        } => {
            draft.begin("D", cl_ord_id);
            draft.put(tags::CL_ORD_ID, cl_ord_id);
            put_order(draft, &Order { account, symbol, side, quantity }, outbound.time);
            put_terms(draft, &Terms { order_type, time_in_force, limit_price }, handl_inst);
            Some(cl_ord_id)
        }
        OutboundKind::OrderCancelRequest {
            cl_ord_id,
            orig_cl_ord_id,
            broker_order_id,
            account,
            symbol,
            side,
            quantity,
        } => {
            draft.begin("F", cl_ord_id);
            put_request(draft, cl_ord_id, &Target { orig_cl_ord_id, broker_order_id });
            put_order(draft, &Order { account, symbol, side, quantity }, outbound.time);
            Some(cl_ord_id)
        }
        OutboundKind::OrderCancelReplaceRequest {
            cl_ord_id,
            orig_cl_ord_id,
            broker_order_id,
            account,
            symbol,
            side,
            order_type,
            time_in_force,
            quantity,
            limit_price,
        } => {
            draft.begin("G", cl_ord_id);
            put_request(draft, cl_ord_id, &Target { orig_cl_ord_id, broker_order_id });
            put_order(draft, &Order { account, symbol, side, quantity }, outbound.time);
            put_terms(draft, &Terms { order_type, time_in_force, limit_price }, handl_inst);
            Some(cl_ord_id)
        }
        OutboundKind::OrderStatusRequest { cl_ord_id, broker_order_id, account, symbol, side } => {
            put_question(draft, cl_ord_id, broker_order_id, (account, symbol, side));
            Some(cl_ord_id)
        }
        OutboundKind::Sweep => None,
    }
}

/// Writes an `OrderStatusRequest` about `asked` into `draft`. Its `OrdStatusReqID` is the id asked about, so that
/// an answer can be told apart from a report that comes by itself.
pub(crate) fn status_request(doubt: &Doubt, asked: WireId, draft: &mut Draft) {
    put_question(draft, asked, doubt.broker_order_id, (doubt.account, doubt.symbol, doubt.side));
}

fn put_question(
    draft: &mut Draft,
    asked: WireId,
    broker_order_id: Text<40>,
    (account, symbol, side): (Name, Symbol, Side),
) {
    draft.begin("H", asked);
    draft.put(tags::CL_ORD_ID, asked);
    if !broker_order_id.is_empty() {
        draft.put(tags::ORDER_ID, broker_order_id);
    }
    draft.put(tags::ORD_STATUS_REQ_ID, asked);
    put_account(draft, account);
    draft.put(tags::SYMBOL, symbol);
    draft.put(tags::SIDE, side.fix_code());
}

fn put_request(draft: &mut Draft, cl_ord_id: WireId, target: &Target) {
    draft.put(tags::CL_ORD_ID, cl_ord_id);
    draft.put(tags::ORIG_CL_ORD_ID, target.orig_cl_ord_id);
    if !target.broker_order_id.is_empty() {
        draft.put(tags::ORDER_ID, target.broker_order_id);
    }
}

fn put_order(draft: &mut Draft, order: &Order, time: Timestamp) {
    put_account(draft, order.account);
    draft.put(tags::SYMBOL, order.symbol);
    draft.put(tags::SIDE, order.side.fix_code());
    draft.put(tags::ORDER_QTY, order.quantity);
    draft.put(tags::TRANSACT_TIME, UtcTimestamp(time));
}

fn put_terms(draft: &mut Draft, terms: &Terms, handl_inst: Option<char>) {
    if let Some(code) = handl_inst {
        draft.put(tags::HANDL_INST, code);
    }
    draft.put(tags::ORD_TYPE, terms.order_type.fix_code());
    if let Some(price) = terms.limit_price {
        draft.put(tags::PRICE, price);
    }
    draft.put(tags::TIME_IN_FORCE, terms.time_in_force.fix_code());
}

fn put_account(draft: &mut Draft, account: Name) {
    if !account.is_empty() {
        draft.put(tags::ACCOUNT, account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Position, SessionId, ShardId};

    fn id(seq: u64) -> WireId {
        WireId { seq, incarnation: 1, shard: 0 }
    }

    fn outbound(kind: OutboundKind) -> Outbound {
        Outbound {
            session: SessionId::new(1),
            position: Position::new(ShardId::new(0), 7),
            time: Timestamp::from_nanos(1_763_629_323_456_789_000),
            kind,
        }
    }

    fn written(kind: OutboundKind, handl_inst: Option<char>) -> String {
        let mut draft = Draft::new();
        translate(&outbound(kind), handl_inst, &mut draft).unwrap();
        let fields: Vec<String> = draft.fields().map(|(tag, value)| format!("{tag}={value}")).collect();
        format!("35={}|{}", draft.msg_type(), fields.join("|"))
    }

    #[test]
    fn a_limit_order_has_the_required_fields() {
        let kind = OutboundKind::NewOrderSingle {
            cl_ord_id: id(7),
            account: Name::new("ALPHA").unwrap(),
            symbol: Symbol::new("MSFT").unwrap(),
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::ImmediateOrCancel,
            quantity: 100u32.into(),
            limit_price: "33.10".parse().ok(),
        };
        assert_eq!(
            written(kind, None),
            "35=D|11=G1-0-7|1=ALPHA|55=MSFT|54=1|38=100|60=20251120-09:02:03.456|40=2|44=33.10|59=3"
        );
    }

    #[test]
    fn a_market_order_has_no_price_and_may_have_a_handling_instruction() {
        let kind = OutboundKind::NewOrderSingle {
            cl_ord_id: id(8),
            account: Name::EMPTY,
            symbol: Symbol::new("MSFT").unwrap(),
            side: Side::Sell,
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Day,
            quantity: "0.5".parse().unwrap(),
            limit_price: None,
        };
        assert_eq!(
            written(kind, Some('1')),
            "35=D|11=G1-0-8|55=MSFT|54=2|38=0.5|60=20251120-09:02:03.456|21=1|40=1|59=0"
        );
    }

    #[test]
    fn requests_name_the_order_they_are_about() {
        let (account, symbol) = (Name::new("ALPHA").unwrap(), Symbol::new("MSFT").unwrap());
        let cancel = OutboundKind::OrderCancelRequest {
            cl_ord_id: id(9),
            orig_cl_ord_id: id(7),
            broker_order_id: Text::new("B-1").unwrap(),
            account,
            symbol,
            side: Side::Buy,
            quantity: 100u32.into(),
        };
        assert_eq!(
            written(cancel, Some('1')),
            "35=F|11=G1-0-9|41=G1-0-7|37=B-1|1=ALPHA|55=MSFT|54=1|38=100|60=20251120-09:02:03.456"
        );
        let replace = OutboundKind::OrderCancelReplaceRequest {
            cl_ord_id: id(10),
            orig_cl_ord_id: id(7),
            broker_order_id: Text::EMPTY,
            account,
            symbol,
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::GoodTillCancel,
            quantity: 50u32.into(),
            limit_price: Some(33u32.into()),
        };
        assert_eq!(
            written(replace, None),
            "35=G|11=G1-0-10|41=G1-0-7|1=ALPHA|55=MSFT|54=1|38=50|60=20251120-09:02:03.456|40=2|44=33|59=1"
        );
    }

    #[test]
    fn a_question_says_which_order_it_is_about() {
        let kind = OutboundKind::OrderStatusRequest {
            cl_ord_id: id(7),
            broker_order_id: Text::new("B-1").unwrap(),
            account: Name::new("ALPHA").unwrap(),
            symbol: Symbol::new("MSFT").unwrap(),
            side: Side::Sell,
        };
        assert_eq!(written(kind, Some('1')), "35=H|11=G1-0-7|37=B-1|790=G1-0-7|1=ALPHA|55=MSFT|54=2");
    }

    #[test]
    fn a_sweep_is_no_message() {
        assert_eq!(translate(&outbound(OutboundKind::Sweep), None, &mut Draft::new()), None);
    }
}
