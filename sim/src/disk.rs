//! A disk in memory, with two truths: what the process sees, and what a power failure leaves.
//!
//! ```text
//!   write, store through a mapping ─▶ what is seen ── sync ─▶ what is durable
//!                                       │ process dies:  all of it stays
//!                                       │ power fails:   each unsynced sector of 512 bytes stays or not, by the seed
//!   create, rename, remove ──────────▶ names seen ── sync of the folder ─▶ names durable (else a beginning of them)
//! ```
//!
//! A sync that fails is the worst kind: the kernel takes what it could not write for written. A second sync says that
//! all is well and brings none of it to disk.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use journal::disk::{Access, Disk, DiskFile, Lock};

use crate::clock::SimClock;
use crate::dice::Dice;
use crate::inode::{Inode, SECTOR_BYTES};

/// What ends the machine's work at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Death {
    /// The process is killed: what it wrote stays, synced or not.
    Process,
    /// The power fails: what is not synced may be gone, sector by sector.
    Power,
}

/// A change of names that is not durable yet.
#[derive(Clone, Debug)]
enum NameChange {
    Named(PathBuf, u64),
    Removed(PathBuf),
    Renamed(PathBuf, PathBuf, u64),
}

#[derive(Debug)]
pub(crate) struct DiskState {
    pub(crate) files: BTreeMap<u64, Inode>,
    names: BTreeMap<PathBuf, u64>,
    durable_names: BTreeMap<PathBuf, u64>,
    unsynced: Vec<NameChange>,
    folders: BTreeSet<PathBuf>,
    locked: BTreeSet<PathBuf>,
    next_id: u64,
    /// Handles of an earlier life are void.
    pub(crate) life: u64,
    dead: bool,
    pub(crate) last_death: Option<Death>,
    /// Space that is left, in bytes.
    pub(crate) free_bytes: u64,
    /// So many syncs from now on fail.
    pub(crate) failing_syncs: u32,
    /// The machine dies at the operation with this number from now.
    armed: Option<(u64, Death)>,
    dice: Dice,
    pub(crate) lies_about_sync: bool,
    /// What was lost, cut short or refused.
    pub(crate) torn_sectors: u64,
    pub(crate) refused_full: u64,
    pub(crate) refused_sync: u64,
}

/// The disk. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct SimDisk {
    state: Arc<Mutex<DiskState>>,
    clock: SimClock,
}

/// An open file.
#[derive(Debug)]
struct SimFile {
    state: Arc<Mutex<DiskState>>,
    id: u64,
    life: u64,
}

struct SimLock {
    state: Arc<Mutex<DiskState>>,
    path: PathBuf,
    life: u64,
}

fn locked(state: &Mutex<DiskState>) -> MutexGuard<'_, DiskState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn gone() -> io::Error {
    io::Error::other("the machine is gone")
}

pub(crate) fn input_output() -> io::Error {
    io::Error::from_raw_os_error(5)
}

const PLENTY_BYTES: u64 = 1 << 40;

impl SimDisk {
    /// An empty disk with space for everything.
    pub(crate) fn new(seed: u64, clock: SimClock) -> Self {
        let state = DiskState {
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            unsynced: Vec::new(),
            folders: BTreeSet::new(),
            locked: BTreeSet::new(),
            next_id: 1,
            life: 1,
            dead: false,
            last_death: None,
            free_bytes: PLENTY_BYTES,
            failing_syncs: 0,
            armed: None,
            dice: Dice::new(seed),
            lies_about_sync: false,
            torn_sectors: 0,
            refused_full: 0,
            refused_sync: 0,
        };
        Self { state: Arc::new(Mutex::new(state)), clock }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, DiskState> {
        locked(&self.state)
    }

    /// The machine dies now.
    pub(crate) fn die(&self, death: Death) {
        self.state().die(death);
    }

    /// The machine dies in the middle of its operation number `operations` from now.
    pub(crate) fn arm(&self, operations: u64, death: Death) {
        self.state().armed = Some((operations, death));
    }

    /// Nothing is to happen any more.
    pub(crate) fn calm(&self) {
        let mut state = self.state();
        (state.armed, state.failing_syncs, state.free_bytes) = (None, 0, PLENTY_BYTES);
    }

    /// True from a death until the next start.
    pub(crate) fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// The machine is started again.
    pub(crate) fn start(&self) {
        let mut state = self.state();
        state.dead = false;
        state.armed = None;
    }

    /// No more space, or all of it again.
    pub(crate) fn set_full(&self, full: bool) {
        self.state().free_bytes = if full { 0 } else { PLENTY_BYTES };
    }

    /// True while there is no space.
    pub(crate) fn is_full(&self) -> bool {
        self.state().free_bytes == 0
    }

    /// Turns one bit over, on disk and for every reader.
    pub(crate) fn flip(&self, path: &Path, byte: u64, bit: u8) {
        let mut state = self.state();
        if let Some(inode) = state.inode_at(path) {
            inode.flip(usize::try_from(byte).unwrap_or(0), bit);
        }
    }

    /// Overwrites bytes, on disk and for every reader.
    pub(crate) fn overwrite(&self, path: &Path, at: u64, bytes: &[u8]) {
        let mut state = self.state();
        if let Some(inode) = state.inode_at(path) {
            inode.write(usize::try_from(at).unwrap_or(0), bytes);
            inode.sync();
        }
    }

    /// A file's content as the process sees it.
    pub(crate) fn content(&self, path: &Path) -> Vec<u8> {
        self.state().inode_at(path).map(|inode| inode.content()).unwrap_or_default()
    }
}

impl DiskState {
    fn inode_at(&mut self, path: &Path) -> Option<&mut Inode> {
        let id = *self.names.get(path)?;
        self.files.get_mut(&id)
    }

