//! Whatever an input holds, it is read back as it was.

use super::common::{input, open, read_all, time};
use journal::Durability;
use model::{
    AccountDefinition, AccountId, Actor, Amount, Backlog, CancelReject, CausedBy, Command, Currency, Date,
    Decimal, Delivery, DeliveryEvidence, Door, ExecType, ExecutionReport, FeeSchedule, Incarnation, Input,
    InstrumentId, LimitKind, MessageReject, Name, NewOrder, OrdStatus, OrderType, Origin, PortfolioId,
    Position, Price, Quantity, QuarantineCause, QuarantinedMessage, Quote, RecordBody, RejectLevel, Scope,
    SessionChange, SessionId, SessionState, ShardId, Side, Stamped, StrategyId, Text, TimeInForce, Timestamp,
    WireId,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

fn decimal() -> impl Strategy<Value = Decimal> {
    (any::<i64>(), 0u32..=18).prop_map(|(mantissa, scale)| Decimal::new(mantissa, scale))
}

fn text<const N: usize>() -> impl Strategy<Value = Text<N>> {
    "[ -~]{0,60}".prop_map(|text| Text::cut(&text))
}

fn wire_id() -> impl Strategy<Value = WireId> {
    any::<(u64, u32, u16)>().prop_map(|(seq, incarnation, shard)| WireId { seq, incarnation, shard })
}

fn quote() -> impl Strategy<Value = Quote> {
    (decimal(), decimal(), decimal(), decimal(), any::<i64>()).prop_map(
        |(bid, bid_units, ask, ask_units, nanos)| Quote {
            bid: Price::new(bid),
            bid_quantity: Quantity::new(bid_units),
            ask: Price::new(ask),
            ask_quantity: Quantity::new(ask_units),
            received: Timestamp::from_nanos(nanos),
        },
    )
}

fn new_order() -> impl Strategy<Value = Command> {
    let plain =
        (any::<(u32, u16, u32)>(), select(Side::ALL), select(OrderType::ALL), select(TimeInForce::ALL));
    (plain, text(), decimal(), proptest::option::of(decimal())).prop_map(
        |(((account, strategy, instrument), side, order_type, time_in_force), cl_ord_id, quantity, limit)| {
            Command::NewOrder(NewOrder {
                account: AccountId::new(account),
                strategy: StrategyId::new(strategy),
                cl_ord_id,
                instrument: InstrumentId::new(instrument),
                side,
                order_type,
                time_in_force,
                quantity: Quantity::new(quantity),
                limit_price: limit.map(Price::new),
            })
        },
    )
}

fn definition() -> impl Strategy<Value = Command> {
    (any::<(u32, u32, u16)>(), text(), decimal(), decimal()).prop_map(
        |((account, portfolio, session), name, rate, unit): (_, Name, _, _)| {
            Command::DefineAccount(AccountDefinition {
                id: AccountId::new(account),
                name,
                portfolio: PortfolioId::new(portfolio),
                session: SessionId::new(session),
                fees: FeeSchedule { rate_bps: Amount::new(rate), per_unit: Amount::new(unit) },
            })
        },
    )
}

fn limit() -> impl Strategy<Value = Command> {
    (any::<u32>(), select(LimitKind::ALL.to_vec()), any::<bool>(), proptest::option::of(decimal())).prop_map(
        |(index, kind, of_portfolio, value)| Command::SetLimit {
            actor: if of_portfolio {
                Actor::Portfolio(PortfolioId::new(index))
            } else {
                Actor::Account(AccountId::new(index))
            },
            kind,
            currency: of_portfolio.then(|| Currency::new("USDT").unwrap()),
            value: value.map(Amount::new),
        },
    )
}

fn report() -> impl Strategy<Value = Input> {
    let ids =
        (any::<(u16, u64, bool, u16)>(), proptest::option::of(wire_id()), proptest::option::of(wire_id()));
    let texts = (text(), text(), text(), text());
    let codes = (select(ExecType::ALL), select(OrdStatus::ALL), select(Side::ALL));
    let numbers = (decimal(), decimal(), decimal(), decimal(), proptest::option::of(decimal()));
    let dates = any::<(Option<i32>, Option<i32>)>();
    (ids, texts, codes, numbers, dates).prop_map(|(ids, texts, codes, numbers, dates)| {
        let ((session, msg_seq_num, poss_dup, reject_code), cl_ord_id, orig_cl_ord_id) = ids;
        Input::ExecutionReport(ExecutionReport {
            session: SessionId::new(session),
            msg_seq_num,
            poss_dup,
            cl_ord_id,
            orig_cl_ord_id,
            broker_order_id: texts.0,
            exec_id: texts.1,
            exec_type: codes.0,
            ord_status: codes.1,
            symbol: texts.2,
            side: codes.2,
            last_quantity: Quantity::new(numbers.0),
            last_price: Price::new(numbers.1),
            cum_quantity: Quantity::new(numbers.2),
            leaves_quantity: Quantity::new(numbers.3),
            commission: numbers.4.map(Amount::new),
            trade_date: dates.0.map(|days| Date { days }),
            settlement_date: dates.1.map(|days| Date { days }),
            reject_code,
            text: texts.3,
        })
    })
}

fn refusal() -> impl Strategy<Value = Input> {
    (
        any::<(u16, u64, bool, u16)>(),
        proptest::option::of(wire_id()),
        select(OrdStatus::ALL),
        text(),
        any::<bool>(),
    )
        .prop_map(|((session, msg_seq_num, poss_dup, reject_code), id, ord_status, text, of_message)| {
            let session = SessionId::new(session);
            if of_message {
                let level = if poss_dup { RejectLevel::Session } else { RejectLevel::Business };
                let refused = id;
                Input::MessageReject(MessageReject {
                    session,
                    msg_seq_num,
                    poss_dup,
                    level,
                    refused,
                    reject_code,
                    text,
                })
            } else {
                let (cl_ord_id, orig_cl_ord_id) = (id, None);
                Input::CancelReject(CancelReject {
                    session,
                    msg_seq_num,
                    poss_dup,
                    cl_ord_id,
                    orig_cl_ord_id,
                    ord_status,
                    reject_code,
                    text,
                })
            }
        })
}

fn quarantined() -> impl Strategy<Value = Input> {
    let raw = prop::collection::vec(any::<u8>(), 0..QuarantinedMessage::KEPT_BYTES);
    (raw, any::<(u16, u64, u32)>(), proptest::option::of(wire_id())).prop_map(
        |(raw, (session, msg_seq_num, len_bytes), cl_ord_id)| {
            Input::Quarantined(QuarantinedMessage {
                session: SessionId::new(session),
                msg_seq_num,
                cause: QuarantineCause::TradeCancel,
                cl_ord_id,
                len_bytes,
                raw,
            })
        },
    )
}

fn small() -> impl Strategy<Value = Input> {
    (0..5, any::<(u32, u32, u16)>(), quote(), wire_id()).prop_map(
        |(kind, (a, b, session), quote, request)| {
            let session = SessionId::new(session);
            match kind {
                0 => Input::Opened { incarnation: Incarnation { count: a }, logic_version: b, anchor: None },
                1 => Input::Session(SessionChange { session, state: SessionState::Ready, unresolved: a }),
                2 => Input::Evidence(DeliveryEvidence { session, request, delivery: Delivery::Unanswered }),
                3 => Input::Mark { instrument: InstrumentId::new(a), quote },
                _ => Input::Tick,
            }
        },
    )
}

fn cause() -> impl Strategy<Value = CausedBy> {
    any::<(u64, u16, u32)>()
        .prop_map(|(seq, shard, index)| CausedBy { position: Position::new(ShardId::new(shard), seq), index })
}

/// Any command, whoever asked, whatever stands beside it.
fn commanded() -> impl Strategy<Value = Input> {
    let halt = any::<(u32, u16)>()
        .prop_map(|(a, b)| Command::Halt(Scope::Strategy(PortfolioId::new(a), StrategyId::new(b))));
    let command = prop_oneof![new_order(), definition(), limit(), halt];
    let backlog = any::<(u32, u32)>().prop_map(|(waiting, most)| Backlog { waiting, most });
    let beside =
        (proptest::option::of(cause()), proptest::option::of(quote()), proptest::option::of(backlog));
    (command, any::<(u32, u32, u32)>(), select(Door::ALL), beside).prop_map(
        |(command, (principal, uid, client), door, (cause, quote, backlog))| Input::Command {
            origin: Origin { principal, uid, client, door },
            cause,
            stamped: Stamped { quote, backlog },
            command,
        },
    )
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![4 => commanded(), 4 => report(), 1 => refusal(), 1 => quarantined(), 2 => small(), 4 => any::<u32>().prop_map(|n| input(u64::from(n)))]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40, rng_seed: RngSeed::Fixed(2), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn every_input_reads_back(inputs in prop::collection::vec(any_input(), 1..40), disk: bool) {
        let dir = tempfile::tempdir().unwrap();
        let durability = if disk { Durability::Disk } else { Durability::Process };
        let mut writer = open(dir.path(), durability).writer;
        let mut crcs = Vec::new();
        for (seq, input) in (1..).zip(&inputs) {
            crcs.push(writer.append(time(seq), input).unwrap().crc);
        }
        writer.close().unwrap();
        let records = read_all(dir.path()).unwrap();
        prop_assert_eq!(records.len(), inputs.len());
        for ((record, input), crc) in records.into_iter().zip(inputs).zip(crcs) {
            prop_assert_eq!(record.crc, crc);
            prop_assert_eq!(record.body, RecordBody::Input(input));
        }
    }
}
