//! What came of each record, in a file: with it, another version of the logic names the first record that it decides
//! otherwise. The journal itself holds a digest only every so many records, and knows no more than the interval.
//!
//! ```text
//! 0        8        12      16      24
//! | magic  | format | logic | shard |  then, for each record from the first on, the 16 bytes of the rolling digest
//! | 8 B    | u32    | u32   | u64   |  behind it
//! ```

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use journal::{Folder, JournalError, Reader};
use machine::{Consequences, EventOf, Machine, ShardId};

use crate::digest::Digest;
use crate::error::EngineError;
use crate::records::{Reads, RecordOf, Records};
use crate::replay::{Recovered, Replay};

const MAGIC: [u8; 8] = *b"GNTOUT\0\0";
const FORMAT: u32 = 1;

/// Why outcomes could not be written or compared.
#[derive(Debug, thiserror::Error)]
pub enum OutcomesError {
    /// The journal cannot be read or replayed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The file cannot be read or written.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// It is something else, or another shard's.
    #[error("{}: {what}", .path.display())]
    Foreign {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl From<JournalError> for OutcomesError {
    fn from(error: JournalError) -> Self {
        Self::Engine(error.into())
    }
}

/// The first record that is decided otherwise.
#[derive(Clone, Debug)]
pub struct Difference<M: Machine> {
    /// The record.
    pub record: RecordOf<M::Input>,
    /// The version of the logic that wrote the outcomes.
    pub logic_version: u32,
    /// The rolling digest behind it then.
    pub before: Digest,
    /// The rolling digest behind it now.
    pub now: Digest,
    /// What follows from it now.
    pub events: Vec<EventOf<M>>,
}

/// Replays the journal in `dir` and writes what came of each record to a new file, which replaces one that is there.
pub fn write_outcomes<M: Machine>(dir: impl Into<Folder>, to: &Path) -> Result<Recovered<M>, OutcomesError> {
    let beside = to.with_extension("tmp");
    let failed = |error| OutcomesError::Io { path: to.to_path_buf(), error };
    let reader = Reader::from_seq(dir, 1)?;
    let mut replay = Replay::<M>::new(reader.shard());
    let mut out = BufWriter::new(File::create(&beside).map_err(failed)?);
    out.write_all(&header(reader.shard(), M::LOGIC_VERSION)).map_err(failed)?;
    let mut records = Records::of(reader, Reads::Ahead)?;
    while let Some((record, following)) = records.next_two()? {
        replay.step_before(record, following)?;
        out.write_all(&replay.digest().to_bytes()).map_err(failed)?;
    }
    let file = out.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().and_then(|()| fs::rename(&beside, to)).map_err(failed)?;
    Ok(replay.finish())
}

fn header(shard: ShardId, logic_version: u32) -> [u8; 24] {
    let mut bytes = [0; 24];
    let parts = [
        MAGIC,
        (u64::from(FORMAT) | u64::from(logic_version) << 32).to_le_bytes(),
        u64::from(shard.index).to_le_bytes(),
    ];
    for (slot, part) in bytes.chunks_exact_mut(8).zip(parts) {
        slot.copy_from_slice(&part);
    }
    bytes
}

/// Replays the journal in `dir` and names the first record behind which `outcomes`, written by another program, say
/// something else; `None` where they agree as far as they go.
pub fn first_difference<M: Machine>(
    dir: impl Into<Folder>,
    outcomes: &Path,
) -> Result<Option<Difference<M>>, OutcomesError> {
    let failed = |error| OutcomesError::Io { path: outcomes.to_path_buf(), error };
    let foreign = |what| OutcomesError::Foreign { path: outcomes.to_path_buf(), what };
    let reader = Reader::from_seq(dir, 1)?;
    let mut replay = Replay::<M>::new(reader.shard());
    let mut file = BufReader::new(File::open(outcomes).map_err(failed)?);
    let mut found = [0; 24];
    file.read_exact(&mut found).map_err(|_| foreign("not a file of outcomes"))?;
    let expected = header(reader.shard(), M::LOGIC_VERSION);
    let (magic_and_format, logic) =
        (found.get(..12), found.get(12..16).and_then(|four| four.try_into().ok()));
    if magic_and_format != expected.get(..12) {
        return Err(foreign("not a file of outcomes of this format"));
    }
    if found.get(16..) != expected.get(16..) {
        return Err(foreign("the outcomes of another shard"));
    }
    let logic_version = logic.map_or(0, u32::from_le_bytes);
    let mut digest = [0; 16];
    let mut records = Records::of(reader, Reads::Ahead)?;
    while let Some((record, following)) = records.next_two()? {
        match file.read_exact(&mut digest) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read.map_err(failed)?,
        }
        let events = replay.step_before(record, following)?.events().to_vec();
        let (before, now) = (Digest::from_bytes(digest), replay.digest());
        if before != now {
            let record = record.clone();
            return Ok(Some(Difference { record, logic_version, before, now, events }));
        }
    }
    Ok(None)
}
