//! From requests to commands and queries, and from events to answers. No I/O.
#![expect(clippy::result_large_err, reason = "the answer goes out either way, and is moved once")]

use model::{
    Actor, Aside, CancelAll, CancelOrder, CashMove, CashMoveKind, ClOrdId, ClockAcceptance, Command, Denial,
    DenyReason, Event, Money, Name, NewOrder, Position, ReplaceOrder, Scope, ShardId, StrategyId, Symbol,
};
use office::OfficeWord;
use readable::suggest::{did_you_mean, listed};
use wire::{
    Accepted, Answer, AsideName, Cancel, CancelsAsked, Carried, CashRequest, Denied, Existing, LatencyReport,
    OfficeNote, PROTOCOL_VERSION, Refusal, RefusalKind, Replace, Request, Requested, ScopeName, SetLimit,
    Submit, Whose,
};

use crate::node_api::{CommandAnswer, SubmitError, SubscribeError};
use crate::office::{answers, words};
use front::directory::{AccountHome, Directory};

/// What a request asks of the node.
pub(crate) enum Work {
    /// To answer at once.
    Answer(Answer),
    /// A command for one shard, or the same for several.
    Command(Vec<ShardId>, Command),
    /// A word to the office.
    Office(OfficeWord),
    /// A move of cash, which may need a second person.
    Cash(ShardId, CashMove),
    /// To say that a name leads nowhere, if it does not by now.
    Unknown(Answer),
    /// To read the books.
    Query,
    /// To look at the slowest inputs.
    Latency(u32),
    /// To follow the events.
    Subscribe(wire::Subscribe),
}

/// What to do about a request; a name that leads nowhere is answered here, with the core's own word for it.
pub(crate) fn work(directory: &Directory, request: &Request) -> Work {
    let command = match request {
        Request::Ping {} => return Work::Answer(Answer::Pong { version: PROTOCOL_VERSION }),
        Request::Subscribe(subscribe) => return Work::Subscribe(subscribe.clone()),
        Request::Latency { worst } => return Work::Latency(*worst),
        Request::Orders(_)
        | Request::Positions(_)
        | Request::Cash(_)
        | Request::Status {}
        | Request::Clock {}
        | Request::ConfigHistory(_)
        | Request::Alerts(_)
        | Request::Approvals(_) => return Work::Query,
        Request::AcknowledgeAlert(note) => return office_note(note.clone(), words::acknowledge),
        Request::Approve { number } => return Work::Office(words::approve(*number)),
        Request::Refuse(note) => return office_note(note.clone(), words::refuse),
        Request::Submit(submit) => new_order(directory, submit),
        Request::Cancel(cancel) => cancel_order(directory, cancel),
        Request::CancelAll(name) => cancel_all(directory, name),
        Request::Replace(replace) => replace_order(directory, replace),
        Request::Halt(name) => scope(directory, name).map(|(shards, scope)| (shards, Command::Halt(scope))),
        Request::Resume(name) => {
            scope(directory, name).map(|(shards, scope)| (shards, Command::Resume(scope)))
        }
        Request::Release(name) => release(directory, name),
        Request::ClockAccept { found } => accept_clock(directory, *found),
        Request::SetLimit(set) => set_limit(directory, set),
        Request::Deposit(cash) => return move_cash(directory, cash, CashMoveKind::Deposit),
        Request::Withdraw(cash) => return move_cash(directory, cash, CashMoveKind::Withdrawal),
    };
    match command {
        Ok((shards, command)) => Work::Command(shards, command),
        Err(answer) => Work::Unknown(answer),
    }
}

type Resolved = Result<(Vec<ShardId>, Command), Answer>;

/// A word that is longer than the office keeps is not recorded: it might be longer than a record.
fn office_note(note: OfficeNote, word: impl FnOnce(OfficeNote) -> OfficeWord) -> Work {
    match answers::too_long(&note) {
        Some(answer) => Work::Answer(answer),
        None => Work::Office(word(note)),
    }
}

fn denied(reason: DenyReason) -> Answer {
    Answer::Denied(Denied::new(None, &Denial::of(reason)))
}

fn account(directory: &Directory, name: Name) -> Result<AccountHome, Answer> {
    directory.account(name).ok_or_else(|| denied(DenyReason::UnknownAccount))
}

fn strategy(directory: &Directory, home: AccountHome, name: Option<Name>) -> Result<StrategyId, Answer> {
    let Some(name) = name else { return Ok(StrategyId::default()) };
    directory.strategy(home.portfolio, name).ok_or_else(|| unknown_strategy(directory, home.portfolio, name))
}

fn unknown_strategy(directory: &Directory, portfolio: model::PortfolioId, name: Name) -> Answer {
    let known: Vec<Name> = directory.strategies(portfolio).map(|(_, name)| name).collect();
    let names = || known.iter().map(Name::as_str);
    let text = format!(
        "strategy: portfolio \"{}\" has no strategy \"{name}\"{}; it has {}",
        directory.portfolio_name(portfolio),
        did_you_mean(name.as_str(), names()),
        listed(names())
    );
    Answer::Refused(Refusal::new(RefusalKind::BadRequest, text))
}

