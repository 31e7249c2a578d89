//! The office of a running node: a machine of its own beside the shards, on a thread that sleeps while there is nothing to
//! do, and two threads that go between it and the shards. None of them is on an order's way.

mod alert_text;
mod ear;
mod errands;

use std::sync::Arc;

use actors::Core;
use engine::{Clock, Idle, Shard, ShardConfig, Standby, UpgradePolicy};
use model::{Door, Origin, Position};
use office::approvals::ApprovalPolicy;
use office::{Office, OfficeEvent, OfficeWord};

use super::NodeError;
use super::line::Line;
use crate::config::Config;
use crate::journals::{OFFICE, shard_dir};
use crate::node_api::{AnswerLost, OfficeReply, PendingReply, SubmitError};
use crate::office::{OfficeBooks, told};
use front::live::LiveDirectory;

pub(super) use ear::{Ear, HeardShard};
pub(super) use errands::Errands;
use errands::Waker;

/// Words that wait for the office, at most.
const LANE: usize = 1024;
/// A record takes 64 KiB at most, and there are few.
const SEGMENT_BYTES: u64 = 4 * 1024 * 1024;
/// Records between two snapshots.
const SNAPSHOT_RECORDS: u64 = 10_000;

/// Who says what the node itself says.
pub(super) fn node_origin() -> Origin {
    Origin { principal: 0, uid: rustix::process::getuid().as_raw(), client: 0, door: Door::Node }
}

/// Opens and replays the office's journal, and starts it. The first start makes an empty one.
pub(super) fn start(
    config: &Config,
    upgrade: UpgradePolicy,
    clock: impl Clock,
) -> Result<Shard<Office>, NodeError> {
    let mut journal = journal::Options::new(shard_dir(&config.node.journal, OFFICE), OFFICE);
    journal.segment_bytes = SEGMENT_BYTES.min(u64::from(config.node.segment_kib) * 1024);
    journal.durability = super::durability(config);
    let mut settings = ShardConfig::new(journal);
    settings.ring = LANE;
    settings.idle = Idle::Park { spins: 0 };
    settings.upgrade = upgrade;
    settings.snapshots.every_records = SNAPSHOT_RECORDS;
    Ok(Standby::open(&settings)?.start(clock)?)
}

/// What a start changed: what was carried out, and what was left.
#[derive(Debug, Default)]
pub(super) struct StartChanges {
    pub(super) applied: Vec<String>,
    pub(super) left: Vec<String>,
}

/// The office of a running node, and those who run its errands.
pub(super) struct OfficeDesk {
    line: Arc<Line<Office>>,
    ear: Option<Ear>,
    errands: Option<Errands>,
    waker: Option<Waker>,
}

impl OfficeDesk {
    /// Tells the office which configuration is in force and what needs a second person. Nobody is served before.
    pub(super) fn open(
        shard: &Shard<Office>,
        config: &Config,
        mut changed: StartChanges,
        apply_changes: bool,
    ) -> Result<Self, NodeError> {
        let refused = |refused| NodeError::Refused { shard: OFFICE, refused };
        let line = Arc::new(Line::new(shard).map_err(refused)?);
        let desk = Self { line, ear: None, errands: None, waker: None };
        desk.set_policy(config, &mut changed, apply_changes)?;
        let StartChanges { applied, left } = changed;
        let words = desk.look(|office| told::config(config, office.config_history(), applied, left))?;
        for word in words {
            desk.tell(word)?;
        }
        Ok(desk)
    }

    /// As with every change of what exists: the first policy is new, another one is applied where that was asked for.
    fn set_policy(
        &self,
        config: &Config,
        changed: &mut StartChanges,
        apply_changes: bool,
    ) -> Result<(), NodeError> {
        let before = self.look(|office| office.approvals().policy().clone())?;
        let wanted = told::policy(&config.approvals);
        let is_first = before == ApprovalPolicy::default();
        let texts = told::policy_changes(&before, &wanted);
        if texts.is_empty() {
            return Ok(());
        }
        if !is_first && !apply_changes {
            for text in &texts {
                tracing::warn!("not applied: {text}; `gannet run --apply` applies it");
            }
            changed.left.extend(texts);
            return Ok(());
        }
        self.tell(told::policy_word(wanted))?;
        // That nothing needs a second person is worth no word at the first start.
        if !is_first || !config.approvals.cash_above.is_empty() {
            changed.applied.extend(texts);
        }
        Ok(())
    }

    fn look<R>(&self, read: impl FnOnce(&Office) -> R) -> Result<R, NodeError> {
        self.line.read(read).ok_or(NodeError::Unanswered(OFFICE))
    }

    /// Says a word of the node's own, and waits until it is on record and seen.
    fn tell(&self, word: OfficeWord) -> Result<(), NodeError> {
        let (position, event) = self.line.call(node_origin(), word).ok_or(NodeError::Unanswered(OFFICE))?;
        if let OfficeEvent::Denied { denial } = event {
            return Err(NodeError::OfficeDenied(denial));
        }
        self.line.read_from(position, |_| ()).ok_or(NodeError::Unanswered(OFFICE))
    }

    /// Starts to hear the shards' alerts, and to carry out what is approved.
    pub(super) fn attend(
        &mut self,
        names: Arc<LiveDirectory>,
        sources: Vec<HeardShard>,
        shards: Vec<Arc<Line<Core>>>,
    ) -> Result<(), NodeError> {
        let failed =
            |source| NodeError::Io { what: "cannot start a thread of the office".to_owned(), source };
        self.ear = Some(Ear::start(Arc::clone(&self.line), names, sources).map_err(failed)?);
        let errands = Errands::start(Arc::clone(&self.line), shards).map_err(failed)?;
        self.waker = Some(errands.waker());
        self.errands = Some(errands);
        Ok(())
    }

    /// See [`NodeApi::say`](crate::node_api::NodeApi::say).
    pub(super) fn say(&self, origin: Origin, word: OfficeWord) -> Result<PendingReply, SubmitError> {
        let answer = self.line.submit(origin, word)?;
        let waker = self.waker.clone();
        Ok(Box::pin(async move {
            let (position, event) = answer.await.map_err(|_| AnswerLost)?;
            if let (OfficeEvent::Approved { .. }, Some(waker)) = (&event, waker) {
                waker.wake(position);
            }
            Ok(OfficeReply { position, event })
        }))
    }

    /// See [`NodeApi::read_office`](crate::node_api::NodeApi::read_office).
    pub(super) fn read(&self, ask: &mut dyn FnMut(&OfficeBooks<'_>)) {
        let read = self.line.replica.inspect(Position::default(), |replay| {
            ask(&OfficeBooks { office: replay.core(), position: replay.position() });
        });
        if let Err(error) = read {
            tracing::error!(%error, "the office cannot be read");
        }
    }
}
