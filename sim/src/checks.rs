//! What is checked: after every few steps, and at the end.

use std::collections::BTreeSet;

use model::WireId;

use crate::auditor::open_orders;
use crate::world::World;

impl World {
    /// Everything that can be checked now.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        if self.disk.is_dead() {
            return Ok(());
        }
        self.auditor.follow()?;
        let Some(node) = &self.node else { return Ok(()) };
        let (durable, live) = (node.shard.durable_seq(), node.shard.position().seq);
        if self.auditor.seq() == live && self.auditor.digest() != node.shard.digest() {
            return Err(format!("at record {live} the shard's digest is not that of its journal"));
        }
        self.provers.retain(|(prover, proves)| {
            let proved = *prover <= durable;
            if proved {
                self.proven = self.proven.max(*proves);
            }
            !proved
        });
        if let Some(id) = self.denied.first() {
            return Err(format!("{id} was called never sent, and the broker has it"));
        }
        self.check_answers()?;
        self.check_left()
    }

    /// Whoever was answered finds the command, and that answer, in the journal.
    fn check_answers(&mut self) -> Result<(), String> {
        for (command, answer) in std::mem::take(&mut self.answers) {
            let seq = answer.position.seq;
            let at = usize::try_from(seq - 1).unwrap_or(usize::MAX);
            let Some(known) = self.auditor.known.get(at) else {
                return Err(format!("record {seq} was answered, and is not durable"));
            };
            let Some((recorded, event)) = &known.answered else {
                return Err(format!("record {seq} was answered, and is no command"));
            };
            if *recorded != command {
                return Err(format!(
                    "record {seq} is not the command that was answered: {recorded:?}, {command:?}"
                ));
            }
            if *event != answer.event {
                return Err(format!(
                    "record {seq} was answered with {:?}, and leads to {event:?}",
                    answer.event
                ));
            }
        }
        Ok(())
    }

    /// What left was decided by a record that is durable, and under an id that was issued.
    fn check_left(&mut self) -> Result<(), String> {
        for id in std::mem::take(&mut self.left) {
            if !self.auditor.issued.contains(&id) {
                return Err(format!("{id} left, and no durable record has issued it"));
            }
        }
        for id in self.broker.received.keys() {
            if self.arrived.contains(id) {
                continue;
            }
            let issued = id.parse::<WireId>().is_ok_and(|id| self.auditor.issued.contains(&id));
            if !issued {
                return Err(format!("the broker received {id}, which was never issued"));
            }
            self.arrived.insert(id.clone());
        }
        Ok(())
    }

    /// Core and broker agree: every execution is booked once, every order has a fate.
    pub(crate) fn check_the_end(&mut self) -> Result<(), String> {
        self.check()?;
        let booked: BTreeSet<String> =
            self.auditor.twin.executions.iter().map(|(_, exec_id)| exec_id.clone()).collect();
        let logged = self.broker.executions();
        if let Some(lost) = logged.difference(&booked).next() {
            return Err(format!("execution {lost} is in the broker's log, and was never booked"));
        }
        if let Some(invented) = booked.difference(&logged).next() {
            return Err(format!("execution {invented} was booked, and is not in the broker's log"));
        }
        for (id, order) in &self.auditor.twin.orders {
            let at_broker = i128::from(self.broker.filled(&id.to_string()));
            let kept = self.auditor.twin.kept.get(id).copied().unwrap_or_default();
            if order.filled + kept != at_broker {
                return Err(format!("of {id} {} were booked, the broker filled {at_broker}", order.filled));
            }
        }
        // What is kept of an account that was set aside leaves its order open, until a person decides.
        let mut open = open_orders(self.auditor.core());
        open.retain(|id, _| !self.auditor.twin.kept.contains_key(id));
        if let Some((id, account)) = open.first_key_value() {
            let known = self.broker.orders.get(&id.to_string());
            return Err(format!("{id} of account {account} is still open; the broker has {known:?}"));
        }
        Ok(())
    }
}
