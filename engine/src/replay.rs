//! The same state from the same records, one after the other.

use machine::{Consequences, Journalled, Machine, Position, Recorded, ShardId, Stamp, Timestamp};

use crate::broken::{decide, is_passed_over};
use crate::digest::{Digest, Digester};
use crate::error::EngineError;
use crate::records::RecordOf;
use crate::supply::provide_large;

/// A state on its way through the records: one record at a time, each digest compared on the way.
#[derive(Debug)]
pub struct Replay<M: Machine> {
    pub(crate) core: M,
    digester: Digester,
    outcome: M::Outcome,
    position: Position,
    time: Timestamp,
    records: u64,
    digests: u64,
    alerts: u64,
    record_crc: u32,
    snapshot: Option<u64>,
    logic_version: Option<u32>,
    proven_to: u64,
    unproven: u64,
    /// The mismatch that is accepted, and with it what follows from it.
    accepts: Option<Position>,
    accepted: u64,
    /// The record behind this one says that it had no effect.
    pub(crate) passes_over: Option<Position>,
    /// This one breaks an invariant, and no record says so yet.
    pub(crate) fails_at: Option<Position>,
    /// The last input that had an effect.
    last_applied: Option<Position>,
    /// What is to be recorded of the record that broke an invariant at the last step.
    pub(crate) failed: Option<M::Input>,
    /// Somebody else makes the memory that the state grows by.
    pub(crate) is_supplied: bool,
}

/// The state at the end of a journal.
#[derive(Clone, Debug)]
pub struct Recovered<M: Machine> {
    /// The state.
    pub core: M,
    /// The rolling digest there.
    pub digest: Digest,
    /// The last record; seq 0 for an empty journal.
    pub position: Position,
    /// Its time.
    pub time: Timestamp,
    /// How many records were replayed.
    pub records: u64,
    /// How many recorded digests were met, all equal to the replayed ones.
    pub digests: u64,
    /// How many alerts were raised.
    pub alerts: u64,
    /// The checksum of the last record.
    pub record_crc: u32,
    /// The record of the snapshot this started from; `None` where the whole journal was replayed.
    pub snapshot: Option<u64>,
    /// The version of the logic that decided the last record; `None` before the first opening.
    pub logic_version: Option<u32>,
    /// How many inputs stand behind the last digest that was compared, or behind the snapshot: nothing recorded says
    /// what came of them.
    pub unproven: u64,
    /// How many recorded digests differ from the replayed ones, by the word of an operator.
    pub accepted: u64,
    /// The last record broke an invariant, and the process ended before it could record so: it was passed over, and that
    /// is to be recorded before anything else.
    pub broken: Option<M::Input>,
}

/// Records between two looks whether memory should be made ahead: a short journal never needs it.
const SUPPLY_EVERY: u64 = 8 * 1024;

impl<M: Machine> Replay<M> {
    /// Before the first record of a shard.
    pub fn new(shard: ShardId) -> Self {
        Self {
            core: M::default(),
            digester: Digester::from(Digest::default()),
            outcome: M::Outcome::default(),
            position: Position::new(shard, 0),
            time: Timestamp::default(),
            records: 0,
            digests: 0,
            alerts: 0,
            record_crc: 0,
            snapshot: None,
            logic_version: None,
            proven_to: 0,
            unproven: 0,
            accepts: None,
            accepted: 0,
            passes_over: None,
            fails_at: None,
            last_applied: None,
            failed: None,
            is_supplied: false,
        }
    }

    /// At a state that was replayed before.
    pub fn resume(recovered: Recovered<M>) -> Self {
        Self {
            core: recovered.core,
            digester: Digester::from(recovered.digest),
            outcome: M::Outcome::default(),
            position: recovered.position,
            time: recovered.time,
            records: recovered.records,
            digests: recovered.digests,
            alerts: recovered.alerts,
            record_crc: recovered.record_crc,
            snapshot: recovered.snapshot,
            logic_version: recovered.logic_version,
            proven_to: recovered.position.seq,
            unproven: recovered.unproven,
            accepts: None,
            accepted: recovered.accepted,
            passes_over: None,
            fails_at: None,
            last_applied: None,
            failed: None,
            is_supplied: false,
        }
    }

    /// Goes on where the digest recorded at `position` differs, and where those after it do.
    #[must_use]
    pub(crate) fn accepting(self, position: Option<Position>) -> Self {
        Self { accepts: position, ..self }
    }

