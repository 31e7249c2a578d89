//! A journal's directory: which files there are, the lock, and the control file.
//!
//! ```text
//! control               which incarnation, which segments must be there; replaced as a whole
//! lock                  locked by the one writer
//! archived              where the journal starts, if its first segments were moved elsewhere
//! live                  under disk durability, the last record on disk (u64), mapped: for followers, no evidence
//! 00000001.segment ...  segments by index, each as long as it will ever be
//! next.tmp              a segment in preparation
//! ```

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crash_point::{Point, reach};
use machine::{Incarnation, ShardId};

use crate::disk::{Access, Disk, DiskFile, Folder, Lock};
use crate::error::JournalError;
use crate::layout::field;
use crate::memory::Words;

/// The control file's format.
const CONTROL_VERSION: u32 = 1;
const CONTROL_MAGIC: [u8; 8] = *b"GANNETC\n";
const CONTROL_BYTES: usize = 48;
const LIVE_BYTES: usize = 4096;
const SUFFIX: &str = ".segment";
/// What only a journal leaves behind.
const TRACES: [&str; 2] = ["archived", "live"];

/// What must be true of the segments, and how often the journal was opened for writing.
///
/// ```text
///  0 magic "GANNETC\n"   8 version u32   12 shard u16   14 zero u16   16 incarnation u32   20 zero u32
/// 24 segment u64        32 seq u64       40 zero u32    44 crc u32 of bytes 0 to 44
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Control {
    pub(crate) shard: ShardId,
    pub(crate) incarnation: Incarnation,
    /// Every segment up to this index exists and has its header on disk. 0: none yet.
    pub(crate) segment: u64,
    /// Every record up to this one is on disk.
    pub(crate) seq: u64,
}

impl Control {
    fn encode(&self) -> [u8; CONTROL_BYTES] {
        let mut bytes = [0; CONTROL_BYTES];
        let fields: [(usize, &[u8]); 6] = [
            (0, &CONTROL_MAGIC),
            (8, &CONTROL_VERSION.to_le_bytes()),
            (12, &self.shard.index.to_le_bytes()),
            (16, &self.incarnation.count.to_le_bytes()),
            (24, &self.segment.to_le_bytes()),
            (32, &self.seq.to_le_bytes()),
        ];
        for (at, field) in fields {
            if let Some(slot) = bytes.get_mut(at..at + field.len()) {
                slot.copy_from_slice(field);
            }
        }
        let crc = crc32c::crc32c(bytes.get(..44).unwrap_or(&[]));
        if let Some(slot) = bytes.get_mut(44..) {
            slot.copy_from_slice(&crc.to_le_bytes());
        }
        bytes
    }

    fn decode(path: &Path, bytes: &[u8]) -> Result<Self, JournalError> {
        let damaged = |what| Err(JournalError::Header { path: path.to_path_buf(), what });
        if field(bytes, 0) != CONTROL_MAGIC {
            return Err(JournalError::Foreign { path: path.to_path_buf() });
        }
        let version = u32::from_le_bytes(field(bytes, 8));
        if version > CONTROL_VERSION {
            let supported = CONTROL_VERSION;
            return Err(JournalError::Version { path: path.to_path_buf(), found: version, supported });
        }
        if bytes.len() != CONTROL_BYTES {
            return damaged("length");
        }
        if crc32c::crc32c(bytes.get(..44).unwrap_or(&[])) != u32::from_le_bytes(field(bytes, 44))
            || version == 0
        {
            return damaged("checksum");
        }
        Ok(Self {
            shard: ShardId::new(u16::from_le_bytes(field(bytes, 12))),
            incarnation: Incarnation { count: u32::from_le_bytes(field(bytes, 16)) },
            segment: u64::from_le_bytes(field(bytes, 24)),
            seq: u64::from_le_bytes(field(bytes, 32)),
        })
    }
}

/// The directory of one journal.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    folder: Folder,
}

