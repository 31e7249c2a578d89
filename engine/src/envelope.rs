//! A command on its way into the shard.

use model::{
    AccountDefinition, AccountId, Actor, Amount, CancelOrder, CashMove, ClOrdId, Command, Currency, Input,
    Instrument, InstrumentId, LimitKind, NewOrder, OrderId, OrderType, Origin, PortfolioDefinition, Price,
    Quantity, Quote, ReplaceOrder, Scope, SessionDefinition, Side, StrategyId, TimeInForce,
};

/// What a client hands over: two lines of memory and no more, since each line that goes from one core to another
/// takes its time.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Envelope {
    /// The client's number for it.
    pub(crate) ticket: u64,
    /// Monotonic nanoseconds when it was submitted; 0 while nobody traces.
    pub(crate) submitted_ns: u64,
    pub(crate) origin: Origin,
    pub(crate) request: Request,
}

/// One from whoever shares a lane with others: it says from whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Urgent {
    pub(crate) client: u32,
    pub(crate) envelope: Envelope,
}

/// Who waits for the answer to a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) client: u32,
    pub(crate) ticket: u64,
    pub(crate) submitted_ns: u64,
}

/// A [`Command`] without its quote, which the shard stamps: it would be nearly half of what travels.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Request {
    NewOrder {
        account: AccountId,
        strategy: StrategyId,
        cl_ord_id: ClOrdId,
        instrument: InstrumentId,
        side: Side,
        order_type: OrderType,
        time_in_force: TimeInForce,
        quantity: Quantity,
        limit_price: Option<Price>,
    },
    ReplaceOrder {
        account: AccountId,
        order: Option<OrderId>,
        cl_ord_id: ClOrdId,
        quantity: Quantity,
        limit_price: Option<Price>,
    },
    CancelOrder(CancelOrder),
    MoveCash(CashMove),
    Halt(Scope),
    Resume(Scope),
    SetLimit {
        actor: Actor,
        kind: LimitKind,
        currency: Option<Currency>,
        value: Option<Amount>,
    },
    DefineInstrument(Instrument),
    DefinePortfolio(PortfolioDefinition),
    DefineAccount(AccountDefinition),
    DefineSession(SessionDefinition),
}

impl Request {
    #[inline]
    pub(crate) const fn of(command: &Command) -> Self {
        match *command {
            Command::NewOrder(NewOrder {
                account,
                strategy,
                cl_ord_id,
                instrument,
                side,
                order_type,
                time_in_force,
                quantity,
                limit_price,
                quote: _,
            }) => Self::NewOrder {
                account,
                strategy,
                cl_ord_id,
                instrument,
                side,
                order_type,
                time_in_force,
                quantity,
                limit_price,
            },
            Command::ReplaceOrder(ReplaceOrder {
                account,
                order,
                cl_ord_id,
                quantity,
                limit_price,
                quote: _,
            }) => Self::ReplaceOrder { account, order, cl_ord_id, quantity, limit_price },
            Command::CancelOrder(cancel) => Self::CancelOrder(cancel),
            Command::MoveCash(cash) => Self::MoveCash(cash),
            Command::Halt(scope) => Self::Halt(scope),
            Command::Resume(scope) => Self::Resume(scope),
            Command::SetLimit { actor, kind, currency, value } => {
                Self::SetLimit { actor, kind, currency, value }
            }
            Command::DefineInstrument(instrument) => Self::DefineInstrument(instrument),
            Command::DefinePortfolio(portfolio) => Self::DefinePortfolio(portfolio),
            Command::DefineAccount(account) => Self::DefineAccount(account),
            Command::DefineSession(session) => Self::DefineSession(session),
        }
    }

    /// What is recorded and decided: the command, with the quote it is to be decided with. Each arm writes the whole of it
    /// in its place; a command made first would be copied there.
    #[inline]
    pub(crate) const fn input(self, origin: Origin, quote: Option<Quote>) -> Input {
        match self {
            Self::NewOrder {
                account,
                strategy,
                cl_ord_id,
                instrument,
                side,
                order_type,
                time_in_force,
                quantity,
                limit_price,
            } => Input::Command {
                origin,
                command: Command::NewOrder(NewOrder {
                    account,
                    strategy,
                    cl_ord_id,
                    instrument,
                    side,
                    order_type,
                    time_in_force,
                    quantity,
                    limit_price,
                    quote,
                }),
            },
            Self::ReplaceOrder { account, order, cl_ord_id, quantity, limit_price } => Input::Command {
                origin,
                command: Command::ReplaceOrder(ReplaceOrder {
                    account,
                    order,
                    cl_ord_id,
                    quantity,
                    limit_price,
                    quote,
                }),
            },
            Self::CancelOrder(cancel) => Input::Command { origin, command: Command::CancelOrder(cancel) },
            Self::MoveCash(cash) => Input::Command { origin, command: Command::MoveCash(cash) },
            Self::Halt(scope) => Input::Command { origin, command: Command::Halt(scope) },
            Self::Resume(scope) => Input::Command { origin, command: Command::Resume(scope) },
            Self::SetLimit { actor, kind, currency, value } => {
                Input::Command { origin, command: Command::SetLimit { actor, kind, currency, value } }
            }
            Self::DefineInstrument(instrument) => {
                Input::Command { origin, command: Command::DefineInstrument(instrument) }
            }
            Self::DefinePortfolio(portfolio) => {
                Input::Command { origin, command: Command::DefinePortfolio(portfolio) }
            }
            Self::DefineAccount(account) => {
                Input::Command { origin, command: Command::DefineAccount(account) }
            }
            Self::DefineSession(session) => {
                Input::Command { origin, command: Command::DefineSession(session) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_travels_in_two_lines_of_memory() {
        assert_eq!(size_of::<Envelope>(), 128, "{} of them the request", size_of::<Request>());
    }
}
