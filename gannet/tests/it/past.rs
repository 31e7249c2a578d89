//! Questions about the past of a shard that still runs: state, diff, why; then a repair of what it left.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command as Program, Output, Stdio};

use actors::Core;
use machine::Journalled;
use model::{
    Actor, Amount, CancelOrder, Certainty, ClOrdId, Command, Delivery, DeliveryEvidence, DenyReason, Event,
    ExecutionReport, Input, LimitKind, Name, NewOrder, OrdStatus, OrderId, PendingKind, Position,
    ReplaceOrder, Scope, SessionChange, SessionState, ShardId, Timestamp, WireId,
};
use node::past::diff::diff;
use node::past::state::{PastState, state};
use node::past::why::{Asked, Why, why};
use node::past::{At, Past, PastError};

use crate::common::{ACCOUNT, AIG, Rig, SESSION, buy, config, fill};

/// What happened, and where.
struct Day {
    dir: tempfile::TempDir,
    rig: Rig,
    limited: Position,
    accepted: Position,
    denied: Position,
    raised: Position,
    canceled: Position,
    order: OrderId,
    request: WireId,
}

fn limit(value: Option<u32>) -> Command {
    let value = value.map(Into::into);
    Command::SetLimit {
        actor: Actor::Account(ACCOUNT),
        kind: LimitKind::MaxOrderQuantity,
        currency: None,
        value,
    }
}

fn large(cl_ord_id: &str) -> Command {
    Command::NewOrder(NewOrder { quantity: 1000u32.into(), ..buy(cl_ord_id) })
}

fn until_order(rig: &Rig, order: OrderId, holds: fn(&actors::Order) -> bool) {
    rig.until(move |core| core.order(order).is_some_and(|order| holds(&order)));
}

/// An order that is partly filled, asked to be cancelled, and left in doubt by a session that goes down; one that
/// is denied by a limit and accepted once that is raised.
fn record() -> Day {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::ready(&config(dir.path()));
    let limited = rig.call(limit(Some(100))).position;
    let answer = rig.call(Command::NewOrder(buy("a")));
    let Event::OrderAccepted { order, .. } = answer.event else { panic!("{answer:?}") };
    rig.outbound();
    rig.port.post(fill(order, "e-1", 4, 4, 3)).unwrap();
    until_order(&rig, order, |order| order.status == OrdStatus::PartiallyFilled);
    let denied = rig.call(large("b"));
    assert!(matches!(denied.event, Event::Denied { .. }), "{denied:?}");
    let raised = rig.call(limit(Some(5000))).position;
    assert!(matches!(rig.call(large("b")).event, Event::OrderAccepted { .. }));
    rig.outbound();
    let cancel = CancelOrder { account: ACCOUNT, order: None, cl_ord_id: ClOrdId::new("a").unwrap() };
    let canceled = rig.call(Command::CancelOrder(cancel));
    let Event::RequestAccepted { request, .. } = canceled.event else { panic!("{canceled:?}") };
    rig.outbound();
    rig.call(Command::Halt(Scope::Instrument(AIG)));
    let down = SessionChange { session: SESSION, state: SessionState::Down, unresolved: 0 };
    rig.port.post(Input::Session(down)).unwrap();
    until_order(&rig, order, |order| order.certainty == Certainty::InDoubt);
    let up = SessionChange { state: SessionState::Up, ..down };
    rig.port.post(Input::Session(up)).unwrap();
    let evidence = DeliveryEvidence { session: SESSION, request, delivery: Delivery::NeverSent };
    rig.port.post(Input::Evidence(evidence)).unwrap();
    until_order(&rig, order, |order| order.certainty == Certainty::Certain);
    let (accepted, denied, canceled) = (answer.position, denied.position, canceled.position);
    Day { dir, rig, limited, accepted, denied, raised, canceled, order, request }
}

fn state_at(folder: &Path, at: At) -> PastState {
    state(&Past::read(folder, at).unwrap(), None).unwrap()
}

