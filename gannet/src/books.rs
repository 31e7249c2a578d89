//! Queries: from the state of the shards to rows. The same for a replica in a running node and for a journal that
//! was read from disk.

use actors::{Account, Asset, Core, Order};
use model::{ArithmeticError, Certainty, OrderId, Position, ShardId};

use crate::directory::Directory;
use crate::wire::{
    Answer, CashRow, Filter, HaltRow, OrderFilter, OrderPage, OrderRow, PositionRow, Refusal, RefusalKind,
    Request, SessionRow, ShardRow, Status,
};

/// The state of one shard at one position.
#[derive(Clone, Debug)]
pub struct ShardBooks<'a> {
    /// Which.
    pub shard: ShardId,
    /// The state.
    pub core: &'a Core,
    /// The last record in it.
    pub position: Position,
    /// The rolling digest there, in hexadecimal.
    pub digest: String,
    /// Alerts raised so far.
    pub alerts: u64,
    /// Where the audit found shard and replica to differ; `None` where they agree.
    pub diverged_at: Option<Position>,
    /// How many records the shard has recorded that are not in this state yet.
    pub behind: u64,
}

/// The state of every shard.
#[derive(Clone, Debug)]
pub struct Books<'a> {
    /// By number.
    pub shards: Vec<ShardBooks<'a>>,
    /// Names.
    pub directory: &'a Directory,
}

