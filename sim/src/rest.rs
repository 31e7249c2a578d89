//! How a history comes to rest: nothing goes wrong any more, and everything gets its turn until nothing is left to do.

use crate::world::World;

/// Rounds in which a world that is at peace must have come to rest.
const REST: u32 = 20_000;

impl World {
    /// Nothing goes wrong any more, nobody asks for anything: core and broker must agree on everything.
    pub(crate) fn come_to_rest(&mut self) -> Result<(), String> {
        self.history.tell(|| "peace".into());
        self.broker.calm = true;
        self.disk.calm();
        self.stalled_until = 0;
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
            } else if !self.broker.wind_up() {
                wound_up += 1;
                if wound_up > 20 {
                    return self.check();
                }
            }
        }
        Err(format!("the world does not come to rest: {}", self.unrest()))
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
