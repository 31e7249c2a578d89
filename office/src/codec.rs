//! Words to bytes and back: the list of a part's words, and what stands before each. `input.rs` draws it.

use borsh::io::Write;
use borsh::{BorshDeserialize, BorshSerialize};
use machine::{Door, Origin, Unreadable};

/// What stands before the fields of a word.
const FRONT_BYTES: usize = 16;
/// A payload is a multiple of this.
const ALIGN_BYTES: usize = 8;

/// The words of a part, each with its number. They are written and read by this list alone.
macro_rules! words {
    (
        $(#[$doc:meta])*
        pub enum $part:ident of $kind:literal {
            $($(#[$word_doc:meta])* $number:literal $word:ident($fields:ty),)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $part { $($(#[$word_doc])* $word($fields),)* }

        impl $part {
            /// The kind of this part's records.
            pub const KIND: u8 = $kind;
            /// The numbers of its words.
            pub const NUMBERS: &'static [u16] = &[$($number),*];

            /// The number of this word.
            pub const fn number(&self) -> u16 {
                match self { $(Self::$word(_) => $number,)* }
            }

            /// Its fields.
            pub(crate) fn save(&self, out: &mut crate::codec::PayloadSpace<'_>) -> borsh::io::Result<()> {
                match self { $(Self::$word(fields) => borsh::BorshSerialize::serialize(fields, out),)* }
            }

            /// The word with this number, from its fields.
            pub(crate) fn load(number: u16, bytes: &[u8]) -> Result<Self, machine::Unreadable> {
                match number {
                    $($number => crate::codec::fields(bytes).map(Self::$word),)*
                    // A later program's.
                    _ => Err(machine::Unreadable::Payload),
                }
            }
        }
    };
}
pub(crate) use words;

/// What is left of the place for a payload.
pub(crate) struct PayloadSpace<'a>(&'a mut [u8]);

impl Write for PayloadSpace<'_> {
    fn write(&mut self, bytes: &[u8]) -> borsh::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> borsh::io::Result<()> {
        Ok(())
    }
}

/// Writes a payload: `save` writes to what it is given, and zeros follow up to a multiple of 8. Its length in bytes;
/// `None` where it does not fit.
pub(crate) fn write(
    out: &mut [u8],
    save: impl FnOnce(&mut PayloadSpace<'_>) -> borsh::io::Result<()>,
) -> Option<usize> {
    let room = out.len();
    let mut space = PayloadSpace(&mut *out);
    save(&mut space).ok()?;
    let written = room - space.0.len();
    let len = written.next_multiple_of(ALIGN_BYTES);
    out.get_mut(written..len)?.fill(0);
    Some(len)
}

/// What stands before the fields of a word: its number and who asked for it.
pub(crate) fn write_front(out: &mut PayloadSpace<'_>, number: u16, origin: &Origin) -> borsh::io::Result<()> {
    out.write_all(&number.to_le_bytes())?;
    out.write_all(&[origin.door.number(), 0])?;
    [origin.principal, origin.uid, origin.client].serialize(out)
}

/// A word's number, who asked for it, and its fields with the zeros behind them.
pub(crate) fn read_front(payload: &[u8]) -> Result<(u16, Origin, &[u8]), Unreadable> {
    let (front, fields) = payload.split_first_chunk::<FRONT_BYTES>().ok_or(Unreadable::Payload)?;
    let [w0, w1, door, 0, p0, p1, p2, p3, u0, u1, u2, u3, c0, c1, c2, c3] = *front else {
        return Err(Unreadable::Payload);
    };
    let origin = Origin {
        principal: u32::from_le_bytes([p0, p1, p2, p3]),
        uid: u32::from_le_bytes([u0, u1, u2, u3]),
        client: u32::from_le_bytes([c0, c1, c2, c3]),
        door: Door::numbered(door).ok_or(Unreadable::Payload)?,
    };
    Ok((u16::from_le_bytes([w0, w1]), origin, fields))
}

/// The fields of a word: all of `bytes`, but for the zeros up to a multiple of 8.
pub(crate) fn fields<T: BorshDeserialize>(mut bytes: &[u8]) -> Result<T, Unreadable> {
    let fields = T::deserialize(&mut bytes).map_err(|_| Unreadable::Payload)?;
    let is_filling = bytes.len() < ALIGN_BYTES && bytes.iter().all(|byte| *byte == 0);
    if is_filling { Ok(fields) } else { Err(Unreadable::Payload) }
}
