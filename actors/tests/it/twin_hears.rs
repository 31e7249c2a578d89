//! How the naive twin follows inputs: FIX 4.4 appendix D written down once more, independently.

use model::{
    Aside, ClockAcceptance, Command, Date, Delivery, Denial, DenyReason, Event, ExecType, ExecutionReport,
    Input, NewOrder, OrdStatus, Position, Price, Quote, ReplaceOrder, SessionState, Side, Stamped, WireId,
};

use crate::twin::{Asked, MONEY, PRICE, Status, Twin, TwinOrder, UNITS, fee, notional, whole};

fn units(quantity: model::Quantity) -> i128 {
    whole(quantity.get(), UNITS)
}

fn level(price: Price) -> i128 {
    whole(price.get(), PRICE)
}

/// The price an order may cost at worst: its limit, or the quote, for a buy with the band of 10 %.
fn worst_price(side: Side, limit: Option<Price>, quote: Option<Quote>) -> i128 {
    match (limit, side) {
        (Some(limit), _) => level(limit),
        (None, Side::Buy) => level(quote.unwrap().ask) * 11 / 10,
        (None, Side::Sell) => level(quote.unwrap().bid),
    }
}

/// `days` weekdays after the date; 1970-01-01 was a Thursday.
fn weekdays_after(date: Date, days: u32) -> Date {
    let weekend = |day: i32| matches!((day + 4) % 7, 0 | 6);
    let mut day = date.days;
    while weekend(day) {
        day += 1;
    }
    for _ in 0..days {
        day += 1;
        while weekend(day) {
            day += 1;
        }
    }
    Date { days: day }
}

fn terms_of(now: i64, quote: Option<Quote>, order: &NewOrder) -> TwinOrder {
    TwinOrder {
        account: order.account.index,
        instrument: order.instrument.index,
        buy: order.side == Side::Buy,
        quantity: units(order.quantity),
        price: worst_price(order.side, order.limit_price, quote),
        filled: 0,
        status: Status::PendingNew,
        asked: None,
        doubt: false,
        wire_id: WireId::default(),
        created: now,
        missing: 0,
        dear: 0,
        ended: None,
        heard: 0,
        name: order.cl_ord_id,
    }
}

impl Twin {
    pub(crate) fn hear(&mut self, position: Position, now: i64, input: &Input, answer: Option<&Event>) {
        match input {
            Input::Opened { .. } => self.session(SessionState::Down),
            Input::Session(change) => self.session(change.state),
            Input::Command { stamped, command, .. } => {
                self.command(now, stamped, command, answer.unwrap());
            }
            Input::ExecutionReport(report) => self.report(now, report),
            Input::CancelReject(reject) => {
                let order = self.order_of([reject.cl_ord_id, reject.orig_cl_ord_id]);
                self.request_over(order, reject.cl_ord_id);
            }
            Input::MessageReject(reject) => {
                let order = self.order_of([reject.refused, None]);
                let Some(id) = order else { return };
                let order_itself = self.orders.get_mut(&id).unwrap();
                if reject.refused == Some(id) && order_itself.status == Status::PendingNew {
                    order_itself.end(Status::Ended);
                } else {
                    self.request_over(order, reject.refused);
                }
            }
            Input::Evidence(evidence) => self.evidence(now, evidence.request, evidence.delivery),
            Input::Mark { instrument, quote } => {
                let mark = i128::midpoint(level(quote.bid), level(quote.ask));
                self.marks.insert(instrument.index, mark);
            }
            // While the clock is not trusted no date rolls.
            Input::Tick if self.suspect.is_some() => {}
            Input::Tick => {
                let today = model::Timestamp::from_nanos(now).date().days;
                for ((key, day), amount) in std::mem::take(&mut self.unsettled) {
                    if day <= today && !self.aside.contains(&key.0) {
                        *self.settled.entry(key).or_default() += amount;
                    } else {
                        self.unsettled.insert((key, day), amount);
                    }
                }
            }
            Input::Broken(broken) => {
                if let Aside::Account(account) = broken.aside {
                    self.aside.insert(account.index);
                }
            }
            // What another shard has taken changes nothing that the twin follows.
            Input::Quarantined(_) | Input::AsksTaken { .. } | Input::ClockAnchored(_) => {}
            Input::ClockJumped(_) => self.suspect = Some(position),
        }
    }

    fn session(&mut self, state: SessionState) {
        self.session_down = state == SessionState::Down;
        if self.session_down {
            for order in self.orders.values_mut().filter(|order| order.is_open()) {
                order.doubt |= order.status == Status::PendingNew || order.asked.is_some();
            }
        }
    }