    fn check(&self, life: u64) -> io::Result<()> {
        if self.dead || self.life != life { Err(gone()) } else { Ok(()) }
    }

    /// Before each operation that changes something: it may be the last. True where the machine dies in it.
    fn comes_to_its_end(&mut self) -> Option<Death> {
        let (left, death) = self.armed?;
        if left > 0 {
            self.armed = Some((left - 1, death));
            return None;
        }
        Some(death)
    }

    fn act(&mut self, life: u64) -> io::Result<()> {
        self.check(life)?;
        match self.comes_to_its_end() {
            None => Ok(()),
            Some(death) => {
                self.die(death);
                Err(gone())
            }
        }
    }

    fn die(&mut self, death: Death) {
        if self.dead {
            return;
        }
        (self.dead, self.armed, self.failing_syncs) = (true, None, 0);
        self.last_death = Some(death);
        self.life += 1;
        self.locked.clear();
        if death == Death::Power {
            self.lose_names();
            for inode in self.files.values_mut() {
                self.torn_sectors += inode.lose(&mut self.dice);
            }
        }
        // Also those whose names a power failure may bring back.
        let named: BTreeSet<u64> = self.names.values().chain(self.durable_names.values()).copied().collect();
        self.files.retain(|id, _| named.contains(id));
        // Whoever still has a mapping, has one of the dead machine's memory.
        for inode in self.files.values_mut() {
            inode.detach();
        }
    }

    /// Of the changes of names that were not synced, a beginning is there.
    fn lose_names(&mut self) {
        let kept = self.dice.index(self.unsynced.len() + 1);
        let changes = std::mem::take(&mut self.unsynced);
        let mut names = std::mem::take(&mut self.durable_names);
        for change in changes.into_iter().take(kept) {
            change.apply(&mut names);
        }
        (self.names, self.durable_names) = (names.clone(), names);
    }

    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced.push(change);
    }

