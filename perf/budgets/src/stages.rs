//! What is counted. Each stage gets ready, runs some rounds uncounted, and then so many inside [`counted_from_here`].

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicI64, Ordering};

use actors::Core;
use engine::{Clock, Replay, ShardConfig, Standby};
use fix_gateway::{Draft, counting};
use journal::{Options, Reader, Record, Writer};
use model::{
    CancelOrder, Command, Event, Input, InstrumentId, Limits, NewOrder, OrderType, Outbound, Quantity,
    RecordBody, SessionChange, SessionState, ShardId, Side, TimeInForce, Timestamp,
};
use risk_gate::{Armed, FactsRef, Halted, Terms};
use workload::{ACCOUNTS, Feed, Orders, WorkloadError, asked, filled};

/// One stage of an input's way.
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// Runs so many rounds, counted.
    run: fn(u32) -> Result<(), Failed>,
}

/// A stage did not do what is counted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Journal(#[from] journal::JournalError),
    #[error(transparent)]
    Engine(#[from] engine::EngineError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Workload(#[from] workload::WorkloadError),
    #[error("{0}")]
    Unexpected(&'static str),
}

/// In the order of an order's life.
pub(crate) const STAGES: &[Stage] = &[
    Stage {
        name: "pipeline.new_order",
        what: "the whole way: submit, rings, stamp, append, decide, digest, release, poll",
        run: pipeline,
    },
    Stage { name: "journal.append.order", what: "ensure_room and append of a new order", run: append },
    Stage { name: "risk.approve", what: "every rule, every limit set", run: risk },
    Stage {
        name: "apply.new_order",
        what: "the core's decision about a new order, gate and books",
        run: apply_order,
    },
    Stage {
        name: "apply.new_order.unarmed",
        what: "the same with every part present and no limit that arms a rule",
        run: apply_order_unarmed,
    },
    Stage { name: "apply.cancel", what: "the core's decision about a cancel", run: apply_cancel },
    Stage {
        name: "apply.fill",
        what: "a whole fill booked: order, holding, cash, exposure",
        run: apply_fill,
    },
    Stage { name: "replay.new_order", what: "apply and digest of a recorded order", run: replay_order },
    Stage { name: "journal.decode.order", what: "a record read, checked and decoded", run: decode },
    Stage { name: "fix.encode.new_order", what: "an order to its FIX fields", run: fix_encode },
    Stage {
        name: "fix.parse.report",
        what: "240 bytes of FIX 4.4 to a checked execution report",
        run: fix_parse,
    },
];

/// Rounds before anything is counted: tables have their first sizes, branches were taken once.
const WARM_UP: u32 = 300;

/// Runs one stage, for whoever counts.
pub(crate) fn run(name: &str, rounds: &str) -> ExitCode {
    let stage = STAGES.iter().find(|stage| stage.name == name);
    let (Some(stage), Ok(rounds)) = (stage, rounds.parse()) else {
        eprintln!("budgets: there is no stage {name:?}, or {rounds:?} is no number");
        return ExitCode::from(2);
    };
    match (stage.run)(rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("budgets: {name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Callgrind counts from the beginning of this function to its end.
#[inline(never)]
fn counted_from_here(rounds: u32, round: &mut dyn FnMut(u32) -> Result<(), Failed>) -> Result<(), Failed> {
    for index in 0..rounds {
        round(index)?;
    }
    black_box(Ok(()))
}

/// The same rounds, first uncounted.
fn warm_and_count(rounds: u32, mut round: impl FnMut(u32) -> Result<(), Failed>) -> Result<(), Failed> {
    for index in 0..WARM_UP {
        round(index)?;
    }
    counted_from_here(rounds, &mut |index| round(WARM_UP + index))
}

fn journal_in(dir: &std::path::Path) -> Result<Writer, Failed> {
    let segment_bytes = 8 * 1024 * 1024;
    Ok(journal::open(&Options { segment_bytes, ..Options::new(dir, ShardId::new(0)) })?.writer)
}

/// A microsecond later each time.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.fetch_add(1_000, Ordering::Relaxed))
    }
}

/// One thread is strategy, shard and gateway in turn.
fn pipeline(rounds: u32) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let segment_bytes = 8 * 1024 * 1024;
    let config = ShardConfig::new(Options { segment_bytes, ..Options::new(dir.path(), ShardId::new(0)) });
    let mut shard =
        Standby::<Core>::open(&config)?.start_stepped(Ticking(AtomicI64::new(workload::START_NS)))?;
    let (mut client, quotes) = (shard.client(1000, 64), shard.facts());
    let (port, mut outlet) = shard.open_session(workload::SESSION);
    let refused = |_| Failed::Unexpected("the shard took nothing");
    for command in workload::definitions(ACCOUNTS)? {
        client.submit(command).map_err(refused)?;
        while shard.turn()? {}
        client.poll().ok_or(Failed::Unexpected("a definition was not answered"))?;
    }
    for instrument in 0..workload::INSTRUMENTS {
        quotes
            .send((InstrumentId::new(instrument), workload::quote(Timestamp::default())))
            .map_err(refused)?;
    }
    for state in [SessionState::Up, SessionState::Ready] {
        let change = SessionChange { session: workload::SESSION, state, unresolved: 0 };
        port.post(Input::Session(change)).map_err(refused)?;
    }
    while shard.turn()? {}
    while outlet.poll().is_some() {}
    let orders = new_orders(rounds);
    let mut next = orders.iter();
    warm_and_count(rounds, |_| {
        let order = next.next().ok_or(Failed::Unexpected("no order is left"))?;
        client.submit(Command::NewOrder(*order)).map_err(refused)?;
        shard.turn()?;
        match (outlet.poll(), client.poll().map(|answer| answer.event)) {
            (Some(_), Some(Event::OrderAccepted { .. })) => Ok(()),
            _ => Err(Failed::Unexpected("an order did not leave")),
        }
    })
}

fn append(rounds: u32) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let mut writer = journal_in(dir.path())?;
    let time = Timestamp::from_nanos(workload::START_NS);
    let inputs = orders(rounds, time);
    let mut next = inputs.iter();
    warm_and_count(rounds, |_| {
        let input = next.next().ok_or(Failed::Unexpected("no input is left"))?;
        writer.ensure_room()?;
        writer.append(time, black_box(input))?;
        Ok(())
    })?;
    Ok(writer.close()?)
}

