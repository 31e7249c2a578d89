//! `gannet state`: positions, cash, open orders, halts, limits and sessions of an instant.

use model::Name;
use node::past::state::{LimitRow, OfficeAt, PastState, ShardAt, state};
use node::past::{At, Past};
use readable::table::{Cell, Table};

use super::named::place;
use super::output::Output;
use super::place::JournalPlace;
use super::{Failure, alerts, approvals, cash, orders, positions, status};

/// Show the state at an instant of the past, from the journals. A node may be running or not; nothing is changed.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Behind a record, as 1042 or, with several shards, 0:1042; or with everything up to a time, as
    /// 2026-11-20T16:00:00Z. A record of one shard means for the others the time of that record.
    #[arg(long, value_name = "SEQ|TIME")]
    at: At,
    /// Of one account and its portfolio.
    #[arg(short, long)]
    account: Option<Name>,
    #[command(flatten)]
    place: JournalPlace,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let past = Past::read(args.place.folder(out)?, args.at).map_err(Failure::new)?;
    let state = state(&past, args.account).map_err(Failure::new)?;
    if args.json { out.json(&state) } else { show(&state, out) }
}

fn show(state: &PastState, out: &mut Output) -> Result<(), Failure> {
    out.table(&shards("State", &state.shards))?;
    out.table(&positions::table(&state.positions).map_err(Failure::new)?)?;
    out.table(&cash::table(&state.cash).map_err(Failure::new)?)?;
    out.table(&orders::table("Open orders", &state.open_orders))?;
    out.table(&limits(&state.limits))?;
    out.table(&status::sessions(&state.sessions))?;
    out.table(&status::halts(&state.halts))?;
    let Some(office) = &state.office else { return Ok(()) };
    out.table(&self::office(office))?;
    out.table(&alerts::table(&office.open_alerts))?;
    out.table(&approvals::table(&office.open_approvals))
}

fn office(office: &OfficeAt) -> Table {
    let mut table = Table::new("Office", &["BEHIND RECORD", "OF", "DIGEST", "CONFIGURATION"]);
    table.row(vec![
        Cell::text(place(office.position)),
        Cell::text(&office.time),
        Cell::text(&office.digest),
        office.configuration.as_ref().map_or(Cell::Blank, |row| Cell::count(row.number)),
    ]);
    table
}

/// How far the journals go.
pub(super) fn shards(title: &str, rows: &[ShardAt]) -> Table {
    let mut table = Table::new(title, &["BEHIND RECORD", "OF", "DIGEST"]);
    for row in rows {
        table.row(vec![Cell::text(row.position), Cell::text(&row.time), Cell::text(&row.digest)]);
    }
    table
}

fn limits(rows: &[LimitRow]) -> Table {
    let mut table = Table::new("Limits", &["OF", "NAME", "LIMIT", "CCY", "VALUE"]);
    for row in rows {
        table.row(vec![
            Cell::text(row.of),
            Cell::text(row.name),
            Cell::text(row.limit),
            row.currency.map_or(Cell::Blank, Cell::text),
            Cell::Number(row.value.get()),
        ]);
    }
    table
}
