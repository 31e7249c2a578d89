//! What changed between two instants.

use std::collections::BTreeMap;

use model::OrdStatus;
use serde::Serialize;
use wire::{CashRow, HaltRow, OrderFilter, OrderRow, PositionRow, SessionRow};

use super::state::{self, LimitRow, ShardAt};
use super::{At, Past, PastError};

/// Something that is not what it was: came, went, or has other values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed<T> {
    /// Absent where it was not there.
    pub before: Option<T>,
    /// Absent where it is gone.
    pub after: Option<T>,
}

impl<T> Changed<T> {
    /// What it is, from whichever side there is.
    pub fn either(&self) -> Option<&T> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

/// How many orders were and are in a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatusCount {
    /// Which.
    pub status: OrdStatus,
    /// At the first instant.
    pub before: u64,
    /// At the second.
    pub after: u64,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// The first instant.
    pub from: Vec<ShardAt>,
    /// The second.
    pub to: Vec<ShardAt>,
    /// Statuses whose number of orders differs.
    pub statuses: Vec<StatusCount>,
    /// Orders that are new or differ, by id.
    pub orders: Vec<Changed<OrderRow>>,
    /// Positions whose quantity, cost or realised profit differs. Marks are left out.
    pub positions: Vec<Changed<PositionRow>>,
    /// Cash, where any bucket differs.
    pub cash: Vec<Changed<CashRow>>,
    /// Limits set, lifted, or with another value.
    pub limits: Vec<Changed<LimitRow>>,
    /// Sessions.
    pub sessions: Vec<Changed<SessionRow>>,
    /// Halts that began or ended.
    pub halts: Vec<Changed<HaltRow>>,
}

/// Replays `past` to `first`, then to `second`, and compares.
pub fn diff(past: &mut Past, first: At, second: At) -> Result<Diff, PastError> {
    past.go_to(first)?;
    let before = Sides::of(past)?;
    past.go_to(second)?;
    let after = Sides::of(past)?;
    Ok(Diff {
        statuses: statuses(&before.orders, &after.orders),
        from: before.shards,
        to: after.shards,
        orders: changed(before.orders, after.orders, |row| row.order),
        positions: changed(before.positions, after.positions, |row| (row.account, row.symbol)),
        cash: changed(before.cash, after.cash, |row| (row.account, row.currency)),
        limits: changed(before.limits, after.limits, |row| (row.of, row.name, row.limit, row.currency)),
        sessions: changed(before.sessions, after.sessions, |row| row.session),
        halts: changed(before.halts, after.halts, |row| (row.kind.clone(), row.name.clone())),
    })
}

/// Everything that is compared, at one instant.
struct Sides {
    shards: Vec<ShardAt>,
    orders: Vec<OrderRow>,
    positions: Vec<PositionRow>,
    cash: Vec<CashRow>,
    limits: Vec<LimitRow>,
    sessions: Vec<SessionRow>,
    halts: Vec<HaltRow>,
}

impl Sides {
    fn of(past: &Past) -> Result<Self, PastError> {
        let directory = past.directory();
        let books = past.books(&directory);
        let status = books.status();
        let unmarked = |row: PositionRow| PositionRow { mark: None, unrealised: None, ..row };
        Ok(Self {
            shards: state::shards(past),
            orders: state::orders(&books, OrderFilter::default()),
            positions: books.positions(None)?.into_iter().map(unmarked).collect(),
            cash: books.cash(None)?,
            limits: state::limits(past, None),
            sessions: status.sessions,
            halts: status.halts,
        })
    }
}

fn changed<K: Ord, T: PartialEq>(before: Vec<T>, after: Vec<T>, key: impl Fn(&T) -> K) -> Vec<Changed<T>> {
    let mut rows: BTreeMap<K, Changed<T>> = BTreeMap::new();
    for row in before {
        rows.insert(key(&row), Changed { before: Some(row), after: None });
    }
    for row in after {
        let changed = rows.entry(key(&row)).or_insert(Changed { before: None, after: None });
        changed.after = Some(row);
    }
    rows.into_values().filter(|row| row.before != row.after).collect()
}

fn statuses(before: &[OrderRow], after: &[OrderRow]) -> Vec<StatusCount> {
    let count = |rows: &[OrderRow], status| {
        u64::try_from(rows.iter().filter(|row| row.status == status).count()).unwrap_or(u64::MAX)
    };
    OrdStatus::ALL
        .iter()
        .map(|status| StatusCount {
            status: *status,
            before: count(before, *status),
            after: count(after, *status),
        })
        .filter(|row| row.before != row.after)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let rows =
            changed(vec![(1, 'a'), (2, 'b'), (3, 'c')], vec![(2, 'b'), (3, 'd'), (4, 'e')], |row| row.0);
        let expected = [
            Changed { before: Some((1, 'a')), after: None },
            Changed { before: Some((3, 'c')), after: Some((3, 'd')) },
            Changed { before: None, after: Some((4, 'e')) },
        ];
        assert_eq!(rows, expected);
    }
}
