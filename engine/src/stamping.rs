//! What the shard stamps beside a command: what it alone knows at that moment, and what decides.

use actors::Core;
use model::{Backlog, CancelOrder, Command, NewOrder, Quote, ReplaceOrder, SessionId, Stamped};

use crate::clock::Clock;
use crate::egress::RoomClaim;
use crate::pipeline::Pipeline;

impl<C: Clock> Pipeline<C> {
    /// The facts for a command that is taken now. Where every way out is clear, nobody looks which one it needs.
    #[inline]
    pub(crate) fn stamped_for(&mut self, command: &Command, is_clear: bool) -> Stamped {
        let backlog = if is_clear { None } else { self.backlog_for(command) };
        Stamped { quote: self.quote_for(command), backlog }
    }

    /// The quote a decision is made with is part of the input.
    #[inline]
    fn quote_for(&self, command: &Command) -> Option<Quote> {
        let instrument = match command {
            Command::NewOrder(order) => order.instrument,
            Command::ReplaceOrder(replace) => replaced(&self.core, replace)?.instrument,
            _ => return None,
        };
        self.board.get(instrument)
    }

    /// Only what goes out asks for room. One that names what is not there is refused for that.
    #[cold]
    fn backlog_for(&mut self, command: &Command) -> Option<Backlog> {
        let (session, claim) = match command {
            Command::NewOrder(order) => (home(&self.core, order)?, RoomClaim::NewOrder),
            Command::ReplaceOrder(replace) => (replaced(&self.core, replace)?.session, RoomClaim::Replace),
            Command::CancelOrder(cancel) => (canceled(&self.core, cancel)?.session, RoomClaim::Cancel),
            _ => return None,
        };
        self.release.backlog(session, claim)
    }
}

fn home(core: &Core, order: &NewOrder) -> Option<SessionId> {
    core.account(order.account).map(|account| account.definition.session)
}

#[inline]
fn replaced(core: &Core, replace: &ReplaceOrder) -> Option<actors::Order> {
    core.order_named(replace.account, replace.order, &replace.cl_ord_id)
}

fn canceled(core: &Core, cancel: &CancelOrder) -> Option<actors::Order> {
    core.order_named(cancel.account, cancel.order, &cancel.cl_ord_id)
}
