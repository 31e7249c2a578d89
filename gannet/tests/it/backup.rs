//! Backups of shards that trade, and what is made of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may panic")]
#![allow(clippy::result_large_err, reason = "a test fails once")]

use std::path::{Path, PathBuf};
use std::process::{Command as Program, Stdio};
use std::time::Duration;

use actors::Core;
use engine::{Shard, ShardConfig, SystemClock, recover, state_hash};
use model::{Actor, Command, Event, LimitKind, OrderId, Position, ShardId, Timestamp};
use node::backup::{BackupError, Manifest, Source, Taken, archive, restore, take, unarchive};
use node::past::why::{Asked, why};
use node::past::{At, Past};

use crate::common::{ACCOUNT, Rig, buy, config, fill};

/// Shards that live in one folder, as those of a node.
struct World {
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn shard(&self) -> ShardConfig {
        let mut config = config(&self.path("journal"));
        config.snapshots.every_records = 400;
        config
    }

    fn backup(&self) -> Taken {
        take(&Source::Journals(self.path("journal")), &self.path("backup"), &mut |_| {}).unwrap()
    }

    fn restored(&self, to: &str, at: Option<At>) -> Result<[u8; 32], BackupError> {
        let restored = restore(&self.path("backup"), &self.path(to), at, &mut |_| {})?;
        Ok(restored.shards[0].state.as_ref().copied().unwrap())
    }

    /// The state's hash at an instant of the journal itself, which goes on.
    fn hash_at(&self, at: At) -> [u8; 32] {
        let past = Past::read(self.path("journal"), at).unwrap();
        let (_, replay) = past.shards().next().unwrap();
        state_hash(replay.core())
    }
}

/// Trading, and content with the one quote there is for as long as a slow machine takes.
fn ready(config: &ShardConfig) -> Rig {
    let mut rig = Rig::ready(config);
    rig.call(Command::SetLimit {
        actor: Actor::Account(ACCOUNT),
        kind: LimitKind::MaxQuoteAgeMs,
        currency: None,
        value: Some(86_400_000u32.into()),
    });
    rig
}

fn trade(rig: &mut Rig, from: u32, to: u32) -> Vec<OrderId> {
    let mut orders = Vec::new();
    for index in from..to {
        let answer = rig.call(Command::NewOrder(buy(&format!("A{index}"))));
        let Event::OrderAccepted { order, .. } = answer.event else { panic!("{answer:?}") };
        rig.outbound();
        rig.port.post(fill(order, &format!("E{index}"), 10, 10, 2 + u64::from(index))).unwrap();
        orders.push(order);
    }
    orders
}

#[test]
fn a_backup_is_taken_while_it_trades_and_restored_to_any_point() {
    let world = World::new();
    let mut rig = ready(&world.shard());
    let orders = trade(&mut rig, 0, 700);
    let taken = world.backup();
    let entry = taken.manifest.shards[0].clone();
    assert!(entry.last_seq >= orders.last().unwrap().seq && entry.snapshots.len() > 1, "{entry:?}");
    assert_eq!(entry.logic_version, Some(actors::LOGIC_VERSION));
    // It trades on, and dies.
    trade(&mut rig, 700, 900);
    drop(rig);
    let at_backup = world.hash_at(At::Seq(entry.last_seq));
    assert_eq!(world.restored("whole", None).unwrap(), at_backup);
    let middle = orders[350].seq;
    assert_eq!(world.restored("middle", Some(At::Seq(middle))).unwrap(), world.hash_at(At::Seq(middle)));
    let time = Past::read(world.path("journal"), At::Seq(middle)).unwrap();
    let time = At::Time(time.shards().next().unwrap().1.time());
    assert_eq!(world.restored("time", Some(time)).unwrap(), world.hash_at(time));
    world.restored("nothing", Some(At::Seq(0))).unwrap();
    // What was restored is a journal like any other, and issues no id again.
    let mut config = world.shard();
    config.journal.dir = world.path("middle/shard-0");
    let mut rig = Rig::start(&config);
    rig.make_ready();
    let answer = rig.call(Command::NewOrder(buy("after")));
    let Event::OrderAccepted { order, .. } = answer.event else { panic!("{answer:?}") };
    assert!(order.incarnation > 1_700_000_000, "{order}");
    assert!(orders.iter().all(|earlier| earlier.to_string() != order.to_string()));
    drop(rig);
}