impl Books<'_> {
    fn accounts(&self) -> impl Iterator<Item = (&Core, &Account)> {
        self.shards.iter().flat_map(|books| books.core.accounts().map(|account| (books.core, account)))
    }

    /// The accounts that are asked for, by name.
    fn asked(&self, account: Option<model::Name>) -> Vec<(&Core, &Account)> {
        let wanted = |name| account.is_none_or(|wanted| wanted == name);
        let mut accounts: Vec<_> =
            self.accounts().filter(|(_, account)| wanted(account.definition.name)).collect();
        accounts.sort_by_key(|(_, account)| account.definition.name);
        accounts
    }

    /// The answer to a query: `orders`, `positions`, `cash` or `status`. What is no query is refused.
    pub fn answer(&self, request: &Request, pid: Option<u32>) -> Answer {
        let not_computable = |error: ArithmeticError| {
            let text = format!("a row cannot be computed: {error}");
            Answer::Refused(Refusal::new(RefusalKind::NotComputable, text))
        };
        match request {
            Request::Orders(filter) => Answer::Orders(self.orders(filter)),
            Request::Positions(filter) => {
                self.positions(filter).map_or_else(not_computable, |rows| Answer::Positions { rows })
            }
            Request::Cash(filter) => {
                self.cash(filter).map_or_else(not_computable, |rows| Answer::Cash { rows })
            }
            Request::Status {} => Answer::Status(Box::new(self.status(pid))),
            _ => Answer::Refused(Refusal::new(RefusalKind::BadRequest, "is not a query")),
        }
    }

    /// A page of orders, by id.
    pub fn orders(&self, filter: &OrderFilter) -> OrderPage {
        let behind = |id: OrderId| filter.after.is_none_or(|after| id > after);
        let mut matching: Vec<(&Core, &Account, OrderId)> = Vec::new();
        for (core, account) in self.asked(filter.account) {
            let id = account.definition.id;
            let orders: Box<dyn Iterator<Item = Order>> =
                if filter.open { Box::new(core.open_orders(id)) } else { Box::new(core.orders(id)) };
            let orders = orders.filter(|order| behind(order.id) && self.matches(order, filter));
            matching.extend(orders.map(|order| (core, account, order.id)));
        }
        let len = filter.page_len();
        // Only the page is sorted, whatever the number of orders behind it.
        if matching.len() > len {
            matching.select_nth_unstable_by_key(len, |(.., id)| *id);
        }
        let more = matching.len() > len;
        matching.truncate(len);
        matching.sort_unstable_by_key(|(.., id)| *id);
        let next = matching.last().filter(|_| more).map(|(.., id)| *id);
        let page =
            matching.into_iter().filter_map(|(core, account, id)| Some((core, account, core.order(id)?)));
        let rows = page.map(|(core, account, order)| self.order(core, account, &order)).collect();
        let retired = self.shards.iter().map(|books| books.core.retired_orders()).sum();
        OrderPage { rows, next, retired }
    }

    fn matches(&self, order: &Order, filter: &OrderFilter) -> bool {
        filter.order.is_none_or(|id| id == order.id)
            && filter.status.is_none_or(|status| status == order.shown_status())
            && filter.symbol.is_none_or(|symbol| self.directory.symbol(order.instrument) == symbol)
    }

    fn order(&self, core: &Core, account: &Account, order: &Order) -> OrderRow {
        let portfolio = account.definition.portfolio;
        let instrument = core.instrument(order.instrument);
        OrderRow {
            order: order.id,
            cl_ord_id: order.cl_ord_id,
            account: account.definition.name,
            strategy: self.directory.strategy_name(portfolio, order.strategy),
            symbol: self.directory.symbol(order.instrument),
            side: order.side,
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            quantity: order.quantity,
            limit_price: order.limit_price,
            status: order.shown_status(),
            pending: order.pending.map(|pending| pending.kind),
            in_doubt: order.certainty == Certainty::InDoubt,
            cum_quantity: order.cum_quantity,
            average_price: instrument.and_then(|book| order.average_price(&book.definition)),
        }
    }

    /// Positions, by account and symbol. What is flat and never made or lost anything is left out.
    pub fn positions(&self, filter: &Filter) -> Result<Vec<PositionRow>, ArithmeticError> {
        let mut rows = Vec::new();
        for (core, account) in self.asked(filter.account) {
            let start = rows.len();
            for (id, holding) in account.holdings() {
                let Some(book) = core.instrument(*id) else { continue };
                if holding.position.is_zero() && holding.realised.is_zero() && holding.fees.is_zero() {
                    continue;
                }
                let factor = book.definition.factor();
                let unrealised = book.mark.map(|mark| holding.unrealised(mark, factor)).transpose()?;
                rows.push(PositionRow {
                    account: account.definition.name,
                    symbol: book.definition.symbol,
                    quantity: holding.position,
                    average_price: holding.average_price(factor),
                    mark: book.mark,
                    realised: holding.realised,
                    unrealised,
                    currency: book.definition.currency,
                });
            }
            if let Some(of_account) = rows.get_mut(start..) {
                of_account.sort_by_key(|row| row.symbol);
            }
        }
        Ok(rows)
    }

    /// Cash, by account and currency.
    pub fn cash(&self, filter: &Filter) -> Result<Vec<CashRow>, ArithmeticError> {
        let mut rows = Vec::new();
        for (_, account) in self.asked(filter.account) {
            for (asset, book) in account.ledger().books() {
                let Asset::Cash(currency) = asset else { continue };
                rows.push(CashRow {
                    account: account.definition.name,
                    currency: *currency,
                    settled: book.settled(),
                    unsettled: book.unsettled_net()?,
                    reserved: book.reserved(),
                    available: book.available()?,
                    fees: book.fees(),
                });
            }
        }
        Ok(rows)
    }

    /// How the node stands.
    pub fn status(&self, pid: Option<u32>) -> Status {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid,
            shards: self.shards.iter().map(shard_row).collect(),
            sessions: self.sessions(),
            halts: self.halts(),
            accounts: count(self.accounts().count()),
            open_orders: self
                .accounts()
                .map(|(core, account)| count(core.open_orders(account.definition.id).count()))
                .sum(),
            alerts: self.shards.iter().map(|books| books.alerts).sum(),
        }
    }

    fn sessions(&self) -> Vec<SessionRow> {
        let mut rows = Vec::new();
        for books in &self.shards {
            for session in books.core.sessions() {
                let id = session.definition.id;
                let orders =
                    books.core.accounts().flat_map(|account| books.core.open_orders(account.definition.id));
                let in_doubt =
                    orders.filter(|order| order.session == id && order.certainty == Certainty::InDoubt);
                rows.push(SessionRow {
                    session: session.definition.name,
                    shard: books.shard.index,
                    state: session.state,
                    in_doubt: u64::try_from(in_doubt.count()).unwrap_or(u64::MAX),
                });
            }
        }
        rows.sort_by_key(|row| row.session);
        rows
    }

    fn halts(&self) -> Vec<HaltRow> {
        let mut rows = Vec::new();
        let mut row = |kind: &str, name: String| {
            let row = HaltRow { kind: kind.to_owned(), name };
            // The firm and instruments are halted on every shard.
            if !rows.contains(&row) {
                rows.push(row);
            }
        };
        for books in &self.shards {
            if books.core.is_firm_halted() {
                row("firm", String::new());
            }
            for portfolio in books.core.portfolios() {
                let name = portfolio.definition.name;
                if portfolio.halted {
                    row("portfolio", name.to_string());
                    continue;
                }
                for (id, strategy) in self.directory.strategies(portfolio.definition.id) {
                    if portfolio.is_halted_for(id) {
                        row("strategy", format!("{name}/{strategy}"));
                    }
                }
            }
            for account in books.core.accounts().filter(|account| account.halted) {
                row("account", account.definition.name.to_string());
            }
            for book in books.core.instruments().filter(|book| book.halted) {
                row("instrument", book.definition.symbol.to_string());
            }
        }
        rows
    }
}

fn shard_row(books: &ShardBooks<'_>) -> ShardRow {
    ShardRow {
        position: books.position,
        incarnation: books.core.incarnation().count,
        digest: books.digest.clone(),
        diverged_at: books.diverged_at,
        behind: books.behind,
    }
}