fn instrument(directory: &Directory, symbol: Symbol) -> Result<model::InstrumentId, Answer> {
    directory.instrument(symbol).ok_or_else(|| denied(DenyReason::UnknownInstrument))
}

fn new_order(directory: &Directory, submit: &Submit) -> Resolved {
    let home = account(directory, submit.account)?;
    let order = NewOrder {
        account: home.id,
        strategy: strategy(directory, home, submit.strategy)?,
        cl_ord_id: submit.cl_ord_id,
        instrument: instrument(directory, submit.symbol)?,
        side: submit.side,
        order_type: submit.order_type,
        time_in_force: submit.time_in_force,
        quantity: submit.quantity,
        limit_price: submit.limit_price,
    };
    Ok((vec![home.shard], Command::NewOrder(order)))
}

/// The core takes the order's identity first; one of the two must be there.
fn which(order: Option<model::OrderId>, cl_ord_id: Option<ClOrdId>) -> Result<ClOrdId, Answer> {
    match (order, cl_ord_id) {
        (None, None) => Err(denied(DenyReason::MissingIdentifier)),
        (_, cl_ord_id) => Ok(cl_ord_id.unwrap_or_default()),
    }
}

fn cancel_order(directory: &Directory, cancel: &Cancel) -> Resolved {
    let home = account(directory, cancel.account)?;
    let cl_ord_id = which(cancel.order, cancel.cl_ord_id)?;
    let command = CancelOrder { account: home.id, order: cancel.order, cl_ord_id };
    Ok((vec![home.shard], Command::CancelOrder(command)))
}

/// One shard takes the word. Where it concerns several, that one asks the others.
fn cancel_all(directory: &Directory, name: &ScopeName) -> Resolved {
    let (concerned, scope) = scope(directory, name)?;
    let shards = if concerned.len() > 1 { u16::try_from(concerned.len()).unwrap_or(u16::MAX) } else { 0 };
    let first = concerned.into_iter().take(1).collect();
    Ok((first, Command::CancelAll(CancelAll { scope, shards })))
}

fn replace_order(directory: &Directory, replace: &Replace) -> Resolved {
    let home = account(directory, replace.account)?;
    let command = ReplaceOrder {
        account: home.id,
        order: replace.order,
        cl_ord_id: which(replace.order, replace.cl_ord_id)?,
        quantity: replace.quantity,
        limit_price: replace.limit_price,
    };
    Ok((vec![home.shard], Command::ReplaceOrder(command)))
}

/// A halt of the firm or of an instrument concerns every shard.
fn scope(directory: &Directory, name: &ScopeName) -> Result<(Vec<ShardId>, Scope), Answer> {
    let portfolio =
        |name: &Name| directory.portfolio(*name).ok_or_else(|| denied(DenyReason::UnknownPortfolio));
    let everywhere = || directory.shards().to_vec();
    Ok(match name {
        ScopeName::Firm {} => (everywhere(), Scope::Firm),
        ScopeName::Instrument(symbol) => (everywhere(), Scope::Instrument(instrument(directory, *symbol)?)),
        ScopeName::Portfolio(name) => {
            let (id, shard) = portfolio(name)?;
            (vec![shard], Scope::Portfolio(id))
        }
        ScopeName::Account(name) => {
            let home = account(directory, *name)?;
            (vec![home.shard], Scope::Account(home.id))
        }
        ScopeName::Strategy { portfolio: name, strategy } => {
            let (id, shard) = portfolio(name)?;
            let found = directory.strategy(id, *strategy);
            let strategy = found.ok_or_else(|| unknown_strategy(directory, id, *strategy))?;
            (vec![shard], Scope::Strategy(id, strategy))
        }
    })
}

/// Ticks, the firm and an instrument may be set aside on any shard.
fn release(directory: &Directory, name: &AsideName) -> Resolved {
    let everywhere = || directory.shards().to_vec();
    let (shards, aside) = match name {
        AsideName::Account(name) => {
            let home = account(directory, *name)?;
            (vec![home.shard], Aside::Account(home.id))
        }
        AsideName::Portfolio(name) => {
            let found = directory.portfolio(*name).ok_or_else(|| denied(DenyReason::UnknownPortfolio))?;
            (vec![found.1], Aside::Portfolio(found.0))
        }
        AsideName::Instrument(symbol) => (everywhere(), Aside::Instrument(instrument(directory, *symbol)?)),
        AsideName::Ticks {} => (everywhere(), Aside::Ticks),
        AsideName::Firm {} => (everywhere(), Aside::Firm),
    };
    Ok((shards, Command::Release(aside)))
}

