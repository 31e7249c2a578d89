//! What a host sees of the office: see [`machine::Machine`].

use core::convert::Infallible;

use machine::io::{self, Write};
use machine::{
    CausedBy, Consequences, Hosted, LogicChange, Machine, Origin, Position, Section, SectionError, Stamp,
    Timestamp, Violation,
};

use crate::input::{OfficeBroken, OfficeInput, OfficeWord, TICKS};
use crate::logic::OFFICE_LOGIC_CHANGES;

use crate::{Office, OfficeDenial, OfficeEvent, OfficeOutcome, OfficeReason, sections};

/// As much of a panic's words as is kept, in bytes.
const PANIC_BYTES: usize = 200;

impl Machine for Office {
    type Input = OfficeInput;
    type Command = OfficeWord;
    /// It decides by what stands in its words.
    type Stamped = ();
    type Outcome = OfficeOutcome;
    /// Its tables are small.
    type Growth = Infallible;

    const LOGIC: &'static [LogicChange] = OFFICE_LOGIC_CHANGES;

    fn apply(&mut self, stamp: Stamp, input: &OfficeInput, out: &mut OfficeOutcome) {
        Self::apply(self, stamp, input, out);
    }

    /// Nothing that it asks for is a word of its own, so there is no cause to keep.
    fn asked(origin: Origin, _cause: Option<CausedBy>, (): (), word: OfficeWord) -> OfficeInput {
        OfficeInput::Asked { origin, word }
    }

    fn fingerprint(&self) -> u64 {
        self.changes.get()
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        Self::next_deadline(self)
    }

    fn broken(&self, at: Position, input: &OfficeInput, text: &str) -> OfficeInput {
        let part = match input {
            OfficeInput::Asked { word, .. } => word.kind(),
            _ => TICKS,
        };
        let cut = text.floor_char_boundary(PANIC_BYTES);
        OfficeInput::Broken(OfficeBroken { position: at, part, text: text.get(..cut).unwrap_or("").into() })
    }

    fn verify(&self) -> Result<(), Violation> {
        Self::verify(self)
    }

    fn sections() -> impl Iterator<Item = Section> {
        sections::sections()
    }

    fn save(&self, section: Section, writer: &mut dyn Write) -> io::Result<()> {
        sections::save(self, section, writer)
    }

    fn load(&mut self, name: &str, version: u16, bytes: &[u8]) -> Result<(), SectionError> {
        sections::load(self, name, version, bytes)
    }
}

impl Consequences for OfficeOutcome {
    type Event = OfficeEvent;

    fn clear(&mut self) {
        self.events.clear();
    }

    fn events(&self) -> &[OfficeEvent] {
        &self.events
    }

    fn refusal(&self) -> u16 {
        match self.events.first() {
            Some(OfficeEvent::Denied { denial }) => denial.reason.number(),
            _ => 0,
        }
    }

    /// A part that is set aside is looked at by a person.
    fn is_alert(event: &OfficeEvent) -> bool {
        matches!(event, OfficeEvent::PartSetAside { .. })
    }
}

/// It sends nothing by itself, sees nothing beside its journal, and keeps no clock: whoever runs errands for it reads what is
/// asked from its state.
impl Hosted for Office {
    type Message = Infallible;
    type Outlook = ();

    const MOST_MESSAGES: usize = 0;

    fn stamped(&self, _word: &OfficeWord, (): &()) {}

    fn messages(_outcome: &OfficeOutcome) -> &[Infallible] {
        &[]
    }

    fn way_of(message: &Infallible) -> u16 {
        match *message {}
    }

    fn answer_to_broken(_input: &OfficeInput) -> OfficeEvent {
        OfficeEvent::Denied { denial: OfficeDenial::of(OfficeReason::PartSetAside) }
    }
}
