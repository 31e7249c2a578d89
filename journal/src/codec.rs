//! Inputs as rkyv archives, written in place and read only after validation.

use model::Input;
use rkyv::Archived;
use rkyv::api::low;
use rkyv::rancor::Failure;
use rkyv::ser::Positional;
use rkyv::ser::allocator::SubAllocator;
use rkyv::ser::writer::Buffer;

/// Writes `input` to the start of `out`, which starts on a multiple of 8 bytes, without allocating.
/// Returns the length in bytes; `None` where it does not fit.
pub(crate) fn encode(input: &Input, out: &mut [u8]) -> Option<usize> {
    let written =
        low::to_bytes_in_with_alloc::<_, _, Failure>(input, Buffer::from(out), SubAllocator::empty()).ok()?;
    // The root ends the archive and its size is a multiple of its alignment.
    const { assert!(align_of::<Archived<Input>>() == 8) };
    Some(Positional::pos(&written))
}

/// Reads an input from `payload`, which starts on a multiple of 8 bytes. Arbitrary bytes give `None`: every
/// pointer, tag and length is checked against the payload first, so it can allocate no more than its own size.
pub(crate) fn decode(payload: &[u8]) -> Option<Input> {
    low::from_bytes::<Input, Failure>(payload).ok()
}
