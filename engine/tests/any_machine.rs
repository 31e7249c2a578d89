//! The engine hosts a machine that knows nothing of trading: started, killed, restarted, followed, snapshotted, replayed,
//! backed up, and led across a change of its logic.
//!
//! A process of its own: it starts itself again as the child that counts, and kills it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

#[path = "../../machine/tests/common/counter.rs"]
mod counter;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use counter::{Counter, Told, UNLUCKY, Word};
use engine::{
    Client, EngineError, Idle, Shard, ShardConfig, SnapshotPolicy, SystemClock, copy_snapshots, newest_where,
    recover, replay, replay_until, state_hash,
};
use journal::{Damage, JournalError, Options, Until, copy_in, copy_out};
use machine::{Machine, Position, ShardId};

const DIR: &str = "GANNET_TEST_COUNTER_DIR";
const PATIENCE: Duration = Duration::from_mins(1);
const SHARD: ShardId = ShardId::new(0);

fn config(dir: &Path) -> ShardConfig {
    let journal = Options { segment_bytes: Options::MIN_SEGMENT_BYTES, ..Options::new(dir, SHARD) };
    let snapshots = SnapshotPolicy { every_records: 100, keep: 2 };
    ShardConfig { idle: Idle::Yield, ring: 64, snapshots, ..ShardConfig::new(journal) }
}

fn start(dir: &Path) -> (Shard<Counter>, Client<Counter>) {
    let shard = Shard::start(&config(dir), SystemClock).unwrap();
    let client = shard.client(1, 16).unwrap();
    (shard, client)
}

fn say(client: &mut Client<Counter>, word: Word) -> (Position, Told) {
    let answer = client.call(word, PATIENCE).unwrap();
    (answer.position, answer.event)
}

fn add(client: &mut Client<Counter>, times: u64) -> Position {
    (0..times).map(|_| say(client, Word::Add(1)).0).last().unwrap()
}

/// Replayed from the first record and from the newest snapshot it is the same state, and it agrees with itself.
fn proven(dir: &Path) -> Counter {
    let (whole, quick) = (replay::<Counter>(dir).unwrap(), recover::<Counter>(dir).unwrap());
    assert_eq!((whole.digest, state_hash(&whole.core)), (quick.digest, state_hash(&quick.core)));
    assert_eq!(whole.core.verify(), Ok(()));
    whole.core
}

/// Not a test by itself: counts and announces what was answered, until it is killed.
#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let (_shard, mut client) = start(Path::new(&dir));
    let mut announced = std::io::stdout().lock();
    loop {
        let (_, told) = say(&mut client, Word::Add(1));
        let Told::Counted(count) = told else { panic!("{told:?}") };
        if writeln!(announced, "counted {count}").and_then(|()| announced.flush()).is_err() {
            return;
        }
    }
}

#[test]
fn what_was_answered_outlives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    for kill in 1..=4 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture", "--test-threads=1"])
            .env(DIR, dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut counts =
            lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("counted ")?.parse::<u64>().ok());
        let announced = counts.by_ref().take(40).last().expect("the child counts");
        child.kill().unwrap();
        let announced = counts.last().unwrap_or(announced);
        child.wait().unwrap();
        let count = proven(dir.path()).count;
        assert!((announced..=announced + 1).contains(&count) && count >= kill * 40, "{announced}, {count}");
    }
    let before = proven(dir.path()).count;
    let (shard, mut client) = start(dir.path());
    assert_eq!(say(&mut client, Word::Add(2)).1, Told::Counted(before + 2));
    drop(client);
    let stopped = shard.stop().unwrap();
    assert_eq!(replay::<Counter>(dir.path()).unwrap().digest, stopped.digest);
}

#[test]
fn the_read_side_answers_at_a_position_and_the_past_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let (shard, mut client) = start(dir.path());
    let tenth = add(&mut client, 10);
    let last = add(&mut client, 500);
    let replica = shard.replica();
    assert_eq!(replica.read(last, |counter| counter.count), Ok(510));
    assert_eq!((say(&mut client, Word::Add(1_000)).1, replica.divergence()), (Told::Full(510), None));
    drop(client);
    shard.stop().unwrap();
    assert_eq!(proven(dir.path()).count, 510);
    let then = replay_until::<Counter>(dir.path(), |record| record.position.seq <= tenth.seq).unwrap();
    assert_eq!((then.core.count, then.position), (10, tenth));
    let snapshot = newest_where::<Counter>(dir.path(), SHARD, |_, _| true).expect("a snapshot was taken");
    assert!(snapshot.position.seq > tenth.seq && snapshot.core.count > 10);
}

