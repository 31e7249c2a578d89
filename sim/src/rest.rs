//! How a history comes to rest: nothing goes wrong any more, and everything gets its turn until nothing is left to do.

use model::WireId;

use crate::world::World;

/// Rounds in which a world that is at peace must have come to rest.
const REST: u32 = 20_000;
/// Rounds of a tenth of a second in which a session that stays up has cleared up everything.
const CLEARED_UP: u32 = 600;

impl World {
    /// Nothing goes wrong any more, nobody asks for anything: core and broker must agree on everything.
    pub(crate) fn come_to_rest(&mut self) -> Result<(), String> {
        self.history.tell(|| "peace".into());
        self.broker.calm = true;
        self.disk.calm();
        self.stalled_until = 0;
        if self.dice.once_in(2) {
            self.clear_up_while_connected()?;
        }
        // One more sweep, with a broker that answers every question.
        self.disconnect();
        let mut wound_up = 0;
        for round in 0..REST {
            self.history.events += 1;
            self.clock.pass(5_000_000);
            if self.node.is_none() {
                self.disk.start();
                self.boot()?;
            }
            if !self.line.wire().is_connected() {
                self.connect();
            }
            self.submit_release();
            self.accept_clock();
            self.everything_once()?;
            if round % 50 == 49 && self.line.wire().has_gap() {
                self.line.wire().heartbeat();
            }
            if !self.is_at_rest() {
                wound_up = 0;
            } else if !self.broker.wind_up() && !self.broker.tell_untold(|_| true) {
                wound_up += 1;
                if wound_up > 20 {
                    return self.check();
                }
            }
        }
        Err(format!("the world does not come to rest: {}", self.unrest()))
    }

    /// A minute in which nothing goes wrong and nobody connects again: what the broker has lost or only counted is asked
    /// about, and cleared up by its answers.
    fn clear_up_while_connected(&mut self) -> Result<(), String> {
        for round in 0..CLEARED_UP {
            if !self.is_ready() {
                return Ok(());
            }
            self.history.events += 1;
            self.clock.pass(100_000_000);
            for _ in 0..2 {
                self.everything_once()?;
            }
            self.broker.wind_up();
            if round % 20 == 9 {
                self.line.wire().heartbeat();
            }
        }
        self.check()?;
        let core = self.auditor.core();
        // A fill that is kept for somebody to look at is told, and not booked.
        if !core.suspense().is_empty() || !self.line.wire().is_quiet() {
            return Ok(());
        }
        let is_over = |id: &WireId| core.order(*id).is_some_and(|order| order.is_over());
        if let Some(id) = self.broker.orders_with_untold().find(is_over) {
            return Err(format!("{id} is over, and nobody asked for what the broker only counts of it"));
        }
        let open = core.accounts().flat_map(|account| core.open_orders(account.definition.id));
        match open.into_iter().find(|order| order.is_awaiting() || order.unexplained.is_some()) {
            Some(order) => Err(format!("nobody clears up what is unanswered or missing of {order:?}")),
            None => Ok(()),
        }
    }

    fn is_ready(&self) -> bool {
        let ready = fix_gateway::Health::Ready;
        self.line.wire().is_connected()
            && self.node.as_ref().is_some_and(|node| node.session.health() == ready)
    }

    fn everything_once(&mut self) -> Result<(), String> {
        self.arrive()?;
        while let Some(body) = self.broker.to_say.pop_front() {
            self.line.wire().say(&body);
        }
        self.deliver();
        self.turn()?;
        self.flush_step();
        self.prepare_step();
        self.read_step()?;
        self.gateway();
        if self.disk.is_dead() {
            self.node_died("while everything comes to rest");
        }
        Ok(())
    }

    fn unrest(&self) -> String {
        let node = self.node.as_ref().map(|node| {
            (node.unanswered(), node.shard.durable_seq(), node.shard.position().seq, node.session.health())
        });
        let wire = self.line.wire().is_quiet();
        format!("node {node:?}, line quiet: {wire}, broker has to say: {:?}", self.broker.to_say)
    }

    fn is_at_rest(&self) -> bool {
        let answered = self.node.as_ref().is_some_and(|node| {
            node.unanswered() == 0 && node.shard.durable_seq() == node.shard.position().seq
        });
        let ready =
            self.node.as_ref().is_some_and(|node| node.session.health() == fix_gateway::Health::Ready);
        let released = self.release().is_none();
        answered && ready && released && self.broker.to_say.is_empty() && self.line.wire().is_quiet()
    }
}
