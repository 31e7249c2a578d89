//! A broker session's shard, as the gateway wants it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use actors::Core;
use engine::{Refused, ReplicaError, SessionOutlet, SessionPort};
use fix_gateway::{Doubt, DoubtKind, ShardClosed, ShardPort};
use model::{Certainty, Input, OrdStatus, Outbound, PendingKind, Position, SessionId, WireId};

/// The engine's port in the gateway's words.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) shard: SessionPort<Core>,
    /// One gateway thread after the other polls, since a session can be started again; the lock is never waited for.
    outlet: Mutex<SessionOutlet<Outbound>>,
}

impl Port {
    pub(crate) fn new((shard, outlet): (SessionPort<Core>, SessionOutlet<Outbound>)) -> Self {
        Self { shard, outlet: Mutex::new(outlet) }
    }
}

impl ShardPort for Port {
    fn poll_outbound(&self) -> Option<Outbound> {
        self.outlet.lock().unwrap_or_else(PoisonError::into_inner).poll()
    }

    fn post(&self, input: Input) -> Result<(), ShardClosed> {
        self.shard.post(input).map_err(|refused| {
            if refused != Refused::Stopped {
                tracing::error!(%refused, "a report could not be handed over");
            }
            ShardClosed
        })
    }

    fn doubts(&self, at: Position) -> Result<Vec<Doubt>, ShardClosed> {
        let session = SessionId::new(self.shard.way());
        let read = self.shard.read(at, |core| {
            let orders = core.accounts().flat_map(|account| core.open_orders(account.definition.id));
            let of_session = orders.filter(|order| order.session == session);
            let mut doubts: Vec<Doubt> = of_session.flat_map(|order| doubts_of(core, &order)).collect();
            doubts.sort_unstable_by_key(|doubt| doubt.request);
            doubts
        });
        read.map_err(|error| {
            if error != ReplicaError::Stopped {
                tracing::error!(%error, "what is in doubt could not be read");
            }
            ShardClosed
        })
    }

    fn unanswered(&self, at: Position) -> Result<BTreeSet<WireId>, ShardClosed> {
        let session = SessionId::new(self.shard.way());
        let read = self.shard.read(at, |core| {
            let orders = core.accounts().flat_map(|account| core.open_orders(account.definition.id));
            let of_session = orders.filter(|order| order.session == session);
            of_session.flat_map(|order| requests_of(&order)).map(|(request, _)| request).collect()
        });
        read.map_err(|_| ShardClosed)
    }

    fn acknowledged(&self, at: Position) -> Result<BTreeSet<WireId>, ShardClosed> {
        let session = SessionId::new(self.shard.way());
        let read = self.shard.read(at, |core| {
            let orders = core.accounts().flat_map(|account| core.open_orders(account.definition.id));
            // The order's name at the broker comes from the broker alone.
            let known = orders.filter(|order| {
                order.session == session
                    && order.status != OrdStatus::PendingNew
                    && !order.broker_order_id.is_empty()
            });
            known.flat_map(|order| [order.id, order.wire_id]).collect()
        });
        read.map_err(|_| ShardClosed)
    }

    fn inbound_high_water(&self) -> u64 {
        // A session that is started again in this process has read on since the shard started.
        let session = SessionId::new(self.shard.way());
        let now = self
            .shard
            .read(Position::default(), |core| core.session(session).map(|book| book.inbound_high_water));
        now.ok().flatten().unwrap_or(0).max(self.shard.inbound_high_water())
    }
}

/// The order itself where the broker never answered it, and the request that is out.
fn requests_of(order: &actors::Order) -> impl Iterator<Item = (WireId, DoubtKind)> + use<> {
    let new_order = (order.status == OrdStatus::PendingNew).then_some((order.id, DoubtKind::NewOrder));
    let request = order.pending.map(|pending| {
        let kind = match pending.kind {
            PendingKind::Cancel => DoubtKind::Cancel,
            PendingKind::Replace => DoubtKind::Replace,
        };
        (pending.request, kind)
    });
    new_order.into_iter().chain(request)
}

/// What the broker is to be asked about an order.
fn doubts_of(core: &actors::Core, order: &actors::Order) -> Vec<Doubt> {
    let is_in_doubt = order.certainty == Certainty::InDoubt;
    let missing = order.unexplained.map(|_| (order.wire_id, DoubtKind::Execution));
    let asked = requests_of(order).filter(|_| is_in_doubt).chain(missing);
    let symbol = core.instrument(order.instrument).map(|book| book.definition.symbol).unwrap_or_default();
    let account = core.account(order.account).map(|account| account.definition.name).unwrap_or_default();
    let doubt = |(request, kind)| Doubt {
        request,
        order: order.wire_id,
        kind,
        symbol,
        side: order.side,
        account,
        broker_order_id: order.broker_order_id,
    };
    asked.map(doubt).collect()
}
