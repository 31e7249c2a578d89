//! The writing end of a ring, as a shard uses it: a message is made in its place, and the place of the next one is on
//! its way from memory before it is needed.
#![allow(unsafe_code, reason = "a place of a ring is not initialised before it is written")]

/// A message that begins with a line of memory: then it takes as few of them as it can.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Line<T>(pub(crate) T);

/// Makes a message in its place in the ring; false where there is none. Through `push` it would be copied three times.
#[inline]
pub(crate) fn put<T>(ring: &mut rtrb::Producer<T>, make: impl FnOnce() -> T) -> bool {
    let Ok(mut chunk) = ring.write_chunk_uninit(1) else { return false };
    let (places, _) = chunk.as_mut_slices();
    let Some(place) = places.first_mut() else { return false };
    place.write(make());
    // SAFETY: the chunk is of one place, which was written just now. Fails: `tests::what_is_put_comes_out`.
    unsafe { chunk.commit_all() };
    true
}

/// Asks for the place of the next message.
#[inline]
pub(crate) fn make_ready<T>(ring: &mut rtrb::Producer<T>) {
    if let Ok(mut chunk) = ring.write_chunk_uninit(1) {
        prefetch::to_write(chunk.as_mut_slices().0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_comes_out() {
        let (mut ring, mut taken) = rtrb::RingBuffer::new(2);
        for round in 0..5u64 {
            make_ready(&mut ring);
            assert!(put(&mut ring, || vec![round]) && put(&mut ring, || vec![round, 1]));
            assert!(!put(&mut ring, || unreachable!("there is no place")));
            make_ready(&mut ring);
            assert_eq!([taken.pop().unwrap(), taken.pop().unwrap()], [vec![round], vec![round, 1]]);
        }
    }
}
