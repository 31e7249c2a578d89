//! Queries: from the state of a shard to rows. The same for a replica in a running node, where a listing comes a page at a
//! time (`listing.rs`), and for a journal that was read from disk.

use actors::{Account, Asset, ClockSuspicion, Core, Holding, InstrumentBook, Order};
use model::{
    ArithmeticError, Aside, Broken, Certainty, ClockFinding, Name, OrderId, Position, SessionState, ShardId,
    Timestamp,
};
use wire::{
    Answer, AsideRow, CashPage, CashRow, ClockPreview, ClockReport, ClockRow, Cursor, DueRow, Filter,
    HaltRow, OrderFilter, OrderPage, OrderRow, PositionPage, PositionRow, Refusal, RefusalKind, Request,
    SessionRow, ShardRow, Status,
};

use crate::office::OfficeBooks;
use front::directory::{AccountHome, Directory};

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

/// Why a session is down and since when, as the gateway says. That is not state, so a journal does not tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStanding {
    /// Its name.
    pub session: Name,
    /// One word.
    pub reason: &'static str,
    /// A sentence.
    pub detail: String,
    /// Since when it is down.
    pub since: Timestamp,
}

impl SessionStanding {
    /// Adds the reason to the row of the session, where that is down.
    pub(crate) fn explain(self, rows: &mut [SessionRow]) {
        let down = |row: &&mut SessionRow| row.session == self.session && row.state == SessionState::Down;
        if let Some(row) = rows.iter_mut().find(down) {
            row.reason = Some(self.reason.to_owned());
            row.detail = Some(self.detail);
            row.since = Some(self.since.to_string());
        }
    }
}

/// The state of every shard.
#[derive(Clone, Debug)]
pub struct Books<'a> {
    /// By number.
    pub shards: Vec<ShardBooks<'a>>,
    /// The office; `None` where there is none.
    pub office: Option<OfficeBooks<'a>>,
    /// Names.
    pub directory: &'a Directory,
}

/// The identities of a page of orders, while it is put together.
#[derive(Debug)]
pub(crate) struct Found {
    len: usize,
    ids: Vec<OrderId>,
}

impl Found {
    /// An order that is named is not searched for.
    pub(crate) fn for_page(filter: &OrderFilter) -> Self {
        Self { len: filter.page_len(), ids: filter.order.into_iter().collect() }
    }

    /// Keeps the page and one more, whatever the number of orders behind it.
    fn prune(&mut self) {
        if self.ids.len() > self.len.saturating_add(1) {
            self.ids.select_nth_unstable(self.len);
            self.ids.truncate(self.len + 1);
        }
    }

    /// The page, in the order of the ids, and what to ask for `after`.
    pub(crate) fn page(mut self) -> (Vec<OrderId>, Option<OrderId>) {
        self.prune();
        self.ids.sort_unstable();
        let more = self.ids.len() > self.len;
        self.ids.truncate(self.len);
        let next = self.ids.last().copied().filter(|_| more);
        (self.ids, next)
    }
}

