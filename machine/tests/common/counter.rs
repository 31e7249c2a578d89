//! The smallest machine that has everything: a count, a limit, a deadline, and a number that breaks it. The tests of the
//! trait and of its host share it.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part")]

use std::convert::Infallible;

use machine::io::{self, Write};
use machine::{
    CausedBy, ClockAnchor, Consequences, Hosted, Incarnation, Journalled, LogicChange, Machine, Origin,
    Payload, Position, Section, SectionError, ShardId, Stamp, Timestamp, Unreadable, Violation,
};

/// No count is higher.
pub const MOST: u64 = 1_000;
/// To add this breaks the machine, after it was added.
pub const UNLUCKY: u64 = 13;

/// Counts, by this version of the logic. From the third on, each number counts twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counter<const LOGIC: u32 = 1> {
    pub count: u64,
    /// When the count goes back to zero, in nanoseconds; 0 for never.
    pub empties_ns: i64,
    pub changes: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Word {
    Add(u64),
    /// Back to zero so many nanoseconds from now.
    EmptyIn(i64),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum CounterInput {
    #[default]
    Tick,
    Opened(u32),
    Asked(Word),
    Broken(Position),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    Counted(u64),
    Full(u64),
    Empties,
    Emptied,
    HadNoEffect,
}

#[derive(Debug, Default)]
pub struct Tellings(Vec<Told>);

impl Consequences for Tellings {
    type Event = Told;

    fn clear(&mut self) {
        self.0.clear();
    }

    fn events(&self) -> &[Told] {
        &self.0
    }

    fn refusal(&self) -> u16 {
        matches!(self.0.first(), Some(Told::Full(_))).into()
    }

    fn is_alert(told: &Told) -> bool {
        matches!(told, Told::HadNoEffect)
    }
}

impl Payload for CounterInput {
    fn encode(&self, out: &mut [u8]) -> Option<(u8, usize)> {
        let (kind, word) = match self {
            Self::Tick => return Some((3, 0)),
            Self::Opened(version) => (1, u64::from(*version)),
            Self::Broken(position) => (5, position.seq),
            Self::Asked(Word::Add(by)) => (40, *by),
            Self::Asked(Word::EmptyIn(ns)) => (41, ns.cast_unsigned()),
        };
        *out.first_chunk_mut()? = word.to_le_bytes();
        Some((kind, 8))
    }

    fn decode(&mut self, kind: u8, bytes: &[u8]) -> Result<(), Unreadable> {
        let word = || bytes.try_into().map(u64::from_le_bytes).map_err(|_| Unreadable::Payload);
        *self = match kind {
            1 => Self::Opened(word()?.try_into().map_err(|_| Unreadable::Payload)?),
            3 if bytes.is_empty() => Self::Tick,
            3 => return Err(Unreadable::Payload),
            5 => Self::Broken(Position::new(ShardId::default(), word()?)),
            40 => Self::Asked(Word::Add(word()?)),
            41 => Self::Asked(Word::EmptyIn(word()?.cast_signed())),
            other => return Err(Unreadable::Kind(other)),
        };
        Ok(())
    }
}

impl Journalled for CounterInput {
    fn opened(_: Incarnation, logic_version: u32, _: Option<ClockAnchor>) -> Self {
        Self::Opened(logic_version)
    }

    fn tick() -> Self {
        Self::Tick
    }

    fn logic_version(&self) -> Option<u32> {
        if let Self::Opened(version) = self { Some(*version) } else { None }
    }

    fn passes_over(&self) -> Option<Position> {
        if let Self::Broken(position) = self { Some(*position) } else { None }
    }

    fn kind_name(kind: u8) -> Option<&'static str> {
        let names = [(1, "opened"), (3, "tick"), (5, "broken"), (40, "add"), (41, "empty_in")];
        names.into_iter().find_map(|(number, name)| (number == kind).then_some(name))
    }
}

impl<const LOGIC: u32> Counter<LOGIC> {
    fn add(&mut self, by: u64, out: &mut Tellings) {
        let by = if LOGIC < 3 { by } else { 2 * by };
        if self.count + by > MOST {
            return out.0.push(Told::Full(self.count));
        }
        self.count += by;
        assert!(by != UNLUCKY, "{by} is unlucky");
        out.0.push(Told::Counted(self.count));
    }
}

impl<const LOGIC: u32> Machine for Counter<LOGIC> {
    type Input = CounterInput;
    type Command = Word;
    type Stamped = ();
    type Outcome = Tellings;
    type Growth = Infallible;

    const LOGIC: &'static [LogicChange] = &[LogicChange { version: LOGIC, what: "what a number counts" }];

    fn apply(&mut self, stamp: Stamp, input: &CounterInput, out: &mut Tellings) {
        match input {
            CounterInput::Asked(Word::Add(by)) => self.add(*by, out),
            CounterInput::Asked(Word::EmptyIn(ns)) => {
                self.empties_ns = stamp.time.nanos + ns;
                out.0.push(Told::Empties);
            }
            CounterInput::Tick if self.next_deadline().is_some_and(|due| due <= stamp.time) => {
                (self.count, self.empties_ns) = (0, 0);
                out.0.push(Told::Emptied);
            }
            CounterInput::Broken(_) => out.0.push(Told::HadNoEffect),
            CounterInput::Tick | CounterInput::Opened(_) => return,
        }
        self.changes = self.changes.wrapping_mul(31).wrapping_add(self.count);
    }

    fn asked(_: Origin, _: Option<CausedBy>, (): (), word: Word) -> CounterInput {
        CounterInput::Asked(word)
    }

    fn fingerprint(&self) -> u64 {
        self.changes
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        (self.empties_ns > 0).then(|| Timestamp::from_nanos(self.empties_ns))
    }

    fn broken(&self, at: Position, _: &CounterInput, _: &str) -> CounterInput {
        CounterInput::Broken(at)
    }

    fn verify(&self) -> Result<(), Violation> {
        if self.count <= MOST {
            return Ok(());
        }
        Err(Violation { invariant: "the count is not above its limit", of: self.count.to_string() })
    }

    fn sections() -> impl Iterator<Item = Section> {
        ["count", "empties", "changes"].map(|name| Section { name, version: 1 }).into_iter()
    }

    fn save(&self, section: Section, writer: &mut dyn Write) -> io::Result<()> {
        let word = match section.name {
            "count" => self.count,
            "empties" => self.empties_ns.cast_unsigned(),
            _ => self.changes,
        };
        writer.write_all(&word.to_le_bytes())
    }

    fn load(&mut self, name: &str, _: u16, bytes: &[u8]) -> Result<(), SectionError> {
        let error = || io::Error::from(io::ErrorKind::InvalidData);
        let damaged = |_| SectionError::Damaged { name: "count", error: error() };
        let word = u64::from_le_bytes(bytes.try_into().map_err(damaged)?);
        match name {
            "count" => self.count = word,
            "empties" => self.empties_ns = word.cast_signed(),
            "changes" => self.changes = word,
            other => return Err(SectionError::Unknown { name: other.into() }),
        }
        Ok(())
    }
}

impl<const LOGIC: u32> Hosted for Counter<LOGIC> {
    type Message = Infallible;
    type Outlook = ();

    const MOST_MESSAGES: usize = 0;

    fn stamped(&self, _: &Word, (): &()) {}

    fn messages(_: &Tellings) -> &[Infallible] {
        &[]
    }

    fn way_of(message: &Infallible) -> u16 {
        match *message {}
    }

    fn answer_to_broken(_: &CounterInput) -> Told {
        Told::HadNoEffect
    }
}
