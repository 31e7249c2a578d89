//! The state of a machine, and what a host asks of it.

use core::fmt::Debug;
use core::iter;

use crate::io::{self, Write};
use crate::logic::last_version;
use crate::{
    Ask, CausedBy, Consequences, Journalled, LogicChange, MadeAhead, Origin, Position, Section, SectionError,
    ShardId, Stamp, Timestamp, Violation,
};

/// What a machine tells.
pub type EventOf<M> = <<M as Machine>::Outcome as Consequences>::Event;

/// A deterministic state. Its [`Default`] is the state before the first record of a journal.
///
/// Everything here is called with the same arguments live, in a replay and on a replica, and must answer the same. Nothing
/// reads a clock, does I/O, or depends on the order of a hash map.
pub trait Machine: Clone + Debug + Default + PartialEq + Send + Sync + 'static {
    /// What may change it. Each is a record of its own, written before [`Machine::apply`] sees it.
    type Input: Journalled;
    /// What somebody may ask for. It becomes an input by [`Machine::asked`].
    type Command: Clone + Debug + PartialEq + Send + Sync + 'static;
    /// Facts that the shard alone knows when it takes a command, recorded beside it so that a replay decides with what the
    /// shard decided with. `()` where there are none.
    type Stamped: Clone + Debug + Default + PartialEq + Send + Sync + 'static;
    /// What an input leads to.
    type Outcome: Consequences;
    /// What its tables grow by: [`core::convert::Infallible`] for one whose tables grow as they go.
    type Growth: MadeAhead;

    /// Every version of its logic, oldest first. A change that makes an old journal lead to another state is a new one.
    const LOGIC: &'static [LogicChange];
    /// The version that decides: the last of [`Machine::LOGIC`].
    const LOGIC_VERSION: u32 = last_version(Self::LOGIC);

    /// Applies one stamped input; its consequences are added to `out`, which the caller has cleared.
    ///
    /// No input panics; a broken invariant does. Then the state is in question: the host drops it, takes it from the
    /// journal again without that input, and records what [`Machine::broken`] says behind it.
    fn apply(&mut self, stamp: Stamp, input: &Self::Input, out: &mut Self::Outcome);

    /// The input that a command becomes, by whom it was asked for and, where nobody asked, what it follows from.
    fn asked(
        origin: Origin,
        cause: Option<CausedBy>,
        stamped: Self::Stamped,
        command: Self::Command,
    ) -> Self::Input;

    /// A number that every change moved which led here: two states with the same history have the same, and two that were
    /// changed differently do not. The host's digests fold it, so how it comes about is fixed for good. It belongs to the
    /// state and stands in a section.
    fn fingerprint(&self) -> u64;

    /// The next time at which [`Journalled::tick`] has something to do; `None` where nothing waits.
    fn next_deadline(&self) -> Option<Timestamp>;

    /// What is recorded after `input` at `at` broke an invariant with the panic `text`: it says that the input had no
    /// effect, and whom the machine sets aside. Asked of the state in question, which is only looked at.
    fn broken(&self, at: Position, input: &Self::Input, text: &str) -> Self::Input;

    /// For tests: panics as a broken invariant does where `is_planted` says yes to a name that the input bears.
    fn break_where_planted(_input: &Self::Input, _is_planted: impl Fn(&str) -> bool) {}

    /// Looks at the whole state: everything that must always hold. For tests, simulations and `verify`; it takes as long
    /// as the state is large.
    fn verify(&self) -> Result<(), Violation>;

    /// The sections that the state is kept in, in the order of their canonical encoding.
    fn sections() -> impl Iterator<Item = Section>;

    /// Writes one section.
    fn save(&self, section: Section, writer: &mut dyn Write) -> io::Result<()>;

    /// Reads one section, all of `bytes`, in the version that it was written in.
    fn load(&mut self, name: &str, version: u16, bytes: &[u8]) -> Result<(), SectionError>;

    /// The canonical encoding of the whole state, section after section: equal histories give equal bytes. Hash it to
    /// compare states.
    fn encode(&self, writer: &mut dyn Write) -> io::Result<()> {
        Self::sections().try_for_each(|section| self.save(section, writer))
    }

    /// Has what the decision about an input looks up first fetched into the nearest cache. Changes nothing, and may be left
    /// out.
    #[inline]
    fn anticipate(&self, _input: &Self::Input) {}

    /// Has the memory fetched that the next input will write to. It changes nothing.
    #[inline]
    fn make_ready(&mut self) {}

    /// What should be made ahead, so that no input waits for memory; `None` where everything is there.
    #[inline]
    fn wants(&self) -> Option<<Self::Growth as MadeAhead>::Want> {
        None
    }

    /// Takes what was made ahead. Changes nothing of what the state means.
    fn provide(&mut self, _made: Self::Growth) {}

    /// True where something is asked for that is no record yet, here or of another shard.
    #[inline]
    fn has_asks(&self) -> bool {
        false
    }

    /// The command that the machine is to take next of what it asks of itself. `has_room` says whether a way out, by its
    /// number, has room for what the command sends there; an ask that finds none waits, and holds up no other.
    fn next_ask(&self, _has_room: impl FnMut(u16) -> bool) -> Option<&Ask<Self::Command>> {
        None
    }

    /// What is asked of the same machine on another shard, in order.
    fn asks_of(&self, _shard: ShardId) -> impl Iterator<Item = &Ask<Self::Command>> {
        iter::empty()
    }

    /// The input that says: shard `by` has everything on record that was asked of it, up to `cause`. `None` for a machine
    /// that asks nothing of other shards.
    fn asks_taken(_by: ShardId, _cause: CausedBy) -> Option<Self::Input> {
        None
    }
}
