//! The state at one instant: positions, cash, open orders, halts, limits, sessions.

use std::collections::BTreeSet;

use actors::Core;
use engine::Replay;
use model::{Amount, Currency, LimitKind, Name, Position};
use office::Office;
use serde::Serialize;
use wire::{
    AlertRow, ApprovalRow, CashRow, ConfigRow, HaltRow, OrderFilter, OrderRow, PositionRow, SessionRow,
};

use super::{Past, PastError};
use crate::books::Books;
use crate::office::OfficeBooks;
use crate::office::rows::config_row;
use front::definitions::limit_value;
use front::directory::Directory;

/// Where a shard stands at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShardAt {
    /// The last record in it; 0 before the first.
    pub position: Position,
    /// Its time.
    pub time: String,
    /// The rolling digest there.
    pub digest: String,
}

/// A limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LimitRow {
    /// `account` or `portfolio`.
    pub of: &'static str,
    /// Its name.
    pub name: Name,
    /// Which.
    pub limit: &'static str,
    /// Of a limit by currency.
    pub currency: Option<Currency>,
    /// Its value.
    pub value: Amount,
}

/// The state of the node at one instant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PastState {
    /// How far each shard's journal goes at that instant.
    pub shards: Vec<ShardAt>,
    /// By account and symbol.
    pub positions: Vec<PositionRow>,
    /// By account and currency.
    pub cash: Vec<CashRow>,
    /// Orders that are not finished, by id.
    pub open_orders: Vec<OrderRow>,
    /// What is halted.
    pub halts: Vec<HaltRow>,
    /// What is limited.
    pub limits: Vec<LimitRow>,
    /// By name.
    pub sessions: Vec<SessionRow>,
    /// The office; absent where there is no journal of it.
    pub office: Option<OfficeAt>,
}

/// The office at one instant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OfficeAt {
    /// The last record in it; 0 before the first.
    pub position: Position,
    /// Its time.
    pub time: String,
    /// The rolling digest there.
    pub digest: String,
    /// The configuration in force; absent before the first.
    pub configuration: Option<ConfigRow>,
    /// Alerts that nobody had acknowledged.
    pub open_alerts: Vec<AlertRow>,
    /// Requests that waited for a second person or for their shard.
    pub open_approvals: Vec<ApprovalRow>,
}

/// The state where `past` stands, of one account or of all.
pub fn state(past: &Past, account: Option<Name>) -> Result<PastState, PastError> {
    let directory = past.directory();
    if let Some(name) = account.filter(|name| directory.account(*name).is_none()) {
        return Err(PastError::UnknownAccount(name));
    }
    let books = past.books(&directory);
    let status = books.status();
    Ok(PastState {
        shards: shards(past),
        positions: books.positions(account)?,
        cash: books.cash(account)?,
        open_orders: orders(&books, OrderFilter { account, open: true, ..OrderFilter::default() }),
        halts: status.halts,
        limits: limits(past, account),
        sessions: status.sessions,
        office: past.office().map(|replay| office(replay, &directory)),
    })
}

fn office(replay: &Replay<Office>, directory: &Directory) -> OfficeAt {
    let books = OfficeBooks { office: replay.core(), position: replay.position() };
    OfficeAt {
        position: replay.position(),
        time: replay.time().to_string(),
        digest: replay.digest().to_string(),
        configuration: replay.core().config_history().in_force().map(config_row),
        open_alerts: books.open_alerts(),
        open_approvals: books.open_approvals(directory),
    }
}

pub(super) fn shards(past: &Past) -> Vec<ShardAt> {
    let at = |replay: &Replay<Core>| ShardAt {
        position: replay.position(),
        time: replay.time().to_string(),
        digest: replay.digest().to_string(),
    };
    past.shards().map(|(_, replay)| at(replay)).collect()
}

/// Every page of orders.
pub(super) fn orders(books: &Books<'_>, mut filter: OrderFilter) -> Vec<OrderRow> {
    filter.limit = Some(OrderFilter::MOST);
    let mut rows = Vec::new();
    loop {
        let page = books.orders(&filter);
        rows.extend(page.rows);
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return rows,
        }
    }
}

pub(super) fn limits(past: &Past, account: Option<Name>) -> Vec<LimitRow> {
    let mut rows = Vec::new();
    for (_, replay) in past.shards() {
        let core = replay.core();
        let wanted = |name| account.is_none_or(|wanted| wanted == name);
        for known in core.accounts().filter(|known| wanted(known.definition.name)) {
            let row = |kind: LimitKind| {
                let value = Amount::new(limit_value(&known.limits, kind)?);
                let name = known.definition.name;
                Some(LimitRow { of: "account", name, limit: kind.as_str(), currency: None, value })
            };
            rows.extend(LimitKind::ALL.into_iter().filter_map(row));
        }
        rows.extend(gross_limits(core, account));
    }
    rows.sort_by_key(|row| (row.of, row.name));
    rows
}

fn gross_limits(core: &Core, account: Option<Name>) -> Vec<LimitRow> {
    let only = account.map(|name| core.account_named(&name).map(|account| account.definition.portfolio));
    let currencies: BTreeSet<Currency> = core.instruments().map(|book| book.definition.currency).collect();
    let mut rows = Vec::new();
    for portfolio in core.portfolios() {
        if only.is_some_and(|only| only != Some(portfolio.definition.id)) {
            continue;
        }
        let row = |currency: &Currency| {
            Some(LimitRow {
                of: "portfolio",
                name: portfolio.definition.name,
                limit: LimitKind::MaxGrossExposure.as_str(),
                currency: Some(*currency),
                value: portfolio.gross_limit(*currency)?,
            })
        };
        rows.extend(currencies.iter().filter_map(row));
    }
    rows
}
