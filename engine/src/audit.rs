//! The continuous audit: the read side applies what the shard records, and compares every digest the shard leaves.
//!
//! Where they differ, memory, machine or logic has failed one of them, and no machine can tell which. So the audit
//! stops what raises risk, at once and loudly: new orders and replaces are refused at the lanes, and the firm is
//! halted by a journalled command, which what waits in the lanes meets first. It needs no place in a lane, so that no
//! flood can keep it out and the read side never waits. Cancels, fills and queries go on.

use std::sync::OnceLock;

use machine::Position;

use crate::digest::Digest;
use crate::error::EngineError;

/// Where the read side and the shard were first seen to differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The record that holds the digest: they parted after the digest before it.
    pub position: Position,
    /// The shard's digest.
    pub recorded: Digest,
    /// The read side's.
    pub replayed: Digest,
}

pub(crate) struct Audit {
    /// Stops what raises risk.
    alarm: Box<dyn Fn() + Send + Sync>,
    found: OnceLock<Divergence>,
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Audit").field("found", &self.found).finish_non_exhaustive()
    }
}

impl Audit {
    pub(crate) fn new(alarm: impl Fn() + Send + Sync + 'static) -> Self {
        Self { alarm: Box::new(alarm), found: OnceLock::new() }
    }

    pub(crate) fn found(&self) -> Option<Divergence> {
        self.found.get().copied()
    }

    /// Takes a divergence in hand; gives any other error back. After the first, every later digest differs too.
    pub(crate) fn judge(&self, error: EngineError) -> Result<(), EngineError> {
        let EngineError::DigestMismatch { position, recorded, replayed, .. } = error else {
            return Err(error);
        };
        if self.found.set(Divergence { position, recorded, replayed }).is_ok() {
            (self.alarm)();
            tracing::error!(
                %position, %recorded, %replayed,
                "THE REPLICA DIVERGED from the shard: no new orders are accepted, the firm is halted; stop the node, \
                 keep its journal, and replay it elsewhere to see which of the two was wrong"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "../tests/common/mod.rs"]
mod common;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use actors::{Core, Outcome, Stamp};
    use model::{Command, Event, Input, LimitKind, Origin, Scope, Stamped, Timestamp};

    use super::common::{ACCOUNT, PATIENCE, Rig, SESSION, buy, config, fill};
    use super::*;
    use crate::{Refused, Shard, ShardConfig, Standby, SystemClock};

    /// A shard whose state is wrong by one limit that no record explains: it denies what its replica accepts.
    fn wrong_shard(config: &ShardConfig) -> Shard<Core> {
        let standby = Standby::<Core>::open(config).unwrap();
        let mut live = standby.core().clone();
        let (actor, kind) = (model::Actor::Account(ACCOUNT), LimitKind::MaxOrderQuantity);
        let command = Command::SetLimit { actor, kind, currency: None, value: Some(5u32.into()) };
        let input = Input::command(Origin::default(), Stamped::default(), command);
        let stamp = Stamp { position: Position::default(), time: Timestamp::default() };
        live.apply(stamp, &input, &mut Outcome::default());
        standby.start_with(SystemClock, live).unwrap()
    }

    fn until_divergence(rig: &mut Rig) -> Divergence {
        let deadline = Instant::now() + PATIENCE;
        for count in 0.. {
            assert!(Instant::now() < deadline, "nobody noticed");
            if let Some(found) = rig.shard.replica().divergence() {
                return found;
            }
            match rig.client.call(Command::NewOrder(buy(&format!("W{count}"))), PATIENCE) {
                Ok(answer) => assert!(matches!(answer.event, Event::Denied { .. }), "{answer:?}"),
                Err(refused) => assert_eq!(refused, Refused::Diverged),
            }
        }
        unreachable!()
    }

    #[test]
    fn a_replica_that_differs_stops_new_orders_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path());
        let mut rig = Rig::ready(&config);
        let Event::OrderAccepted { order, .. } = rig.call(Command::NewOrder(buy("A"))).event else {
            panic!("not accepted")
        };
        let agreed = rig.shard.replica().divergence();
        assert_eq!(agreed, None);
        drop(rig.client);
        rig.shard.stop().unwrap();

        let shard = wrong_shard(&config);
        let (port, outlet) = shard.open_session(SESSION).unwrap();
        let client = shard.client(1, 64).unwrap();
        let mut rig = Rig { shard, port, outlet, client };
        rig.make_ready();
        let found = until_divergence(&mut rig);
        assert_ne!(found.recorded, found.replayed);
        assert_eq!(rig.client.submit(Command::NewOrder(buy("B"))), Err(Refused::Diverged));
        // A person cannot talk it out of that either.
        rig.call(Command::Resume(Scope::Firm));
        assert_eq!(rig.client.submit(Command::NewOrder(buy("C"))), Err(Refused::Diverged));
        // What lowers risk, and what the broker says, goes on; and the read side answers.
        rig.port.post(fill(order, "E1", 10, 10, 7)).unwrap();
        rig.until(move |core| core.order(order).is_some_and(|order| order.cum_quantity == 10u32.into()));
        drop(rig.client);
        rig.shard.stop().unwrap();

        // A start says so as well, and names the record.
        let mut config = config;
        config.upgrade.accept_divergence = Some(Position::new(found.position.shard, found.position.seq - 1));
        let refused = Standby::<Core>::open(&config).map(drop).unwrap_err();
        assert!(
            matches!(refused, EngineError::DigestMismatch { position, .. } if position == found.position),
            "{refused}"
        );
        // With that word it starts from the replayed state, and needs no word the next time.
        config.upgrade.accept_divergence = Some(found.position);
        for _ in 0..2 {
            let mut rig = Rig::start(&config);
            rig.make_ready();
            assert_eq!(
                rig.shard.replica().read(rig.shard.recovered().position, actors::Core::is_firm_halted),
                Ok(false)
            );
            assert!(
                matches!(rig.call(Command::NewOrder(buy("A"))).event, Event::OrderExists { order: same, .. } if same == order)
            );
            drop(rig.client);
            rig.shard.stop().unwrap();
            config.upgrade.accept_divergence = None;
        }
    }

