//! What a live shard asks of the trading machine: see [`machine::Hosted`]. What the shard alone knows when it takes a
//! command is stamped here: the quote that it is decided with, and whether its session has room.

use machine::{Backlog, ClockAnchor, ClockJump, Hosted, KnownClock, RoomClaim, Urgency};
use model::{
    CancelOrder, ClOrdId, Command, Denial, DenyReason, Event, Input, NewOrder, Outbound, Quote, ReplaceOrder,
    Scope, SessionId, Stamped,
};

use crate::quote_board::QuoteBoard;
use crate::{Core, Order, Outcome};

impl Hosted for Core {
    type Message = Outbound;
    type Outlook = QuoteBoard;

    const MOST_MESSAGES: usize = Outcome::MAX_OUTBOUND;

    /// The quote a decision is made with is part of the input.
    #[inline]
    fn stamped(&self, command: &Command, board: &QuoteBoard) -> Stamped {
        Stamped { quote: self.quote_for(command, board), backlog: None }
    }

    /// Only what goes out asks for room. One that names what is not there is refused for that.
    #[cold]
    fn way_out(&self, command: &Command) -> Option<(u16, RoomClaim)> {
        let (session, claim) = match command {
            Command::NewOrder(order) => (home(self, order)?, RoomClaim::Begins),
            Command::ReplaceOrder(replace) => (replaced(self, replace)?.session, RoomClaim::Changes),
            Command::CancelOrder(cancel) => (canceled(self, cancel)?.session, RoomClaim::Ends),
            _ => return None,
        };
        Some((session.index, claim))
    }

    fn hold_up(stamped: &mut Stamped, backlog: Backlog) {
        stamped.backlog = Some(backlog);
    }

    #[inline]
    fn messages(outcome: &Outcome) -> &[Outbound] {
        &outcome.outbound
    }

    #[inline]
    fn way_of(message: &Outbound) -> u16 {
        message.session.index
    }

    fn received(&self, way: u16) -> u64 {
        self.session(SessionId::new(way)).map_or(0, |book| book.inbound_high_water)
    }

    /// Cancels and halts have lanes of their own. A cancel may overtake new orders where it names the order by our
    /// identity, which its sender can only know from the order's answer; by the sender's own identifier it must stay
    /// behind the order it is about. A halt and its end go the same way, so that the last word counts.
    #[inline]
    fn urgency(command: &Command) -> Urgency {
        match command {
            Command::CancelOrder(cancel) if cancel.order.is_some() => Urgency::Overtakes,
            Command::Halt(_) | Command::Resume(_) => Urgency::First,
            _ => Urgency::InTurn,
        }
    }

    fn raises_risk(command: &Command) -> bool {
        matches!(command, Command::NewOrder(_) | Command::ReplaceOrder(_))
    }

    fn halt() -> Option<Command> {
        Some(Command::Halt(Scope::Firm))
    }

    fn clock(&self) -> KnownClock {
        let book = Self::clock(self);
        KnownClock {
            anchor: book.anchor(),
            ahead_ns: book.ahead_ns(),
            suspicion: book.suspicion().map(|known| known.jump),
        }
    }

    fn clock_jumped(jump: ClockJump) -> Option<Input> {
        Some(Input::ClockJumped(jump))
    }

    fn clock_anchored(anchor: ClockAnchor) -> Option<Input> {
        Some(Input::ClockAnchored(anchor))
    }

    fn answer_to_broken(input: &Input) -> Event {
        Event::Denied { cl_ord_id: named(input), denial: Denial::of(DenyReason::AccountSetAside) }
    }
}

impl Core {
    #[inline]
    fn quote_for(&self, command: &Command, board: &QuoteBoard) -> Option<Quote> {
        let instrument = match command {
            Command::NewOrder(order) => order.instrument,
            Command::ReplaceOrder(replace) => replaced(self, replace)?.instrument,
            _ => return None,
        };
        board.get(instrument)
    }
}

fn home(core: &Core, order: &NewOrder) -> Option<SessionId> {
    core.account(order.account).map(|account| account.definition.session)
}

#[inline]
fn replaced(core: &Core, replace: &ReplaceOrder) -> Option<Order> {
    core.order_named(replace.account, replace.order, &replace.cl_ord_id)
}

fn canceled(core: &Core, cancel: &CancelOrder) -> Option<Order> {
    core.order_named(cancel.account, cancel.order, &cancel.cl_ord_id)
}

/// The submitter's identifier of a command.
const fn named(input: &Input) -> ClOrdId {
    match input {
        Input::Command { command: Command::NewOrder(order), .. } => order.cl_ord_id,
        Input::Command { command: Command::CancelOrder(cancel), .. } => cancel.cl_ord_id,
        Input::Command { command: Command::ReplaceOrder(replace), .. } => replace.cl_ord_id,
        _ => ClOrdId::EMPTY,
    }
}