#[test]
fn a_deadline_comes_as_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let (shard, mut client) = start(dir.path());
    add(&mut client, 7);
    let (asked, _) = say(&mut client, Word::EmptyIn(1_000_000));
    let deadline = Instant::now() + PATIENCE;
    while shard.replica().read(asked, |counter| counter.count) != Ok(0) {
        assert!(Instant::now() < deadline, "the deadline passed and nothing happened");
        std::thread::yield_now();
    }
    drop(client);
    shard.stop().unwrap();
    assert_eq!(proven(dir.path()).count, 0);
}

#[test]
fn an_input_that_breaks_an_invariant_has_no_effect_and_the_others_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (shard, mut client) = start(dir.path());
    add(&mut client, 5);
    assert_eq!(say(&mut client, Word::Add(UNLUCKY)).1, Told::HadNoEffect);
    let (position, told) = say(&mut client, Word::Add(1));
    assert_eq!(told, Told::Counted(6));
    assert_eq!(shard.replica().read(position, |counter| counter.count), Ok(6));
    assert_eq!(shard.replica().divergence(), None);
    drop(client);
    shard.stop().unwrap();
    assert_eq!(proven(dir.path()).count, 6);
}

#[test]
fn a_backup_starts_elsewhere() {
    let (dir, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let restored = copy.path().join("restored");
    let (shard, mut client) = start(dir.path());
    let last = add(&mut client, 300);
    let copied = copy_out(dir.path(), copy.path(), &[], Until::END, |_, _| ()).unwrap();
    copy_in(copy.path(), &copied.pieces, restored.as_path(), SHARD, Until::END, copied.incarnation).unwrap();
    copy_snapshots(dir.path(), &restored, last.seq).unwrap();
    add(&mut client, 1);
    drop(client);
    shard.stop().unwrap();
    assert_eq!(proven(&restored).count, 300);
    let (shard, mut client) = start(&restored);
    assert_eq!(say(&mut client, Word::Add(1)).1, Told::Counted(301));
    drop(client);
    shard.stop().unwrap();
}

#[test]
fn another_logic_is_proven_or_led_across_by_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let (shard, mut client) = start(dir.path());
    add(&mut client, 300);
    drop(client);
    shard.stop().unwrap();
    // One that decides everything as before goes on, and the one before cannot follow it.
    Shard::<Counter<2>>::start(&config(dir.path()), SystemClock).unwrap().stop().unwrap();
    let older = Shard::<Counter>::start(&config(dir.path()), SystemClock).map(drop).unwrap_err();
    assert!(matches!(older, EngineError::NewerLogic { recorded: 2, ours: 1 }), "{older}");
    // One that decides otherwise is refused, but from what the one before it concluded.
    let mut config = config(dir.path());
    let refused = Shard::<Counter<3>>::start(&config, SystemClock).map(drop).unwrap_err();
    assert!(matches!(refused, EngineError::DigestMismatch { ours: 3, .. }), "{refused}");
    config.upgrade.from_snapshot = true;
    let shard = Shard::<Counter<3>>::start(&config, SystemClock).unwrap();
    let mut client = shard.client(1, 16).unwrap();
    assert_eq!(client.call(Word::Add(1), PATIENCE).unwrap().event, Told::Counted(302));
    drop(client);
    shard.stop().unwrap();
}

#[test]
fn another_machine_does_not_take_its_journal() {
    let dir = tempfile::tempdir().unwrap();
    let (shard, mut client) = start(dir.path());
    add(&mut client, 1);
    drop(client);
    shard.stop().unwrap();
    let refused = Shard::<actors::Core>::start(&config(dir.path()), SystemClock).map(drop).unwrap_err();
    let is_named = matches!(
        refused,
        EngineError::Journal(JournalError::Corrupt { damage: Damage::Kind(40) | Damage::Payload, .. })
    );
    assert!(is_named, "{refused}");
}