    const fn mismatch() -> EngineError {
        EngineError::DigestMismatch {
            position: Position::new(model::ShardId::new(0), 0),
            recorded: Digest::from_bytes([0; 16]),
            replayed: Digest::from_bytes([1; 16]),
            after: 0,
            logic_version: None,
            ours: 1,
        }
    }

    #[test]
    fn what_waits_in_the_lanes_meets_the_halt_first() {
        let dir = tempfile::tempdir().unwrap();
        let mut rig = Rig::ready(&config(dir.path()));
        let lanes = rig.shard.lanes();
        let audit = Audit::new(move || lanes.alarm());
        audit.judge(mismatch()).unwrap();
        assert!(audit.judge(EngineError::NewerLogic { recorded: 2, ours: 1 }).is_err());
        rig.until(actors::Core::is_firm_halted);
        assert_eq!(rig.client.submit(Command::NewOrder(buy("A"))), Err(Refused::Diverged));
        let cash = rig.call(Command::Resume(Scope::Firm));
        assert!(!matches!(cash.event, Event::Denied { .. }));
    }

    /// The lane for cancels is full and the shard takes nothing: the audit goes on, and the halt is the next record.
    #[test]
    fn a_full_lane_keeps_no_halt_out_and_the_read_side_does_not_wait() {
        let dir = tempfile::tempdir().unwrap();
        let standby = Standby::<Core>::open(&config(dir.path())).unwrap();
        let mut shard = standby.start_stepped(SystemClock).unwrap();
        let mut client = shard.client(1, 1 << 16);
        let order = model::OrderId { seq: 1, incarnation: 1, shard: 0 };
        let cancel =
            model::CancelOrder { account: ACCOUNT, order: Some(order), cl_ord_id: model::Text::EMPTY };
        while client.submit(Command::CancelOrder(cancel)).is_ok() {}
        while client.submit(Command::Halt(Scope::Account(ACCOUNT))).is_ok() {}
        let (lanes, before) = (Arc::clone(&shard.lanes), shard.position().seq);
        let audit = Audit::new(move || lanes.alarm());
        audit.judge(mismatch()).unwrap();
        assert!(!shard.core().is_firm_halted());
        assert!(shard.turn().unwrap());
        assert!(shard.core().is_firm_halted());
        let record = journal::Reader::from_seq(dir.path().join("shard-0"), before + 1)
            .unwrap()
            .next::<model::RecordBody>()
            .unwrap();
        let halt = Input::command(Origin::default(), Stamped::default(), Command::Halt(Scope::Firm));
        assert_eq!(record.unwrap().body, model::RecordBody::Input(halt));
        // Once: a person's resume holds, as far as the lanes allow.
        client.poll().unwrap();
        client.submit(Command::Resume(Scope::Firm)).unwrap();
        while shard.turn().unwrap() {}
        assert!(!shard.core().is_firm_halted());
    }
}
