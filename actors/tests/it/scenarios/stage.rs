//! A firm on which the statements of a scenario are played.

mod broker;

use std::collections::BTreeMap;
use std::str::FromStr;

use actors::{Asset, LOGIC_VERSION};
use model::{
    AccountDefinition, AccountId, Actor, Amount, CashMoveKind, Certainty, ClockAcceptance, ClockFinding,
    ClockJump, Command, Currency, Event, FeeSchedule, Incarnation, Input, InstrumentId, LimitKind, Name,
    NewOrder, OrderType, OutboundKind, PortfolioDefinition, Price, Quantity, Scope, SessionDefinition,
    SessionState, Side, Timestamp, WireId,
};

use super::{Fault, same, unreadable};
use crate::world::{ACME, BROKER, EURO, FUND, SECOND_NS, SESSION, World, account, instrument};

/// The firm: one portfolio, one session that is ready, two instruments, and what a scenario adds.
pub(super) struct Stage {
    world: World,
    accounts: BTreeMap<String, AccountId>,
    quotes: BTreeMap<InstrumentId, (Price, Price)>,
    orders: BTreeMap<String, WireId>,
    /// The last request about an order.
    requests: BTreeMap<String, WireId>,
    openings: u32,
    cash_moves: u32,
    /// Refusals and alerts that no `then` has spoken of.
    unspoken: Vec<String>,
}

impl Stage {
    pub(super) fn new() -> Self {
        let mut world = World::empty();
        world.input(Input::Opened {
            incarnation: Incarnation { count: 1 },
            logic_version: LOGIC_VERSION,
            anchor: None,
        });
        let name = |text: &str| Name::new(text).unwrap();
        for id in [ACME, EURO] {
            world.done(Command::DefineInstrument(instrument(id)));
        }
        world.done(Command::DefineSession(SessionDefinition {
            id: SESSION,
            name: name("S1"),
            broker: BROKER,
        }));
        world.done(Command::DefinePortfolio(PortfolioDefinition { id: FUND, name: name("FUND") }));
        world.session(SessionState::Up);
        world.session(SessionState::Ready);
        Self {
            world,
            accounts: BTreeMap::new(),
            quotes: BTreeMap::new(),
            orders: BTreeMap::new(),
            requests: BTreeMap::new(),
            openings: 1,
            cash_moves: 0,
            unspoken: Vec::new(),
        }
    }

    pub(super) fn given(&mut self, words: &[&str]) -> Result<(), Fault> {
        let before = self.world.journal.len();
        match words {
            ["account", name] => self.open_account(name, FeeSchedule::FREE),
            ["account", name, "fees", rate, "bps", "and", each, "a", "unit"] => {
                self.open_account(name, FeeSchedule { rate_bps: read(rate)?, per_unit: read(each)? })
            }
            ["cash", name, amount, currency] => {
                let account = self.account(name)?;
                self.move_cash(account, CashMoveKind::Deposit, amount, currency)
            }
            ["limit", whose, kind, value] => self.limit(whose, kind, value),
            ["quote", name, bid, ask] => self.quote(name, bid, ask),
            _ => unreadable("not a thing that can be given"),
        }?;
        self.notice(before);
        self.nothing_unspoken()
    }

    pub(super) fn when(&mut self, words: &[&str]) -> Result<(), Fault> {
        let before = self.world.journal.len();
        match words {
            [who, side @ ("buys" | "sells"), quantity, what, "at", price, "as", name] => {
                self.submit(who, side, quantity, what, price, name)
            }
            ["cancel", name] => {
                let command = self.world.cancel_command(self.order(name)?);
                self.ask(name, command);
                Ok(())
            }
            ["replace", name, "with", quantity, "at", price] => self.replace(name, read(quantity)?, price),
            ["broker", words @ ..] => self.broker(words),
            ["session", state] => self.session(state),
            ["the", "clock", "jumps", days, "days"] => {
                self.jump(read(days)?);
                Ok(())
            }
            ["the", "clock", "is", "accepted"] => self.accept_clock(),
            ["restart"] => {
                self.restart();
                Ok(())
            }
            ["evidence", name, "is", delivery] => self.evidence(name, delivery),
            ["halt", whose] => {
                self.world.command(Command::Halt(self.scope(whose)?));
                Ok(())
            }
            ["resume", whose] => {
                self.world.command(Command::Resume(self.scope(whose)?));
                Ok(())
            }
            ["limit", whose, kind, value] => self.limit(whose, kind, value),
            ["quote", name, bid, ask] => self.quote(name, bid, ask),
            [name, "withdraws", amount, currency] => {
                let account = self.account(name)?;
                self.move_cash(account, CashMoveKind::Withdrawal, amount, currency)
            }
            [count, "days", "pass"] => {
                self.world.wait_seconds(read::<i64>(count)? * 86_400);
                self.world.input(Input::Tick);
                Ok(())
            }
            _ => unreadable("not a thing that can happen"),
        }?;
        self.notice(before);
        Ok(())
    }

