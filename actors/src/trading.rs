//! The table of contents of the trading machine: which input goes where, and which part hears of what, in which order.
//!
//! An input is either of the orders' way, with a file in `apply/`, or of a part, with a folder in `parts/`. Nothing else
//! stands here: who adds a part writes one line into [`parts!`], and one for each command of it.

use machine::{Section, Stamp, Violation};
use model::{ClOrdId, Command, Date, ExecType, ExecutionReport, Input, Origin, Stamped, Timestamp};

use crate::clock::DatesDue;
use crate::hands::Hands;
use crate::part::{Obeys, Part};
use crate::parts::movements::Movements;
use crate::parts::names::Directories;
use crate::parts::settlement::Settlements;
use crate::section::KeptSection;
use crate::{Core, Outcome, apply};

/// Where a part stands in the state.
trait Seat<P: Part> {
    /// To look at.
    fn part(&self) -> &P;

    /// To work, with the hands that it has for that.
    fn at_work(&mut self, now: Timestamp) -> (&mut P, Hands<'_>);
}

/// The parts, in the order in which they hear, do what is due, and are kept.
macro_rules! parts {
    ($($field:ident: $part:ty,)*) => {
        $(impl Seat<$part> for Core {
            #[inline]
            fn part(&self) -> &$part {
                &self.$field
            }

            #[inline]
            fn at_work(&mut self, now: Timestamp) -> (&mut $part, Hands<'_>) {
                let Self { $field, accounts, portfolios, rooms, changes, at_work, .. } = self;
                ($field, Hands { now, accounts, portfolios, rooms, changes, at_work })
            }
        })*

        impl Core {
            /// Tells every part what happened.
            #[inline]
            fn hear(&mut self) {
                for fact in core::mem::take(&mut self.told) {
                    $(self.$field.hear(&fact);)*
                }
            }

            /// Has every part do what is due.
            fn due(&mut self, now: Timestamp, out: &mut Outcome) {
                $({
                    let (part, mut hands) = Seat::<$part>::at_work(self, now);
                    part.due(&mut hands, out);
                })*
            }

            /// When the first part has something to do.
            fn next_of_parts(&self) -> Option<Timestamp> {
                [$(self.$field.next_deadline()),*].into_iter().flatten().min()
            }

            /// Asks every part whether its state agrees with the rest.
            pub(crate) fn verify_parts(&self) -> Result<(), Violation> {
                $(self.$field.verify(self)?;)*
                Ok(())
            }
        }

        /// Where the parts are kept in snapshots.
        pub(crate) const KEPT_PARTS: &[KeptSection] = &[$(KeptSection {
            section: Section { name: <$part>::SECTION, version: <$part>::VERSION },
            save: |core, writer| core.$field.save(writer),
            load: |core, version, reader| {
                core.$field = <$part>::load(version, reader)?;
                Ok(())
            },
        }),*];
    };
}

parts! {
    movements: Movements,
    settlements: Settlements,
    names: Directories,
}

impl Core {
    /// Applies one stamped input; its consequences are added to `out`, which the caller has cleared.
    ///
    /// Every arm checks first (`check_*` never mutates) and then commits (`apply_*` never fails). What cannot be
    /// done is answered with [`model::Event::Denied`] or an alert.
    ///
    /// No input panics; a broken invariant does. The state is in question then, and whoever called must take it from the
    /// journal again, without that input and with [`Input::Broken`] behind it.
    pub fn apply(&mut self, stamp: Stamp, input: &Input, out: &mut Outcome) {
        match input {
            Input::Opened { incarnation, logic_version, anchor } => {
                apply::session::opened(self, *incarnation, *logic_version, out);
                if let Some(anchor) = anchor {
                    apply::clock::anchored(self, *anchor);
                }
            }
            Input::Command { origin, cause, stamped, command } => {
                if cause.is_none_or(|cause| apply::asks::take(self, stamp, cause, out)) {
                    self.command(stamp, origin, stamped, command, out);
                }
            }
            Input::ExecutionReport(report) => {
                apply::execution_report::apply(self, stamp, report, out);
                self.hear();
            }
            Input::CancelReject(reject) => apply::reject::cancel_reject(self, stamp, reject, out),
            Input::MessageReject(reject) => apply::reject::message_reject(self, stamp, reject, out),
            Input::Quarantined(message) => apply::reject::quarantined(self, message, out),
            Input::Session(change) => apply::session::change(self, stamp, *change, out),
            Input::Evidence(evidence) => apply::evidence::apply(self, stamp, *evidence, out),
            Input::Mark { instrument, quote } => apply::mark::apply(self, *instrument, quote, out),
            Input::Tick => self.tick(stamp.time, out),
            Input::AsksTaken { by, cause } => apply::asks::taken_by(self, *by, *cause, out),
            Input::Broken(broken) => apply::broken::apply(self, stamp, broken, out),
            Input::ClockJumped(jump) => apply::clock::jumped(self, stamp, *jump, out),
            Input::ClockAnchored(anchor) => apply::clock::anchored(self, *anchor),
        }
        for message in &out.outbound {
            self.changes.message(message);
        }
    }

