//! What a host sees of the trading machine: see [`machine::Machine`].

use alloc::format;
use alloc::vec::Vec;

use machine::io::{self, Write};
use machine::{
    Ask, CausedBy, Consequences, LogicChange, Machine, MadeAhead, Origin, Position, Section, SectionError,
    Stamp, Timestamp, Violation,
};
use model::{Broken, Command, Event, Input, Invariant, Reference, SessionId, ShardId, Stamped};

use crate::logic::LOGIC_CHANGES;
use crate::{Core, Outcome, Provision, Want};

impl Machine for Core {
    type Input = Input;
    type Command = Command;
    type Stamped = Stamped;
    type Outcome = Outcome;
    type Growth = Provision;

    const LOGIC: &'static [LogicChange] = LOGIC_CHANGES;

    #[inline]
    fn apply(&mut self, stamp: Stamp, input: &Input, out: &mut Outcome) {
        Self::apply(self, stamp, input, out);
    }

    #[inline]
    fn asked(origin: Origin, cause: Option<CausedBy>, stamped: Stamped, command: Command) -> Input {
        Input::Command { origin, cause, stamped, command }
    }

    #[inline]
    fn fingerprint(&self) -> u64 {
        self.changes().get()
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        Self::next_deadline(self)
    }

    fn broken(&self, at: Position, input: &Input, text: &str) -> Input {
        let cause = if let Input::Command { cause, .. } = input { *cause } else { None };
        let (invariant, aside) = (Invariant::of_panic(text), self.concerned(input));
        Input::Broken(Broken { position: at, invariant, text: Reference::cut(text), aside, cause })
    }

    /// An ask has the name of its number among what its record asks for.
    fn break_where_planted(input: &Input, is_planted: impl Fn(&str) -> bool) {
        let is_planted = match input {
            Input::Command { cause: Some(cause), .. } => is_planted(&format!("ask {}", cause.index)),
            Input::Command { command: Command::NewOrder(order), .. } => is_planted(order.cl_ord_id.as_str()),
            Input::ExecutionReport(report) => is_planted(report.exec_id.as_str()),
            _ => false,
        };
        model::holds(!is_planted, Invariant::BooksBalance);
    }

    fn verify(&self) -> Result<(), Violation> {
        Self::verify(self)
    }

    fn sections() -> impl Iterator<Item = Section> {
        Self::sections()
    }

    fn save(&self, section: Section, writer: &mut dyn Write) -> io::Result<()> {
        Self::save(self, section, writer)
    }

    fn load(&mut self, name: &str, version: u16, bytes: &[u8]) -> Result<(), SectionError> {
        Self::load(self, name, version, bytes)
    }

    #[expect(clippy::inline_always, reason = "a call costs as much as what is fetched for an order")]
    #[inline(always)]
    fn anticipate(&self, input: &Input) {
        Self::anticipate(self, input);
    }

    #[inline]
    fn make_ready(&mut self) {
        Self::make_ready(self);
    }

    #[inline]
    fn wants(&self) -> Option<Want> {
        Self::wants(self)
    }

    fn provide(&mut self, made: Provision) {
        Self::provide(self, made);
    }

    #[inline]
    fn has_asks(&self) -> bool {
        Self::has_asks(self)
    }

    fn next_ask(&self, mut has_room: impl FnMut(u16) -> bool) -> Option<&Ask<Command>> {
        Self::next_ask(self, |session: SessionId| has_room(session.index))
    }

    fn asks_of(&self, shard: ShardId) -> impl Iterator<Item = &Ask<Command>> {
        Self::asks_of(self, shard)
    }

    fn asks_taken(by: ShardId, cause: CausedBy) -> Option<Input> {
        Some(Input::AsksTaken { by, cause })
    }
}

impl Consequences for Outcome {
    type Event = Event;

    #[inline]
    fn clear(&mut self) {
        Self::clear(self);
    }

    #[inline]
    fn events(&self) -> &[Event] {
        &self.events
    }

    #[inline]
    fn refusal(&self) -> u16 {
        Self::refusal(self)
    }

    #[inline]
    fn is_alert(event: &Event) -> bool {
        matches!(event, Event::Alert(_))
    }
}

impl MadeAhead for Provision {
    type Want = Want;

    fn make(want: Want) -> Self {
        Self::new(want)
    }

    fn untouched(&mut self) -> Vec<(*mut u8, usize)> {
        Self::untouched(self)
    }

    fn is_large(want: Want) -> bool {
        want == Want::Orders
    }
}
