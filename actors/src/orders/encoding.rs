//! The canonical form: orders in the order of their lists, whatever places they stand in.

use borsh::io::{Error, ErrorKind, Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};

use super::Orders;
use super::list::Chain;
use crate::Order;

impl Orders {
    /// Open ones account by account, oldest first.
    fn every_open(&self) -> impl Iterator<Item = &Order> {
        self.accounts.iter().flat_map(|lists| self.walk(lists.open, Chain::Account))
    }

    /// Finished ones as they were finished.
    fn every_finished(&self) -> impl Iterator<Item = &Order> {
        self.walk(self.finished, Chain::Finished)
    }
}

impl PartialEq for Orders {
    fn eq(&self, other: &Self) -> bool {
        self.retired == other.retired
            && self.requests == other.requests
            && self.every_open().eq(other.every_open())
            && self.every_finished().eq(other.every_finished())
    }
}

impl Eq for Orders {}

fn write<'a, W: Write>(orders: impl Iterator<Item = &'a Order> + Clone, writer: &mut W) -> Result<()> {
    let count = u64::try_from(orders.clone().count()).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
    count.serialize(writer)?;
    orders.into_iter().try_for_each(|order| order.serialize(writer))
}

impl BorshSerialize for Orders {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        self.retired.serialize(writer)?;
        let open: alloc::vec::Vec<&Order> = self.every_open().collect();
        write(open.iter().copied(), writer)?;
        let finished: alloc::vec::Vec<&Order> = self.every_finished().collect();
        write(finished.iter().copied(), writer)?;
        self.requests.serialize(writer)
    }
}

impl BorshDeserialize for Orders {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        let mut orders = Self { retired: u64::deserialize_reader(reader)?, ..Self::default() };
        for is_finished in [false, true] {
            for _ in 0..u64::deserialize_reader(reader)? {
                let order = Order::deserialize_reader(reader)?;
                let is_sound = order.is_finished() == is_finished
                    && order.account.slot() < crate::table::SLOTS
                    && order.id.seq > 0
                    && orders.get(order.id).is_none();
                if !is_sound {
                    return Err(Error::new(
                        ErrorKind::InvalidData,
                        "an order does not belong where it stands",
                    ));
                }
                orders.add(&order);
            }
        }
        orders.requests = BorshDeserialize::deserialize_reader(reader)?;
        orders.chain_requests();
        Ok(orders)
    }
}

impl Orders {
    /// The newest request about each order: the one that no other names as earlier.
    fn chain_requests(&mut self) {
        for index in 0..self.requests.len() {
            let Some((id, request)) = self.requests.get_index(index).map(|(id, request)| (*id, *request))
            else {
                continue;
            };
            let Some(cell) = self.place(request.order).and_then(|place| self.cell_mut(place)) else {
                continue;
            };
            if cell.last_request.is_none_or(|known| known < id) {
                cell.last_request = Some(id);
            }
        }
    }
}