    pub(super) fn then(&mut self, words: &[&str]) -> Result<(), Fault> {
        match words {
            ["denied" | "alert", ..] => self.speak_of(&words.join(" ")),
            ["sent", what @ ..] => same(&what.join(" "), &self.sent()),
            [name, "is", "certain"] => same("certain", self.certainty(name)?),
            [name, "is", "in", "doubt"] => same("in doubt", self.certainty(name)?),
            [name, "is", status, filled, "of", quantity] => {
                let order = self.world.at(self.order(name)?);
                let status_now = order.shown_status().as_str();
                let filled_now = plain(&order.cum_quantity);
                let actual = format!("{status_now} {filled_now} of {}", plain(&order.quantity));
                same(&format!("{status} {filled} of {quantity}"), &actual)
            }
            ["position", name, what, units] => {
                let holding = self.world.holding(self.account(name)?, security(what)?);
                same(units, &plain(&holding.position))
            }
            ["cash", name, currency, kind, amount] => same(amount, &plain(&self.cash(name, currency, kind)?)),
            _ => unreadable("not a thing that can be stated"),
        }
    }

    /// Refusals and alerts are told, or the scenario hides something.
    pub(super) fn nothing_unspoken(&self) -> Result<(), Fault> {
        match self.unspoken.first() {
            None => Ok(()),
            Some(first) => unreadable(format!("what happened before, nobody speaks of: {first}")),
        }
    }

    fn speak_of(&mut self, expected: &str) -> Result<(), Fault> {
        if let Some(at) = self.unspoken.iter().position(|said| said == expected) {
            self.unspoken.remove(at);
            return Ok(());
        }
        let actual = self.unspoken.first().map_or("nothing of the kind", String::as_str);
        same(expected, actual)
    }

    /// Remembers what must be spoken of, where the core took more than the inputs of before.
    fn notice(&mut self, inputs_before: usize) {
        if self.world.journal.len() == inputs_before {
            return;
        }
        let numbered = |name: &str, value: Option<Amount>| {
            value.map(|value| format!(" {name} {}", plain(&value))).unwrap_or_default()
        };
        for event in &self.world.last.events {
            match event {
                Event::Denied { denial, .. } => self.unspoken.push(format!(
                    "denied {}{}{}",
                    denial.reason.number(),
                    numbered("limit", denial.limit),
                    numbered("actual", denial.actual)
                )),
                Event::Alert(alert) => self.unspoken.push(format!("alert {:?}", alert.kind)),
                _ => {}
            }
        }
    }

    fn open_account(&mut self, name: &str, fees: FeeSchedule) -> Result<(), Fault> {
        let id = AccountId::new(u32::try_from(self.accounts.len()).unwrap() + 1);
        let named = Name::new(name).map_err(|error| Fault::Unreadable(format!("{name}: {error}")))?;
        self.accounts.insert(name.to_owned(), id);
        let definition = AccountDefinition { id, name: named, fees, ..account(id) };
        self.world.command(Command::DefineAccount(definition));
        Ok(())
    }

    fn move_cash(
        &mut self,
        account: AccountId,
        kind: CashMoveKind,
        amount: &str,
        currency: &str,
    ) -> Result<(), Fault> {
        read::<Amount>(amount)?;
        self.cash_moves += 1;
        let reference = format!("M{}", self.cash_moves);
        self.world.cash(account, kind, amount, money(currency)?, &reference);
        Ok(())
    }

    fn limit(&mut self, whose: &str, kind: &str, value: &str) -> Result<(), Fault> {
        let Some(kind) = LimitKind::from_name(kind) else { return unreadable(format!("no limit: {kind}")) };
        read::<Amount>(value)?;
        let actor =
            if whose == "FUND" { Actor::Portfolio(FUND) } else { Actor::Account(self.account(whose)?) };
        self.world.limit(actor, kind, value);
        Ok(())
    }

    fn quote(&mut self, name: &str, bid: &str, ask: &str) -> Result<(), Fault> {
        self.quotes.insert(security(name)?, (read(bid)?, read(ask)?));
        Ok(())
    }

    /// Every order is decided with the quote of its instrument.
    fn stamp_quote(&mut self, instrument: InstrumentId) {
        self.world.quote = self.quotes.get(&instrument).copied();
    }

    fn submit(
        &mut self,
        who: &str,
        side: &str,
        quantity: &str,
        what: &str,
        price: &str,
        name: &str,
    ) -> Result<(), Fault> {
        let (account, instrument) = (self.account(who)?, security(what)?);
        let side = if side == "buys" { Side::Buy } else { Side::Sell };
        let quantity = read::<Quantity>(quantity)?;
        let limit_price = if price == "market" { None } else { Some(read::<Price>(price)?) };
        let order_type = if limit_price.is_some() { OrderType::Limit } else { OrderType::Market };
        self.stamp_quote(instrument);
        let order = NewOrder {
            account,
            instrument,
            quantity,
            order_type,
            limit_price,
            ..self.world.order(name, side, 1, "1")
        };
        if let Event::OrderAccepted { order, .. } = self.world.command(Command::NewOrder(order)) {
            self.orders.insert(name.to_owned(), order);
        }
        Ok(())
    }

