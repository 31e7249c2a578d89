//! Memory made ahead. The tables of a state grow with what happens; what they grow by can be allocated and touched on
//! another thread, so that no input waits for it.

use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt::Debug;

/// Pieces that a state grows by. They change nothing of what it means.
pub trait MadeAhead: Debug + Send + Sized + 'static {
    /// What is wanted: which table, as many pieces as should be there ahead.
    type Want: Copy + Debug + PartialEq + Send + 'static;

    /// Allocates what is wanted.
    fn make(want: Self::Want) -> Self;

    /// Memory in it that is allocated and was never written, each with where it begins and how many bytes that is. Whoever
    /// makes it may have the kernel provide it at once.
    fn untouched(&mut self) -> Vec<(*mut u8, usize)>;

    /// True for what comes by the megabyte: whoever replays makes it ahead too, of large pages.
    fn is_large(want: Self::Want) -> bool;
}

/// For a machine whose tables grow as they go: nothing is ever wanted.
impl MadeAhead for Infallible {
    type Want = Self;

    fn make(want: Self) -> Self {
        want
    }

    fn untouched(&mut self) -> Vec<(*mut u8, usize)> {
        match *self {}
    }

    fn is_large(want: Self) -> bool {
        match want {}
    }
}
