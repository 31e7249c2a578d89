//! What a part is: one feature of the machine, in a folder of its own under `parts/`.
//!
//! A part has state of its own, which nobody else sees, and a section of its own in snapshots. It sees the whole of
//! [`Core`], and changes nothing but its own state and what [`Hands`] offer. Parts never name each other: they hear
//! [`Fact`]s, in the order that `trading.rs` says.

use borsh::io::{Read, Result, Write};
use machine::Violation;
use model::{Denial, Timestamp};

use crate::fact::Fact;
use crate::hands::Hands;
use crate::{Core, Outcome};

/// The state of a part, and what every part can be asked.
pub(crate) trait Part: Sized + Default {
    /// The name of its section in snapshots, for good.
    const SECTION: &'static str;
    /// The version that its section is written in; `load` reads the ones before, too.
    const VERSION: u16;

    /// Hears of something that another did.
    #[inline]
    fn hear(&mut self, _fact: &Fact) {}

    /// When it next has something to do; `None` where nothing waits.
    fn next_deadline(&self) -> Option<Timestamp> {
        None
    }

    /// Does what is due.
    fn due(&mut self, _hands: &mut Hands<'_>, _out: &mut Outcome) {}

    /// Writes its section.
    fn save(&self, writer: &mut dyn Write) -> Result<()>;

    /// Reads its section back.
    fn load(version: u16, reader: &mut dyn Read) -> Result<Self>;

    /// Goes over all of its state: what must always hold of it, beside what each change asserts.
    fn verify(&self, see: &Core) -> core::result::Result<(), Violation>;
}

/// A part that a command is for: first all that can refuse, then all that changes.
pub(crate) trait Obeys<C>: Part {
    /// What a command that is not refused will do.
    type Plan;

    /// Changes nothing.
    fn check(&self, see: &Core, command: &C) -> core::result::Result<Self::Plan, Denial>;

    /// Cannot fail.
    fn commit(&mut self, hands: &mut Hands<'_>, command: &C, plan: Self::Plan, out: &mut Outcome);
}
