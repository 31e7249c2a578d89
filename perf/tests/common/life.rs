//! Whole lives of orders: acknowledged, filled in parts, cancelled, replaced, refused, expired. Each step is one input of
//! the shard, and each life ends before the next begins.

use std::time::Instant;

use engine::{Clock, SystemClock};
use model::{
    CancelOrder, CancelReject, Command, Date, DenyReason, Event, ExecId, ExecType, ExecutionReport, Input,
    InstrumentId, NewOrder, OrdStatus, Outbound, OutboundKind, Price, Quantity, Quote, Reference,
    ReplaceOrder, SessionChange, SessionState, Text, Timestamp, WireId,
};

use super::{INSTRUMENTS, PATIENCE, Rig, SESSION, limit, symbol};

/// An order of the rig's that is out.
#[derive(Clone, Copy)]
pub(crate) struct Out {
    order: NewOrder,
    id: WireId,
}

/// How an order ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In five executions, which settle on three dates.
    Filled,
    /// A cancel is refused, the next one confirmed.
    Canceled,
    /// A replace is confirmed, the next one refused; then it is filled.
    Replaced,
    Expired,
}

/// Parts an order is filled in.
const PARTS: u32 = 5;

impl Rig {
    /// One order from its beginning to its end.
    pub(crate) fn live(&mut self, end: End) {
        let mut out = self.send_out();
        self.tell(&out, ExecType::New, OrdStatus::New, None);
        match end {
            End::Filled => self.fill_in_parts(&out),
            End::Canceled => {
                let refused = self.cancel(&out);
                self.refuse(&out, refused);
                let request = self.cancel(&out);
                self.tell(&out, ExecType::Canceled, OrdStatus::Canceled, Some(request));
            }
            End::Replaced => {
                let request = self.replace(&out);
                self.tell(&out, ExecType::Replaced, OrdStatus::New, Some(request));
                let refused = self.replace(&Out { id: request, ..out });
                self.refuse(&Out { id: request, ..out }, refused);
                (out.id, out.order.quantity) = (request, 20u32.into());
                self.fill_in_parts(&out);
            }
            End::Expired => self.tell(&out, ExecType::Expired, OrdStatus::Expired, None),
        }
        self.wait_for_the_end(&out);
    }

    fn send_out(&mut self) -> Out {
        let order = self.next_order();
        let answer = self.client.call(Command::NewOrder(order), PATIENCE).unwrap();
        assert!(matches!(answer.event, Event::OrderAccepted { .. }), "{answer:?}");
        match self.sent_out() {
            OutboundKind::NewOrderSingle { cl_ord_id, .. } => Out { order, id: cl_ord_id },
            other => panic!("{other:?}"),
        }
    }

    fn sent_out(&mut self) -> OutboundKind {
        let message: Option<Outbound> = self.outlet.poll();
        message.unwrap().kind
    }

    fn report(&mut self, out: &Out, exec_type: ExecType, ord_status: OrdStatus) -> ExecutionReport {
        self.heard += 1;
        report(&out.order, out.id, self.heard, exec_type, ord_status)
    }

    /// The broker says something without an execution: of the order, or as the answer to a request about it.
    fn tell(&mut self, out: &Out, exec_type: ExecType, status: OrdStatus, request: Option<WireId>) {
        let mut report = self.report(out, exec_type, status);
        if let Some(request) = request {
            (report.cl_ord_id, report.orig_cl_ord_id) = (Some(request), Some(out.id));
        }
        self.port.post(Input::ExecutionReport(report)).unwrap();
    }

    fn refuse(&mut self, out: &Out, request: WireId) {
        self.heard += 1;
        let reject = CancelReject {
            session: SESSION,
            msg_seq_num: self.heard,
            poss_dup: false,
            cl_ord_id: Some(request),
            orig_cl_ord_id: Some(out.id),
            ord_status: OrdStatus::New,
            reject_code: 0,
            text: Reference::cut("too late to cancel"),
        };
        self.port.post(Input::CancelReject(reject)).unwrap();
    }

