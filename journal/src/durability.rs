//! What an acknowledgement may rely on.

/// What an acknowledgement may rely on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// A record survives the process, also killed: it is in the page cache. Durable at once.
    #[default]
    Process,
    /// A record survives the machine: durable once it is on disk. Takes memory of its own for the segment that is
    /// written to, the one before it and the one ahead.
    Disk,
}
