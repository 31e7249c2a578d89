use model::{ExecId, Price, Quantity, Reference, SessionId, Side, Symbol, Text};

use super::*;

const PATIENCE: Duration = Duration::from_secs(5);

fn id(seq: u64) -> WireId {
    WireId { seq, incarnation: 1, shard: 0 }
}

fn said(named: WireId, exec_type: ExecType, ord_status: OrdStatus) -> ExecutionReport {
    ExecutionReport {
        session: SessionId::new(1),
        msg_seq_num: 1,
        poss_dup: false,
        cl_ord_id: Some(named),
        orig_cl_ord_id: None,
        broker_order_id: Text::EMPTY,
        exec_id: ExecId::EMPTY,
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
        reject_code: 0,
        text: Reference::EMPTY,
    }
}

/// A vigil that waits for one, and a look at it after so many seconds.
struct Waiting {
    vigil: Vigil,
    start: Instant,
}

impl Waiting {
    fn for_one(what: Await) -> Self {
        let (mut vigil, start) = (Vigil::default(), Instant::now());
        vigil.begin(id(1), what, start, PATIENCE);
        Self { vigil, start }
    }

    fn after(&mut self, seconds: u64) -> Vec<(WireId, Delivery)> {
        self.vigil.due(self.start + Duration::from_secs(seconds), PATIENCE)
    }
}

#[test]
fn it_asks_after_one_two_and_four_times_the_patience_and_goes_on() {
    let (overdue, long_overdue) = ((id(1), Delivery::Overdue), (id(1), Delivery::LongOverdue));
    let steps = [(5, overdue), (10, overdue), (20, long_overdue)];
    let further = [(40, overdue), (60, overdue), (80, overdue)];
    for what in [Await::Order, Await::Request, Await::Question] {
        let mut waiting = Waiting::for_one(what);
        let mut due = Vec::new();
        for second in 0..100 {
            due.extend(waiting.after(second).into_iter().map(|due| (second, due)));
        }
        let expected: Vec<_> = match what {
            Await::Question => steps.to_vec(),
            _ => steps.into_iter().chain(further).collect(),
        };
        assert_eq!(due, expected, "{what:?}");
    }
}

#[test]
fn a_question_does_not_take_the_place_of_what_it_is_about() {
    let mut waiting = Waiting::for_one(Await::Order);
    waiting.vigil.begin(id(1), Await::Question, waiting.start, PATIENCE);
    waiting.vigil.heard(&said(id(1), ExecType::OrderStatus, OrdStatus::PendingNew));
    assert_eq!(waiting.after(5).len(), 1);
}

#[test]
fn a_late_look_takes_one_step() {
    let mut waiting = Waiting::for_one(Await::Order);
    assert_eq!(waiting.after(1_000), [(id(1), Delivery::Overdue)]);
    assert_eq!(waiting.after(1_001), [(id(1), Delivery::Overdue)]);
    assert_eq!(waiting.after(1_002), [(id(1), Delivery::LongOverdue)]);
}

#[test]
fn only_an_answer_ends_it() {
    use ExecType as E;
    let ends_order = |exec_type| !matches!(exec_type, E::PendingNew | E::PendingCancel | E::PendingReplace);
    let ends_request = |exec_type| {
        matches!(exec_type, E::Canceled | E::Replaced | E::Rejected | E::Expired | E::OrderStatus)
    };
    for exec_type in ExecType::ALL.iter().copied() {
        for what in [Await::Order, Await::Request, Await::Question] {
            let mut waiting = Waiting::for_one(what);
            waiting.vigil.heard(&said(id(2), exec_type, OrdStatus::New));
            assert_eq!(waiting.vigil.watched.len(), 1, "{exec_type} of another");
            waiting.vigil.heard(&said(id(1), exec_type, OrdStatus::New));
            let ends = match what {
                Await::Order => ends_order(exec_type),
                Await::Request => ends_request(exec_type),
                Await::Question => exec_type == E::OrderStatus,
            };
            assert_eq!(waiting.after(5).is_empty(), ends, "{exec_type} {what:?}");
        }
    }
}

#[test]
fn a_broker_that_says_it_is_at_work_has_not_answered() {
    for status in [OrdStatus::PendingNew, OrdStatus::PendingCancel, OrdStatus::PendingReplace] {
        let mut waiting = Waiting::for_one(Await::Request);
        waiting.vigil.heard(&said(id(1), ExecType::OrderStatus, status));
        assert_eq!(waiting.after(5).len(), 1, "{status}");
    }
}

#[test]
fn what_is_refused_not_sent_or_left_to_the_sweep_is_not_asked_about() {
    let ends: [fn(&mut Vigil); 2] = [|vigil| vigil.end(id(1)), Vigil::abandon];
    for end in ends {
        let mut waiting = Waiting::for_one(Await::Request);
        end(&mut waiting.vigil);
        assert!(waiting.after(5).is_empty() && waiting.vigil.next_look.is_none());
    }
}

#[test]
fn there_is_a_bounded_number_of_looks() {
    let mut waiting = Waiting::for_one(Await::Request);
    for seq in 2..100 {
        let at = waiting.start + Duration::from_millis(seq);
        waiting.vigil.begin(id(seq), Await::Request, at, PATIENCE);
    }
    let (mut looks, mut asked) = (0, 0);
    for ms in 5_000..6_000 {
        let before = waiting.vigil.next_look;
        asked += waiting.vigil.due(waiting.start + Duration::from_millis(ms), PATIENCE).len();
        looks += usize::from(waiting.vigil.next_look != before);
    }
    assert_eq!((asked, looks), (99, 2));
}
