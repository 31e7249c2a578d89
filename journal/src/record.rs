//! A record as it is read.

use model::{Incarnation, Input, Position, ShardId, Timestamp};

use crate::codec;
use crate::error::Damage;
use crate::kind::RecordKind;
use crate::layout::{RECORD_HEADER_BYTES, RecordHeader, field};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it stands.
    pub position: Position,
    /// Its stamp.
    pub time: Timestamp,
    /// Which opening of the journal wrote it.
    pub incarnation: Incarnation,
    /// Its checksum.
    pub crc: u32,
    /// Its length in the journal, header included.
    pub len_bytes: u32,
    /// Which kind it is.
    pub kind: RecordKind,
    /// What it holds.
    pub body: RecordBody,
}

/// What a record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly every record is an input")]
pub enum RecordBody {
    /// Something that may change state.
    Input(Input),
    /// The rolling digest of everything before it.
    Digest([u8; 16]),
}

impl Record {
    /// Reads a record that was checked and starts on a multiple of 8 bytes.
    pub(crate) fn decode(header: &RecordHeader, record: &[u8]) -> Result<Self, Damage> {
        let payload = record.get(RECORD_HEADER_BYTES..).ok_or(Damage::Length)?;
        let body = match header.kind {
            RecordKind::Digest => RecordBody::Digest(payload.try_into().map_err(|_| Damage::Payload)?),
            kind => RecordBody::Input(codec::decode(kind, payload).ok_or(Damage::Payload)?),
        };
        Ok(Self {
            position: Position::new(ShardId::new(header.shard), header.seq),
            time: Timestamp::from_nanos(header.time_ns),
            incarnation: Incarnation { count: header.incarnation },
            crc: u32::from_le_bytes(field(record, 4)),
            len_bytes: u32::try_from(record.len()).map_err(|_| Damage::Length)?,
            kind: header.kind,
            body,
        })
    }
}