#[test]
fn a_second_backup_copies_what_is_new_and_leaves_the_first_until_it_is_whole() {
    let world = World::new();
    let mut rig = ready(&world.shard());
    trade(&mut rig, 0, 800);
    let first = world.backup();
    trade(&mut rig, 800, 830);
    let second = world.backup();
    assert!(
        second.copied_bytes < first.copied_bytes / 2,
        "{} of {}",
        second.copied_bytes,
        first.copied_bytes
    );
    let end = second.manifest.shards[0].last_seq;
    assert!(end > first.manifest.shards[0].last_seq);
    assert_eq!(world.restored("second", None).unwrap(), world.hash_at(At::Seq(end)));
    // Only what the manifest names is kept.
    let files = std::fs::read_dir(world.path("backup/shard-0")).unwrap();
    let files = files.map(Result::unwrap).filter(|entry| entry.path().is_file()).count();
    assert_eq!(files, second.manifest.shards[0].pieces.len());
    drop(rig);
}

#[test]
fn what_is_no_backup_or_of_another_journal_is_refused_and_left_alone() {
    let world = World::new();
    let mut rig = ready(&world.shard());
    trade(&mut rig, 0, 500);
    world.backup();
    let manifest = std::fs::read(Manifest::path(&world.path("backup"))).unwrap();
    let refused = |at: &str| world.restored("x", Some(at.parse().unwrap())).unwrap_err();
    assert!(matches!(refused("999999"), BackupError::Beyond { .. }));
    assert!(matches!(refused("1:1"), BackupError::NoShard(_)));
    assert!(matches!(refused("2200-01-01T00:00:00Z"), BackupError::Beyond { .. }));
    let nowhere = restore(&world.path("nowhere"), &world.path("x"), None, &mut |_| {});
    assert!(matches!(nowhere, Err(BackupError::NoBackup(_))));
    assert!(!world.path("x").exists());
    world.restored("x", None).unwrap();
    let again = world.restored("x", None);
    assert!(matches!(again, Err(BackupError::Occupied(_))), "{again:?}");
    let source = Source::Journals(world.path("journal"));
    let elsewhere = take(&source, &world.path("x"), &mut |_| {}).map(|_| ());
    assert!(matches!(elsewhere, Err(BackupError::NotABackup(_))), "{elsewhere:?}");
    // The restored journal goes its own way: its history is not added to the backup of the first one.
    let other = World::new();
    drop(trade(&mut ready(&other.shard()), 0, 500));
    let source = Source::Journals(other.path("journal"));
    let mixed = take(&source, &world.path("backup"), &mut |_| {}).map(|_| ());
    assert!(matches!(mixed, Err(BackupError::OtherHistory { .. })), "{mixed:?}");
    assert_eq!(std::fs::read(Manifest::path(&world.path("backup"))).unwrap(), manifest);
    for (wrong, says) in [
        ("", "not a manifest"),
        ("{\"format\": 9}", "format 9"),
        ("{\"format\": 1}", "missing field"),
        ("[1]", "not a manifest"),
    ] {
        std::fs::write(Manifest::path(&world.path("backup")), wrong).unwrap();
        let said = world.restored("y", None).unwrap_err().to_string();
        assert!(said.contains(says), "{said}");
    }
    let outside = String::from_utf8(manifest).unwrap().replace("\"config\": []", "\"config\": [\"../x\"]");
    std::fs::write(Manifest::path(&world.path("backup")), outside).unwrap();
    assert!(world.restored("y", None).unwrap_err().to_string().contains("leads out"));
    assert!(!world.path("y").exists());
    drop(rig);
}

#[test]
fn several_shards_are_cut_at_one_instant() {
    let world = World::new();
    crate::common::ticked(&world.path("journal"), [&[10, 20, 30, 40], &[15, 20, 35, 36]]);
    world.backup();
    let last = |to: &str, at: At| {
        let restored = restore(&world.path("backup"), &world.path(to), Some(at), &mut |_| {}).unwrap();
        restored.shards.iter().map(|shard| shard.copied.head.seq).collect::<Vec<_>>()
    };
    assert_eq!(last("a", At::Time(Timestamp::from_nanos(35))), [3, 3]);
    assert_eq!(last("b", At::Position(Position::new(ShardId::new(1), 2))), [2, 2]);
    assert_eq!(last("c", At::Position(Position::new(ShardId::new(1), 1))), [1, 1]);
    assert_eq!(last("d", At::Position(Position::new(ShardId::new(0), 0))), [0, 0]);
    let refused = restore(&world.path("backup"), &world.path("e"), Some(At::Seq(1)), &mut |_| {});
    assert!(matches!(refused, Err(BackupError::WhichShard { .. })));
}

