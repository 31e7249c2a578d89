//! What a snapshot looks like on disk, and how its bytes are checked before anything is made of them.
//!
//! ```text
//! 0        8        12      16      24    32     40       56        64        72       80      84    96
//! | magic  | format | logic | shard | seq | time | digest | records | digests | alerts | crc   | pad |
//! | 8 B    | u32    | u32   | u64   | u64 | i64  | 16 B   | u64     | u64     | u64    | u32   | 12 B|
//! 96 ..            the sections of the state, one behind the other
//!                  the table: for each section, in the same order
//!                      | name, zero-filled | version | length in bytes | BLAKE3 of the section |
//!                      | 16 B              | u64     | u64             | 32 B                  |
//! last 40 bytes    | sections in the table, u64 | BLAKE3 of header, table and that number, 32 B |
//! ```
//!
//! The last hash covers the table, the table's hashes cover the sections: nothing in a snapshot is believed unchecked.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use borsh::{BorshDeserialize, BorshSerialize};
use crash_point::{Point, is_due};
use journal::disk::{Access, Disk, DiskFile};
use machine::Machine;

pub(super) const MAGIC: [u8; 8] = *b"GNTSNP\0\0";
/// 3: the state in sections.
pub(super) const FORMAT: u32 = 3;
pub(super) const HEADER_BYTES: u64 = 96;
const ROW_BYTES: usize = 64;
const FOOT_BYTES: usize = 40;
/// Written, and hashed, at once: the hash is several times faster over long pieces than field by field.
const BUFFER_BYTES: usize = 256 * 1024;

/// What stands before the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Header {
    pub(super) magic: [u8; 8],
    pub(super) format: u32,
    /// The logic that decided the state. Another version may start from it: it is the way through an upgrade.
    pub(super) logic_version: u32,
    pub(super) shard: u64,
    pub(super) seq: u64,
    pub(super) time_ns: i64,
    pub(super) digest: [u8; 16],
    pub(super) records: u64,
    pub(super) digests: u64,
    pub(super) alerts: u64,
    /// Of the record at `seq`: ties the snapshot to this journal.
    pub(super) record_crc: u32,
    pub(super) pad: [u8; 12],
}

impl Header {
    /// From the first bytes of a file, unchecked.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut head = bytes.get(..usize::try_from(HEADER_BYTES).ok()?)?;
        Self::deserialize_reader(&mut head).ok()
    }
}

/// A row of the table.
#[derive(Clone, Copy, BorshSerialize, BorshDeserialize)]
struct Row {
    name: [u8; 16],
    version: u64,
    len_bytes: u64,
    hash: [u8; 32],
}

/// A whole snapshot, every hash of it right.
pub(super) struct Parsed<'a> {
    pub(super) header: Header,
    pub(super) sections: Vec<Stored<'a>>,
}

/// One section of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored<'a> {
    pub(super) name: &'a str,
    pub(super) version: u16,
    pub(super) bytes: &'a [u8],
}

/// Writes a snapshot to a new file, and waits until it is on disk; its length in bytes.
pub(super) fn write<M: Machine>(disk: &dyn Disk, path: &Path, header: Header, state: &M) -> io::Result<u64> {
    let mut file = InOrder { file: disk.open(path, Access::Create)?, at: 0 };
    let mut proven = borsh::to_vec(&header)?;
    file.write_all(&proven)?;
    let mut rows = 0u64;
    for section in M::sections() {
        let begins = file.at;
        let hashed = Hashed { inner: &mut file, hasher: blake3::Hasher::new() };
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, hashed);
        state.save(section, &mut out)?;
        let hash = out.into_inner().map_err(io::IntoInnerError::into_error)?.hasher.finalize();
        let mut name = [0; 16];
        name.iter_mut().zip(section.name.bytes()).for_each(|(place, byte)| *place = byte);
        let row =
            Row { name, version: section.version.into(), len_bytes: file.at - begins, hash: hash.into() };
        row.serialize(&mut proven)?;
        rows += 1;
        // Asked once for each snapshot: every question counts.
        if rows == M::sections().count() as u64 / 2 && is_due(Point::SnapshotHalfWritten) {
            crash_point::die();
        }
    }
    rows.serialize(&mut proven)?;
    let (_, table) = proven.split_at(usize::try_from(HEADER_BYTES).unwrap_or(usize::MAX));
    file.write_all(table)?;
    file.write_all(blake3::hash(&proven).as_bytes())?;
    file.file.sync_all()?;
    Ok(file.at)
}

