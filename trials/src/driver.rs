//! Drives the node through its local socket, remembers what it was told, and goes on after every kill.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use model::{Amount, Currency, Name, Reference, SessionState};
use wire::client::{Client, ClientError};
use wire::{Answer, Cancel, CashRequest, OrderFilter, Refusal, Request, Status};

use super::TrialError;
use super::acknowledged::Acknowledged;
use super::flow::{Flow, Trader};
use super::market::Market;
use super::world::{Who, World};

/// What was sent and what came back.
pub(crate) struct Driver {
    client: Client,
    market: Market,
    flow: Flow,
    unanswered: VecDeque<OnItsWay>,
    pub(crate) counts: Counts,
    /// Every order that was acknowledged to us, with its account and our identifier.
    pub(crate) acknowledged: Acknowledged,
}

/// A request, and the number it was sent under on this connection, if it was.
type OnItsWay = (Option<u64>, Request);

/// What a report counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// New orders handed to the node.
    pub(crate) submitted: u64,
    /// Cancel requests handed to the node.
    pub(crate) cancels: u64,
    /// Replace requests handed to the node.
    pub(crate) replaces: u64,
    /// New orders denied, by number and name.
    pub(crate) denied: BTreeMap<(u16, String), u64>,
    /// Cancels and replaces denied, by number and name.
    pub(crate) requests_denied: BTreeMap<(u16, String), u64>,
    /// Submissions repeated after a kill that found the order there.
    pub(crate) found_again: u64,
}

/// Requests unanswered at a time.
const WINDOW: usize = 64;
/// Cash for every account in every currency.
const DEPOSIT: u32 = 5_000_000;
/// Longer than a disk that others keep busy stands still.
const PATIENCE: Duration = Duration::from_mins(1);

impl Driver {
    pub(crate) fn connect(seed: u64, world: &World) -> Result<Self, TrialError> {
        let client = Client::connect_within(&world.config.node.socket, PATIENCE)?;
        let market = Market::connect(world.feed)?;
        let traders = traders(world);
        Ok(Self {
            client,
            market,
            flow: Flow::new(seed, traders),
            unanswered: VecDeque::new(),
            counts: Counts::default(),
            acknowledged: BTreeMap::new(),
        })
    }

    pub(crate) fn deposit(&mut self, world: &mut World) -> Result<(), TrialError> {
        for account in world.config.accounts.clone() {
            for currency in world.config.currencies.clone() {
                self.deposit_one(world, account.name, currency)?;
            }
        }
        self.wait_ready(world)
    }

