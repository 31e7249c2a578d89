//! The canonical form: day by day, each day's executions in the order they were booked, whatever places they stand in.

use borsh::io::{Error, ErrorKind, Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use model::{BrokerId, Date, ExecId};

use super::{Booked, Day, Execution, Executions, Key};

impl Executions {
    fn of(&self, day: Day) -> impl Iterator<Item = &Booked> {
        core::iter::successors(self.booked.get(day.first), |known| self.booked.get(known.next))
    }

    fn every(&self) -> impl Iterator<Item = (Date, BrokerId, ExecId, Execution)> {
        let every = self.days.values().flat_map(|day| self.of(*day));
        every.map(|known| (known.date, known.broker, known.exec_id, known.execution()))
    }
}

impl PartialEq for Executions {
    fn eq(&self, other: &Self) -> bool {
        self.every().eq(other.every())
    }
}

impl Eq for Executions {}

// A map of dates, each to a map of names in the order they were put in: numbers of entries, keys, values.
impl BorshSerialize for Executions {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        let days = u32::try_from(self.days.len()).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
        days.serialize(writer)?;
        for (date, day) in &self.days {
            date.serialize(writer)?;
            day.len.serialize(writer)?;
            for known in self.of(*day) {
                (known.broker, known.exec_id).serialize(writer)?;
                known.execution().serialize(writer)?;
            }
        }
        Ok(())
    }
}

impl BorshDeserialize for Executions {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        let mut executions = Self::default();
        for _ in 0..u32::deserialize_reader(reader)? {
            let date = Date::deserialize_reader(reader)?;
            if executions.days.last_key_value().is_some_and(|(last, _)| *last >= date) {
                return Err(Error::new(ErrorKind::InvalidData, "days are not in order"));
            }
            executions.days.insert(date, super::EMPTY);
            for _ in 0..u32::deserialize_reader(reader)? {
                let (broker, exec_id) = BorshDeserialize::deserialize_reader(reader)?;
                let key = Key::new(broker, exec_id);
                if executions.find(&key, Some(date)).is_some() {
                    return Err(Error::new(ErrorKind::InvalidData, "an execution stands there twice"));
                }
                executions.add(&key, date, Execution::deserialize_reader(reader)?);
            }
        }
        Ok(executions)
    }
}
