//! A command on its way into the shard.

use machine::Origin;

/// What a client hands over. Of trading's commands two lines of memory and no more, since each line that goes from one core to another
/// takes its time. What the shard stamps stands beside the command, so the command travels as it is.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub(crate) struct Envelope<C> {
    /// The client's number for it.
    pub(crate) ticket: u64,
    /// Monotonic nanoseconds when it was submitted; 0 while nobody traces.
    pub(crate) submitted_ns: u64,
    pub(crate) origin: Origin,
    pub(crate) command: C,
}

/// One from whoever shares a lane with others: it says from whom.
#[derive(Clone, Debug)]
pub(crate) struct Urgent<C> {
    pub(crate) client: u32,
    pub(crate) envelope: Envelope<C>,
}

/// Who waits for the answer to a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) client: u32,
    pub(crate) ticket: u64,
    pub(crate) submitted_ns: u64,
}

#[cfg(test)]
mod tests {
    use model::Command;

    use super::*;

    #[test]
    fn a_command_travels_in_two_lines_of_memory() {
        assert_eq!(size_of::<Envelope<Command>>(), 128, "{} of them the command", size_of::<Command>());
    }
}
