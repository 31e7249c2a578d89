//! Queries of a running node, a slice at a time. A slice holds one shard's replica still for some hundred rows, and between
//! two slices others have their turn: the replica follows its journal, other clients are answered. So no listing, however
//! long, keeps the replica behind.
//!
//! Every page of positions or cash is one slice: of one shard, at one position. Orders are searched for in slices of
//! accounts, and the rows of a page are then made shard by shard. Each page says at which positions its rows were made.

use model::{ArithmeticError, ShardId};
use wire::{
    Answer, CashPage, CashRow, ClockReport, Cursor, Filter, OrderFilter, OrderPage, PageOf, PositionPage,
    PositionRow, Refusal, RefusalKind, Request, Status,
};

use crate::books::{Found, ShardBooks, not_computable};
use crate::node_api::NodeApi;
use front::directory::{AccountHome, Directory};

/// Accounts whose orders are looked at while the replica stands still.
const ACCOUNTS: usize = 64;

/// The answer to a query. What is no query is refused.
pub(crate) async fn answer(api: &dyn NodeApi, request: &Request) -> Answer {
    match request {
        Request::Orders(filter) => Answer::Orders(orders(api, filter).await),
        Request::Positions(filter) => positions(api, filter).map_or_else(not_computable, Answer::Positions),
        Request::Cash(filter) => cash(api, filter).map_or_else(not_computable, Answer::Cash),
        Request::Status {} => Answer::Status(Box::new(status(api))),
        Request::Clock {} => Answer::Clock(clock(api)),
        Request::ConfigHistory(_) | Request::Alerts(_) | Request::Approvals(_) => office(api, request),
        _ => Answer::Refused(Refusal::new(RefusalKind::BadRequest, "is not a query")),
    }
}

/// The shards that may have rows behind the cursor.
fn shards(directory: &Directory, filter: &Filter) -> impl Iterator<Item = ShardId> {
    let home = |name| directory.account(name).map(|home| home.shard);
    let only = filter.account.map(home);
    let first = filter.after.and_then(|after| home(after.account)).unwrap_or_default();
    let shards = directory.shards().iter().copied();
    shards.filter(move |shard| *shard >= first && only.is_none_or(|only| only == Some(*shard)))
}

fn clock(api: &dyn NodeApi) -> ClockReport {
    let (mut report, wall) = (ClockReport::default(), api.wall_clock());
    for shard in api.renewed_directory().shards() {
        api.read(*shard, &mut |books| books.clock(wall, &mut report));
    }
    report
}

/// The rows of the first shard that has any behind the cursor. Where rows behind them are left out, or on other shards, the
/// page says where it ends.
fn page<R>(
    api: &dyn NodeApi,
    directory: &Directory,
    filter: &Filter,
    add: impl Fn(&ShardBooks<'_>, &mut PageOf<R>) -> Result<(), ArithmeticError>,
    cursor: impl Fn(&R) -> Cursor,
) -> Result<PageOf<R>, ArithmeticError> {
    let mut shards = shards(directory, filter);
    loop {
        let Some(shard) = shards.next() else { return Ok(PageOf::default()) };
        let (mut page, mut made) = (PageOf::default(), Ok(()));
        api.read(shard, &mut |books| made = add(books, &mut page));
        made?;
        if let Some(row) = page.rows.last() {
            let next = || shards.next().map(|_| cursor(row));
            page.next = page.next.or_else(next);
            return Ok(page);
        }
    }
}

fn positions(api: &dyn NodeApi, filter: &Filter) -> Result<PositionPage, ArithmeticError> {
    let directory = api.renewed_directory();
    let add = |books: &ShardBooks<'_>, page: &mut PositionPage| {
        books.positions(&directory, filter, filter.page_len(), page)
    };
    page(api, &directory, filter, add, PositionRow::cursor)
}

fn cash(api: &dyn NodeApi, filter: &Filter) -> Result<CashPage, ArithmeticError> {
    let directory = api.renewed_directory();
    let add =
        |books: &ShardBooks<'_>, page: &mut CashPage| books.cash(&directory, filter, filter.page_len(), page);
    page(api, &directory, filter, add, CashRow::cursor)
}

async fn orders(api: &dyn NodeApi, filter: &OrderFilter) -> OrderPage {
    let directory = &*api.renewed_directory();
    let accounts: Vec<AccountHome> = directory.accounts_asked(filter.account).collect();
    let mut found = Found::for_page(filter);
    for shard in directory.shards() {
        let here: Vec<AccountHome> = accounts.iter().copied().filter(|home| home.shard == *shard).collect();
        for slice in here.chunks(ACCOUNTS) {
            api.read(*shard, &mut |books| books.find(directory, filter, slice, &mut found));
            tokio::task::yield_now().await;
        }
    }
    let (ids, next) = found.page();
    let mut page = OrderPage { next, ..OrderPage::default() };
    for shard in directory.shards() {
        api.read(*shard, &mut |books| {
            page.rows.extend(books.rows(directory, filter, &ids));
            page.retired += books.core.retired_orders();
            page.at.push(books.position);
        });
    }
    page.rows.sort_unstable_by_key(|row| row.order);
    page
}

