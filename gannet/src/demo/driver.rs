//! Drives the node through its local socket, remembers what it was told, and goes on after every kill.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use model::{Amount, ClOrdId, Currency, Name, OrderId, Reference, SessionState};

use super::flow::{Dice, Flow, Trader};
use super::market::Market;
use super::progress::Progress;
use super::world::World;
use super::{DemoError, DemoOptions};
use crate::client::{Client, ClientError};
use crate::wire::{Answer, Cancel, CashRequest, OrderFilter, Refusal, Request, Status};

/// What was sent and what came back.
pub(super) struct Driver {
    client: Client,
    market: Market,
    flow: Flow,
    dice: Dice,
    orders: u32,
    kills: Vec<u32>,
    pace: Option<Duration>,
    unanswered: VecDeque<(u64, Request)>,
    pub(super) counts: Counts,
    /// Every order that was acknowledged to us, by account and our identifier.
    pub(super) acknowledged: BTreeMap<(Name, ClOrdId), OrderId>,
}

/// What a report counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// New orders handed to the node.
    pub(super) submitted: u64,
    /// Cancel requests handed to the node.
    pub(super) cancels: u64,
    /// Replace requests handed to the node.
    pub(super) replaces: u64,
    /// New orders denied, by number and name.
    pub(super) denied: BTreeMap<(u16, String), u64>,
    /// Cancels and replaces denied, by number and name.
    pub(super) requests_denied: BTreeMap<(u16, String), u64>,
    /// Submissions repeated after a kill that found the order there.
    pub(super) found_again: u64,
}

/// Requests unanswered at a time.
const WINDOW: usize = 64;
/// Cash for every account in every currency.
const DEPOSIT: u32 = 5_000_000;
const PATIENCE: Duration = Duration::from_secs(20);

impl Driver {
    pub(super) fn connect(options: &DemoOptions, world: &World) -> Result<Self, DemoError> {
        let client = Client::connect_within(&world.config.node.socket, PATIENCE)?;
        let market = Market::connect(world.feed)?;
        let traders = traders(world);
        let mut dice = Dice::new(options.seed ^ 0x6b69_6c6c);
        let mut kills: Vec<u32> = (0..options.kills)
            .map(|kill| {
                // One in each stretch, anywhere in it but its edges.
                let stretch = u64::from(options.orders / (options.kills + 1));
                let start = stretch * u64::from(kill) + stretch / 2;
                u32::try_from(start + dice.below(stretch)).unwrap_or(u32::MAX)
            })
            .collect();
        kills.sort_unstable();
        Ok(Self {
            client,
            market,
            flow: Flow::new(options.seed, traders),
            dice,
            orders: options.orders,
            kills,
            pace: Duration::from_secs(1).checked_div(options.rate),
            unanswered: VecDeque::new(),
            counts: Counts::default(),
            acknowledged: BTreeMap::new(),
        })
    }

    pub(super) fn deposit(&mut self, world: &mut World) -> Result<(), DemoError> {
        for account in world.config.accounts.clone() {
            for currency in world.config.currencies.clone() {
                self.deposit_one(world, account.name, currency)?;
            }
        }
        self.wait_ready(world)
    }

