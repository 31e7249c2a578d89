//! Which executions are booked, so that none is booked twice: by broker, trade date and ExecID.

use alloc::collections::BTreeMap;

use borsh::{BorshDeserialize, BorshSerialize};
use indexmap::IndexMap;
use model::{BrokerId, Date, ExecId, OrderId, Price, Quantity};
use rustc_hash::FxBuildHasher;

type Day = IndexMap<(BrokerId, ExecId), Execution, FxBuildHasher>;

/// The economics of one execution, to tell a repetition from a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Execution {
    pub order: Option<OrderId>,
    pub quantity: Quantity,
    pub price: Price,
}

/// What is known of an execution that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Never before.
    Never,
    /// Before, the same.
    Same,
    /// Before, with other economics.
    Otherwise,
    /// Dated before what is remembered: it cannot be told.
    TooOld,
}

/// How many days back executions are remembered: a week of resends and a long weekend.
const REMEMBERED_DAYS: i32 = 14;

#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Executions {
    days: BTreeMap<Date, Day>,
}

impl Executions {
    /// `stated` is the broker's trade date; without one, every remembered day is searched, since a resend after
    /// midnight would otherwise look new.
    pub(crate) fn seen(
        &self,
        broker: BrokerId,
        exec_id: ExecId,
        stated: Option<Date>,
        today: Date,
        execution: &Execution,
    ) -> Seen {
        if stated.is_some_and(|date| date.days < today.days - REMEMBERED_DAYS) {
            return Seen::TooOld;
        }
        match self.find(broker, exec_id, stated) {
            None => Seen::Never,
            Some(known) if known == execution => Seen::Same,
            Some(_) => Seen::Otherwise,
        }
    }

    fn find(&self, broker: BrokerId, exec_id: ExecId, stated: Option<Date>) -> Option<&Execution> {
        let key = (broker, exec_id);
        match stated {
            Some(date) => self.days.get(&date)?.get(&key),
            None => self.days.values().find_map(|day| day.get(&key)),
        }
    }

    /// The order that this execution was booked for, whatever the report calls it.
    pub(crate) fn booked(
        &self,
        broker: BrokerId,
        exec_id: ExecId,
        stated: Option<Date>,
        today: Date,
        (quantity, price): (Quantity, Price),
    ) -> Option<OrderId> {
        let execution = self.find(broker, exec_id, stated)?;
        let is_same = execution.quantity == quantity && execution.price == price;
        let is_remembered = stated.is_none_or(|date| date.days >= today.days - REMEMBERED_DAYS);
        execution.order.filter(|_| is_same && is_remembered)
    }

    /// The first word under a name stands.
    pub(crate) fn remember(
        &mut self,
        broker: BrokerId,
        exec_id: ExecId,
        stated: Option<Date>,
        today: Date,
        execution: Execution,
    ) {
        let horizon = Date { days: today.days - REMEMBERED_DAYS };
        while self.days.first_key_value().is_some_and(|(date, _)| *date < horizon) {
            self.days.pop_first();
        }
        self.days.entry(stated.unwrap_or(today)).or_default().entry((broker, exec_id)).or_insert(execution);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = Date { days: 20_000 };

    fn execution(quantity: u32) -> Execution {
        Execution { order: None, quantity: quantity.into(), price: 1u32.into() }
    }

    #[test]
    fn a_repetition_is_told_from_a_conflict() {
        let mut executions = Executions::default();
        let (broker, id) = (BrokerId::new(1), ExecId::new("E1").unwrap());
        executions.remember(broker, id, Some(TODAY), TODAY, execution(5));
        assert_eq!(executions.seen(broker, id, Some(TODAY), TODAY, &execution(5)), Seen::Same);
        assert_eq!(executions.seen(broker, id, None, TODAY, &execution(5)), Seen::Same);
        assert_eq!(executions.seen(broker, id, Some(TODAY), TODAY, &execution(6)), Seen::Otherwise);
        assert_eq!(executions.seen(BrokerId::new(2), id, Some(TODAY), TODAY, &execution(5)), Seen::Never);
        let tomorrow = Date { days: TODAY.days + 1 };
        assert_eq!(executions.seen(broker, id, Some(tomorrow), tomorrow, &execution(5)), Seen::Never);
    }

    #[test]
    fn what_is_forgotten_is_not_taken_for_new() {
        let mut executions = Executions::default();
        let (broker, id) = (BrokerId::new(1), ExecId::new("E1").unwrap());
        executions.remember(broker, id, Some(TODAY), TODAY, execution(5));
        let later = Date { days: TODAY.days + REMEMBERED_DAYS + 1 };
        executions.remember(broker, ExecId::new("E2").unwrap(), Some(later), later, execution(5));
        assert_eq!(executions.days.len(), 1);
        assert_eq!(executions.seen(broker, id, Some(TODAY), later, &execution(5)), Seen::TooOld);
    }
}