#[test]
fn the_state_is_that_of_the_instant() {
    let day = record();
    let folder = day.dir.path();
    let at = |position| state_at(folder, At::Position(position));
    let before = at(day.limited);
    assert!(before.positions.is_empty() && before.open_orders.is_empty() && before.halts.is_empty());
    let limit = |state: &PastState| {
        let found = state.limits.iter().find(|row| row.limit == "max_order_quantity");
        found.map(|row| row.value.to_string())
    };
    assert_eq!(limit(&before).as_deref(), Some("100"));
    let accepted = at(day.accepted);
    assert_eq!(accepted.open_orders.len(), 1);
    assert_eq!(accepted.open_orders[0].status, OrdStatus::PendingNew);
    assert_eq!(accepted.cash[0].reserved.to_string(), "485.10");
    let raised = at(day.raised);
    assert_eq!(limit(&raised).as_deref(), Some("5000"));
    assert_eq!((raised.positions.len(), raised.positions[0].quantity), (1, 4u32.into()));
    // The same by number and by time; and the very end, while the shard goes on.
    assert_eq!(state_at(folder, At::Seq(day.raised.seq)), raised);
    assert_eq!(state_at(folder, raised.shards[0].time.parse().unwrap()).positions, raised.positions);
    let end = state_at(folder, "2200-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(end.halts.len(), 1);
    assert_eq!(end.sessions[0].state, SessionState::Up);
    let nothing = state_at(folder, At::Seq(0));
    assert_eq!((nothing.cash.len(), nothing.limits.len()), (0, 0));
    day.rig.shard.stop().unwrap();
    let closed = state_at(folder, At::Position(day.raised));
    assert_eq!(closed, raised);
}

#[test]
fn an_instant_that_is_not_there_is_refused() {
    let day = record();
    let read = |at: &str| Past::read(day.dir.path(), at.parse().unwrap()).err();
    assert!(matches!(read("100000"), Some(PastError::NotThere { .. })));
    assert!(matches!(read("1:1"), Some(PastError::NoShard(shard)) if shard == ShardId::new(1)));
    let mut past = Past::read(day.dir.path(), At::Seq(5)).unwrap();
    assert!(matches!(past.go_to(At::Seq(4)), Err(PastError::Backwards(_))));
    assert!(matches!(past.go_to(At::Time(model::Timestamp::from_nanos(0))), Err(PastError::Backwards(_))));
    let stranger = state(&past, Some(Name::new("NOBODY").unwrap()));
    assert!(matches!(stranger, Err(PastError::UnknownAccount(_))));
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(Past::open(empty.path()), Err(PastError::Journals(_))));
}

#[test]
fn snapshots_make_answers_quicker_and_never_other_ones() {
    let day = record();
    let (dir, folder) = (day.dir.path().join("shard-0"), day.dir.path());
    let last = day.rig.shard.stop().unwrap().position.seq;
    let asked =
        [Asked::Id(day.order), Asked::Id(day.request), Asked::ClOrdId(ClOrdId::new("b").unwrap(), None)];
    let answers = || {
        let states: Vec<PastState> = (0..=last).map(|seq| state_at(folder, At::Seq(seq))).collect();
        let by_time: Vec<PastState> = states
            .iter()
            .skip(1)
            .map(|state| state_at(folder, state.shards[0].time.parse().unwrap()))
            .collect();
        let diffs: Vec<_> = (0..=last)
            .map(|seq| diff(&mut Past::open(folder).unwrap(), At::Seq(seq / 2), At::Seq(seq)).unwrap())
            .collect();
        let whys: Vec<_> = asked.iter().map(|asked| why(folder, asked).unwrap().json()).collect();
        (states, by_time, diffs, whys)
    };
    let from_the_start = answers();
    for seq in [2, 5, 9, last - 3, last] {
        let there = engine::replay_until::<Core>(&dir, |record| record.position.seq <= seq).unwrap();
        engine::take_snapshot(&dir, &engine::Replay::resume(there), 100).unwrap();
    }
    let used = |at| Past::read(folder, at).unwrap().shards().next().unwrap().1.snapshot();
    assert_eq!((used(At::Seq(1)), used(At::Seq(8)), used(At::Seq(last))), (None, Some(5), Some(last)));
    assert!(answers() == from_the_start);
}

#[test]
fn a_record_of_one_shard_is_a_time_for_the_others() {
    let folder = tempfile::tempdir().unwrap();
    crate::common::ticked(folder.path(), [&[10, 20, 30], &[15, 25]]);
    let reached = |at: At| {
        let state = state_at(folder.path(), at);
        state.shards.iter().map(|shard| shard.position.seq).collect::<Vec<_>>()
    };
    let behind = |shard, seq| At::Position(Position::new(ShardId::new(shard), seq));
    assert_eq!(reached(behind(0, 2)), [2, 1]);
    assert_eq!(reached(behind(1, 2)), [2, 2]);
    assert_eq!(reached(behind(0, 0)), [0, 0]);
    assert_eq!(reached(At::Time(Timestamp::from_nanos(25))), [2, 2]);
    assert_eq!(reached(At::Time(Timestamp::from_nanos(9))), [0, 0]);
    assert_eq!(reached("2200-01-01T00:00:00Z".parse().unwrap()), [3, 2]);
    let which = Past::read(folder.path(), At::Seq(2));
    assert!(matches!(which, Err(PastError::WhichShard { shards: 2, seq: 2 })));
    assert!(refuses(folder.path(), &["journal", "repair", "--to", "1"]).contains("--shard"));
    assert_eq!(says(folder.path(), &["journal", "head"]).lines().count(), 2);
}