    /// Has what the decision about an input looks up first fetched, so that it is there when it is needed: from a large
    /// state that takes as long as the rest of the decision. Changes nothing, and may be left out.
    #[expect(clippy::inline_always, reason = "a call costs as much as what is fetched for an order")]
    #[inline(always)]
    pub fn anticipate(&self, input: &Input) {
        match input {
            Input::Command { command: Command::NewOrder(order), .. } => {
                self.orders.anticipate(order.account, &order.cl_ord_id);
            }
            Input::ExecutionReport(report) => self.anticipate_report(report),
            _ => {}
        }
    }

    /// Has the memory fetched that the next order will be written to. It changes nothing.
    #[inline]
    pub fn make_ready(&mut self) {
        self.orders.make_ready();
    }

    #[inline(never)]
    fn anticipate_report(&self, report: &ExecutionReport) {
        if let Some(id) = report.cl_ord_id {
            self.orders.anticipate_report(id);
        }
        if report.exec_type == ExecType::Trade {
            self.executions.anticipate(self.broker_of(report.session), report.exec_id);
        }
    }

    fn command(
        &mut self,
        stamp: Stamp,
        origin: &Origin,
        stamped: &Stamped,
        command: &Command,
        out: &mut Outcome,
    ) {
        match command {
            Command::NewOrder(order) => apply::new_order::apply(self, stamp, stamped, order, out),
            Command::CancelOrder(cancel) => apply::cancel_order::apply(self, stamp, stamped, cancel, out),
            Command::ReplaceOrder(replace) => apply::replace_order::apply(self, stamp, stamped, replace, out),
            Command::MoveCash(cash_move) => self.obey::<Movements, _>(stamp.time, cash_move, out),
            Command::Halt(scope) => apply::halt::apply(self, *scope, true, out),
            Command::Resume(scope) => apply::halt::apply(self, *scope, false, out),
            Command::SetLimit { actor, kind, currency, value } => {
                apply::limit::apply(self, *actor, *kind, *currency, *value, out);
            }
            Command::DefineInstrument(instrument) => {
                apply::define::instrument(self, instrument, out);
                self.hear();
            }
            Command::DefinePortfolio(portfolio) => {
                apply::define::portfolio(self, portfolio, out);
                self.hear();
            }
            Command::DefineAccount(account) => {
                apply::define::account(self, account, out);
                self.hear();
            }
            Command::DefineSession(session) => {
                apply::define::session(self, session, out);
                self.hear();
            }
            Command::AcceptClock(acceptance) => apply::clock::accept(self, *acceptance, out),
            Command::DefineStrategy(strategy) => self.obey::<Directories, _>(stamp.time, strategy, out),
            Command::DefineBroker(broker) => self.obey::<Directories, _>(stamp.time, broker, out),
            Command::Remember(remember) => {
                apply::remember::apply(self, *remember, out);
                self.hear();
            }
            Command::CancelAll(cancel) => apply::asks::cancel_all(self, stamp, *origin, *cancel, out),
            Command::Release(aside) => {
                apply::broken::release(self, *aside, out);
                self.hear();
            }
        }
    }

    /// Has a part carry out a command: it checks first, and then commits.
    // In line it would have every other command pay for its room on the stack.
    #[inline(never)]
    fn obey<P: Obeys<C>, C>(&mut self, now: Timestamp, command: &C, out: &mut Outcome)
    where
        Self: Seat<P>,
    {
        match self.part().check(self, command) {
            Ok(plan) => {
                let (part, mut hands) = self.at_work(now);
                part.commit(&mut hands, command, plan, out);
            }
            Err(denial) => out.denied(ClOrdId::EMPTY, denial),
        }
    }

    /// Parts first, then what the orders' way has to do. While the clock is not trusted nobody makes a tick, and one that
    /// comes all the same rolls no date.
    #[inline(never)]
    fn tick(&mut self, now: Timestamp, out: &mut Outcome) {
        if self.clock.is_suspect() {
            return;
        }
        self.due(now, out);
        apply::retire::apply(self, now.date());
    }

    /// What ticks at that time would do, all slices of them together.
    pub fn due_by(&self, time: Timestamp) -> DatesDue {
        let settles = self.settlements.until(time.date()).collect();
        DatesDue { settles, retires: apply::retire::count_retirements(self, time.date()) }
    }

    /// The next time at which a `Tick` has something to do; `None` where nothing waits, or no date rolls at present.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if self.ticks_set_aside || self.clock.is_suspect() {
            return None;
        }
        let retires = apply::retire::next_retirement(self).map(Date::start);
        let forgets = self.remembered.next_forgotten().map(Date::start);
        self.next_of_parts().into_iter().chain(retires).chain(forgets).min()
    }
}