impl ShardBooks<'_> {
    /// Notes the orders of these accounts that may be on the page.
    pub(crate) fn find(
        &self,
        directory: &Directory,
        filter: &OrderFilter,
        accounts: &[AccountHome],
        found: &mut Found,
    ) {
        if filter.order.is_some() {
            return;
        }
        for home in accounts.iter().filter(|home| home.shard == self.shard) {
            let orders: Box<dyn Iterator<Item = Order>> = if filter.open {
                Box::new(self.core.open_orders(home.id))
            } else {
                Box::new(self.core.orders(home.id))
            };
            let orders = orders.filter(|order| matches(directory, order, filter));
            found.ids.extend(orders.map(|order| order.id));
        }
        found.prune();
    }

    /// These orders, where they are still there and still what is asked for.
    pub(crate) fn rows<'a>(
        &'a self,
        directory: &'a Directory,
        filter: &'a OrderFilter,
        ids: &'a [OrderId],
    ) -> impl Iterator<Item = OrderRow> {
        let here = ids.iter().filter(move |id| id.shard == self.shard.index);
        here.filter_map(move |id| {
            let order = self.core.order(*id)?;
            let account = self.core.account(order.account)?;
            let wanted = filter.account.is_none_or(|name| name == account.definition.name)
                && (!filter.open || !order.is_finished())
                && matches(directory, &order, filter);
            wanted.then(|| self.order(directory, account, &order))
        })
    }

    fn order(&self, directory: &Directory, account: &Account, order: &Order) -> OrderRow {
        let portfolio = account.definition.portfolio;
        let instrument = self.core.instrument(order.instrument);
        OrderRow {
            order: order.id,
            cl_ord_id: order.cl_ord_id,
            account: account.definition.name,
            strategy: directory.strategy_name(portfolio, order.strategy),
            symbol: directory.symbol(order.instrument),
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
            missing_quantity: order.unexplained.map(|missing| missing.quantity),
        }
    }

    /// The accounts of this shard that are asked for and do not stand before the cursor, by name.
    fn asked<'a>(
        &'a self,
        directory: &'a Directory,
        filter: &'a Filter,
    ) -> impl Iterator<Item = &'a Account> {
        // A page that ended on a shard before this one says nothing of the names here.
        let here =
            |after: &Cursor| directory.account(after.account).is_some_and(|home| home.shard == self.shard);
        let from = filter.account.or(filter.after.filter(here).map(|after| after.account));
        let homes = directory.accounts_from(from).filter(move |(_, home)| home.shard == self.shard);
        let asked = homes.take_while(move |(name, _)| filter.account.is_none_or(|only| only == *name));
        asked.filter_map(move |(_, home)| self.core.account(home.id))
    }

    /// Adds positions to a page of at most `most`, by account's name and by instrument. What is flat and never made or
    /// lost anything is left out.
    pub(crate) fn positions(
        &self,
        directory: &Directory,
        filter: &Filter,
        most: usize,
        page: &mut PositionPage,
    ) -> Result<(), ArithmeticError> {
        page.at.push(self.position);
        for account in self.asked(directory, filter) {
            let after = filter.behind(account.definition.name).and_then(|last| directory.instrument(last));
            let holdings = account.holdings().skip_while(|(id, _)| after.is_some_and(|after| **id <= after));
            for (id, holding) in holdings {
                if holding.position.is_zero() && holding.realised.is_zero() && holding.fees.is_zero() {
                    continue;
                }
                let Some(book) = self.core.instrument(*id) else { continue };
                if page.rows.len() == most {
                    page.next = page.rows.last().map(PositionRow::cursor);
                    return Ok(());
                }
                page.rows.push(position(account, book, holding)?);
            }
        }
        Ok(())
    }

    /// Adds cash to a page of at most `most` and what else its last account has, by account's name and by currency.
    pub(crate) fn cash(
        &self,
        directory: &Directory,
        filter: &Filter,
        most: usize,
        page: &mut CashPage,
    ) -> Result<(), ArithmeticError> {
        page.at.push(self.position);
        let behind = |account: &&Account| filter.behind(account.definition.name).is_none();
        for account in self.asked(directory, filter).filter(behind) {
            if page.rows.len() >= most {
                page.next = page.rows.last().map(CashRow::cursor);
                return Ok(());
            }
            for (asset, book) in account.ledger().books() {
                let Asset::Cash(currency) = asset else { continue };
                page.rows.push(CashRow {
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
        Ok(())
    }

    /// Adds how this shard stands.
    pub(crate) fn stand(&self, directory: &Directory, status: &mut Status) {
        status.shards.push(ShardRow {
            position: self.position,
            incarnation: self.core.incarnation().count,
            digest: self.digest.clone(),
            diverged_at: self.diverged_at,
            behind: self.behind,
        });
        status.sessions.extend(self.core.sessions().map(|session| SessionRow {
            session: session.definition.name,
            shard: self.shard.index,
            state: session.state,
            in_doubt: self.core.orders_in_doubt(session.definition.id),
            reason: None,
            detail: None,
            since: None,
        }));
        status.sessions.sort_by_key(|row| row.session);
        self.halts(directory, &mut status.halts);
        status.set_aside.extend(self.core.broken().iter().map(|broken| set_aside(directory, broken)));
        status.suspense += u64::try_from(self.core.suspense().len()).unwrap_or(u64::MAX);
        status.clock.extend(self.core.clock().suspicion().map(|known| clock(&known)));
        status.accounts += u64::try_from(self.core.accounts().count()).unwrap_or(u64::MAX);
        status.open_orders += self.core.count_open_orders();
        status.alerts += self.alerts;
    }

    /// Adds what accepting the clock would do where that is not trusted. The wall clock shows `wall` just now.
    pub(crate) fn clock(&self, wall: Timestamp, report: &mut ClockReport) {
        let Some(known) = self.core.clock().suspicion() else { return };
        let ahead_ns = self.core.clock().ahead_ns();
        let (step_ns, _) = known.jump.accepted(ahead_ns);
        // The shard's time now is not in its state; it is what the wall clock should show.
        let now_ns = wall.nanos.saturating_sub(known.jump.off_ns()).saturating_add(ahead_ns);
        let goes_on_at = Timestamp::from_nanos(now_ns.saturating_add(step_ns));
        let due = self.core.due_by(goes_on_at);
        let row = |(date, accounts): (model::Date, u64)| DueRow { date: date.to_string(), accounts };
        report.rows.push(ClockPreview {
            clock: clock(&known),
            step_ns,
            goes_on_at: goes_on_at.to_string(),
            settles: due.settles.into_iter().map(row).collect(),
            retires: due.retires,
        });
    }

    fn halts(&self, directory: &Directory, rows: &mut Vec<HaltRow>) {
        let mut row = |kind: &str, name: String| {
            let row = HaltRow { kind: kind.to_owned(), name };
            // The firm and instruments are halted on every shard.
            if !rows.contains(&row) {
                rows.push(row);
            }
        };
        if self.core.is_firm_halted() {
            row("firm", String::new());
        }
        for portfolio in self.core.portfolios() {
            let name = portfolio.definition.name;
            if portfolio.halted {
                row("portfolio", name.to_string());
                continue;
            }
            for (id, strategy) in directory.strategies(portfolio.definition.id) {
                if portfolio.is_halted_for(id) {
                    row("strategy", format!("{name}/{strategy}"));
                }
            }
        }
        for account in self.core.accounts().filter(|account| account.halted) {
            row("account", account.definition.name.to_string());
        }
        for book in self.core.instruments().filter(|book| book.halted) {
            row("instrument", book.definition.symbol.to_string());
        }
    }
}

fn clock(known: &ClockSuspicion) -> ClockRow {
    let (jump, off_ns) = (&known.jump, known.jump.off_ns());
    let direction = match jump.finding {
        ClockFinding::Returned => "right",
        _ if off_ns < 0 => "behind",
        _ => "ahead",
    };
    ClockRow {
        found: known.found,
        since: known.since.to_string(),
        finding: jump.finding.word().to_owned(),
        direction: direction.to_owned(),
        off_ns,
        due: jump.due.to_string(),
        shown: jump.shown.to_string(),
    }
}

fn set_aside(directory: &Directory, broken: &Broken) -> AsideRow {
    let (kind, name) = match broken.aside {
        Aside::Account(id) => ("account", directory.account_name(id).to_string()),
        Aside::Portfolio(id) => ("portfolio", directory.portfolio_name(id).to_string()),
        Aside::Instrument(id) => ("instrument", directory.symbol(id).to_string()),
        Aside::Ticks => ("ticks", String::new()),
        Aside::Firm => ("firm", String::new()),
    };
    AsideRow {
        kind: kind.to_owned(),
        name,
        position: broken.position,
        invariant: broken.invariant.number(),
        text: broken.invariant.text().to_owned(),
    }
}

fn matches(directory: &Directory, order: &Order, filter: &OrderFilter) -> bool {
    filter.after.is_none_or(|after| order.id > after)
        && filter.order.is_none_or(|id| id == order.id)
        && filter.status.is_none_or(|status| status == order.shown_status())
        && filter.symbol.is_none_or(|symbol| directory.symbol(order.instrument) == symbol)
}

fn position(
    account: &Account,
    book: &InstrumentBook,
    holding: &Holding,
) -> Result<PositionRow, ArithmeticError> {
    let factor = book.definition.factor();
    Ok(PositionRow {
        account: account.definition.name,
        symbol: book.definition.symbol,
        quantity: holding.position,
        average_price: holding.average_price(factor),
        mark: book.mark,
        realised: holding.realised,
        unrealised: book.mark.map(|mark| holding.unrealised(mark, factor)).transpose()?,
        currency: book.definition.currency,
    })
}

/// A query that cannot be answered exactly.
pub(crate) fn not_computable(error: ArithmeticError) -> Answer {
    let text = format!("a row cannot be computed: {error}");
    Answer::Refused(Refusal::new(RefusalKind::NotComputable, text))
}

impl Books<'_> {
    /// The answer to a query: `orders`, `positions`, `cash` or `status`; positions and cash as one page. What is no query
    /// is refused.
    pub fn answer(&self, request: &Request) -> Answer {
        match request {
            Request::Orders(filter) => Answer::Orders(self.orders(filter)),
            Request::Positions(filter) => {
                self.positions_at(filter).map_or_else(not_computable, Answer::Positions)
            }
            Request::Cash(filter) => self.cash_at(filter).map_or_else(not_computable, Answer::Cash),
            Request::Status {} => Answer::Status(Box::new(self.status())),
            Request::ConfigHistory(_) | Request::Alerts(_) | Request::Approvals(_) => self.office(request),
            _ => Answer::Refused(Refusal::new(RefusalKind::BadRequest, "is not a query")),
        }
    }

    fn office(&self, request: &Request) -> Answer {
        let answer = self.office.and_then(|office| office.answer(self.directory, request));
        let none = || Refusal::new(RefusalKind::BadRequest, "there is no journal of the office here");
        answer.unwrap_or_else(|| Answer::Refused(none()))
    }

    /// A page of orders, by id.
    pub fn orders(&self, filter: &OrderFilter) -> OrderPage {
        let accounts: Vec<AccountHome> = self.directory.accounts_asked(filter.account).collect();
        let mut found = Found::for_page(filter);
        for books in &self.shards {
            books.find(self.directory, filter, &accounts, &mut found);
        }
        let (ids, next) = found.page();
        let mut rows: Vec<OrderRow> =
            self.shards.iter().flat_map(|books| books.rows(self.directory, filter, &ids)).collect();
        rows.sort_unstable_by_key(|row| row.order);
        let retired = self.shards.iter().map(|books| books.core.retired_orders()).sum();
        let at = self.shards.iter().map(|books| books.position).collect();
        OrderPage { rows, next, retired, at }
    }

    /// Every position, by account and symbol. What is flat and never made or lost anything is left out.
    pub fn positions(&self, account: Option<Name>) -> Result<Vec<PositionRow>, ArithmeticError> {
        let filter = Filter { account, ..Filter::default() };
        Ok(self.positions_at(&filter)?.rows)
    }

    fn positions_at(&self, filter: &Filter) -> Result<PositionPage, ArithmeticError> {
        let mut page = PositionPage::default();
        for books in &self.shards {
            books.positions(self.directory, filter, usize::MAX, &mut page)?;
        }
        page.rows.sort_by_key(|row| (row.account, row.symbol));
        Ok(page)
    }

    /// Cash, by account and currency.
    pub fn cash(&self, account: Option<Name>) -> Result<Vec<CashRow>, ArithmeticError> {
        let filter = Filter { account, ..Filter::default() };
        Ok(self.cash_at(&filter)?.rows)
    }

    fn cash_at(&self, filter: &Filter) -> Result<CashPage, ArithmeticError> {
        let mut page = CashPage::default();
        for books in &self.shards {
            books.cash(self.directory, filter, usize::MAX, &mut page)?;
        }
        // Currencies stay in the order of the books.
        page.rows.sort_by_key(|row| row.account);
        Ok(page)
    }

    /// How the node stood.
    pub fn status(&self) -> Status {
        let mut status = Status { version: env!("CARGO_PKG_VERSION").to_owned(), ..Status::default() };
        for books in &self.shards {
            books.stand(self.directory, &mut status);
        }
        if let Some(office) = &self.office {
            office.stand(&mut status);
        }
        status
    }
}
