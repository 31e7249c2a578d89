//! `gannet orders`: what was ordered and where it stands.

use model::{Name, OrdStatus, Symbol};
use readable::table::{Cell, Table};
use wire::{Answer, OrderFilter, OrderRow, Request};

use super::output::Output;
use super::source::{Instants, Source};
use super::{Failure, answers, words};

/// List orders, oldest first.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Of one account.
    #[arg(short, long)]
    account: Option<Name>,
    /// In one instrument.
    #[arg(long)]
    symbol: Option<Symbol>,
    /// In one status, as `new` or `partially_filled`.
    #[arg(long, value_parser = words::status)]
    status: Option<OrdStatus>,
    /// Only those that are not finished.
    #[arg(long)]
    open: bool,
    /// At most this many; 0 for all.
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 100)]
    limit: usize,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    source: Source,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let (rows, more, retired) = collect(args, out)?;
    if args.json {
        return out.json(&rows);
    }
    out.table(&table("Orders", &rows))?;
    if more {
        out.line(&format!("There are more than {}; -n 0 shows all.", rows.len()))?;
    }
    if retired > 0 && !args.open {
        out.line(&format!(
            "{retired} finished orders are retired, from two days after their end (UTC): not listed, but \
             `gannet why` explains each."
        ))?;
    }
    Ok(())
}

/// Page by page; true where there are more than were asked for, and how many are retired.
fn collect(args: &Args, out: &mut Output) -> Result<(Vec<OrderRow>, bool, u64), Failure> {
    let most = if args.limit == 0 { usize::MAX } else { args.limit };
    let mut filter = OrderFilter {
        account: args.account,
        symbol: args.symbol,
        status: args.status,
        open: args.open,
        limit: Some(u32::try_from(most).unwrap_or(u32::MAX).min(OrderFilter::MOST)),
        ..OrderFilter::default()
    };
    let (mut source, mut instants) = (args.source.open(out)?, Instants::default());
    let mut rows = Vec::new();
    let mut retired;
    loop {
        match source.ask(&Request::Orders(filter.clone()))? {
            Answer::Orders(page) => {
                rows.extend(page.rows);
                instants.add(&page.at);
                filter.after = page.next;
                retired = page.retired;
            }
            other => return Err(answers::failure(&other)),
        }
        if filter.after.is_none() || rows.len() >= most {
            let more = filter.after.is_some() || rows.len() > most;
            rows.truncate(most);
            instants.tell();
            return Ok((rows, more, retired));
        }
    }
}

pub(super) fn table(title: &str, rows: &[OrderRow]) -> Table {
    let headings = [
        "ORDER", "ACCOUNT", "STRATEGY", "SYMBOL", "SIDE", "TYPE", "TIF", "QUANTITY", "LIMIT", "FILLED",
        "AVERAGE", "STATUS", "ID",
    ];
    let mut table = Table::new(title, &headings);
    for row in rows {
        let doubt = if row.in_doubt { "?" } else { "" };
        let missing = row.missing_quantity.map_or_else(String::new, |units| format!(" ({units} missing)"));
        table.row(vec![
            Cell::text(row.order),
            Cell::text(row.account),
            row.strategy.map_or(Cell::Blank, Cell::text),
            Cell::text(row.symbol),
            Cell::text(row.side),
            Cell::text(row.order_type),
            Cell::text(row.time_in_force),
            Cell::Number(row.quantity.get()),
            Cell::number(row.limit_price.map(model::Price::get)),
            Cell::Number(row.cum_quantity.get()),
            Cell::number(row.average_price.map(model::Price::get)),
            Cell::text(format!("{}{doubt}{missing}", row.status)),
            Cell::text(row.cl_ord_id),
        ]);
    }
    table
}
