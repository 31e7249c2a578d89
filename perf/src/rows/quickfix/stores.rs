//! Where QuickFIX keeps messages.

/// Where QuickFIX keeps what it sent, on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    /// The gateway's own engine, as a node runs it.
    File,
    Memory,
}