    /// As [`Replay::step`], with the record behind it where there is one: that may say that this one had no effect.
    pub fn step_before(
        &mut self,
        record: &RecordOf<M::Input>,
        following: Option<&RecordOf<M::Input>>,
    ) -> Result<&M::Outcome, EngineError> {
        if is_passed_over(record.position, following) {
            self.passes_over = Some(record.position);
        }
        self.step(record)
    }

    /// Applies one record and gives what followed from it; a recorded digest is compared instead. Behind
    /// [`EngineError::Broken`] the state is in question: see [`Replay::passing_over`].
    pub fn step(&mut self, record: &RecordOf<M::Input>) -> Result<&M::Outcome, EngineError> {
        self.outcome.clear();
        (self.position, self.time, self.record_crc) = (record.position, record.time, record.crc);
        self.records += 1;
        if !self.is_supplied && self.records.is_multiple_of(SUPPLY_EVERY) {
            provide_large(&mut self.core);
        }
        match &record.body {
            Recorded::Digest(bytes) => self.compare(Digest::from_bytes(*bytes))?,
            Recorded::Input(input) => {
                self.note_logic(input)?;
                self.unproven += 1;
                let stamp = Stamp { position: record.position, time: record.time };
                self.decide(stamp, input)?;
                self.core.make_ready();
                self.digester.fold(record.crc, self.core.fingerprint(), self.outcome.refusal());
                let alerts = self.outcome.events().iter().filter(|event| M::Outcome::is_alert(event));
                self.alerts += u64::try_from(alerts.count()).unwrap_or(u64::MAX);
            }
        }
        Ok(&self.outcome)
    }

    fn decide(&mut self, stamp: Stamp, input: &M::Input) -> Result<(), EngineError> {
        if [self.passes_over, self.fails_at].contains(&Some(stamp.position)) {
            return Ok(());
        }
        if let Some(position) = input.passes_over()
            && self.last_applied == Some(position)
        {
            return Err(EngineError::NotBroken { position });
        }
        if let Err(failure) = decide(&mut self.core, stamp, input, &mut self.outcome) {
            self.failed = Some(failure.broken);
            return Err(EngineError::Broken { position: stamp.position, text: failure.text });
        }
        self.last_applied = Some(stamp.position);
        Ok(())
    }

    fn compare(&mut self, recorded: Digest) -> Result<(), EngineError> {
        let replayed = self.digester.digest();
        self.digests += 1;
        if recorded == replayed {
            (self.proven_to, self.unproven) = (self.position.seq, 0);
            return Ok(());
        }
        if self.accepted > 0 || self.accepts == Some(self.position) {
            self.accepted += 1;
            return Ok(());
        }
        let (position, after, logic_version) = (self.position, self.proven_to, self.logic_version);
        let ours = M::LOGIC_VERSION;
        Err(EngineError::DigestMismatch { position, recorded, replayed, after, logic_version, ours })
    }

    /// A journal decided by a later logic may hold states this one cannot lead to.
    fn note_logic(&mut self, input: &M::Input) -> Result<(), EngineError> {
        match input.logic_version() {
            Some(recorded) if recorded > M::LOGIC_VERSION => {
                Err(EngineError::NewerLogic { recorded, ours: M::LOGIC_VERSION })
            }
            Some(recorded) => {
                self.logic_version = Some(recorded);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The state here.
    pub const fn core(&self) -> &M {
        &self.core
    }

    /// The last record applied.
    pub const fn position(&self) -> Position {
        self.position
    }

    /// Its time.
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// The rolling digest here.
    pub const fn digest(&self) -> Digest {
        self.digester.digest()
    }

    /// How many records led here.
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// How many recorded digests were met on the way.
    pub const fn digests(&self) -> u64 {
        self.digests
    }

    /// The checksum of the last record applied.
    pub(crate) const fn record_crc(&self) -> u32 {
        self.record_crc
    }

    /// How many alerts were raised up to here.
    pub const fn alerts(&self) -> u64 {
        self.alerts
    }

    /// The record of the snapshot that it began at.
    pub const fn snapshot(&self) -> Option<u64> {
        self.snapshot
    }

    /// Ends the replay here.
    pub fn finish(self) -> Recovered<M> {
        Recovered {
            digest: self.digester.digest(),
            core: self.core,
            position: self.position,
            time: self.time,
            records: self.records,
            digests: self.digests,
            alerts: self.alerts,
            record_crc: self.record_crc,
            snapshot: self.snapshot,
            logic_version: self.logic_version,
            unproven: self.unproven,
            accepted: self.accepted,
            broken: None,
        }
    }
}