#[test]
fn a_diff_tells_what_changed_and_nothing_else() {
    let day = record();
    let between = |first: Position, second: Position| {
        let mut past = Past::open(day.dir.path()).unwrap();
        diff(&mut past, At::Position(first), At::Position(second)).unwrap()
    };
    let same = between(day.accepted, day.accepted);
    assert!(same.orders.is_empty() && same.positions.is_empty() && same.cash.is_empty());
    let diff = between(day.accepted, day.raised);
    assert_eq!(diff.orders.len(), 1);
    let (before, after) = (diff.orders[0].before.as_ref().unwrap(), diff.orders[0].after.as_ref().unwrap());
    assert_eq!(
        (before.order, before.status, after.status),
        (day.order, OrdStatus::PendingNew, OrdStatus::PartiallyFilled)
    );
    assert_eq!(diff.statuses.len(), 2);
    assert!(diff.positions[0].before.is_none());
    assert_eq!(diff.positions[0].after.as_ref().unwrap().quantity, 4u32.into());
    assert_eq!((diff.cash.len(), diff.limits.len()), (1, 1));
    assert_eq!(diff.limits[0].after.as_ref().unwrap().value, 5000u32.into());
    assert!(diff.sessions.is_empty() && diff.halts.is_empty());
}

fn why_of(day: &Day, asked: &Asked) -> Why {
    why(day.dir.path(), asked).unwrap()
}