    /// The wall clock is found so many days off.
    fn jump(&mut self, days: i64) {
        let due = Timestamp::from_nanos(self.world.now);
        let shown = Timestamp::from_nanos(self.world.now + days * 86_400 * SECOND_NS);
        self.world.input(Input::ClockJumped(ClockJump { finding: ClockFinding::Jumped, due, shown }));
    }

    /// As it was found; the shard's time steps as it says, and what is due is done.
    fn accept_clock(&mut self) -> Result<(), Fault> {
        let Some(known) = self.world.core.clock().suspicion() else { return unreadable("it has not jumped") };
        let accept = Command::AcceptClock(ClockAcceptance { found: known.found });
        if let Event::ClockAccepted { step_ns, .. } = self.world.command(accept) {
            self.world.now += step_ns;
        }
        self.world.input(Input::Tick);
        Ok(())
    }

    fn restart(&mut self) {
        self.openings += 1;
        let incarnation = Incarnation { count: self.openings };
        self.world.input(Input::Opened { incarnation, logic_version: LOGIC_VERSION, anchor: None });
    }

    fn replace(&mut self, name: &str, quantity: i64, price: &str) -> Result<(), Fault> {
        let order = self.order(name)?;
        read::<Price>(price)?;
        self.stamp_quote(self.world.at(order).instrument);
        let command = self.world.replace_command(order, quantity, price);
        self.ask(name, command);
        Ok(())
    }

    /// A cancel or a replace.
    fn ask(&mut self, name: &str, command: Command) {
        if let Event::RequestAccepted { request, .. } = self.world.command(command) {
            self.requests.insert(name.to_owned(), request);
        }
    }

    /// What the last thing that happened sent to the broker.
    fn sent(&self) -> String {
        let name = |kind: &OutboundKind| match kind {
            OutboundKind::NewOrderSingle { .. } => "new order",
            OutboundKind::OrderCancelRequest { .. } => "cancel",
            OutboundKind::OrderCancelReplaceRequest { .. } => "replace",
            OutboundKind::Sweep => "sweep",
            OutboundKind::OrderStatusRequest { .. } => "status request",
        };
        let [one] = self.world.last.outbound.as_slice() else { return "nothing".to_owned() };
        name(&one.kind).to_owned()
    }

    fn certainty(&self, name: &str) -> Result<&'static str, Fault> {
        let certain = self.world.at(self.order(name)?).certainty == Certainty::Certain;
        Ok(if certain { "certain" } else { "in doubt" })
    }

    fn cash(&self, name: &str, currency: &str, kind: &str) -> Result<Amount, Fault> {
        let account = self.world.core.account(self.account(name)?).unwrap();
        let asset = Asset::Cash(money(currency)?);
        let Some(book) = account.ledger().book(asset) else { return Ok(Amount::ZERO) };
        Ok(match kind {
            "settled" => book.settled(),
            "unsettled" => book.unsettled_net().unwrap(),
            "reserved" => book.reserved(),
            "available" => book.available().unwrap(),
            "fees" => book.fees(),
            _ => return Err(Fault::Unreadable(format!("no kind of cash: {kind}"))),
        })
    }

    fn scope(&self, whose: &str) -> Result<Scope, Fault> {
        Ok(match whose {
            "firm" => Scope::Firm,
            "FUND" => Scope::Portfolio(FUND),
            "ACME" | "EURO" => Scope::Instrument(security(whose)?),
            _ => Scope::Account(self.account(whose)?),
        })
    }

    fn account(&self, name: &str) -> Result<AccountId, Fault> {
        found(self.accounts.get(name).copied(), "account", name)
    }

    fn order(&self, name: &str) -> Result<WireId, Fault> {
        found(self.orders.get(name).copied(), "accepted order", name)
    }

    fn request(&self, name: &str) -> Result<WireId, Fault> {
        found(self.requests.get(name).copied(), "request about an order", name)
    }
}

fn found<T>(there: Option<T>, what: &str, name: &str) -> Result<T, Fault> {
    there.ok_or_else(|| Fault::Unreadable(format!("there is no {what} {name}")))
}

fn security(name: &str) -> Result<InstrumentId, Fault> {
    found([("ACME", ACME), ("EURO", EURO)].into_iter().find(|(text, _)| *text == name), "instrument", name)
        .map(|(_, id)| id)
}

fn money(name: &str) -> Result<Currency, Fault> {
    found(Currency::new(name).ok(), "currency", name)
}

/// A number without zeros that say nothing.
fn plain(number: &impl ToString) -> String {
    let text = number.to_string();
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn read<T: FromStr>(text: &str) -> Result<T, Fault> {
    found(text.parse().ok(), "number", text)
}