/// Runs the program and kills it after `micros`; true where it had ended by itself.
fn killed_after(words: &[&str], folder: &Path, micros: u64) -> bool {
    let mut program = Program::new(env!("CARGO_BIN_EXE_gannet"));
    program.args(words).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = program.spawn().unwrap();
    std::thread::sleep(Duration::from_micros(micros));
    child.kill().unwrap();
    child.wait().unwrap().success()
}

#[test]
fn killed_at_any_instant_a_backup_is_the_one_before_or_the_new_one() {
    let world = World::new();
    let mut rig = ready(&world.shard());
    trade(&mut rig, 0, 300);
    let mut known = world.backup().manifest;
    let words = ["backup", "--journal", "journal", "backup"];
    let mut ends = [0, 0];
    for round in 0..16u32 {
        trade(&mut rig, 300 + round * 20, 320 + round * 20);
        ends[usize::from(killed_after(&words, world.dir.path(), u64::from(round) * 9_000))] += 1;
        let manifest = Manifest::read(&world.path("backup")).unwrap().unwrap();
        let to = format!("restored-{round}");
        let hash = world.restored(&to, None).unwrap();
        let last = manifest.shards[0].last_seq;
        assert!(last >= known.shards[0].last_seq);
        assert_eq!(hash, world.hash_at(At::Seq(last)), "round {round}");
        std::fs::remove_dir_all(world.path(&to)).unwrap();
        known = manifest;
    }
    eprintln!("{} of 16 backups were cut short", ends[0]);
    // The journal took no harm, and the next backup is whole.
    drop(rig);
    journal::verify::<model::RecordBody>(world.path("journal/shard-0")).unwrap();
    let last = world.backup().manifest.shards[0].last_seq;
    assert_eq!(last, recover::<Core>(world.path("journal/shard-0")).unwrap().position.seq);
}

#[test]
fn killed_at_any_instant_a_restore_leaves_a_whole_journal_or_none() {
    let world = World::new();
    let mut rig = ready(&world.shard());
    trade(&mut rig, 0, 600);
    drop(rig);
    world.backup();
    let whole = recover::<Core>(world.path("journal/shard-0")).unwrap();
    let mut ends = [0, 0];
    for round in 0..14 {
        let to = world.path("restored");
        killed_after(&["restore", "backup", "restored"], world.dir.path(), round * 25_000);
        ends[usize::from(to.exists())] += 1;
        if to.exists() {
            assert_eq!(recover::<Core>(to.join("shard-0")).unwrap().digest, whole.digest, "round {round}");
            std::fs::remove_dir_all(to).unwrap();
        }
    }
    eprintln!("{} of 14 restores were cut short", ends[0]);
    // What was left half done is in nobody's way.
    assert_eq!(world.restored("restored", None).unwrap(), state_hash(&whole.core));
    assert!(!world.path("restored.restoring").exists());
    let mut config = world.shard();
    config.journal.dir = world.path("restored/shard-0");
    Shard::<Core>::start(&config, SystemClock).unwrap().stop().unwrap();
}

