//! `gannet diff`: what changed between two instants.

use std::fmt::Display;

use model::{Decimal, Price};
use node::past::diff::{Changed, Diff, diff};
use node::past::{At, Past};
use readable::table::{Cell, Table, grouped};
use wire::text::Words;
use wire::{CashRow, OrderRow, PositionRow};

use super::output::Output;
use super::place::JournalPlace;
use super::{Failure, state};

/// Show what changed between two instants, from the journals: orders, positions, cash, limits, sessions, halts.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The earlier: a record, as 1042 or 0:1042, or a time, as 2026-11-20T16:00:00Z.
    #[arg(value_name = "SEQ1")]
    first: At,
    /// The later.
    #[arg(value_name = "SEQ2")]
    second: At,
    /// Show at most this many orders; 0 for all.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
    #[command(flatten)]
    place: JournalPlace,
    /// Answer as JSON, with all orders.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let mut past = Past::open(args.place.folder(out)?).map_err(Failure::new)?;
    let diff = diff(&mut past, args.first, args.second).map_err(Failure::new)?;
    if args.json {
        return out.json(&diff);
    }
    let most = if args.limit == 0 { usize::MAX } else { args.limit };
    out.table(&state::shards("From", &diff.from))?;
    out.table(&state::shards("To", &diff.to))?;
    for table in tables(&diff, most) {
        out.table(&table)?;
    }
    if diff.orders.len() > most {
        out.line(&format!("{} orders differ; -n 0 shows all.", diff.orders.len()))?;
    }
    Ok(())
}

fn tables(diff: &Diff, most: usize) -> Vec<Table> {
    let mut statuses = Table::new("Orders by status", &["STATUS", "BEFORE", "AFTER"]);
    for row in &diff.statuses {
        statuses.row(vec![Cell::text(row.status), Cell::count(row.before), Cell::count(row.after)]);
    }
    let mut all = vec![statuses, orders(diff, most), positions(&diff.positions), cash(&diff.cash)];
    let mut limits = Table::new("Limits", &["", "OF", "NAME", "LIMIT", "CCY", "VALUE"]);
    for row in &diff.limits {
        let Some(what) = row.either() else { continue };
        limits.row(vec![
            sign(row),
            Cell::text(what.of),
            Cell::text(what.name),
            Cell::text(what.limit),
            what.currency.map_or(Cell::Blank, Cell::text),
            number(row, |limit| Some(limit.value.get())),
        ]);
    }
    let mut sessions = Table::new("Sessions", &["", "SESSION", "STATE", "IN DOUBT"]);
    for row in &diff.sessions {
        let Some(what) = row.either() else { continue };
        sessions.row(vec![
            sign(row),
            Cell::text(what.session),
            word(row, |session| session.state.word()),
            word(row, |session| session.in_doubt),
        ]);
    }
    let mut halts = Table::new("Halts", &["", "WHAT", "NAME"]);
    for row in &diff.halts {
        let Some(what) = row.either() else { continue };
        halts.row(vec![sign(row), Cell::text(&what.kind), Cell::text(&what.name)]);
    }
    all.extend([limits, sessions, halts]);
    all
}

fn orders(diff: &Diff, most: usize) -> Table {
    let headings = ["", "ORDER", "ACCOUNT", "SYMBOL", "SIDE", "QUANTITY", "LIMIT", "FILLED", "STATUS", "ID"];
    let mut table = Table::new("Orders", &headings);
    let status = |row: &OrderRow| format!("{}{}", row.status, if row.in_doubt { "?" } else { "" });
    for row in diff.orders.iter().take(most) {
        let Some(what) = row.either() else { continue };
        table.row(vec![
            sign(row),
            Cell::text(what.order),
            Cell::text(what.account),
            Cell::text(what.symbol),
            Cell::text(what.side),
            number(row, |order| Some(order.quantity.get())),
            number(row, |order| order.limit_price.map(Price::get)),
            number(row, |order| Some(order.cum_quantity.get())),
            word(row, status),
            Cell::text(what.cl_ord_id),
        ]);
    }
    table
}

fn positions(rows: &[Changed<PositionRow>]) -> Table {
    let mut table =
        Table::new("Positions", &["", "ACCOUNT", "SYMBOL", "QUANTITY", "AVERAGE", "REALISED", "CCY"]);
    let average = |row: &PositionRow| row.average_price.map(|price| price.get().round_dp(4));
    for row in rows {
        let Some(what) = row.either() else { continue };
        table.row(vec![
            sign(row),
            Cell::text(what.account),
            Cell::text(what.symbol),
            number(row, |position| Some(position.quantity.get())),
            number(row, average),
            number(row, |position| Some(position.realised.get().round_dp(4))),
            Cell::text(what.currency),
        ]);
    }
    table
}

fn cash(rows: &[Changed<CashRow>]) -> Table {
    let headings = ["", "ACCOUNT", "CCY", "SETTLED", "UNSETTLED", "RESERVED", "AVAILABLE", "FEES PAID"];
    let mut table = Table::new("Cash", &headings);
    for row in rows {
        let Some(what) = row.either() else { continue };
        table.row(vec![
            sign(row),
            Cell::text(what.account),
            Cell::text(what.currency),
            number(row, |cash| Some(cash.settled.get())),
            number(row, |cash| Some(cash.unsettled.get())),
            number(row, |cash| Some(cash.reserved.get())),
            number(row, |cash| Some(cash.available.get())),
            number(row, |cash| Some(cash.fees.get())),
        ]);
    }
    table
}

/// `+` came, `-` went, `~` differs.
fn sign<T>(row: &Changed<T>) -> Cell {
    Cell::text(match (&row.before, &row.after) {
        (None, _) => "+",
        (_, None) => "-",
        _ => "~",
    })
}

/// A word: as it is, or `before → after`.
fn word<T, V: Display>(row: &Changed<T>, field: impl Fn(&T) -> V) -> Cell {
    shown(row, |row| field(row).to_string())
}

/// A number, likewise; blank where there is none.
fn number<T>(row: &Changed<T>, field: impl Fn(&T) -> Option<Decimal>) -> Cell {
    shown(row, |row| field(row).map_or_else(|| "none".to_owned(), |number| grouped(number, 0)))
}

fn shown<T>(row: &Changed<T>, field: impl Fn(&T) -> String) -> Cell {
    match (row.before.as_ref().map(&field), row.after.as_ref().map(&field)) {
        (Some(before), Some(after)) if before != after => Cell::text(format!("{before} → {after}")),
        (before, after) => after.or(before).map_or(Cell::Blank, Cell::Text),
    }
}
