//! One word as an rkyv archive, in the place where it stands.

use rkyv::api::low::{self, LowSerializer, LowValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::de::pooling::Unpool;
use rkyv::rancor::{Failure, Strategy};
use rkyv::ser::Positional;
use rkyv::ser::allocator::SubAllocator;
use rkyv::ser::writer::Buffer;
use rkyv::{Archive, Deserialize, Serialize};

/// The root of every archive starts on a multiple of this.
const ALIGN_BYTES: usize = 8;

/// Writes one word and zeros up to the next multiple of 8.
#[inline]
pub(super) fn put<T>(word: &T, out: &mut [u8]) -> Option<usize>
where
    T: for<'a> Serialize<LowSerializer<Buffer<'a>, SubAllocator<'a>, Failure>>,
{
    // A root that is aligned to less must be all there is: at 0.
    let written =
        low::to_bytes_in_with_alloc::<_, _, Failure>(word, Buffer::from(&mut *out), SubAllocator::empty())
            .ok()?;
    let end = Positional::pos(&written);
    let root = end - size_of::<T::Archived>();
    assert!(root.is_multiple_of(ALIGN_BYTES), "a payload's root starts on a multiple of 8");
    let len = end.next_multiple_of(ALIGN_BYTES);
    out.get_mut(end..len)?.fill(0);
    Some(len)
}

/// Reads one word that [`put`] wrote, and hands it to `place`.
#[inline]
pub(super) fn get<T>(payload: &[u8], place: impl FnOnce(T)) -> Option<()>
where
    T: Archive,
    T::Archived: for<'a> CheckBytes<LowValidator<'a, Failure>> + Deserialize<T, Strategy<Unpool, Failure>>,
{
    let size = size_of::<T::Archived>();
    let root = payload.len().checked_sub(size)? / ALIGN_BYTES * ALIGN_BYTES;
    if !payload.len().is_multiple_of(ALIGN_BYTES) {
        return None;
    }
    match low::from_bytes::<T, Failure>(payload.get(..root + size)?) {
        Ok(word) => {
            place(word);
            Some(())
        }
        Err(_) => None,
    }
}