    fn deposit_one(&mut self, world: &mut World, account: Name, currency: Currency) -> Result<(), DemoError> {
        let reference = Reference::cut(&format!("opening {currency}"));
        let amount = Amount::from(DEPOSIT);
        match self.call(world, &Request::Deposit(CashRequest { account, amount, currency, reference }))? {
            Answer::Done(_) => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Sends everything, keeping a window of unanswered requests, and kills the node where it is planned.
    pub(super) fn trade(&mut self, world: &mut World, progress: &mut Progress) -> Result<(), DemoError> {
        let market = &self.market;
        world.wait_for("the first quotes", || !market.symbols().is_empty())?;
        let mut sent = 0;
        let mut due = Instant::now();
        while sent < self.orders && !self.market.has_ended() {
            let Some(request) = self.flow.next(&self.market) else {
                std::thread::sleep(Duration::from_millis(1));
                continue;
            };
            self.count(&request);
            due = self.wait_until_due(due)?;
            self.send(world, request)?;
            sent += 1;
            if self.kills.first() == Some(&sent) {
                self.kills.remove(0);
                self.kill(world, progress)?;
            }
            progress.bar(sent.into(), self.orders.into(), &format!("{sent} requests, {} kills", world.kills));
        }
        self.drain(world)
    }

    /// Keeps the pace: what is queued goes out, and the next request waits for its time. Gives the time after it.
    fn wait_until_due(&mut self, due: Instant) -> Result<Instant, DemoError> {
        let Some(pace) = self.pace else { return Ok(due) };
        self.client.flush()?;
        let now = Instant::now();
        std::thread::sleep(due.saturating_duration_since(now));
        // After a kill the lost time is not made up for by a burst.
        Ok(due.max(now) + pace)
    }

    fn count(&mut self, request: &Request) {
        match request {
            Request::Submit(_) => self.counts.submitted += 1,
            Request::Cancel(_) => self.counts.cancels += 1,
            Request::Replace(_) => self.counts.replaces += 1,
            _ => {}
        }
    }

    /// Kills the node while requests are on their way, starts it again, and asks again for what was not answered.
    fn kill(&mut self, world: &mut World, progress: &mut Progress) -> Result<(), DemoError> {
        // A node that is already gone is found out by the reader.
        let _ = self.client.flush();
        std::thread::sleep(Duration::from_micros(self.dice.below(3_000)));
        world.kill_node()?;
        progress.step(&format!(
            "SIGKILL number {}, with {} requests unanswered",
            world.kills,
            self.unanswered.len()
        ));
        world.restart_node()?;
        self.recover(world)
    }

    fn recover(&mut self, world: &mut World) -> Result<(), DemoError> {
        self.client.reconnect(PATIENCE)?;
        self.wait_ready(world)?;
        let again: Vec<Request> =
            std::mem::take(&mut self.unanswered).into_iter().map(|(_, request)| request).collect();
        for request in again {
            self.send(world, request)?;
        }
        Ok(())
    }

    fn send(&mut self, world: &mut World, request: Request) -> Result<(), DemoError> {
        while self.unanswered.len() >= WINDOW {
            self.take_one(world)?;
        }
        let id = self.client.send(&request).map_err(|error| Self::lost(world, error))?;
        self.unanswered.push_back((id, request));
        Ok(())
    }

    fn drain(&mut self, world: &mut World) -> Result<(), DemoError> {
        while !self.unanswered.is_empty() {
            self.take_one(world)?;
        }
        Ok(())
    }

    /// Takes the answer to the oldest request.
    fn take_one(&mut self, world: &mut World) -> Result<(), DemoError> {
        let Some((id, request)) = self.unanswered.pop_front() else { return Ok(()) };
        let answer = self.client.answer_to(id).map_err(|error| Self::lost(world, error))?;
        self.take(world, request, answer)
    }

    /// A connection is lost only by our own kills, after which we reconnect ourselves: this one nobody planned.
    fn lost(world: &mut World, error: ClientError) -> DemoError {
        if world.node_has_ended() {
            return DemoError::Unexpected(format!("the node ended by itself: {error}"));
        }
        error.into()
    }

    fn take(&mut self, world: &mut World, request: Request, answer: Answer) -> Result<(), DemoError> {
        let is_new = matches!(request, Request::Submit(_));
        match answer {
            Answer::Accepted(accepted) => {
                if let Request::Submit(submit) = &request {
                    self.acknowledged.insert((submit.account, submit.cl_ord_id), accepted.order);
                }
                Ok(())
            }
            Answer::Exists(existing) => {
                if let Request::Submit(submit) = &request {
                    self.acknowledged.insert((submit.account, submit.cl_ord_id), existing.order);
                }
                self.counts.found_again += 1;
                Ok(())
            }
            Answer::Requested(_) => Ok(()),
            Answer::Denied(denied) => {
                let by = if is_new { &mut self.counts.denied } else { &mut self.counts.requests_denied };
                *by.entry((denied.number, denied.name)).or_default() += 1;
                Ok(())
            }
            Answer::Refused(Refusal { retry: true, .. }) => {
                std::thread::sleep(Duration::from_millis(1));
                self.send(world, request)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Cancels what is open until nothing is.
    pub(super) fn wind_up(&mut self, world: &mut World) -> Result<(), DemoError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let open = match self
                .call(world, &Request::Orders(OrderFilter { open: true, ..OrderFilter::default() }))?
            {
                Answer::Orders(page) => page.rows,
                other => return Err(unexpected(&other)),
            };
            if open.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let what = format!("the end of {} open orders", open.len());
                return Err(DemoError::Late { what, seconds: PATIENCE.as_secs(), logs: world.root.clone() });
            }
            for row in open.iter().filter(|row| row.pending.is_none()) {
                let cancel = Cancel { account: row.account, order: Some(row.order), cl_ord_id: None };
                // Denied is as good: it was filled meanwhile.
                self.call(world, &Request::Cancel(cancel))?;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(super) fn status(&mut self, world: &mut World) -> Result<Status, DemoError> {
        match self.call(world, &Request::Status {})? {
            Answer::Status(status) => Ok(*status),
            other => Err(unexpected(&other)),
        }
    }

    /// Waits until every session takes orders and every traded account has quotes.
    fn wait_ready(&mut self, world: &mut World) -> Result<(), DemoError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.status(world)?;
            let configured = world.config.sessions.len();
            let ready = status.sessions.iter().filter(|session| session.state == SessionState::Ready).count();
            if ready >= configured {
                // Half a second of quotes, so that the market is there before the first order.
                std::thread::sleep(Duration::from_millis(300));
                return Ok(());
            }
            if Instant::now() >= deadline {
                let what = "a session ready for orders".to_owned();
                return Err(DemoError::Late { what, seconds: PATIENCE.as_secs(), logs: world.root.clone() });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn call(&mut self, world: &mut World, request: &Request) -> Result<Answer, DemoError> {
        self.client.call(request).map_err(|error| Self::lost(world, error))
    }
}

fn unexpected(answer: &Answer) -> DemoError {
    DemoError::Unexpected(format!("{answer:?}"))
}

fn traders(world: &World) -> Vec<Trader> {
    let strategies = |portfolio: Name| {
        let portfolio = world.config.portfolio(portfolio);
        portfolio.map_or_else(Vec::new, |entry| entry.strategies.iter().map(|(name, _)| *name).collect())
    };
    let may_short = |account: &crate::config::AccountEntry| {
        account.limits.iter().any(|(kind, value)| *kind == model::LimitKind::ShortSale && !value.is_zero())
    };
    world
        .config
        .accounts
        .iter()
        .map(|account| Trader {
            account: account.name,
            strategies: strategies(account.portfolio.value),
            short_sale: may_short(account),
        })
        .collect()
}
