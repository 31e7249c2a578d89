//! What a backup consists of.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use journal::{Head, Piece};
use model::Timestamp;
use serde::{Deserialize, Serialize};

use super::BackupError;

/// The format written.
const FORMAT: u32 = 1;

/// What a backup consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Of this file.
    pub format: u32,
    /// The program that took it.
    pub program: String,
    /// Every record up to this time is in it, in nanoseconds since 1970.
    pub until_ns: i64,
    /// The same, for people.
    pub until: String,
    /// The journals.
    pub shards: Vec<ShardEntry>,
    /// The journal of the office; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<ShardEntry>,
    /// The files of FIX sessions.
    pub sessions: Vec<SessionEntry>,
    /// Files of the configuration.
    pub config: Vec<String>,
}

/// One journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardEntry {
    /// Whose.
    pub shard: u16,
    /// Its first record.
    pub first_seq: u64,
    /// Its last record; 0 for none.
    pub last_seq: u64,
    /// That record's time, in nanoseconds since 1970.
    pub last_time_ns: i64,
    /// Everything in it, as `gannet journal head` prints it.
    pub head: String,
    /// How often it was opened.
    pub incarnation: u32,
    /// The version of the logic that decided it last, where a record in it says so.
    pub logic_version: Option<u32>,
    /// Its files.
    pub pieces: Vec<PieceEntry>,
    /// The records at which there is a snapshot.
    pub snapshots: Vec<u64>,
}

/// One file of a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PieceEntry {
    /// Which segment.
    pub segment: u64,
    /// Its first record.
    pub first_seq: u64,
    /// Everything before it.
    pub before: String,
    /// Everything up to its last record.
    pub head: String,
    /// The last record's time, in nanoseconds since 1970.
    pub last_time_ns: i64,
    /// The file's length.
    pub len_bytes: u64,
    /// No record follows in this segment.
    pub sealed: bool,
}

/// The files of one FIX session's engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionEntry {
    /// Its name.
    pub name: String,
    /// The folder in the backup.
    pub folder: String,
    /// The folder they were copied from.
    pub store: PathBuf,
}

impl Manifest {
    pub(super) fn new(until: Timestamp) -> Self {
        Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            until_ns: until.nanos,
            until: until.to_string(),
            shards: Vec::new(),
            office: None,
            sessions: Vec::new(),
            config: Vec::new(),
        }
    }

    /// Every journal, the office's behind those of the shards.
    pub fn journals(&self) -> impl Iterator<Item = &ShardEntry> {
        self.shards.iter().chain(&self.office)
    }

    /// Where the manifest of the backup in `folder` is.
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("manifest.json")
    }

    /// The manifest of the backup in `folder`; `None` where there is none.
    pub fn read(folder: &Path) -> Result<Option<Self>, BackupError> {
        let path = Self::path(folder);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(BackupError::io(&path))?,
        };
        let wrong = |what| BackupError::Manifest { path: path.clone(), what };
        let format = serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .and_then(|value| value.get("format")?.as_u64())
            .ok_or_else(|| wrong("not a manifest of a backup".to_owned()))?;
        if format > u64::from(FORMAT) {
            return Err(wrong(format!("format {format}, this program knows up to {FORMAT}")));
        }
        let manifest: Self = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        let names = manifest.sessions.iter().map(|session| &session.folder).chain(&manifest.config);
        for name in names {
            // Nothing is read or written outside of the folders that were named.
            if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(wrong(format!("\"{name}\" leads out of the backup")));
            }
        }
        Ok(Some(manifest))
    }

    /// Replaces the manifest durably: the old one or the new one is there.
    pub(super) fn write(&self, folder: &Path) -> Result<(), BackupError> {
        let path = Self::path(folder);
        let beside = path.with_extension("tmp");
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| BackupError::Manifest { path: path.clone(), what: error.to_string() })?;
        let written = File::create(&beside).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(folder)?.sync_all()
        });
        written.map_err(BackupError::io(&path))
    }
}

impl ShardEntry {
    /// Its pieces as the journal knows them.
    pub(super) fn pieces(&self, folder: &Path) -> Result<Vec<Piece>, BackupError> {
        let piece = |entry: &PieceEntry| {
            let head = |text: &str| {
                text.parse::<Head>().map_err(|error| BackupError::Manifest {
                    path: Manifest::path(folder),
                    what: format!("\"{text}\" is {error}"),
                })
            };
            Ok(Piece {
                index: entry.segment,
                first_seq: entry.first_seq,
                before: head(&entry.before)?,
                head: head(&entry.head)?,
                last_time: Timestamp::from_nanos(entry.last_time_ns),
                len_bytes: entry.len_bytes,
                is_sealed: entry.sealed,
            })
        };
        self.pieces.iter().map(piece).collect()
    }
}

impl From<&Piece> for PieceEntry {
    fn from(piece: &Piece) -> Self {
        Self {
            segment: piece.index,
            first_seq: piece.first_seq,
            before: piece.before.to_string(),
            head: piece.head.to_string(),
            last_time_ns: piece.last_time.nanos,
            len_bytes: piece.len_bytes,
            sealed: piece.is_sealed,
        }
    }
}
