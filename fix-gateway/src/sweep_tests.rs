use model::{Name, Price, Quantity, SessionId, Side, Symbol};

use super::*;
use crate::port::DoubtKind;

fn id(seq: u64) -> WireId {
    WireId { seq, incarnation: 1, shard: 0 }
}

fn doubt(request: u64, order: u64, kind: DoubtKind) -> Doubt {
    Doubt {
        request: id(request),
        order: id(order),
        kind,
        symbol: Symbol::EMPTY,
        side: Side::Buy,
        account: Name::EMPTY,
        broker_order_id: Text::cut("B-1"),
    }
}

fn answer(
    cl_ord_id: Option<u64>,
    exec_type: ExecType,
    ord_status: OrdStatus,
    reject_code: u16,
) -> ExecutionReport {
    ExecutionReport {
        session: SessionId::new(1),
        msg_seq_num: 9,
        poss_dup: false,
        cl_ord_id: cl_ord_id.map(id),
        orig_cl_ord_id: None,
        broker_order_id: Text::EMPTY,
        exec_id: Text::EMPTY,
        exec_type,
        ord_status,
        symbol: Symbol::EMPTY,
        side: Side::Buy,
        last_quantity: Quantity::ZERO,
        last_price: Price::ZERO,
        cum_quantity: Quantity::ZERO,
        leaves_quantity: Quantity::ZERO,
        commission: None,
        trade_date: None,
        settlement_date: None,
        reject_code,
        text: Text::EMPTY,
    }
}

fn book_of(doubts: &[Doubt]) -> Book {
    let mut book = Book::default();
    book.open(&Plan::of(doubts, &BTreeSet::new(), false).questions);
    book
}

#[test]
fn only_what_is_absent_from_a_trusted_record_was_never_sent() {
    let doubts = [doubt(7, 7, DoubtKind::NewOrder), doubt(8, 8, DoubtKind::NewOrder)];
    let sent = BTreeSet::from([id(8)]);
    let plan = Plan::of(&doubts, &sent, true);
    assert_eq!(plan.never_sent, [id(7)]);
    assert_eq!(plan.questions.keys().copied().collect::<Vec<_>>(), [id(8)]);
    let plan = Plan::of(&doubts, &sent, false);
    assert!(plan.never_sent.is_empty());
    assert_eq!(plan.questions.len(), 2);
}

#[test]
fn a_cancel_asks_about_its_order_and_a_replace_about_itself() {
    let doubts =
        [doubt(7, 7, DoubtKind::NewOrder), doubt(9, 7, DoubtKind::Cancel), doubt(11, 10, DoubtKind::Replace)];
    let plan = Plan::of(&doubts, &BTreeSet::new(), false);
    assert_eq!(plan.questions.keys().copied().collect::<Vec<_>>(), [id(7), id(11)]);
    assert_eq!(plan.questions[&id(7)].len(), 2);
}

#[test]
fn an_answer_settles_its_question_once() {
    let mut book = book_of(&[doubt(7, 7, DoubtKind::NewOrder), doubt(9, 7, DoubtKind::Cancel)]);
    let known = answer(Some(7), ExecType::OrderStatus, OrdStatus::New, 0);
    for _ in 0..2 {
        let Meaning::Known(answered) = book.meaning(&known, None) else { panic!() };
        assert_eq!(answered.requests, [id(7), id(9)]);
        book.settle(&answered);
        assert_eq!((book.waiting(), book.unresolved(), book.progress()), (0, 0, 1));
    }
}

#[test]
fn an_answer_is_recognised_by_any_of_its_ids() {
    let book = book_of(&[doubt(7, 7, DoubtKind::NewOrder)]);
    let by_request = (answer(None, ExecType::New, OrdStatus::New, 0), Some(id(7)));
    let by_original = (
        ExecutionReport {
            orig_cl_ord_id: Some(id(7)),
            ..answer(Some(99), ExecType::OrderStatus, OrdStatus::New, 0)
        },
        None,
    );
    let by_order_id = (
        ExecutionReport {
            broker_order_id: Text::cut("B-1"),
            ..answer(None, ExecType::OrderStatus, OrdStatus::New, 0)
        },
        None,
    );
    for (report, request) in [by_request, by_original, by_order_id] {
        assert!(matches!(book.meaning(&report, request), Meaning::Known(_)));
    }
}

#[test]
fn a_report_that_comes_by_itself_settles_nothing() {
    let book = book_of(&[doubt(7, 7, DoubtKind::NewOrder)]);
    let fill = answer(Some(7), ExecType::Trade, OrdStatus::PartiallyFilled, 0);
    assert_eq!(book.meaning(&fill, None), Meaning::Plain);
    let foreign = answer(Some(55), ExecType::OrderStatus, OrdStatus::New, 0);
    assert_eq!(book.meaning(&foreign, None), Meaning::Plain);
}

#[test]
fn unknown_order_is_an_answer_also_when_it_comes_late() {
    let mut book = book_of(&[doubt(7, 7, DoubtKind::NewOrder)]);
    let unknown = answer(Some(7), ExecType::OrderStatus, OrdStatus::Rejected, UNKNOWN_ORDER);
    assert!(matches!(book.meaning(&unknown, None), Meaning::Unknown(Some(_), _)));
    let rejected = answer(Some(7), ExecType::OrderStatus, OrdStatus::Rejected, 99);
    assert!(matches!(book.meaning(&rejected, None), Meaning::Known(_)));
    book.abandon();
    assert_eq!(book.meaning(&unknown, None), Meaning::Unknown(None, Some(id(7))));
}

#[test]
fn what_was_given_up_stays_unresolved() {
    let mut book = book_of(&[doubt(7, 7, DoubtKind::NewOrder), doubt(9, 7, DoubtKind::Cancel)]);
    let unanswered = book.unanswered();
    assert_eq!(unanswered.len(), 1);
    assert!(book.give_up(&unanswered[0]));
    assert!(!book.give_up(&unanswered[0]));
    assert_eq!((book.waiting(), book.unresolved()), (0, 2));
}

#[test]
fn an_answer_to_an_earlier_sweep_settles_nothing_in_the_next() {
    let mut book = book_of(&[doubt(7, 7, DoubtKind::NewOrder)]);
    let old = book.unanswered();
    book.open(&Plan::of(&[doubt(7, 7, DoubtKind::NewOrder)], &BTreeSet::new(), false).questions);
    book.settle(&old[0]);
    assert_eq!(book.waiting(), 1);
}