    fn command(&mut self, now: i64, stamped: &Stamped, command: &Command, answer: &Event) {
        let quote = stamped.quote;
        if let Event::OrderAccepted { .. } | Event::RequestAccepted { .. } = answer {
            assert_eq!(stamped.backlog, None, "there is no room for it");
        }
        match (command, answer) {
            (Command::NewOrder(order), Event::OrderAccepted { order: id, .. }) => {
                self.accept(*id, terms_of(now, quote, order));
            }
            (Command::NewOrder(order), Event::Denied { denial, .. }) => {
                let is_known = self.names.contains_key(&(order.account.index, order.cl_ord_id));
                assert!(is_known || denial.reason != DenyReason::ClOrdIdRemembered, "{}", order.cl_ord_id);
                self.refused(&terms_of(now, quote, order), denial);
            }
            (Command::CancelOrder(_), Event::RequestAccepted { order, request }) => {
                let kept = self.orders.get_mut(order).unwrap();
                let (quantity, price) = (kept.quantity, kept.price);
                kept.asked = Some(Asked { request: *request, cancel: true, quantity, price });
                self.ids.insert(*request, *order);
            }
            (Command::ReplaceOrder(replace), Event::RequestAccepted { order, request }) => {
                assert!(self.suspect.is_none());
                let (others, terms) = self.replaced_terms(*order, quote, replace);
                assert_eq!(others.objection(&terms), None);
                let kept = self.orders.get_mut(order).unwrap();
                assert!(kept.status == Status::Working && !kept.doubt && kept.asked.is_none());
                let (quantity, price) = (terms.quantity, terms.price);
                let asked = Asked { request: *request, cancel: false, quantity, price };
                kept.asked = Some(asked);
                self.replaces.insert(*request, asked);
                self.ids.insert(*request, *order);
            }
            (Command::ReplaceOrder(replace), Event::Denied { denial, .. }) => {
                let (others, terms) = self.replaced_terms(replace.order.unwrap(), quote, replace);
                others.refused(&terms, denial);
            }
            (Command::MoveCash(moved), Event::CashMoved { money, .. }) => {
                let currency = if money.currency.as_str() == "EUR" { 2 } else { 1 };
                let key = (moved.account.index, currency);
                *self.settled.entry(key).or_default() += whole(money.amount.get(), MONEY);
                assert!(money.amount.is_positive() || self.settled[&key] >= 0);
                assert!(money.amount.is_positive() || self.owned(key) >= self.reserved_cash(key));
                let today = model::Timestamp::from_nanos(now).date().days;
                let days = if self.cash_days == 0 { 400 } else { self.cash_days };
                let before = self.moves.insert((moved.account.index, moved.reference), (today, days));
                let is_free = before.is_none_or(|(day, days)| today > day + days);
                assert!(is_free, "{} is booked again too early", moved.reference);
            }
            (Command::MoveCash(moved), Event::CashMoveExists) => {
                assert!(self.moves.contains_key(&(moved.account.index, moved.reference)));
            }
            (Command::Release(Aside::Account(account)), Event::Released { .. }) => {
                self.aside.remove(&account.index);
            }
            (Command::Remember(remember), Event::Done) => {
                self.remembers = i32::from(remember.orders_days) - 1;
                self.cash_days = i32::from(remember.cash_days);
                for (_, days) in self.moves.values_mut() {
                    *days = (*days).min(self.cash_days);
                }
                for (_, days) in self.names.values_mut() {
                    *days = (*days).min(self.remembers + 1);
                }
            }
            (Command::Halt(_), _) => self.halted = true,
            (Command::Resume(_), _) => self.halted = false,
            (Command::AcceptClock(ClockAcceptance { found }), answer) => {
                let is_newest = self.suspect == Some(*found);
                assert_eq!(matches!(answer, Event::ClockAccepted { .. }), is_newest);
                self.suspect = self.suspect.filter(|_| !is_newest);
            }
            _ => {}
        }
    }

    fn accept(&mut self, id: WireId, terms: TwinOrder) {
        if let Some((day, days)) = self.names.remove(&(terms.account, terms.name)) {
            let today = model::Timestamp::from_nanos(terms.created).date().days;
            assert!(today > day + days, "{} is taken again too early", terms.name);
        }
        assert!(
            !self.session_down
                && !self.halted
                && self.suspect.is_none()
                && !self.aside.contains(&terms.account)
        );
        assert_eq!(self.objection(&terms), None);
        self.orders.insert(id, TwinOrder { wire_id: id, ..terms });
        self.ids.insert(id, id);
    }

    /// The order as the replace would leave it, and the twin without the order: it does not stand in its own way.
    fn replaced_terms(&self, id: WireId, quote: Option<Quote>, replace: &ReplaceOrder) -> (Self, TwinOrder) {
        let mut others = self.clone();
        let kept = others.orders.remove(&id).unwrap();
        let side = if kept.buy { Side::Buy } else { Side::Sell };
        let price = worst_price(side, replace.limit_price, quote);
        (others, TwinOrder { quantity: units(replace.quantity), price, asked: None, ..kept })
    }