/// All of it is in memory, and a page is short.
fn office(api: &dyn NodeApi, request: &Request) -> Answer {
    let mut answer = None;
    let directory = api.renewed_directory();
    api.read_office(&mut |books| answer = books.answer(&directory, request));
    answer
        .unwrap_or_else(|| Answer::Refused(Refusal::new(RefusalKind::Stopping, "the office cannot be read")))
}

fn status(api: &dyn NodeApi) -> Status {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let mut status = Status { version, pid: Some(std::process::id()), ..Status::default() };
    let directory = api.renewed_directory();
    for shard in directory.shards() {
        api.read(*shard, &mut |books| books.stand(&directory, &mut status));
    }
    api.read_office(&mut |books| books.stand(&mut status));
    for standing in api.standings() {
        standing.explain(&mut status.sessions);
    }
    status
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actors::{Core, Outcome, Stamp};
    use model::{
        AccountDefinition, AccountId, BrokerId, CashMove, CashMoveKind, Command, FeeSchedule, Input, Money,
        Name, Origin, PortfolioDefinition, PortfolioId, Position, Reference, SessionDefinition, SessionId,
        Timestamp,
    };

    use super::*;
    use crate::books::ShardBooks;
    use crate::node_api::{EventFeed, PendingAnswer, SubmitError, SubscribeError};
    use front::definitions::Definitions;

    /// Two shards at rest.
    struct AtRest {
        cores: [Core; 2],
        directory: Arc<Directory>,
    }

    impl NodeApi for AtRest {
        fn directory(&self) -> Arc<Directory> {
            Arc::clone(&self.directory)
        }

        fn submit(&self, _: ShardId, _: Origin, _: Command) -> Result<PendingAnswer, SubmitError> {
            Err(SubmitError::Stopping)
        }

        fn subscribe(&self, _: &[Position]) -> Result<EventFeed, SubscribeError> {
            Err(SubscribeError::Stopping)
        }

        fn read(&self, shard: ShardId, ask: &mut dyn FnMut(&ShardBooks<'_>)) {
            ask(&ShardBooks {
                shard,
                core: &self.cores[shard.slot()],
                position: Position::new(shard, 100 + u64::from(shard.index)),
                digest: String::new(),
                alerts: 0,
                diverged_at: None,
                behind: 0,
            });
        }
    }

    /// These accounts, with ids from `first` on, each with one dollar and one euro.
    fn core(shard: u16, first: u32, names: &[&str]) -> Core {
        let (session, portfolio) = (SessionId::new(shard), PortfolioId::new(shard.into()));
        let name = |text: &str| Name::new(text).unwrap();
        let mut commands = vec![
            Command::DefineSession(SessionDefinition {
                id: session,
                name: name(&format!("S{shard}")),
                broker: BrokerId::new(0),
            }),
            Command::DefinePortfolio(PortfolioDefinition { id: portfolio, name: name(&format!("P{shard}")) }),
        ];
        for (id, account) in (first..).map(AccountId::new).zip(names) {
            commands.push(Command::DefineAccount(AccountDefinition {
                id,
                name: name(account),
                portfolio,
                session,
                fees: FeeSchedule::FREE,
            }));
            commands.extend(["EUR", "USD"].map(|currency| {
                Command::MoveCash(CashMove {
                    account: id,
                    kind: CashMoveKind::Deposit,
                    money: Money { amount: 1.into(), currency: currency.parse().unwrap() },
                    reference: Reference::new(currency).unwrap(),
                })
            }));
        }
        let (mut core, mut out) = (Core::new(), Outcome::default());
        for (seq, command) in (1..).zip(commands) {
            let position = Position::new(ShardId::new(shard), seq);
            let stamp = Stamp { position, time: Timestamp::from_nanos(1) };
            core.apply(
                stamp,
                &Input::command(Origin::default(), model::Stamped::default(), command),
                &mut out,
            );
        }
        core
    }

    #[test]
    fn pages_miss_no_row_and_repeat_none_across_accounts_and_shards() {
        let cores = [core(0, 0, &["B", "D", "E"]), core(1, 10, &["A", "C", "F"])];
        let shards = [ShardId::new(0), ShardId::new(1)];
        let definitions = Definitions::of(
            shards.into_iter().zip(&cores),
            &["EUR", "USD"].map(|code| code.parse().unwrap()),
        );
        let api = AtRest { directory: Arc::new(Directory::new(shards, &definitions)), cores };
        for limit in 1..=13 {
            let mut filter = Filter { limit: Some(limit), ..Filter::default() };
            let mut listed = Vec::new();
            loop {
                let page = cash(&api, &filter).unwrap();
                listed.extend(page.rows.iter().map(|row| format!("{}{}", row.account, row.currency)));
                assert!(page.at.len() <= 1, "one instant");
                filter.after = page.next;
                if filter.after.is_none() {
                    break;
                }
            }
            let all = ["B", "D", "E", "A", "C", "F"].map(|name| [format!("{name}EUR"), format!("{name}USD")]);
            assert_eq!(listed, all.concat(), "{limit} at a time");
        }
        let account = Some(Name::new("C").unwrap());
        let one = cash(&api, &Filter { account, ..Filter::default() }).unwrap();
        assert_eq!((one.rows.len(), one.next, one.at), (2, None, vec![Position::new(ShardId::new(1), 101)]));
        let nobody = Some(Name::new("X").unwrap());
        assert!(cash(&api, &Filter { account: nobody, ..Filter::default() }).unwrap().rows.is_empty());
    }
}