impl Directory {
    pub(crate) fn new(folder: impl Into<Folder>) -> Self {
        Self { folder: folder.into() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder.path
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.folder.disk
    }

    /// Opens one of its files.
    pub(crate) fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        self.disk().open(path, access)
    }

    pub(crate) fn create(&self) -> Result<(), JournalError> {
        let made = self.disk().create_dir_all(self.path());
        made.map_err(|error| JournalError::io("create", self.path(), error))
    }

    /// Takes the lock, held until it is dropped.
    pub(crate) fn lock(&self) -> Result<Lock, JournalError> {
        let path = self.path().join("lock");
        match self.disk().lock(&path) {
            Ok(Some(lock)) => Ok(lock),
            Ok(None) => Err(JournalError::Locked { dir: self.path().to_path_buf() }),
            Err(error) => Err(JournalError::io("lock", &path, error)),
        }
    }

    pub(crate) fn remove(&self, path: &Path) -> Result<(), JournalError> {
        self.disk().remove(path).map_err(|error| JournalError::io("remove", path, error))
    }

    pub(crate) fn segment_path(&self, index: u64) -> PathBuf {
        self.path().join(format!("{index:08}{SUFFIX}"))
    }

    pub(crate) fn preparation_path(&self) -> PathBuf {
        self.path().join("next.tmp")
    }

    /// The indexes of the segment files, ascending, from where the journal starts.
    pub(crate) fn segments(&self) -> Result<Vec<u64>, JournalError> {
        let first = self.first()?.first_segment;
        let mut indexes = self.all_segments()?;
        indexes.retain(|index| *index >= first);
        Ok(indexes)
    }

    /// Those of segments that were moved elsewhere and are still there, too. Other files are none of our business.
    pub(crate) fn all_segments(&self) -> Result<Vec<u64>, JournalError> {
        let mut indexes = Vec::new();
        for name in self.names()? {
            let Some(index) = name.to_str().and_then(|name| name.strip_suffix(SUFFIX)?.parse::<u64>().ok())
            else {
                continue;
            };
            // Another spelling of the same number would be read as the same segment.
            if self.segment_path(index).file_name() == Some(name.as_os_str()) {
                indexes.push(index);
            }
        }
        indexes.sort_unstable();
        Ok(indexes)
    }

    /// The names of all that is there.
    pub(crate) fn names(&self) -> Result<Vec<OsString>, JournalError> {
        self.disk().list(self.path()).map_err(|error| JournalError::io("list", self.path(), error))
    }

    /// True where there is, or was, a journal: whatever else is gone. A folder that was made and locked is none yet.
    pub(crate) fn has_traces(&self) -> Result<bool, JournalError> {
        let is_trace =
            |name: &str| TRACES.contains(&name) || name.starts_with("repair-") || name.ends_with(SUFFIX);
        // Whoever replays a journal keeps states beside it: each is a sign that there was one. Not the folder for them.
        let states = self.disk().list(&self.path().join("snapshots")).unwrap_or_default();
        let is_state = |name: &OsString| Path::new(name).extension().is_some_and(|end| end == "snapshot");
        Ok(self.names()?.iter().any(|name| name.to_str().is_some_and(is_trace))
            || states.iter().any(is_state))
    }