#[test]
fn why_tells_an_orders_whole_story() {
    let day = record();
    let told = why_of(&day, &Asked::Id(day.order));
    let kinds: Vec<&str> =
        told.entries.iter().filter_map(|entry| Input::kind_name(entry.record.kind)).collect();
    let expected = ["new_order", "execution_report", "cancel_order", "session", "session", "evidence"];
    assert_eq!(kinds, expected);
    let submitted = &told.entries[0];
    assert_eq!(submitted.record.position, day.accepted);
    let facts = submitted.facts.as_ref().unwrap();
    assert_eq!(facts.limits.max_order_quantity, Some(100u32.into()));
    assert_eq!((facts.position, facts.session), (0u32.into(), SessionState::Ready));
    assert_eq!(facts.available_cash, 1_000_000_000u32.into());
    assert!(!facts.halted.is_any());
    let Some(Input::Command { stamped, .. }) = submitted.input() else { panic!() };
    assert_eq!((facts.quote, facts.now), (stamped.quote, submitted.record.time));
    let Some(Input::Command { origin, stamped, .. }) = submitted.input() else { panic!() };
    assert_eq!((origin.uid, origin.door), (1000, model::Door::InProcess));
    assert_eq!(stamped.quote.map(|quote| quote.bid), Some("48.50".parse().unwrap()));
    let standings: Vec<_> = told.entries.iter().map(|entry| entry.standing.unwrap()).collect();
    assert_eq!(standings[1].cum_quantity, 4u32.into());
    let doubts: Vec<bool> = standings.iter().map(|standing| standing.in_doubt).collect();
    assert_eq!(doubts, [false, false, false, true, true, false]);
    // A cancel that never left goes out after all.
    assert_eq!((standings[5].pending, told.entries[5].sent.len()), (Some(PendingKind::Cancel), 1));
    let text = told.lines().join("\n");
    for part in [
        &format!("Order {}, a of G-1", day.order),
        "submit buy 10 AIG limit at 48.51 day, by uid 1000",
        "quote: bid 48.50 (100), offer 48.52 (100)",
        "limits: max_order_quantity 100,",
        "→ booked 4 at 48.50",
        "session BROKER is down",
        "in doubt",
        &format!("evidence on {}: NeverSent", day.request),
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let json = told.json();
    assert_eq!(json["records"].as_array().unwrap().len(), 6);
    assert_eq!((&json["account"], &json["records"][0]["facts"]["position"]), (&"G-1".into(), &"0".into()));
}

#[test]
fn every_name_of_an_order_leads_to_it() {
    let day = record();
    let a = ClOrdId::new("a").unwrap();
    let g1 = Name::new("G-1").unwrap();
    for asked in [Asked::Id(day.request), Asked::ClOrdId(a, None), Asked::ClOrdId(a, Some(g1))] {
        let told = why_of(&day, &asked);
        assert_eq!((told.order, told.entries.len()), (Some(day.order), 6), "{asked:?}");
    }
    let elsewhere = WireId { incarnation: 9, ..day.order };
    let beyond = WireId { seq: 100_000, ..day.order };
    let no_command = WireId { seq: 1, ..day.order };
    for asked in [
        Asked::ClOrdId(ClOrdId::new("c").unwrap(), None),
        Asked::ClOrdId(a, Some(Name::new("G-2").unwrap())),
        Asked::Id(elsewhere),
        Asked::Id(beyond),
        Asked::Id(no_command),
    ] {
        assert!(matches!(why(day.dir.path(), &asked), Err(PastError::UnknownOrder(_))), "{asked:?}");
    }
}

/// The limit that denied it is long gone; the answer still shows it.
#[test]
fn why_shows_the_limits_of_the_instant_of_a_denial() {
    let day = record();
    let told = why_of(&day, &Asked::ClOrdId(ClOrdId::new("b").unwrap(), None));
    let (first, second) = (&told.entries[0], &told.entries[1]);
    assert_eq!((first.record.position, first.standing), (day.denied, None));
    assert!(
        matches!(first.events[0], Event::Denied { denial, .. } if denial.reason == DenyReason::OrderQuantity)
    );
    let allowed = |entry: &node::past::why::Entry| entry.facts.as_ref().unwrap().limits.max_order_quantity;
    assert_eq!((allowed(first), allowed(second)), (Some(100u32.into()), Some(5000u32.into())));
    assert!(second.standing.is_some() && told.order.is_some());
    assert!(told.lines().join("\n").contains("denied: 402 quantity"));
    // Another order's records are not in it.
    assert!(told.entries.iter().all(|entry| entry.record.position != day.canceled));
    assert!(
        !told
            .entries
            .iter()
            .any(|entry| matches!(entry.input(), Some(Input::ExecutionReport(ExecutionReport { .. }))))
    );
}

#[test]
fn a_replace_is_judged_without_what_the_order_holds_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::ready(&config(dir.path()));
    let answer = rig.call(Command::NewOrder(buy("a")));
    let Event::OrderAccepted { order, .. } = answer.event else { panic!("{answer:?}") };
    rig.outbound();
    rig.port.post(fill(order, "e-1", 4, 4, 3)).unwrap();
    until_order(&rig, order, |order| order.status == OrdStatus::PartiallyFilled);
    assert!(matches!(rig.call(large("b")).event, Event::OrderAccepted { .. }));
    let replace = ReplaceOrder {
        account: ACCOUNT,
        order: Some(order),
        cl_ord_id: ClOrdId::EMPTY,
        quantity: 20u32.into(),
        limit_price: Some("48.50".parse().unwrap()),
    };
    let answer = rig.call(Command::ReplaceOrder(replace));
    let Event::RequestAccepted { request, .. } = answer.event else { panic!("{answer:?}") };
    let told = why(dir.path(), &Asked::Id(request)).unwrap();
    let entry = told.entries.last().unwrap();
    assert_eq!((told.order, entry.record.position), (Some(order), answer.position));
    let facts = entry.facts.as_ref().unwrap();
    // Of 1,006 units that are open and their cash, 6 are the order's own.
    assert_eq!((facts.position, facts.open_buy), (4u32.into(), 1000u32.into()));
    let free = 1_000_000_000i64 * 100 - 4 * 4850 - 1000 * 4851;
    assert_eq!(facts.available_cash, Amount::new(model::Decimal::new(free, 2)));
    assert_eq!(facts.gross_exposure, Amount::new(model::Decimal::new(4 * 4850 + 1000 * 4851, 2)));
    assert_eq!(entry.standing.unwrap().pending, Some(PendingKind::Replace));
    assert!(told.lines().join("\n").contains("replace by 20 at 48.50, by uid 1000"));
}

