//! A record as it is read.

use model::{Incarnation, Input, Position, ShardId, Timestamp};

use crate::codec;
use crate::error::Damage;
use crate::kind::RecordKind;
use crate::layout::{RECORD_HEADER_BYTES, RecordHeader, record_crc};

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

impl Default for Record {
    /// A place to read records into: [`Reader::read`](crate::Reader::read). It says nothing itself.
    fn default() -> Self {
        Self {
            position: Position::new(ShardId::new(0), 0),
            time: Timestamp::default(),
            incarnation: Incarnation { count: 0 },
            crc: 0,
            len_bytes: 0,
            kind: RecordKind::Tick,
            body: RecordBody::Input(Input::Tick),
        }
    }
}

impl Record {
    /// Reads a record that was checked and starts on a multiple of 8 bytes.
    pub(crate) fn decode(header: &RecordHeader, record: &[u8]) -> Result<Self, Damage> {
        let mut read = Self::default();
        read.read(header, record)?;
        Ok(read)
    }

    /// As [`Self::decode`], in place: a record is some 350 bytes, and moving it costs as much as reading it. After an
    /// error it is neither this record nor another one.
    #[inline]
    pub(crate) fn read(&mut self, header: &RecordHeader, record: &[u8]) -> Result<(), Damage> {
        let payload = record.get(RECORD_HEADER_BYTES..).ok_or(Damage::Length)?;
        self.position = Position::new(ShardId::new(header.shard), header.seq);
        self.time = Timestamp::from_nanos(header.time_ns);
        self.incarnation = Incarnation { count: header.incarnation };
        self.crc = record_crc(record);
        self.len_bytes = u32::try_from(record.len()).map_err(|_| Damage::Length)?;
        self.kind = header.kind;
        if header.kind == RecordKind::Digest {
            self.body = RecordBody::Digest(payload.try_into().map_err(|_| Damage::Payload)?);
            return Ok(());
        }
        let input = match &mut self.body {
            RecordBody::Input(input) => input,
            body @ RecordBody::Digest(_) => {
                *body = RecordBody::Input(Input::Tick);
                let RecordBody::Input(input) = body else { return Err(Damage::Payload) };
                input
            }
        };
        codec::decode_into(header.kind, payload, input).ok_or(Damage::Payload)
    }
}
