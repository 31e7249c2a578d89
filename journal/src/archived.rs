//! What of a journal was moved elsewhere: the file `archived`, which says where the journal starts here.
//!
//! ```text
//! gannet archived 1
//! shard 0
//! first_segment 5
//! before 104200:<hash of everything before>
//! moved_to /archive/gannet
//! crc <CRC-32C of all of the above, in hexadecimal digits>
//! ```
//!
//! A file of its own, because the control file belongs to the writer: so segments can be moved while a node trades.
//! Segments before the first one are of no account, whether they are there or not: they are in the middle of being
//! moved. Any other one that is not there is missing.

use std::path::PathBuf;

use machine::ShardId;

use crate::directory::Directory;
use crate::disk::{Access, Folder};
use crate::error::JournalError;
use crate::head::Head;

const TITLE: &str = "gannet archived ";
const FORMAT: u32 = 1;
/// A longer file is not one of ours.
const MOST_BYTES: u64 = 16 * 1024;

/// Where a journal starts whose first segments were moved elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// The first segment that is here.
    pub first_segment: u64,
    /// Everything before it.
    pub before: Head,
    /// Where that was moved to, in the words of who moved it.
    pub moved_to: String,
}

/// Where the journal in `dir` starts, if its first segments were moved elsewhere.
pub fn archived(dir: impl Into<Folder>) -> Result<Option<Archived>, JournalError> {
    let directory = Directory::new(dir);
    directory.require_control()?;
    directory.archived()
}

impl Archived {
    /// A journal that is whole.
    pub(crate) const fn nothing() -> Self {
        Self { first_segment: 1, before: Head::ORIGIN, moved_to: String::new() }
    }

    /// The first record that is here.
    pub fn first_seq(&self) -> u64 {
        self.before.seq + 1
    }

    /// The error for a record that was moved elsewhere; `None` where it was not.
    pub(crate) fn moved(&self, directory: &Directory, seq: u64) -> Option<JournalError> {
        let (dir, first, moved_to) =
            (directory.path().to_path_buf(), self.first_seq(), self.moved_to.clone());
        (1..first).contains(&seq).then_some(JournalError::Archived { dir, seq, first, moved_to })
    }

    fn encode(&self, shard: ShardId) -> String {
        let Self { first_segment, before, moved_to } = self;
        let text = format!(
            "{TITLE}{FORMAT}\nshard {shard}\nfirst_segment {first_segment}\nbefore {before}\nmoved_to {moved_to}\n"
        );
        let crc = crc32c::crc32c(text.as_bytes());
        format!("{text}crc {crc:08x}\n")
    }

    fn decode(path: PathBuf, text: &str) -> Result<(ShardId, Self), JournalError> {
        let Some(rest) = text.strip_prefix(TITLE) else { return Err(JournalError::Foreign { path }) };
        let format = rest.lines().next().and_then(|line| line.parse::<u32>().ok());
        if let Some(found) = format.filter(|found| *found > FORMAT) {
            return Err(JournalError::Version { path, found, supported: FORMAT });
        }
        let content = || {
            let (content, crc) = text.strip_suffix('\n')?.rsplit_once("\ncrc ")?;
            let content = format!("{content}\n");
            if format!("{:08x}", crc32c::crc32c(content.as_bytes())) != crc {
                return None;
            }
            let mut lines = content.lines().skip(1);
            let mut value = |key: &str| lines.next()?.strip_prefix(key)?.strip_prefix(' ').map(str::to_owned);
            let shard = ShardId::new(value("shard")?.parse().ok()?);
            let first_segment = value("first_segment")?.parse().ok()?;
            let before: Head = value("before")?.parse().ok()?;
            let moved_to = value("moved_to")?;
            let possible = first_segment > 1 && before.seq > 0;
            possible.then_some((shard, Self { first_segment, before, moved_to }))
        };
        content().ok_or(JournalError::Header { path, what: "not what was written" })
    }
}

impl Directory {
    fn archived_path(&self) -> PathBuf {
        self.path().join("archived")
    }

    /// Where the journal starts, if not at its first segment.
    pub(crate) fn archived(&self) -> Result<Option<Archived>, JournalError> {
        let path = self.archived_path();
        let bytes = match self.open(&path, Access::Read).and_then(|file| file.read_to_end(MOST_BYTES)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(JournalError::io("read", &path, error)),
        };
        let text = String::from_utf8(bytes).map_err(|_| JournalError::Foreign { path: path.clone() })?;
        let (shard, archived) = Archived::decode(path.clone(), &text)?;
        match self.read_control()? {
            Some(control) if control.shard != shard => {
                Err(JournalError::Shard { path, found: shard, expected: control.shard })
            }
            _ => Ok(Some(archived)),
        }
    }

    /// Where the journal starts.
    pub(crate) fn first(&self) -> Result<Archived, JournalError> {
        Ok(self.archived()?.unwrap_or_else(Archived::nothing))
    }

    /// The error for a record that was moved elsewhere; `None` where it was not.
    pub(crate) fn moved(&self, seq: u64) -> Result<Option<JournalError>, JournalError> {
        Ok(self.archived()?.and_then(|archived| archived.moved(self, seq)))
    }

    /// Says durably where the journal starts: before or after a crash, one or the other holds.
    pub(crate) fn write_archived(&self, shard: ShardId, archived: &Archived) -> Result<(), JournalError> {
        let path = self.archived_path();
        if archived.first_segment <= 1 {
            return match self.disk().remove(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(JournalError::io("remove", &path, error))
                }
                _ => self.sync(),
            };
        }
        if archived.moved_to.contains('\n') || archived.moved_to.len() > 8 * 1024 {
            return Err(JournalError::Options("the place of an archive is one line of at most 8 KiB"));
        }
        let beside = self.path().join("archived.tmp");
        let written = self.open(&beside, Access::Create).and_then(|file| {
            file.write_all_at(archived.encode(shard).as_bytes(), 0)?;
            file.sync_all()?;
            self.disk().rename(&beside, &path)
        });
        written.map_err(|error| JournalError::io("write", &path, error))?;
        self.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_and_any_changed_byte_is_noticed() {
        let archived = Archived {
            first_segment: 5,
            before: Head { seq: 104_200, hash: [7; 32] },
            moved_to: "/archive/of gannet".to_owned(),
        };
        let shard = ShardId::new(3);
        let text = archived.encode(shard);
        let path = || PathBuf::from("archived");
        assert_eq!(Archived::decode(path(), &text).unwrap(), (shard, archived));
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(Archived::decode(path(), &String::from_utf8(bytes).unwrap()).is_err(), "byte {at}");
        }
        for len in 0..text.len() {
            assert!(Archived::decode(path(), &text[..len]).is_err(), "{len} bytes");
        }
        let newer = text.replacen("archived 1", "archived 2", 1);
        assert!(matches!(Archived::decode(path(), &newer), Err(JournalError::Version { found: 2, .. })));
    }
}