/// A file that is written from its start.
struct InOrder {
    file: Box<dyn DiskFile>,
    at: u64,
}

impl Write for InOrder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all_at(bytes, self.at)?;
        self.at += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hashes what it passes on.
struct Hashed<W> {
    inner: W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// True where every hash is right, whatever the snapshot holds.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    parse(bytes).is_ok()
}

/// Takes a snapshot apart; what is wrong with it where something is.
pub(super) fn parse(bytes: &[u8]) -> Result<Parsed<'_>, &'static str> {
    const SHORT: &str = "it is too short";
    let header = Header::read(bytes).ok_or(SHORT)?;
    if header.magic != MAGIC {
        return Err("it is not a snapshot");
    }
    if header.format != FORMAT {
        return Err("it is of another format, which another version of the program writes");
    }
    let (head, rest) = bytes.split_at(usize::try_from(HEADER_BYTES).map_err(|_| SHORT)?);
    let (rest, foot) = rest.split_at_checked(rest.len().saturating_sub(FOOT_BYTES)).ok_or(SHORT)?;
    let (count, hash) = foot.split_at_checked(8).ok_or(SHORT)?;
    let rows = count.try_into().map_or(u64::MAX, u64::from_le_bytes);
    let table_bytes = usize::try_from(rows).ok().and_then(|rows| rows.checked_mul(ROW_BYTES)).ok_or(SHORT)?;
    let at = rest.len().checked_sub(table_bytes).ok_or("its table is longer than the file")?;
    let (sections, table) = rest.split_at(at);
    let proven = blake3::Hasher::new().update(head).update(table).update(count).finalize();
    if proven.as_bytes().as_slice() != hash {
        return Err("the hash of its table is wrong");
    }
    Ok(Parsed { header, sections: cut(sections, table)? })
}

/// The sections that the table names, each with the hash that it says.
fn cut<'a>(mut bytes: &'a [u8], table: &'a [u8]) -> Result<Vec<Stored<'a>>, &'static str> {
    const TABLE: &str = "its table makes no sense";
    let mut sections = Vec::new();
    for row in table.chunks_exact(ROW_BYTES) {
        let Row { version, len_bytes, hash, .. } = Row::try_from_slice(row).map_err(|_| TABLE)?;
        let len = usize::try_from(len_bytes).map_err(|_| TABLE)?;
        let (section, behind) = bytes.split_at_checked(len).ok_or(TABLE)?;
        if blake3::hash(section) != hash {
            return Err("the hash of one of its sections is wrong");
        }
        let name = row.get(..16).ok_or(TABLE)?;
        let letters = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        let name = name.get(..letters).and_then(|name| std::str::from_utf8(name).ok()).ok_or(TABLE)?;
        sections.push(Stored { name, version: version.try_into().map_err(|_| TABLE)?, bytes: section });
        bytes = behind;
    }
    if bytes.is_empty() { Ok(sections) } else { Err("there is something between its sections and its table") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Replay;
    use actors::Core;
    use journal::Folder;
    use machine::ShardId;

    fn header() -> Header {
        super::super::header(&Replay::<Core>::new(ShardId::new(3)))
    }

    #[test]
    fn header_and_row_have_the_sizes_that_are_drawn() {
        assert_eq!(borsh::to_vec(&header()).unwrap().len() as u64, HEADER_BYTES);
        let row = Row { name: [0; 16], version: 0, len_bytes: 0, hash: [0; 32] };
        assert_eq!(borsh::to_vec(&row).unwrap().len(), ROW_BYTES);
    }

    #[test]
    fn every_byte_is_covered_by_a_hash() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("one");
        let len = write(&*Folder::from(dir.path()).disk, &path, header(), &Core::new()).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len() as u64, len);
        let parsed = parse(&bytes).unwrap_or_else(|what| panic!("{what}"));
        let names: Vec<&str> = parsed.sections.iter().map(|section| section.name).collect();
        assert_eq!(names, Core::sections().map(|section| section.name).collect::<Vec<_>>());
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(!is_whole(&damaged), "byte {at}");
            assert!(!is_whole(&bytes[..at]), "cut at {at}");
        }
    }
}
