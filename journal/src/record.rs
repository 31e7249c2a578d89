//! A record as it is read.

use machine::{Incarnation, Payload, Position, ShardId, Timestamp};

use crate::damage::Damage;
use crate::layout::{RECORD_HEADER_BYTES, RecordHeader, record_crc};

/// One record, what it holds read as `P`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<P> {
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
    /// The number of its kind, which the machine gave it.
    pub kind: u8,
    /// What it holds.
    pub body: P,
}

impl<P: Default> Default for Record<P> {
    /// A place to read records into: [`Reader::read`](crate::Reader::read). It says nothing itself.
    fn default() -> Self {
        Self {
            position: Position::new(ShardId::new(0), 0),
            time: Timestamp::default(),
            incarnation: Incarnation { count: 0 },
            crc: 0,
            len_bytes: 0,
            kind: 0,
            body: P::default(),
        }
    }
}

impl<P: Payload> Record<P> {
    /// Reads a record that was checked and starts on a multiple of 8 bytes, in place: moving one costs as much as reading
    /// it. After an error it is neither this record nor another one.
    #[inline]
    pub(crate) fn read(&mut self, header: &RecordHeader, record: &[u8]) -> Result<(), Damage> {
        let payload = record.get(RECORD_HEADER_BYTES..).ok_or(Damage::Length)?;
        self.position = Position::new(ShardId::new(header.shard), header.seq);
        self.time = Timestamp::from_nanos(header.time_ns);
        self.incarnation = Incarnation { count: header.incarnation };
        self.crc = record_crc(record);
        self.len_bytes = u32::try_from(record.len()).map_err(|_| Damage::Length)?;
        self.kind = header.kind;
        Ok(self.body.decode(header.kind, payload)?)
    }
}
