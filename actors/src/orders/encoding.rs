//! The canonical form: orders in the order of their lists, whatever places they stand in.

use borsh::io::{Error, ErrorKind, Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use model::WireId;

use super::cell::Cell;
use super::links::Chain;
use super::list::{self, List};
use super::{Orders, Request};
use crate::Order;
use crate::store::shelves::NOWHERE;

impl Orders {
    /// Open ones account by account, oldest first.
    fn every_open(&self) -> impl Iterator<Item = Order> {
        self.accounts.iter().flat_map(|lists| self.walk(lists.open, Chain::Account))
    }

    /// The cells of the open orders, or of the finished ones.
    fn places(&self, chain: Chain) -> impl Iterator<Item = &Cell> {
        let (open, finished) = match chain {
            Chain::Account => (self.accounts.as_slice(), List::default()),
            Chain::Finished => (&[][..], self.finished),
        };
        let open = open.iter().flat_map(|lists| list::cells(&self.cells, lists.open, Chain::Account));
        open.chain(list::cells(&self.cells, finished, Chain::Finished))
    }

    /// Finished ones as they were finished.
    pub(crate) fn every_finished(&self) -> impl Iterator<Item = Order> {
        self.walk(self.finished, Chain::Finished)
    }
}

impl PartialEq for Orders {
    fn eq(&self, other: &Self) -> bool {
        self.retired == other.retired
            && self.requests.iter().eq(other.requests.iter())
            && self.every_open().eq(other.every_open())
            && self.every_finished().eq(other.every_finished())
    }
}

impl Eq for Orders {}

fn count(orders: usize) -> Result<u64> {
    u64::try_from(orders).map_err(|_| Error::from(ErrorKind::InvalidInput))
}

impl BorshSerialize for Orders {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        self.retired.serialize(writer)?;
        count(self.places(Chain::Account).count())?.serialize(writer)?;
        self.every_open().try_for_each(|order| write(&order, writer))?;
        count(self.places(Chain::Finished).count())?.serialize(writer)?;
        self.every_finished().try_for_each(|order| write(&order, writer))?;
        let requests =
            u32::try_from(self.requests.len()).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
        requests.serialize(writer)?;
        self.requests.iter().try_for_each(|request| request.serialize(writer))
    }
}

fn write<W: Write>(order: &Order, writer: &mut W) -> Result<()> {
    order.serialize(writer)?;
    order.unexplained.serialize(writer)
}

/// Version 1 knew nothing unexplained.
fn read<R: Read>(version: u16, reader: &mut R) -> Result<Order> {
    let mut order = Order::deserialize_reader(reader)?;
    if version > 1 {
        order.unexplained = BorshDeserialize::deserialize_reader(reader)?;
    }
    Ok(order)
}

impl Orders {
    /// The version that is written.
    pub(crate) const VERSION: u16 = 2;

    /// Reads what this program wrote, or an earlier one.
    pub(crate) fn read<R: Read>(version: u16, reader: &mut R) -> Result<Self> {
        let mut orders = Self { retired: u64::deserialize_reader(reader)?, ..Self::default() };
        for is_finished in [false, true] {
            for _ in 0..u64::deserialize_reader(reader)? {
                let order = read(version, reader)?;
                let is_sound = order.is_finished() == is_finished
                    && order.account.slot() < crate::store::table::SLOTS
                    && order.id.seq > 0
                    && orders.get(order.id).is_none();
                if !is_sound {
                    return Err(Error::new(
                        ErrorKind::InvalidData,
                        "an order does not belong where it stands",
                    ));
                }
                orders.restore(&order);
            }
        }
        for _ in 0..u32::deserialize_reader(reader)? {
            let request = Request::deserialize_reader(reader)?;
            if request.id.seq == 0 || orders.is_taken(request.id) {
                return Err(Error::new(ErrorKind::InvalidData, "two go by one identity"));
            }
            orders.add_request(request);
        }
        orders.chain_requests();
        Ok(orders)
    }
}

impl Orders {
    /// True where an order or a request goes by this number.
    fn is_taken(&self, id: WireId) -> bool {
        self.pages.place(id).is_some_and(|place| place != NOWHERE)
    }

    /// The newest request about each order: the one that no other names as earlier.
    fn chain_requests(&mut self) {
        for at in 0..u32::try_from(self.requests.len()).unwrap_or(NOWHERE) {
            let Some(Request { id, order, .. }) = self.requests.get(at).copied() else { continue };
            let Some(place) = self.place(order) else { continue };
            let known = self.cells.get(place).and_then(|cell| self.amended(cell)?.last_request);
            if known.is_none_or(|known| known < id) {
                self.set_last_request(place, id);
            }
        }
    }
}
