//! The smallest machine: what a machine has to say for itself, and that the defaults suffice for the rest.
#![expect(clippy::unwrap_used, reason = "a helper outside #[test] functions")]

use std::convert::Infallible;

use machine::io::{self, Write};
use machine::{
    CausedBy, Consequences, DIGEST_KIND, Incarnation, Journalled, LogicChange, Machine, Origin, Payload,
    Position, Recorded, Section, SectionError, ShardId, Stamp, Timestamp, Unreadable, Violation,
};

/// Counts, up to a hundred.
#[derive(Clone, Debug, Default, PartialEq)]
struct Counter {
    count: u64,
    changes: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Input {
    #[default]
    Tick,
    Opened(u32),
    Add(u64),
    Broken(Position),
}

#[derive(Debug, Default)]
struct Outcome {
    events: Vec<Result<u64, u64>>,
}

impl Consequences for Outcome {
    type Event = Result<u64, u64>;

    fn clear(&mut self) {
        self.events.clear();
    }

    fn events(&self) -> &[Self::Event] {
        &self.events
    }

    fn refusal(&self) -> u16 {
        self.events.first().is_some_and(Result::is_err).into()
    }

    fn is_alert(_: &Self::Event) -> bool {
        false
    }
}

impl Payload for Input {
    fn encode(&self, out: &mut [u8]) -> Option<(u8, usize)> {
        let (kind, word) = match self {
            Self::Tick => return Some((3, 0)),
            Self::Opened(version) => (1, u64::from(*version)),
            Self::Add(by) => (10, *by),
            Self::Broken(position) => (5, position.seq),
        };
        *out.first_chunk_mut()? = word.to_le_bytes();
        Some((kind, 8))
    }

    fn decode(&mut self, kind: u8, bytes: &[u8]) -> Result<(), Unreadable> {
        let word = || bytes.try_into().map(u64::from_le_bytes).map_err(|_| Unreadable::Payload);
        *self = match kind {
            1 => Self::Opened(word()?.try_into().map_err(|_| Unreadable::Payload)?),
            3 if bytes.is_empty() => Self::Tick,
            5 => Self::Broken(Position::new(ShardId::default(), word()?)),
            10 => Self::Add(word()?),
            3 => return Err(Unreadable::Payload),
            other => return Err(Unreadable::Kind(other)),
        };
        Ok(())
    }
}

impl Journalled for Input {
    fn opened(_: Incarnation, logic_version: u32) -> Self {
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
        [(1, "opened"), (3, "tick"), (5, "broken"), (10, "add")]
            .into_iter()
            .find_map(|(number, name)| (number == kind).then_some(name))
    }
}

impl Machine for Counter {
    type Input = Input;
    type Command = u64;
    type Stamped = ();
    type Outcome = Outcome;
    type Growth = Infallible;

    const LOGIC: &'static [LogicChange] =
        &[LogicChange { version: 1, what: "one" }, LogicChange { version: 2, what: "two" }];

    fn apply(&mut self, _: Stamp, input: &Input, out: &mut Outcome) {
        let Input::Add(by) = input else { return };
        if self.count + by > 100 {
            out.events.push(Err(self.count));
            return;
        }
        self.count += by;
        self.changes = self.changes.wrapping_mul(31).wrapping_add(self.count);
        out.events.push(Ok(self.count));
    }

    fn asked(_: Origin, _: Option<CausedBy>, (): (), by: u64) -> Input {
        Input::Add(by)
    }

    fn fingerprint(&self) -> u64 {
        self.changes
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        None
    }

    fn broken(&self, at: Position, _: &Input, _: &str) -> Input {
        Input::Broken(at)
    }

    fn verify(&self) -> Result<(), Violation> {
        if self.count <= 100 {
            return Ok(());
        }
        Err(Violation { invariant: "the count is at most 100", of: format!("the count is {}", self.count) })
    }

    fn sections() -> impl Iterator<Item = Section> {
        [Section { name: "count", version: 1 }, Section { name: "changes", version: 1 }].into_iter()
    }