fn risk(rounds: u32) -> Result<(), Failed> {
    let (instrument, fees, mut limits) = (workload::instrument(0)?, workload::fees(), Limits::default());
    for (kind, value) in workload::ACCOUNT_LIMITS {
        if !limits.set(kind, Some(value.into())) {
            return Err(Failed::Unexpected("a limit was not taken"));
        }
    }
    let now = Timestamp::from_nanos(workload::START_NS);
    warm_and_count(rounds, |turn| {
        let quote = workload::quote(now);
        let facts = FactsRef {
            armed: Armed::ALL,
            terms: Terms {
                side: if turn.is_multiple_of(2) { Side::Buy } else { Side::Sell },
                order_type: OrderType::Limit,
                time_in_force: TimeInForce::Day,
                quantity: Quantity::from(100 + turn % 900),
                limit_price: Some(workload::cents(4851 + i64::from(turn % 7) - 3)),
            },
            instrument: &instrument,
            limits: &limits,
            fees: &fees,
            quote: Some(&quote),
            now,
            halted: Halted::default(),
            clock_suspect: false,
            session: SessionState::Ready,
            backlog: None,
            filled: Quantity::ZERO,
            position: Quantity::from(12_300),
            open_buy: Quantity::from(4_500),
            open_sell: Quantity::from(1_700),
            available_cash: workload::amount(12_345_678_912),
            gross_exposure: workload::amount(98_765_432_109),
            max_gross_exposure: Some(workload::amount(10_000_000_000_000)),
        };
        let verdict = black_box(risk_gate::approve(black_box(&facts)));
        verdict.map(|_| ()).map_err(|_| Failed::Unexpected("the gate refused"))
    })
}

/// Applies inputs that were made beforehand.
fn apply_all(feed: &mut Feed, rounds: u32, inputs: &[Input]) -> Result<(), Failed> {
    let mut next = inputs.iter();
    warm_and_count(rounds, |_| {
        let input = next.next().ok_or(Failed::Unexpected("no input is left"))?;
        feed.take(black_box(input));
        match feed.outcome.events.first() {
            None | Some(Event::Denied { .. } | Event::Alert { .. }) => {
                Err(Failed::Unexpected("it was denied"))
            }
            Some(_) => Ok(()),
        }
    })
}

/// As many as are passed, counted or not.
fn new_orders(rounds: u32) -> Vec<NewOrder> {
    let mut orders = Orders::default();
    (0..WARM_UP + rounds).map(|_| orders.next()).collect()
}

/// The same as they are recorded.
fn orders(rounds: u32, time: Timestamp) -> Vec<Input> {
    new_orders(rounds).into_iter().map(|order| asked(Command::NewOrder(order), time)).collect()
}

fn apply_order(rounds: u32) -> Result<(), Failed> {
    let mut feed = Feed::ready(ACCOUNTS)?;
    let inputs = orders(rounds, feed.time);
    apply_all(&mut feed, rounds, &inputs)
}

fn apply_order_unarmed(rounds: u32) -> Result<(), Failed> {
    let mut feed = Feed::ready(ACCOUNTS)?;
    for lift in workload::unlimited(ACCOUNTS)? {
        feed.take(&asked(lift, feed.time));
        if feed.outcome.refusal() != 0 {
            return Err(Failed::Unexpected("a limit was not lifted"));
        }
    }
    let inputs = orders(rounds, feed.time);
    apply_all(&mut feed, rounds, &inputs)
}