/// Each shard has found its clock by itself.
fn accept_clock(directory: &Directory, found: Position) -> Resolved {
    if directory.shards().contains(&found.shard) {
        return Ok((vec![found.shard], Command::AcceptClock(ClockAcceptance { found })));
    }
    let text = format!("there is no shard {}", found.shard);
    Err(Answer::Refused(Refusal::new(RefusalKind::BadPosition, text)))
}

fn set_limit(directory: &Directory, set: &SetLimit) -> Resolved {
    let (actor, shard) = match set.whose {
        Whose::Account(name) => {
            let home = account(directory, name)?;
            (Actor::Account(home.id), home.shard)
        }
        Whose::Portfolio(name) => {
            let (id, shard) =
                directory.portfolio(name).ok_or_else(|| denied(DenyReason::UnknownPortfolio))?;
            (Actor::Portfolio(id), shard)
        }
    };
    let command = Command::SetLimit { actor, kind: set.kind, currency: set.currency, value: set.value };
    Ok((vec![shard], command))
}

fn move_cash(directory: &Directory, cash: &CashRequest, kind: CashMoveKind) -> Work {
    let home = match account(directory, cash.account) {
        Ok(home) => home,
        Err(answer) => return Work::Answer(answer),
    };
    let money = Money { amount: cash.amount, currency: cash.currency };
    Work::Cash(home.shard, CashMove { account: home.id, kind, money, reference: cash.reference })
}

/// The answer to `latency`.
pub(crate) fn latency(report: Option<LatencyReport>) -> Answer {
    let not_traced = || {
        let text = "the node keeps no stamps: node.trace is 0 in its configuration";
        Answer::Refused(Refusal::new(RefusalKind::NotTraced, text))
    };
    report.map_or_else(not_traced, |report| Answer::Latency(Box::new(report)))
}

/// What a command's first event tells its submitter.
pub(crate) fn answer(answer: &CommandAnswer) -> Answer {
    let position = answer.position;
    let done = |repeated| Answer::Done(Carried { positions: vec![position], repeated });
    match answer.event {
        Event::OrderAccepted { order, cl_ord_id, .. } => {
            Answer::Accepted(Accepted { position, order, cl_ord_id })
        }
        Event::OrderExists { order, status } => Answer::Exists(Existing { position, order, status }),
        Event::RequestAccepted { order, request } => {
            Answer::Requested(Requested { position, order, request })
        }
        Event::CancelsAsked { asked, left, others, .. } => {
            Answer::CancelsAsked(CancelsAsked { position, asked, left, shards_asked: others })
        }
        Event::Denied { denial, .. } => Answer::Denied(Denied::new(Some(position), &denial)),
        Event::CashMoveExists => done(true),
        Event::Done
        | Event::CashMoved { .. }
        | Event::HaltChanged { .. }
        | Event::Released { .. }
        | Event::ClockAccepted { .. } => done(false),
        Event::Opened { .. }
        | Event::RequestRefused { .. }
        | Event::OrderChanged { .. }
        | Event::Executed { .. }
        | Event::ExecutionRepeated { .. }
        | Event::CashSettled { .. }
        | Event::SessionChanged { .. }
        | Event::Marked { .. }
        | Event::AskRepeated { .. }
        | Event::AsksEnded { .. }
        | Event::SetAside { .. }
        | Event::SettlementHeld { .. }
        | Event::ClockJumped { .. }
        | Event::Alert(_) => no_answer(position, &answer.event),
    }
}

/// What follows from a command but never answers one. Nothing is known of what became of the command, and that is said.
fn no_answer(position: model::Position, event: &Event) -> Answer {
    debug_assert!(false, "{event:?} at {position} answers no command");
    tracing::error!(%position, ?event, "a command was answered by what is no answer");
    let text = format!("the command was recorded at {position}, but what came of it cannot be told");
    Answer::Refused(Refusal::new(RefusalKind::AnswerLost, text))
}

/// One answer from those of every shard: a refusal goes before success.
pub(crate) fn merged(answers: Vec<Answer>) -> Answer {
    let mut positions = Vec::new();
    let mut all_repeated = true;
    for answer in answers {
        match answer {
            Answer::Done(carried) => {
                positions.extend(carried.positions);
                all_repeated &= carried.repeated;
            }
            other => return other,
        }
    }
    Answer::Done(Carried { positions, repeated: all_repeated })
}

pub(crate) fn refused_submit(error: SubmitError) -> Answer {
    let text = error.to_string();
    Answer::Refused(match error {
        SubmitError::RingFull { slots } => Refusal::beyond(RefusalKind::RingFull, text, slots),
        SubmitError::JournalStalled => Refusal::new(RefusalKind::JournalStalled, text),
        SubmitError::Diverged => Refusal::new(RefusalKind::Diverged, text),
        SubmitError::Stopping => Refusal::new(RefusalKind::Stopping, text),
    })
}

pub(crate) fn refused_subscribe(error: SubscribeError) -> Answer {
    let kind =
        if error == SubscribeError::Stopping { RefusalKind::Stopping } else { RefusalKind::BadPosition };
    Answer::Refused(Refusal::new(kind, error.to_string()))
}
