//! What a journal needs of a disk, so that a simulated one can stand in for it.
//!
//! The operating system's is the default, and nothing but opening a journal asks for another one. An append touches
//! memory only: nothing here is called for it.

use std::any::Any;
use std::ffi::OsString;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use crate::memory::Words;
pub use crate::native::NativeDisk;

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// For reading; it must be there.
    Read,
    /// For reading and writing; it must be there.
    Write,
    /// For reading and writing; made where it is not there, kept as it is where it is.
    Keep,
    /// For reading and writing; made, and empty.
    Create,
}

/// Held as long as it is not dropped.
pub type Lock = Box<dyn Any + Send + Sync>;

/// Files by name. Errors are the operating system's: what a full disk is called decides what the journal does.
pub trait Disk: Debug + Send + Sync {
    /// Opens a file.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>>;
    /// The names in a folder, in any order.
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>>;
    /// True where there is a file or folder of this name.
    fn exists(&self, path: &Path) -> io::Result<bool>;
    /// Makes a folder, which must not be there.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes a folder and those above it where they are not there.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Gives a file another name, in place of whatever had it. Survives a power failure once the folder is synced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Takes a file's name away.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Brings creations, renamings and removals in a folder to disk.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Locks a file, made where it is not there; `None` where it is locked already.
    fn lock(&self, path: &Path) -> io::Result<Option<Lock>>;
    /// The time of day that new files are stamped with, in nanoseconds since 1970.
    fn now_ns(&self) -> i64;
    /// Waits for what somebody else is about to write.
    fn pause(&self, time: Duration);
}

/// An open file.
#[expect(clippy::len_without_is_empty, reason = "nobody asks whether a file is empty")]
pub trait DiskFile: Debug + Send + Sync {
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Reads what there is from `offset` on; 0 at the end.
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of it, growing the file where it must.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Takes space for the first `len_bytes`, of zeros where there was nothing.
    fn allocate(&self, len_bytes: u64) -> io::Result<()>;
    /// Brings its content, and what is needed to read it, to disk: also what was stored through a mapping.
    fn sync_data(&self) -> io::Result<()>;
    /// As [`DiskFile::sync_data`], and all else about it.
    fn sync_all(&self) -> io::Result<()>;
    /// Begins to bring a range to disk: a hint, so that the sync that follows has less to do at once.
    fn begin_sync(&self, from: u64, len_bytes: u64) {
        let _ = (from, len_bytes);
    }
    /// Its first `len_bytes` as memory: what is stored there is the file's content at once.
    fn map(&self, len_bytes: usize) -> io::Result<Words>;
    /// As [`DiskFile::map`], never to be stored to.
    fn map_read_only(&self, len_bytes: usize) -> io::Result<Words>;
}

/// A folder on a disk. From a path: on the operating system's disk.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The folder.
    pub path: PathBuf,
    /// What a reader of a journal in it does where something of it is missing.
    pub at_gap: AtGap,
}

/// What a reader does where something of a journal is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtGap {
    /// It refuses to read any of it, and names what is missing.
    #[default]
    Refuse,
    /// It ends there, as if the journal did: for who was told, and says so of whatever comes of it. Whoever follows,
    /// writes, copies or proves a journal refuses all the same.
    End,
}

impl Folder {
    /// A folder on a disk.
    pub fn on(disk: &Arc<dyn Disk>, path: impl Into<PathBuf>) -> Self {
        Self { disk: Arc::clone(disk), path: path.into(), at_gap: AtGap::Refuse }
    }

    /// A folder in this one.
    #[must_use]
    pub fn join(&self, name: impl AsRef<Path>) -> Self {
        Self { path: self.path.join(name), ..self.clone() }
    }

    /// The same folder, whose journal is read as `at_gap` says.
    #[must_use]
    pub fn reading(self, at_gap: AtGap) -> Self {
        Self { at_gap, ..self }
    }
}

impl From<&Path> for Folder {
    fn from(path: &Path) -> Self {
        Self { disk: Arc::new(NativeDisk), path: path.to_path_buf(), at_gap: AtGap::Refuse }
    }
}

impl From<&PathBuf> for Folder {
    fn from(path: &PathBuf) -> Self {
        path.as_path().into()
    }
}

impl From<PathBuf> for Folder {
    fn from(path: PathBuf) -> Self {
        path.as_path().into()
    }
}

impl From<&Self> for Folder {
    fn from(folder: &Self) -> Self {
        folder.clone()
    }
}

impl dyn DiskFile {
    /// Reads exactly so many bytes.
    pub fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        let mut done = 0;
        while let Some(rest) = out.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads it to its end, but at most `limit` bytes.
    pub fn read_to_end(&self, limit: u64) -> io::Result<Vec<u8>> {
        let len = self.len()?.min(limit);
        let len = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        let mut bytes = vec![0; len];
        self.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }
}