    /// Brings creations, renamings and removals to disk.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        let synced = self.disk().sync_dir(self.path());
        synced.map_err(|error| JournalError::io("sync", self.path(), error))
    }

    /// The live position, for writing; made where it is not there.
    pub(crate) fn live(&self) -> Result<Words, JournalError> {
        let path = self.live_path();
        // Not truncated: followers may have it mapped.
        let mapped = self.open(&path, Access::Keep).and_then(|file| {
            file.allocate(LIVE_BYTES as u64)?;
            file.map(LIVE_BYTES)
        });
        mapped.map_err(|error| JournalError::io("create", &path, error))
    }

    /// The live position, for reading; `None` where it is not there.
    pub(crate) fn read_live(&self) -> Result<Option<Words>, JournalError> {
        let path = self.live_path();
        let refused = |error| JournalError::io("read", &path, error);
        let file = match self.open(&path, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refused(error)),
        };
        // A shorter one is just being made.
        if file.len().map_err(refused)? < LIVE_BYTES as u64 {
            return Ok(None);
        }
        file.map_read_only(LIVE_BYTES).map(Some).map_err(refused)
    }

    fn live_path(&self) -> PathBuf {
        self.path().join("live")
    }

    fn control_path(&self) -> PathBuf {
        self.path().join("control")
    }

    /// The control file; `None` where there is none.
    pub(crate) fn read_control(&self) -> Result<Option<Control>, JournalError> {
        let path = self.control_path();
        // One byte more than it may have: a longer file is noticed, however long it is.
        let limit = CONTROL_BYTES as u64 + 1;
        match self.open(&path, Access::Read).and_then(|file| file.read_to_end(limit)) {
            Ok(bytes) => Control::decode(&path, &bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(JournalError::io("read", &path, error)),
        }
    }

    /// The control file, which must be there.
    pub(crate) fn require_control(&self) -> Result<Control, JournalError> {
        let dir = self.path();
        let there = self.disk().exists(dir).map_err(|error| JournalError::io("open", dir, error))?;
        if !there {
            return Err(JournalError::NoJournal { dir: dir.to_path_buf() });
        }
        match self.read_control()? {
            Some(control) => Ok(control),
            None if !self.has_traces()? => Err(JournalError::NoJournal { dir: dir.to_path_buf() }),
            None => Err(JournalError::Missing { path: self.control_path() }),
        }
    }

    /// Replaces the control file durably: the old one or the new one is there, never half a one.
    pub(crate) fn write_control(&self, control: &Control) -> Result<(), JournalError> {
        let (path, beside) = (self.control_path(), self.path().join("control.tmp"));
        let written = self.open(&beside, Access::Create).and_then(|file| {
            file.write_all_at(&control.encode(), 0)?;
            file.sync_all()?;
            reach(Point::RecoveryControlBeside);
            self.disk().rename(&beside, &path)
        });
        written.map_err(|error| JournalError::io("write", &path, error))?;
        self.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTROL: Control = Control {
        shard: ShardId::new(0x0102),
        incarnation: Incarnation { count: 0x1112_1314 },
        segment: 3,
        seq: 9,
    };

    #[test]
    fn the_control_file_reads_back_and_any_flipped_bit_is_noticed() {
        let path = Path::new("control");
        let good = CONTROL.encode();
        assert_eq!(&good[..8], b"GANNETC\n");
        assert_eq!(good[8..24], [1, 0, 0, 0, 2, 1, 0, 0, 0x14, 0x13, 0x12, 0x11, 0, 0, 0, 0]);
        assert_eq!(good[24..44], [3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Control::decode(path, &good).unwrap(), CONTROL);
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Control::decode(path, &bad).is_err(), "bit {bit}");
        }
        assert!(Control::decode(path, &good[..47]).is_err());
    }

    #[test]
    fn the_control_file_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let directory = Directory::new(dir.path());
        assert!(directory.read_control().unwrap().is_none());
        directory.write_control(&CONTROL).unwrap();
        directory.write_control(&Control { seq: 10, ..CONTROL }).unwrap();
        assert_eq!(directory.read_control().unwrap().unwrap().seq, 10);
    }

    #[test]
    fn only_canonical_names_are_segments() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "00000002.segment",
            "2.segment",
            "00000001.segment",
            "x.segment",
            "100000000.segment",
            "next.tmp",
        ] {
            std::fs::File::create(dir.path().join(name)).unwrap();
        }
        assert_eq!(Directory::new(dir.path()).segments().unwrap(), [1, 2, 100_000_000]);
    }
}
