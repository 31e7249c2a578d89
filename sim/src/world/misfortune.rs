//! What goes wrong in the world: the line, the disk, the process, the wall clock.

use super::World;
use crate::disk::Death;

impl World {
    /// The line comes and goes; mostly it is there.
    pub(super) fn connection(&mut self) {
        if self.line.wire().is_connected() && self.dice.once_in(6) {
            self.history.fault("disconnect", String::new);
            self.disconnect();
        }
    }

    pub(crate) fn disconnect(&mut self) {
        self.line.wire().disconnect();
        if let Some(node) = &self.node {
            node.logged_out();
        }
    }

    pub(crate) fn connect(&mut self) {
        // What was on its way when the last connection ended has arrived by now.
        while let Some(message) = self.line.wire().take_for_broker() {
            self.broker.receive(&message);
        }
        if self.node.is_some() {
            let refusal = self.line.wire().refuse();
            if let (Some(incident), Some(node)) = (refusal, &self.node) {
                self.history.fault("logon refused", || format!("{incident:?}"));
                return node.refused(incident);
            }
            self.history.tell(|| "logon".into());
            self.line.wire().log_on();
        }
    }

    pub(super) fn go_wrong(&mut self) {
        match self.dice.below(30) {
            0 => {
                self.history.fault("process killed", String::new);
                self.disk.die(Death::Process);
            }
            1 if self.on_disk() => {
                self.history.fault("power failure", String::new);
                self.disk.die(Death::Power);
            }
            2 => {
                let (operations, death) = (self.dice.below(12), self.some_death());
                self.disk.arm(operations, death);
                self.history
                    .fault("death armed", || format!("{death:?} at operation {operations} of the disk"));
            }
            3 => {
                self.history.fault("disk full", String::new);
                self.disk.set_full(true);
            }
            4..8 => self.disk.set_full(false),
            12 => self.set_wall_clock(),
            9..12 => {
                let events = self.dice.between(50, 300);
                self.stalled_until = self.history.events + events;
                self.history.fault("gateway stalled", || format!("for {events} events"));
            }
            8 if self.dice.once_in(4) => {
                self.history.fault("failing sync", String::new);
                self.disk.state().failing_syncs = 1;
                self.excused.sync = true;
            }
            _ => {}
        }
    }

    /// The process is gone, with all that was only in its memory.
    pub(crate) fn node_died(&mut self, how: &str) {
        self.history.tell(|| format!("the node is gone: {how}"));
        self.died();
    }

    pub(super) fn died(&mut self) {
        self.node = None;
        self.auditor.detach();
        self.answers.clear();
        self.left.clear();
        let mut wire = self.line.wire();
        wire.disconnect();
        wire.numbered.clear();
        if self.disk.state().last_death == Some(Death::Power) {
            wire.lose_power();
            self.clock.reboot();
        }
        drop(wire);
        self.provers.clear();
    }
}
