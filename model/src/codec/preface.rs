//! What stands in front of a command's word: who asked, what caused it, and what the shard stamped beside it.
//!
//! ```text
//!  0          4        8          12     13       14    16
//!  ┌──────────┬────────┬──────────┬──────┬────────┬─────┬────────────────┬─────────────────┬──────────────────┐
//!  │principal │ uid    │ client   │ door │ beside │ 0 0 │ cause, 16 bytes│ quote, 72 bytes │ backlog, 8 bytes │ word ─ ─
//!  └──────────┴────────┴──────────┴──────┴────────┴─────┴────────────────┴─────────────────┴──────────────────┘
//!  cause: seq u64 │ shard u16 │ 0 0 │ index u32         backlog: waiting u32 │ most u32
//! ```
//!
//! `beside` says which of the parts behind the first 16 bytes are there: a bit for each, in their order. What is not
//! there takes no room.

use super::archive::{get, put};
use crate::{Backlog, CausedBy, Door, Origin, Position, Quote, ShardId, Stamped};

/// What is always there.
const FIXED_BYTES: usize = 16;
const CAUSE_BYTES: usize = 16;
const QUOTE_BYTES: usize = size_of::<rkyv::Archived<Quote>>();
const BACKLOG_BYTES: usize = 8;
const _: () = assert!(QUOTE_BYTES == 72);

// The bits of `beside`.
const HAS_CAUSE: u8 = 1;
const HAS_QUOTE: u8 = 2;
const HAS_BACKLOG: u8 = 4;

/// A command but for its word.
#[derive(Clone, Copy)]
pub(super) struct Preface {
    pub(super) origin: Origin,
    pub(super) cause: Option<CausedBy>,
    pub(super) stamped: Stamped,
}

/// Writes it to the start of `out` and returns its length in bytes, a multiple of 8; `None` where it does not fit.
#[inline]
pub(super) fn encode(
    origin: &Origin,
    cause: Option<&CausedBy>,
    stamped: &Stamped,
    out: &mut [u8],
) -> Option<usize> {
    let (fixed, mut rest) = out.split_first_chunk_mut::<FIXED_BYTES>()?;
    let Stamped { quote, backlog } = stamped;
    let beside = flag(cause.is_some(), HAS_CAUSE)
        | flag(quote.is_some(), HAS_QUOTE)
        | flag(backlog.is_some(), HAS_BACKLOG);
    *fixed = fixed_part(origin, beside);
    let mut len = FIXED_BYTES;
    if let Some(cause) = cause {
        let (part, behind) = rest.split_first_chunk_mut::<CAUSE_BYTES>()?;
        *part = cause_part(cause);
        (rest, len) = (behind, len + CAUSE_BYTES);
    }
    if let Some(quote) = quote {
        let (part, behind) = rest.split_at_mut_checked(QUOTE_BYTES)?;
        len += put(quote, part)?;
        rest = behind;
    }
    if let Some(backlog) = backlog {
        *rest.first_chunk_mut::<BACKLOG_BYTES>()? = backlog_part(*backlog);
        len += BACKLOG_BYTES;
    }
    Some(len)
}

/// Reads what [`encode`] wrote, and gives what stands behind it. Arbitrary bytes give `None`: what is read is what would
/// be written.
#[inline]
pub(super) fn decode(payload: &[u8]) -> Option<(Preface, &[u8])> {
    let (fixed, mut rest) = payload.split_first_chunk::<FIXED_BYTES>()?;
    let [p0, p1, p2, p3, u0, u1, u2, u3, c0, c1, c2, c3, door, beside, 0, 0] = *fixed else { return None };
    if beside & !(HAS_CAUSE | HAS_QUOTE | HAS_BACKLOG) != 0 {
        return None;
    }
    let origin = Origin {
        principal: u32::from_le_bytes([p0, p1, p2, p3]),
        uid: u32::from_le_bytes([u0, u1, u2, u3]),
        client: u32::from_le_bytes([c0, c1, c2, c3]),
        door: Door::numbered(door)?,
    };
    let (mut cause, mut stamped) = (None, Stamped::default());
    if beside & HAS_CAUSE != 0 {
        let (part, behind) = rest.split_first_chunk::<CAUSE_BYTES>()?;
        (cause, rest) = (Some(cause_of(part)?), behind);
    }
    if beside & HAS_QUOTE != 0 {
        let (part, behind) = rest.split_at_checked(QUOTE_BYTES)?;
        get(part, |quote| stamped.quote = Some(quote))?;
        rest = behind;
    }
    if beside & HAS_BACKLOG != 0 {
        let (part, behind) = rest.split_first_chunk::<BACKLOG_BYTES>()?;
        (stamped.backlog, rest) = (Some(backlog_of(*part)), behind);
    }
    Some((Preface { origin, cause, stamped }, rest))
}

const fn flag(is_there: bool, bit: u8) -> u8 {
    if is_there { bit } else { 0 }
}