    fn fill_in_parts(&mut self, out: &Out) {
        let (whole, mut executed) = (out.order.quantity, Quantity::ZERO);
        let part = Quantity::from(2);
        for number in 1..=PARTS {
            let is_last = number == PARTS;
            let status = if is_last { OrdStatus::Filled } else { OrdStatus::PartiallyFilled };
            let mut report = self.report(out, ExecType::Trade, status);
            report.last_quantity = if is_last { whole.minus(executed).unwrap() } else { part };
            executed = executed.plus(report.last_quantity).unwrap();
            report.last_price = limit();
            (report.cum_quantity, report.leaves_quantity) = (executed, whole.minus(executed).unwrap());
            // Where the broker does not say when it settles, it is the instrument's two days.
            report.settlement_date = (number % 3 > 0)
                .then(|| Date { days: SystemClock.now().date().days + 1 + (number % 3).cast_signed() });
            self.port.post(Input::ExecutionReport(report)).unwrap();
        }
    }

    /// Asks until the order was acknowledged and nothing else is out; the request that left.
    fn request(&mut self, out: &Out, command: Command) -> WireId {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.client.call(command, PATIENCE).unwrap();
            match answer.event {
                Event::RequestAccepted { request, .. } => {
                    let left = self.sent_out();
                    let (OutboundKind::OrderCancelRequest { cl_ord_id, .. }
                    | OutboundKind::OrderCancelReplaceRequest { cl_ord_id, .. }) = left
                    else {
                        panic!("{left:?}")
                    };
                    assert_eq!(cl_ord_id, request);
                    return request;
                }
                Event::Denied { denial, .. }
                    if matches!(denial.reason, DenyReason::OrderInDoubt | DenyReason::RequestPending) => {}
                other => panic!("{other:?} of {:?}", out.order),
            }
            assert!(Instant::now() < deadline, "the broker's word is never taken");
        }
    }

    fn cancel(&mut self, out: &Out) -> WireId {
        let (account, cl_ord_id) = (out.order.account, out.order.cl_ord_id);
        self.request(out, Command::CancelOrder(CancelOrder { account, order: None, cl_ord_id }))
    }

    fn replace(&mut self, out: &Out) -> WireId {
        self.request(out, replacing(out, 20u32.into()))
    }

    /// Nothing can be asked of an order that has ended: so it is seen that every report was taken.
    fn wait_for_the_end(&mut self, out: &Out) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.client.call(replacing(out, Quantity::ZERO), PATIENCE).unwrap();
            let Event::Denied { denial, .. } = answer.event else { panic!("{answer:?}") };
            if denial.reason == DenyReason::TooLate {
                return;
            }
            assert!(Instant::now() < deadline, "{answer:?}");
        }
    }

    /// The market moves, and the shard marks.
    pub(crate) fn mark(&mut self, number: u64) {
        let quote = quote(number);
        for instrument in 0..INSTRUMENTS {
            self.shard.facts().send((InstrumentId::new(instrument), quote)).unwrap();
        }
    }

    /// The session goes down and comes back.
    pub(crate) fn reconnect(&mut self) {
        for state in [SessionState::Down, SessionState::Up, SessionState::Ready] {
            let change = SessionChange { session: SESSION, state, unresolved: 0 };
            self.port.post(Input::Session(change)).unwrap();
        }
        let deadline = Instant::now() + PATIENCE;
        while !matches!(self.outlet.poll().map(|message| message.kind), Some(OutboundKind::Sweep)) {
            assert!(Instant::now() < deadline, "the session is not swept");
            std::thread::yield_now();
        }
    }
}

/// What a broker says of an order; without an execution.
pub(crate) fn report(
    order: &NewOrder,
    id: WireId,
    number: u64,
    exec_type: ExecType,
    ord_status: OrdStatus,
) -> ExecutionReport {
    ExecutionReport {
        session: SESSION,
        msg_seq_num: number,
        poss_dup: false,
        cl_ord_id: Some(id),
        orig_cl_ord_id: None,
        broker_order_id: Text::cut(&format!("B{}", id.seq)),
        exec_id: ExecId::cut(&format!("EXEC-20251120-{number}")),
        exec_type,
        ord_status,
        symbol: symbol(order.instrument),
        side: order.side,
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

fn replacing(out: &Out, quantity: Quantity) -> Command {
    Command::ReplaceOrder(ReplaceOrder {
        account: out.order.account,
        order: None,
        cl_ord_id: out.order.cl_ord_id,
        quantity,
        limit_price: out.order.limit_price,
    })
}

pub(crate) fn quote(number: u64) -> Quote {
    let cents = i64::try_from(number % 50).unwrap();
    let price = |cents| Price::new(model::Decimal::new(cents, 2));
    Quote {
        bid: price(4_830 + cents),
        bid_quantity: 100u32.into(),
        ask: price(4_832 + cents),
        ask_quantity: 100u32.into(),
        received: Timestamp::default(),
    }
}