/// A core that has taken orders, and what left for them.
fn with_orders(rounds: u32) -> Result<(Feed, Vec<Outbound>), Failed> {
    let mut feed = Feed::ready(ACCOUNTS)?;
    let mut messages = Vec::new();
    for input in orders(rounds, feed.time) {
        feed.take(&input);
        messages.extend(feed.outcome.outbound.iter().copied());
    }
    Ok((feed, messages))
}

fn apply_cancel(rounds: u32) -> Result<(), Failed> {
    let (mut feed, _) = with_orders(rounds)?;
    let inputs: Vec<Input> = new_orders(rounds)
        .into_iter()
        .map(|order| {
            let cancel = CancelOrder { account: order.account, order: None, cl_ord_id: order.cl_ord_id };
            asked(Command::CancelOrder(cancel), feed.time)
        })
        .collect();
    apply_all(&mut feed, rounds, &inputs)
}

fn apply_fill(rounds: u32) -> Result<(), Failed> {
    let (mut feed, messages) = with_orders(rounds)?;
    let fills = messages.iter().map(|message| Ok(Input::ExecutionReport(filled(message)?)));
    let inputs = fills.collect::<Result<Vec<_>, WorkloadError>>()?;
    apply_all(&mut feed, rounds, &inputs)
}

/// The records of a journal of orders, and where the orders begin.
fn recorded(rounds: u32) -> Result<(Vec<Record<RecordBody>>, usize), Failed> {
    let dir = tempfile::tempdir()?;
    let mut writer = journal_in(dir.path())?;
    let mut time = Timestamp::from_nanos(workload::START_NS);
    let opening = workload::opening(ACCOUNTS)?;
    for input in opening.iter().chain(&orders(rounds, time)) {
        time = Timestamp::from_nanos(time.nanos + 1_000);
        writer.ensure_room()?;
        writer.append(time, input)?;
    }
    writer.close()?;
    let (mut reader, mut records) = (Reader::open(dir.path())?, Vec::new());
    while let Some(record) = reader.next()? {
        records.push(record);
    }
    Ok((records, opening.len()))
}

fn replay_order(rounds: u32) -> Result<(), Failed> {
    let (records, opening) = recorded(rounds)?;
    let mut replay = Replay::<Core>::new(ShardId::new(0));
    let mut next = records.iter();
    for record in next.by_ref().take(opening) {
        replay.step(record)?;
    }
    warm_and_count(rounds, |_| {
        let record = next.next().ok_or(Failed::Unexpected("no record is left"))?;
        let outcome = replay.step(black_box(record))?;
        if outcome.outbound.is_empty() { Err(Failed::Unexpected("it was denied")) } else { Ok(()) }
    })
}

fn decode(rounds: u32) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let mut writer = journal_in(dir.path())?;
    let time = Timestamp::from_nanos(workload::START_NS);
    for input in orders(rounds, time) {
        writer.append(time, &input)?;
    }
    writer.close()?;
    let mut reader = Reader::open(dir.path())?;
    let mut record = Record::<RecordBody>::default();
    warm_and_count(rounds, |_| {
        let there = reader.read(black_box(&mut record))?;
        there.then_some(()).ok_or(Failed::Unexpected("no record is left"))
    })
}

fn fix_encode(rounds: u32) -> Result<(), Failed> {
    let (_, messages) = with_orders(rounds)?;
    let (mut next, mut draft) = (messages.iter(), Draft::new());
    warm_and_count(rounds, |_| {
        let message = next.next().ok_or(Failed::Unexpected("no message is left"))?;
        if counting::outbound(black_box(message), &mut draft) && draft.msg_type() == "D" {
            Ok(())
        } else {
            Err(Failed::Unexpected("nothing was translated"))
        }
    })
}

const REPORT: &str = "8=FIX.4.4|9=218|35=8|34=1234|49=BROKER|52=20251120-09:02:03.456|56=GANNET|37=B-20251120-77|\
    11=G1-0-123456|17=E-20251120-000077|150=F|39=1|1=ALPHA|55=MSFT|54=1|38=1000|44=48.51|32=100|31=48.5|14=300|\
    151=700|6=48.4975|60=20251120-09:02:03.455|75=20251120|64=20251124|10=123|";

fn fix_parse(rounds: u32) -> Result<(), Failed> {
    let raw = REPORT.replace('|', "\u{1}").into_bytes();
    warm_and_count(rounds, |_| match black_box(counting::inbound(workload::SESSION, black_box(&raw))) {
        Some(Input::ExecutionReport(_)) => Ok(()),
        _ => Err(Failed::Unexpected("it was not understood")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_unknown_ones_are_refused() {
        let mut names: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), STAGES.len());
        assert_eq!(run("no.such", "1"), ExitCode::from(2));
        assert_eq!(run("risk.approve", "many"), ExitCode::from(2));
    }
}