#[inline]
const fn fixed_part(origin: &Origin, beside: u8) -> [u8; FIXED_BYTES] {
    let [p0, p1, p2, p3] = origin.principal.to_le_bytes();
    let [u0, u1, u2, u3] = origin.uid.to_le_bytes();
    let [c0, c1, c2, c3] = origin.client.to_le_bytes();
    [p0, p1, p2, p3, u0, u1, u2, u3, c0, c1, c2, c3, origin.door.number(), beside, 0, 0]
}

const fn cause_part(cause: &CausedBy) -> [u8; CAUSE_BYTES] {
    let [q0, q1, q2, q3, q4, q5, q6, q7] = cause.position.seq.to_le_bytes();
    let [s0, s1] = cause.position.shard.index.to_le_bytes();
    let [i0, i1, i2, i3] = cause.index.to_le_bytes();
    [q0, q1, q2, q3, q4, q5, q6, q7, s0, s1, 0, 0, i0, i1, i2, i3]
}

fn cause_of(part: &[u8; CAUSE_BYTES]) -> Option<CausedBy> {
    let [q0, q1, q2, q3, q4, q5, q6, q7, s0, s1, 0, 0, i0, i1, i2, i3] = *part else { return None };
    let shard = ShardId::new(u16::from_le_bytes([s0, s1]));
    let position = Position::new(shard, u64::from_le_bytes([q0, q1, q2, q3, q4, q5, q6, q7]));
    Some(CausedBy { position, index: u32::from_le_bytes([i0, i1, i2, i3]) })
}

const fn backlog_part(backlog: Backlog) -> [u8; BACKLOG_BYTES] {
    let [w0, w1, w2, w3] = backlog.waiting.to_le_bytes();
    let [m0, m1, m2, m3] = backlog.most.to_le_bytes();
    [w0, w1, w2, w3, m0, m1, m2, m3]
}

const fn backlog_of([w0, w1, w2, w3, m0, m1, m2, m3]: [u8; BACKLOG_BYTES]) -> Backlog {
    Backlog { waiting: u32::from_le_bytes([w0, w1, w2, w3]), most: u32::from_le_bytes([m0, m1, m2, m3]) }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use rkyv::util::AlignedVec;

    use super::*;

    /// Everything that can stand beside a command, and nothing.
    fn cases() -> impl Iterator<Item = Preface> {
        let origin = Origin { principal: 0x0403_0201, uid: 1000, client: 7, door: Door::Fix };
        let cause = CausedBy { position: Position::new(ShardId::new(3), 0x0807_0605_0403_0201), index: 9 };
        let quote = Quote { bid: "99.98".parse().unwrap(), ..Quote::default() };
        let backlog = Backlog { waiting: 12_288, most: 12_288 };
        (0..8u8).map(move |beside| Preface {
            origin,
            cause: (beside & 1 != 0).then_some(cause),
            stamped: Stamped {
                quote: (beside & 2 != 0).then_some(quote),
                backlog: (beside & 4 != 0).then_some(backlog),
            },
        })
    }

    fn encoded(preface: &Preface) -> AlignedVec<8> {
        let mut out = AlignedVec::<8>::new();
        out.resize(256, 0xff);
        let len = encode(&preface.origin, preface.cause.as_ref(), &preface.stamped, &mut out).unwrap();
        out.resize(len, 0);
        out
    }

    #[test]
    fn what_is_written_is_read_back_and_what_is_absent_takes_no_room() {
        let lens: Vec<usize> = cases()
            .map(|preface| {
                let bytes = encoded(&preface);
                let (read, behind) = decode(&bytes).unwrap();
                assert!(behind.is_empty());
                assert_eq!((read.origin, read.cause), (preface.origin, preface.cause));
                assert_eq!(read.stamped, preface.stamped);
                for short in 0..bytes.len() {
                    assert!(decode(&bytes[..short]).is_none(), "{short} of {} bytes", bytes.len());
                    let mut out = AlignedVec::<8>::new();
                    out.resize(short, 0);
                    let Preface { origin, cause, stamped } = &preface;
                    assert_eq!(encode(origin, cause.as_ref(), stamped, &mut out), None);
                }
                bytes.len()
            })
            .collect();
        assert_eq!(lens, [16, 32, 88, 104, 24, 40, 96, 112]);
    }

    #[test]
    fn the_bytes_are_these() {
        let with_cause = cases().nth(1).unwrap();
        let bytes = encoded(&with_cause);
        assert_eq!(bytes[..16], [1, 2, 3, 4, 0xe8, 3, 0, 0, 7, 0, 0, 0, 3, 1, 0, 0]);
        assert_eq!(bytes[16..], [1, 2, 3, 4, 5, 6, 7, 8, 3, 0, 0, 0, 9, 0, 0, 0]);
    }

    #[test]
    fn a_door_or_a_part_that_nobody_knows_is_refused() {
        let bytes = encoded(&cases().next().unwrap());
        for (at, value) in [(12, 5), (13, 8), (14, 1), (15, 1)] {
            let mut spoiled = bytes.clone();
            spoiled[at] = value;
            assert!(decode(&spoiled).is_none(), "{value} at {at}");
        }
    }
}