    fn deposit_one(
        &mut self,
        world: &mut World,
        account: Name,
        currency: Currency,
    ) -> Result<(), TrialError> {
        let reference = Reference::cut(&format!("opening {currency}"));
        let amount = Amount::from(DEPOSIT);
        match self.call(world, &Request::Deposit(CashRequest { account, amount, currency, reference }))? {
            Answer::Done(_) => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Waits until the market quotes something.
    pub(crate) fn wait_quotes(&mut self, world: &World) -> Result<(), TrialError> {
        let market = &self.market;
        world.wait_for("the first quotes", || !market.symbols().is_empty())
    }

    /// Listens to a broker that was started again.
    pub(crate) fn listen_again(&mut self, world: &World) -> Result<(), TrialError> {
        self.market = Market::connect(world.feed)?;
        Ok(())
    }

    /// True once a replayed file is over.
    pub(crate) fn market_has_ended(&self) -> bool {
        self.market.has_ended()
    }

    /// Sends the flow's next request; false where there are no quotes to trade on yet.
    pub(crate) fn send_next(&mut self, world: &mut World) -> Result<bool, TrialError> {
        let Some(request) = self.flow.next(&self.market) else { return Ok(false) };
        match request {
            Request::Submit(_) => self.counts.submitted += 1,
            Request::Cancel(_) => self.counts.cancels += 1,
            Request::Replace(_) => self.counts.replaces += 1,
            _ => {}
        }
        self.send(world, request).map(|()| true)
    }

    /// Writes what is queued.
    pub(crate) fn flush(&mut self) -> Result<(), TrialError> {
        Ok(self.client.flush()?)
    }

    /// How many requests are unanswered.
    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// After the node's death: takes the answers it had still written, which count.
    pub(crate) fn take_last_answers(&mut self, world: &mut World) {
        while !self.unanswered.is_empty() && self.take_one(world).is_ok() {}
    }

    /// Connects to a node that was started again.
    pub(crate) fn reconnect(&mut self, patience: Duration) -> Result<(), TrialError> {
        Ok(self.client.reconnect(patience)?)
    }

    /// Asks again for everything that was not answered: what had been recorded is not done twice.
    pub(crate) fn ask_again(&mut self, world: &mut World) -> Result<(), TrialError> {
        let again = self.unanswered.len();
        for (id, _) in &mut self.unanswered {
            *id = None;
        }
        for _ in 0..again {
            let Some((_, request)) = self.unanswered.pop_front() else { break };
            self.send(world, request)?;
        }
        Ok(())
    }

    fn send(&mut self, world: &mut World, request: Request) -> Result<(), TrialError> {
        while self.unanswered.len() >= WINDOW {
            self.take_one(world)?;
        }
        let sent = self.client.send(&request);
        // Also one that could not be written is asked again after the restart.
        self.unanswered.push_back((sent.as_ref().ok().copied(), request));
        sent.map(drop).map_err(|error| Self::lost(world, error))
    }

    pub(crate) fn drain(&mut self, world: &mut World) -> Result<(), TrialError> {
        while !self.unanswered.is_empty() {
            self.take_one(world)?;
        }
        Ok(())
    }

    /// Takes the answer to the oldest request; it stays unanswered where there is none.
    fn take_one(&mut self, world: &mut World) -> Result<(), TrialError> {
        let Some((id, _)) = self.unanswered.front() else { return Ok(()) };
        let id = id.ok_or(ClientError::Closed)?;
        let answer = self.client.answer_to(id).map_err(|error| Self::lost(world, error))?;
        match self.unanswered.pop_front() {
            Some((_, request)) => self.take(world, request, answer),
            None => Ok(()),
        }
    }

    /// A connection is lost only by kills, and whoever kills knows; this names one that nobody planned.
    fn lost(world: &mut World, error: ClientError) -> TrialError {
        if world.has_ended(Who::Node)
            && let Err(ended) = world.ended_by_kill(Who::Node)
        {
            return ended;
        }
        error.into()
    }

    fn take(&mut self, world: &mut World, request: Request, answer: Answer) -> Result<(), TrialError> {
        let is_new = matches!(request, Request::Submit(_));
        match answer {
            Answer::Accepted(accepted) => {
                if let Request::Submit(submit) = &request {
                    self.acknowledged.insert(accepted.order, (submit.account, submit.cl_ord_id));
                }
                Ok(())
            }
            Answer::Exists(existing) => {
                if let Request::Submit(submit) = &request {
                    self.acknowledged.insert(existing.order, (submit.account, submit.cl_ord_id));
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
    pub(crate) fn wind_up(&mut self, world: &mut World) -> Result<(), TrialError> {
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
                return Err(TrialError::Late { what, seconds: PATIENCE.as_secs(), logs: world.root.clone() });
            }
            for row in open.iter().filter(|row| row.pending.is_none()) {
                let cancel = Cancel { account: row.account, order: Some(row.order), cl_ord_id: None };
                // Denied is as good: it was filled meanwhile.
                self.call(world, &Request::Cancel(cancel))?;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn status(&mut self, world: &mut World) -> Result<Status, TrialError> {
        match self.call(world, &Request::Status {})? {
            Answer::Status(status) => Ok(*status),
            other => Err(unexpected(&other)),
        }
    }

    /// True where every session takes orders.
    pub(crate) fn is_ready(world: &World, status: &Status) -> bool {
        let ready = status.sessions.iter().filter(|session| session.state == SessionState::Ready).count();
        ready >= world.config.sessions.len()
    }

    /// Waits until every session takes orders and every traded account has quotes.
    pub(crate) fn wait_ready(&mut self, world: &mut World) -> Result<(), TrialError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.status(world)?;
            if Self::is_ready(world, &status) {
                // Half a second of quotes, so that the market is there before the first order.
                std::thread::sleep(Duration::from_millis(300));
                return Ok(());
            }
            if Instant::now() >= deadline {
                let what = "a session ready for orders".to_owned();
                return Err(TrialError::Late { what, seconds: PATIENCE.as_secs(), logs: world.root.clone() });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn call(&mut self, world: &mut World, request: &Request) -> Result<Answer, TrialError> {
        self.client.call(request).map_err(|error| Self::lost(world, error))
    }
}

fn unexpected(answer: &Answer) -> TrialError {
    TrialError::Unexpected(format!("{answer:?}"))
}

fn traders(world: &World) -> Vec<Trader> {
    let strategies = |portfolio: Name| {
        let portfolio = world.config.portfolio(portfolio);
        portfolio.map_or_else(Vec::new, |entry| entry.strategies.iter().map(|(name, _)| *name).collect())
    };
    let may_short = |account: &node::config::AccountEntry| {
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