    fn save(&self, section: Section, writer: &mut dyn Write) -> io::Result<()> {
        let word = if section.name == "count" { self.count } else { self.changes };
        writer.write_all(&word.to_le_bytes())
    }

    fn load(&mut self, name: &str, version: u16, bytes: &[u8]) -> Result<(), SectionError> {
        let (field, known) = match name {
            "count" => (&mut self.count, "count"),
            "changes" => (&mut self.changes, "changes"),
            other => return Err(SectionError::Unknown { name: other.into() }),
        };
        if version != 1 {
            return Err(SectionError::Version { name: known, found: version, known: 1 });
        }
        let damaged = || io::Error::from(io::ErrorKind::InvalidData);
        let word = bytes.try_into().map_err(|_| SectionError::Damaged { name: known, error: damaged() })?;
        *field = u64::from_le_bytes(word);
        Ok(())
    }
}

fn counted(adds: &[u64]) -> (Counter, Outcome) {
    let (mut counter, mut out) = (Counter::default(), Outcome::default());
    for (seq, by) in (1..).zip(adds) {
        out.clear();
        let input = Counter::asked(Origin::default(), None, (), *by);
        let stamp = Stamp { position: Position::new(ShardId::default(), seq), time: Timestamp::default() };
        counter.apply(stamp, &input, &mut out);
    }
    (counter, out)
}

#[test]
fn a_refusal_is_told_and_changes_nothing() {
    let (counter, out) = counted(&[60, 30]);
    assert_eq!((counter.count, out.refusal(), out.events()), (90, 0, &[Ok(90)][..]));
    let (refused, out) = counted(&[60, 30, 11]);
    assert_eq!((&refused, out.refusal(), out.events()), (&counter, 1, &[Err(90)][..]));
    assert_eq!((Counter::LOGIC_VERSION, counter.verify()), (2, Ok(())));
    let wrong = Counter { count: 101, changes: 0 }.verify().unwrap_err();
    assert_eq!(wrong.to_string(), "not true: the count is at most 100 (the count is 101)");
}

#[test]
fn a_state_is_its_sections() {
    let (counter, _) = counted(&[60, 30]);
    let (mut all, mut read) = (Vec::new(), Counter::default());
    for section in Counter::sections() {
        let mut bytes = Vec::new();
        counter.save(section, &mut bytes).unwrap();
        read.load(section.name, section.version, &bytes).unwrap();
        all.extend(bytes);
    }
    let mut encoded = Vec::new();
    counter.encode(&mut encoded).unwrap();
    assert_eq!((read, encoded), (counter, all));
}

#[test]
fn what_is_recorded_is_an_input_or_a_digest_and_reads_over_either() {
    let mut recorded = Recorded::<Input>::default();
    assert_eq!(recorded.decode(DIGEST_KIND, &[7; 16]), Ok(()));
    assert_eq!(recorded, Recorded::Digest([7; 16]));
    assert_eq!(recorded.decode(10, &5u64.to_le_bytes()), Ok(()));
    assert_eq!(recorded, Recorded::Input(Input::Add(5)));
    assert_eq!(recorded.decode(DIGEST_KIND, &[7; 8]), Err(Unreadable::Payload));
    assert_eq!(recorded.decode(10, &[7; 16]), Err(Unreadable::Payload));
    assert_eq!(recorded.decode(11, &[]), Err(Unreadable::Kind(11)));
}

#[test]
fn what_is_recorded_is_written_as_it_is_read() {
    for recorded in [Recorded::Digest([7; 16]), Recorded::Input(Input::Add(5)), Recorded::Input(Input::Tick)]
    {
        let (mut out, mut read) = ([0; 64], Recorded::default());
        let (kind, len) = recorded.encode(&mut out).unwrap();
        assert_eq!((read.decode(kind, &out[..len]), &read), (Ok(()), &recorded));
        assert!(len == 0 || recorded.encode(&mut out[..len - 1]).is_none());
    }
}