fn gannet(folder: &Path, words: &[&str]) -> Output {
    let mut program = Program::new(env!("CARGO_BIN_EXE_gannet"));
    program.args(words).args(["--journal", "."]).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

/// What it prints; it must succeed.
fn says(folder: &Path, words: &[&str]) -> String {
    let output = gannet(folder, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Why it refuses; it must, without an answer.
fn refuses(folder: &Path, words: &[&str]) -> String {
    let output = gannet(folder, words);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{words:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_program_answers_beside_a_running_shard() {
    let day = record();
    let folder = day.dir.path();
    let at = day.raised.to_string();
    let state = says(folder, &["state", "--at", &at, "--account", "G-1"]);
    assert!(state.starts_with("State\nBEHIND RECORD  OF"), "{state}");
    assert!(state.contains("G-1      AIG            4"), "{state}");
    assert!(refuses(folder, &["state", "--at", "999999"]).contains("there is no record 0:999999"));
    let diff = says(folder, &["diff", &day.accepted.to_string(), &at]);
    assert!(diff.contains("pending_new → partially_filled") && diff.contains("100 → 5,000"), "{diff}");
    assert!(refuses(folder, &["diff", "9", "8"]).contains("the earlier comes first"));
    let why = says(folder, &["why", &day.request.to_string()]);
    assert!(why.starts_with(&format!("Order {}, a of G-1\n", day.order)), "{why}");
    assert!(refuses(folder, &["why", "c"]).contains("no order c in these journals"));
    let repair = refuses(folder, &["journal", "repair", "--to", "8", "--yes"]);
    assert!(repair.contains("open for writing elsewhere"), "{repair}");
    for words in
        [&["state", "--at", &at, "--json"][..], &["diff", "1", &at, "--json"], &["why", "b", "--json"]]
    {
        let _: serde_json::Value = serde_json::from_str(&says(folder, words)).unwrap();
    }
}

#[test]
fn a_head_proves_the_past_and_a_repair_cuts_it_on_purpose() {
    let day = record();
    let folder = day.dir.path();
    let early = says(folder, &["journal", "head"]);
    day.rig.shard.stop().unwrap();
    let head = says(folder, &["journal", "head"]);
    let json: serde_json::Value =
        serde_json::from_str(&says(folder, &["journal", "head", "--json"])).unwrap();
    assert_eq!(json[0]["head"], head.trim());
    for head in [&early, &head] {
        let verified = says(folder, &["journal", "verify", "--head", head.trim()]);
        assert!(verified.contains("are those the head was taken of"), "{verified}");
    }
    let forged = head.trim().replace(head.trim().rsplit(':').next().unwrap(), &"0".repeat(64));
    assert!(!refuses(folder, &["journal", "verify", "--head", &forged]).is_empty());
    let elsewhere = head.trim().replacen("0=", "7=", 1);
    assert!(refuses(folder, &["journal", "verify", "--head", &elsewhere]).contains("shard 7"));

    let last = json[0]["seq"].to_string();
    assert!(refuses(folder, &["journal", "repair", "--to", &last, "--yes"]).contains("nothing was done"));
    // A flipped byte in the record behind `raised`.
    let mut reader = journal::Reader::open(folder.join("shard-0")).unwrap();
    let lens = (1..=day.raised.seq)
        .map(|_| u64::from(reader.next::<model::RecordBody>().unwrap().unwrap().len_bytes));
    let damaged = 4096 + lens.sum::<u64>() + 50;
    let segment = folder.join("shard-0/00000001.segment");
    let file = std::fs::File::options().write(true).read(true).open(&segment).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, damaged).unwrap();
    file.write_all_at(&[byte[0] ^ 1], damaged).unwrap();
    assert!(refuses(folder, &["journal", "verify"]).contains("00000001.segment"));
    // What is before the damage is still answered.
    assert!(says(folder, &["state", "--at", &day.raised.to_string()]).contains("AIG"));
    let to = day.raised.seq.to_string();
    let asked = refuses(folder, &["journal", "repair", "--to", &to]);
    assert!(asked.contains("what is damaged or missing") && asked.contains("--yes"), "{asked}");
    assert!(!refuses(folder, &["journal", "repair", "--to", &last, "--yes"]).is_empty());
    let repaired = says(folder, &["journal", "repair", "--to", &to, "--yes"]);
    assert!(repaired.contains(&format!("now ends with record {to}.")), "{repaired}");
    assert!(
        folder.join("shard-0/repair-1/repair.txt").is_file() && repaired.contains("repair-1"),
        "{repaired}"
    );
    assert!(says(folder, &["journal", "verify"]).starts_with("Journals are whole"));
    assert!(refuses(folder, &["journal", "verify", "--head", head.trim()]).contains(&last));
    assert!(says(folder, &["why", "a"]).contains("partially_filled: 4 of 10 filled"));
}