    /// What the twin has against an order: ALPHA may hold 400 units and not sell short, the portfolio 60,000 US
    /// dollars, and nobody spends what is not there.
    fn objection(&self, order: &TwinOrder) -> Option<DenyReason> {
        let key = (order.account, order.instrument);
        let open = order.quantity - order.filled;
        let value = notional(order.price, open, order.instrument);
        let cash = if order.buy { value + fee(order.account, value, open, true) } else { 0 };
        let position = self.holdings.get(&key).copied().unwrap_or_default().position;
        let sign = if order.buy { 1 } else { -1 };
        let after = position + sign * (self.open_units(key, order.buy) + open);
        let closes = position * sign < 0 && after * sign <= 0;
        let (held, working) = self.exposure(1);
        let limit = 60_000 * 10i128.pow(MONEY);
        if order.account == 1 && sign * after > 40_000 {
            Some(DenyReason::PositionLimit)
        } else if order.account == 1 && !order.buy && after < 0 {
            Some(DenyReason::ShortSale)
        } else if cash > self.owned(key) - self.reserved_cash(key) && order.buy {
            Some(DenyReason::AvailableCash)
        } else if order.instrument == 1 && !closes && held + working + value > limit {
            Some(DenyReason::GrossExposure)
        } else {
            None
        }
    }

    /// A refusal by these rules must be the twin's, too. Others are the gate's own twin's business.
    fn refused(&self, terms: &TwinOrder, denial: &Denial) {
        if denial.reason.number() >= DenyReason::PositionLimit.number() {
            assert_eq!(self.objection(terms), Some(denial.reason));
        }
    }

    fn request_over(&mut self, order: Option<WireId>, request: Option<WireId>) {
        let Some(order) = order.and_then(|id| self.orders.get_mut(&id)) else { return };
        if order.asked.map(|asked| asked.request) == request {
            order.asked = None;
            order.settle_doubt();
        }
    }

    fn evidence(&mut self, now: i64, request: WireId, delivery: Delivery) {
        let Some(id) = self.order_of([Some(request), None]) else { return };
        let order = self.orders.get_mut(&id).unwrap();
        let (down, halted) =
            (self.session_down, self.halted || self.suspect.is_some() || self.aside.contains(&order.account));
        let never_sent = delivery == Delivery::NeverSent;
        if delivery == Delivery::Unanswered || (delivery == Delivery::UnknownToBroker && !order.doubt) {
            return;
        }
        if matches!(delivery, Delivery::Overdue | Delivery::LongOverdue) {
            let new = order.status == Status::PendingNew;
            let asked = order.asked.filter(|asked| asked.request == request);
            let waits = asked.is_some() || (new && request == id);
            let cancel = asked.is_some_and(|asked| asked.cancel);
            order.doubt |= waits && !down && (delivery == Delivery::LongOverdue || (cancel && !new));
            return;
        }
        if let Some(asked) = order.asked.filter(|asked| asked.request == request) {
            if never_sent && down {
                order.doubt = true;
            } else if never_sent && asked.cancel && order.status != Status::PendingNew {
                order.doubt = false;
            } else {
                self.request_over(Some(id), Some(request));
            }
        } else if request == id && order.status == Status::PendingNew {
            let fresh = now - order.created <= 5_000_000_000 && order.asked.is_none() && !halted;
            if never_sent && down {
                order.doubt = true;
            } else if never_sent && fresh {
                order.doubt = false;
            } else {
                order.end(Status::Ended);
            }
        }
    }

    fn report(&mut self, now: i64, report: &ExecutionReport) {
        let found = self.order_of([report.cl_ord_id, report.orig_cl_ord_id]);
        if let Some(order) = found.and_then(|id| self.orders.get_mut(&id)) {
            order.heard = model::Timestamp::from_nanos(now).date().days;
        }
        let known = found.and_then(|id| self.orders.get(&id)).filter(|order| {
            let symbol = if order.instrument == 1 { "ACME" } else { "EURO" };
            report.symbol.as_str() == symbol
                && report.session.index == 1
                && (report.side == Side::Buy) == order.buy
        });
        let before = known.copied();
        if report.exec_type == ExecType::Trade {
            self.trade(now, report, found, before.is_some());
        } else if let (Some(id), Some(_)) = (found, before) {
            let late = report.cl_ord_id.and_then(|request| self.replaces.get(&request)).copied();
            self.orders.get_mut(&id).unwrap().hear(report, late);
        }
        // Of who is set aside nothing is moved, what is missing neither.
        let counts =
            |before: &TwinOrder| report.exec_type != ExecType::Trade || !self.aside.contains(&before.account);
        if let (Some(id), Some(before)) = (found, before.filter(counts)) {
            self.orders.get_mut(&id).unwrap().count(&before, report);
        }
    }