    fn create(&mut self, path: &Path) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.files.insert(id, Inode::default());
        self.change(NameChange::Named(path.to_path_buf(), id));
        id
    }

    /// Takes space; a file on a full disk does not grow.
    fn grow(&mut self, id: u64, len: u64) -> io::Result<()> {
        let inode = self.files.get_mut(&id).ok_or_else(gone)?;
        let more = len.saturating_sub(inode.len() as u64);
        if more == 0 {
            return Ok(());
        }
        if self.free_bytes < more {
            self.refused_full += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.free_bytes -= more;
        inode.grow(usize::try_from(len).map_err(|_| gone())?);
        Ok(())
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Named(path, id) => {
                names.insert(path.clone(), *id);
            }
            Self::Removed(path) => {
                names.remove(path);
            }
            Self::Renamed(from, to, id) => {
                names.remove(from);
                names.insert(to.clone(), *id);
            }
        }
    }

    fn is_in(&self, dir: &Path) -> bool {
        let (Self::Named(path, _) | Self::Removed(path) | Self::Renamed(_, path, _)) = self;
        path.parent() == Some(dir)
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        let life = state.life;
        state.check(life)?;
        let id = match (state.names.get(path).copied(), access) {
            (Some(id), Access::Read | Access::Write | Access::Keep) => id,
            (None, Access::Read | Access::Write) => return Err(io::ErrorKind::NotFound.into()),
            (known, Access::Keep | Access::Create) => {
                state.act(life)?;
                match known {
                    Some(id) => {
                        if let Some(inode) = state.files.get_mut(&id) {
                            inode.truncate();
                        }
                        id
                    }
                    None => state.create(path),
                }
            }
        };
        Ok(Box::new(SimFile { state: Arc::clone(&self.state), id, life }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        let state = self.state();
        state.check(state.life)?;
        if !state.folders.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.names.keys().chain(&state.folders).filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| path.file_name().map(OsString::from)).collect())
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let state = self.state();
        state.check(state.life)?;
        Ok(state.names.contains_key(path) || state.folders.contains(path))
    }

    /// Folders are durable at once: none is made where losing it would be of interest.
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.act(life)?;
        if state.folders.insert(dir.to_path_buf()) {
            Ok(())
        } else {
            Err(io::ErrorKind::AlreadyExists.into())
        }
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.act(life)?;
        state.folders.extend(dir.ancestors().map(Path::to_path_buf));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.act(life)?;
        let id = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        state.change(NameChange::Renamed(from.to_path_buf(), to.to_path_buf(), id));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.act(life)?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change(NameChange::Removed(path.to_path_buf()));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.act(life)?;
        if state.lies_about_sync {
            return Ok(());
        }
        let (synced, unsynced): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.unsynced).into_iter().partition(|change| change.is_in(dir));
        state.unsynced = unsynced;
        let mut names = std::mem::take(&mut state.durable_names);
        for change in synced {
            change.apply(&mut names);
        }
        state.durable_names = names;
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let mut state = self.state();
        let life = state.life;
        state.act(life)?;
        if !state.names.contains_key(path) {
            state.create(path);
        }
        if !state.locked.insert(path.to_path_buf()) {
            return Ok(None);
        }
        let lock: Lock = Box::new(SimLock { state: Arc::clone(&self.state), path: path.to_path_buf(), life });
        Ok(Some(lock))
    }

    fn now_ns(&self) -> i64 {
        self.clock.now_ns()
    }

    fn pause(&self, time: Duration) {
        self.clock.pass(u64::try_from(time.as_nanos()).unwrap_or(0));
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = locked(&self.state);
        if state.life == self.life {
            state.locked.remove(&self.path);
        }
    }
}

impl SimFile {
    fn with<T>(&self, look: impl FnOnce(&mut Inode) -> T) -> io::Result<T> {
        let mut state = locked(&self.state);
        state.check(self.life)?;
        state.files.get_mut(&self.id).map(look).ok_or_else(gone)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = locked(&self.state);
        state.act(self.life)?;
        let fails = state.failing_syncs > 0;
        let lies = state.lies_about_sync;
        let inode = state.files.get_mut(&self.id).ok_or_else(gone)?;
        if fails {
            inode.fail_sync();
            state.failing_syncs -= 1;
            state.refused_sync += 1;
            return Err(input_output());
        }
        if !lies {
            inode.sync();
        }
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        self.with(|inode| inode.len() as u64)
    }

    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|inode| inode.read(usize::try_from(offset).unwrap_or(usize::MAX), out))
    }

    /// A machine that dies in a write leaves a beginning of it, in whole sectors.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = locked(&self.state);
        state.check(self.life)?;
        let death = state.comes_to_its_end();
        let kept = if death.is_some() {
            state.dice.index(bytes.len() / SECTOR_BYTES + 1) * SECTOR_BYTES
        } else {
            bytes.len()
        };
        let bytes = bytes.get(..kept).unwrap_or(bytes);
        let grown = state.grow(self.id, offset + bytes.len() as u64);
        if let (Ok(()), Some(inode)) = (&grown, state.files.get_mut(&self.id)) {
            inode.write(usize::try_from(offset).unwrap_or(0), bytes);
        }
        match death {
            None => grown,
            Some(death) => {
                state.die(death);
                Err(gone())
            }
        }
    }

    fn allocate(&self, len_bytes: u64) -> io::Result<()> {
        let mut state = locked(&self.state);
        state.act(self.life)?;
        state.grow(self.id, len_bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }

    fn map(&self, len_bytes: usize) -> io::Result<journal::disk::Words> {
        self.with(|inode| inode.map(len_bytes))?
    }

    fn map_read_only(&self, len_bytes: usize) -> io::Result<journal::disk::Words> {
        self.with(|inode| inode.map(len_bytes))?
    }
}

#[cfg(test)]
#[path = "disk_tests.rs"]
mod tests;
