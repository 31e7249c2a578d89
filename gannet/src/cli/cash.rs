//! `gannet cash`: what is there, what is promised, what is free.

use std::collections::BTreeMap;

use model::{Amount, ArithmeticError, Currency, Name};
use readable::table::{Cell, Table};
use wire::{Answer, CashRow, Request};

use super::Failure;
use super::output::Output;
use super::source::Source;

/// List cash by account and currency, with totals for each currency.
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
        Answer::Cash(page) => Ok(page),
        other => Err(other),
    };
    let mut rows = args.source.rows(args.account, Request::Cash, page, out)?;
    rows.sort_by_key(|row| row.account);
    if args.json { out.json(&rows) } else { out.table(&table(&rows).map_err(Failure::new)?) }
}

const fn amounts(row: &CashRow) -> [Amount; 5] {
    [row.settled, row.unsettled, row.reserved, row.available, row.fees]
}

pub(super) fn table(rows: &[CashRow]) -> Result<Table, ArithmeticError> {
    let headings = ["ACCOUNT", "CCY", "SETTLED", "UNSETTLED", "RESERVED", "AVAILABLE", "FEES PAID"];
    let mut table = Table::new("Cash", &headings);
    let mut totals: BTreeMap<Currency, [Amount; 5]> = BTreeMap::new();
    for row in rows {
        let sums = totals.entry(row.currency).or_default();
        for (sum, amount) in sums.iter_mut().zip(amounts(row)) {
            *sum = sum.plus(amount)?;
        }
        table.row(line(Cell::text(row.account), row.currency, amounts(row)));
    }
    for (currency, sums) in totals {
        table.total(line(Cell::text("total"), currency, sums));
    }
    Ok(table)
}

fn line(first: Cell, currency: Currency, amounts: [Amount; 5]) -> Vec<Cell> {
    let mut cells = vec![first, Cell::text(currency)];
    cells.extend(amounts.into_iter().map(|amount| Cell::Number(amount.get())));
    cells
}