    fn trade(&mut self, now: i64, report: &ExecutionReport, found: Option<WireId>, known: bool) {
        // Each session here is one broker's.
        let name = (report.session.index, report.exec_id.to_string());
        if name.1.is_empty() || self.executions.contains(&name) {
            return;
        }
        self.executions.insert(name);
        let sound = report.last_quantity.is_positive() && !report.last_price.is_negative();
        let order = found.and_then(|id| self.orders.get(&id)).filter(|_| known);
        if let (Some(id), Some(_)) = (found, order.filter(|order| self.aside.contains(&order.account))) {
            *self.kept.entry(id).or_default() += units(report.last_quantity);
            return;
        }
        if let (Some(id), true, true) = (found, known, sound) {
            let today = model::Timestamp::from_nanos(now).date();
            let cycle = self.orders[&id].instrument;
            let settles = weekdays_after(today, cycle);
            self.book(id, units(report.last_quantity), level(report.last_price), settles);
        }
    }
}

impl TwinOrder {
    /// What the broker counts: the highest number stands until executions reach it, or an answer takes it back.
    fn count(&mut self, before: &Self, report: &ExecutionReport) {
        let said = units(report.cum_quantity);
        let is_answer = report.exec_type == ExecType::OrderStatus;
        let counted = if is_answer { said } else { said.max(before.filled + before.missing) };
        self.missing = (counted - self.filled).max(0);
        let asked = before.asked.map_or(0, |asked| asked.price);
        let dear = before.price.max(self.price).max(asked).max(before.dear);
        self.dear = if self.missing > 0 { dear } else { 0 };
    }

    fn hear(&mut self, report: &ExecutionReport, late: Option<Asked>) {
        let ended = matches!(self.status, Status::Filled | Status::Ended);
        match report.exec_type {
            ExecType::PendingNew if self.asked.is_some() => {}
            ExecType::PendingNew | ExecType::PendingCancel | ExecType::PendingReplace => self.doubt = false,
            ExecType::Canceled | ExecType::Rejected | ExecType::Expired => {
                use OrdStatus as S;
                // Filled counts: an end is an end.
                let over = [S::Filled, S::Canceled, S::Rejected, S::Expired, S::Denied];
                if !ended && over.contains(&report.ord_status) {
                    self.end(Status::Ended);
                }
            }
            ExecType::DoneForDay if !ended => self.status = Status::Working,
            ExecType::New
            | ExecType::Stopped
            | ExecType::Suspended
            | ExecType::Calculated
            | ExecType::Restated => self.acknowledged(),
            ExecType::Replaced => {
                let known = [Some(self.wire_id), self.asked.map(|asked| asked.request)];
                self.replaced(report.cl_ord_id);
                // Given up here, and carried out by the broker after all.
                let is_late =
                    !known.contains(&report.cl_ord_id) && report.orig_cl_ord_id == Some(self.wire_id);
                if let Some(late) = late.filter(|_| is_late && self.status != Status::Ended) {
                    self.take(late);
                }
            }
            ExecType::OrderStatus => self.stands(report, ended),
            _ => {}
        }
        self.settle_doubt();
    }

    fn acknowledged(&mut self) {
        if self.status == Status::PendingNew {
            self.status = Status::Working;
        }
    }

    fn replaced(&mut self, named: Option<WireId>) {
        let Some(asked) = self.asked.filter(|asked| !asked.cancel && named == Some(asked.request)) else {
            return;
        };
        self.asked = None;
        self.take(asked);
    }

    fn take(&mut self, asked: Asked) {
        self.quantity = asked.quantity;
        self.price = asked.price;
        self.wire_id = asked.request;
        self.status = if self.filled >= self.quantity { Status::Filled } else { Status::Working };
        if self.status == Status::Filled {
            self.asked = None;
        }
    }

    fn stands(&mut self, report: &ExecutionReport, ended: bool) {
        match report.ord_status {
            OrdStatus::Canceled | OrdStatus::Rejected | OrdStatus::Expired => {
                if !ended {
                    self.end(Status::Ended);
                }
            }
            OrdStatus::PendingCancel | OrdStatus::PendingReplace => {
                self.acknowledged();
                self.doubt = false;
            }
            OrdStatus::PendingNew => {
                self.asked = self.asked.filter(|_| !self.doubt);
                self.doubt = false;
            }
            _ => {
                self.acknowledged();
                self.replaced(report.cl_ord_id);
                self.asked = self.asked.filter(|_| !self.doubt);
            }
        }
    }
}
