//! `gannet positions`: what is held, at what cost, and what it made.

use std::collections::BTreeMap;

use model::{Amount, ArithmeticError, Currency, Name};
use readable::table::{Cell, Table};
use wire::{Answer, PositionRow, Request};

use super::Failure;
use super::output::Output;
use super::source::Source;

/// List positions with profit and loss, with totals for each currency. The table rounds; `--json` is exact.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Of one account.
    #[arg(short, long)]
    account: Option<Name>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

#[expect(clippy::result_large_err, reason = "an answer of another kind is shown as it is, and moved once")]
pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let page = |answer| match answer {
        Answer::Positions(page) => Ok(page),
        other => Err(other),
    };
    let mut rows = args.source.rows(args.account, Request::Positions, page, out)?;
    rows.sort_by_key(|row| (row.account, row.symbol));
    if args.json { out.json(&rows) } else { out.table(&table(&rows).map_err(Failure::new)?) }
}

pub(super) fn table(rows: &[PositionRow]) -> Result<Table, ArithmeticError> {
    let headings = ["ACCOUNT", "SYMBOL", "QUANTITY", "AVERAGE", "MARK", "REALISED", "UNREALISED", "CCY"];
    let mut table = Table::new("Positions (profit before fees)", &headings);
    let mut totals: BTreeMap<Currency, (Amount, Amount)> = BTreeMap::new();
    for row in rows {
        let (realised, unrealised) = totals.entry(row.currency).or_default();
        *realised = realised.plus(row.realised)?;
        *unrealised = unrealised.plus(row.unrealised.unwrap_or_default())?;
        table.row(vec![
            Cell::text(row.account),
            Cell::text(row.symbol),
            Cell::Number(row.quantity.get()),
            Cell::number(row.average_price.map(|price| price.get().round_dp(4))),
            Cell::number(row.mark.map(model::Price::get)),
            Cell::Number(row.realised.get().round_dp(2)),
            Cell::number(row.unrealised.map(|amount| amount.get().round_dp(2))),
            Cell::text(row.currency),
        ]);
    }
    for (currency, (realised, unrealised)) in totals {
        table.total(vec![
            Cell::text("total"),
            Cell::Blank,
            Cell::Blank,
            Cell::Blank,
            Cell::Blank,
            Cell::Number(realised.get().round_dp(2)),
            Cell::Number(unrealised.get().round_dp(2)),
            Cell::text(currency),
        ]);
    }
    Ok(table)
}