#[test]
fn what_was_moved_is_named_where_it_is_missed_and_comes_back() {
    let world = World::new();
    let (journal, attic) = (world.path("journal"), world.path("attic"));
    let mut rig = ready(&world.shard());
    let orders = trade(&mut rig, 0, 50);
    assert_eq!(archive(&journal, &attic, 2).unwrap()[0].snapshot, None, "there is no snapshot yet");
    trade(&mut rig, 50, 1500);
    let (first_order, dir) = (orders[3], journal.join("shard-0"));
    let early = At::Seq(first_order.seq);
    let (state_before, told_before) =
        (world.hash_at(early), why(&journal, &Asked::Id(first_order)).unwrap().json());
    // While it trades.
    let moved = archive(&journal, &attic, 2).unwrap();
    let (first, kept) = (moved[0].first_seq, moved[0].snapshot.unwrap());
    assert!(moved[0].segments > 1 && first > first_order.seq && first <= kept, "{moved:?}");
    assert_eq!(archive(&journal, &attic, 2).unwrap()[0].segments, 0, "a second time there is nothing to do");
    let place = attic.canonicalize().unwrap().display().to_string();
    let says = |error: &dyn std::fmt::Display| {
        let said = error.to_string();
        assert!(said.contains(&format!("records 1 to {} were moved to {place}", first - 1)), "{said}");
    };
    says(&Past::read(&journal, early).unwrap_err());
    says(&why(&journal, &Asked::Id(first_order)).unwrap_err());
    says(&why(&journal, &Asked::Id(model::WireId { seq: 1, ..first_order })).unwrap_err());
    says(&engine::replay::<Core>(&dir).unwrap_err());
    let stat = Program::new(env!("CARGO_BIN_EXE_gannet"))
        .args(["journal", "stat"])
        .current_dir(world.dir.path())
        .output()
        .unwrap();
    says(&String::from_utf8(stat.stdout).unwrap());
    // From the oldest snapshot on everything is answered; the node restarts, and is backed up.
    world.hash_at(At::Seq(kept));
    let late = trade(&mut rig, 1500, 1510);
    why(&journal, &Asked::Id(late[0])).unwrap();
    drop(rig);
    let shard = Shard::<Core>::start(&world.shard(), SystemClock).unwrap();
    assert!(shard.recovered().snapshot.is_some());
    shard.stop().unwrap();
    assert_eq!(world.backup().manifest.shards[0].first_seq, first);
    assert_eq!(
        world.restored("restored", None).unwrap(),
        world.hash_at("2200-01-01T00:00:00Z".parse().unwrap())
    );
    Shard::<Core>::start(
        &ShardConfig {
            journal: journal::Options { dir: world.path("restored/shard-0"), ..world.shard().journal },
            ..world.shard()
        },
        SystemClock,
    )
    .unwrap()
    .stop()
    .unwrap();
    // An archive is looked into without bringing it back.
    let old = restore(&attic, &world.path("old"), Some(early), &mut |_| {}).unwrap();
    assert_eq!(old.shards[0].state.as_ref().unwrap(), &state_before);
    // Without any snapshot a start says what is missing.
    let snapshots = engine::snapshots_dir(&dir);
    std::fs::rename(&snapshots, world.path("away")).unwrap();
    says(&engine::recover::<Core>(&dir).unwrap_err());
    says(&Shard::<Core>::start(&world.shard(), SystemClock).map(|_| ()).unwrap_err());
    std::fs::rename(world.path("away"), &snapshots).unwrap();
    // And back.
    assert_eq!(unarchive(&journal, &attic).unwrap()[0].first_seq, 1);
    assert_eq!(world.hash_at(early), state_before);
    assert_eq!(why(&journal, &Asked::Id(first_order)).unwrap().json()["order"], told_before["order"]);
    engine::replay::<Core>(&dir).unwrap();
    assert_eq!(unarchive(&journal, &attic).unwrap()[0].segments, 0);
}

#[test]
fn killed_at_any_instant_an_archive_leaves_the_journal_whole() {
    let world = World::new();
    let mut rig = ready(&world.shard());
    trade(&mut rig, 0, 400);
    let words = ["journal", "archive", "attic", "--keep-snapshots", "1"];
    let back = ["journal", "unarchive", "attic"];
    let mut moved = 0;
    for round in 0..12u32 {
        let from = 400 + round * 100;
        trade(&mut rig, from, from + 100);
        killed_after(&words, world.dir.path(), u64::from(round) * 8_000);
        let dir = world.path("journal/shard-0");
        journal::verify::<model::RecordBody>(&dir).unwrap();
        recover::<Core>(&dir).unwrap();
        moved += u32::from(journal::archived(&dir).unwrap().is_some());
        if round % 4 == 3 {
            killed_after(&back, world.dir.path(), u64::from(round) * 4_000);
            journal::verify::<model::RecordBody>(&dir).unwrap();
            recover::<Core>(&dir).unwrap();
        }
    }
    eprintln!("after {moved} of 12 rounds something was moved");
    drop(rig);
    let (journal, attic) = (world.path("journal"), world.path("attic"));
    archive(&journal, &attic, 1).unwrap();
    unarchive(&journal, &attic).unwrap();
    let whole = engine::replay::<Core>(journal.join("shard-0")).unwrap();
    assert_eq!(whole.digest, recover::<Core>(journal.join("shard-0")).unwrap().digest);
}
