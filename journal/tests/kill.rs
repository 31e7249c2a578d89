//! SIGKILL at random instants: what was announced as durable is there afterwards, and the journal opens by itself.
//!
//! A process of its own: it starts itself again as the child that appends, and kills it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]
#![allow(clippy::indexing_slicing, reason = "a test may fail")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Word, check_inputs, input, open, read_all, time};
use journal::{Durability, Follower};

const DIR: &str = "GANNET_TEST_JOURNAL_DIR";
const DISK: &str = "GANNET_TEST_JOURNAL_DISK";

/// Not a test by itself: appends and announces until it is killed.
#[test]
fn child() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let durability = if std::env::var(DISK).is_ok() { Durability::Disk } else { Durability::Process };
    let mut writer = open(Path::new(&dir), durability).writer;
    let mut announced = std::io::stdout().lock();
    loop {
        for _ in 0..20 {
            let seq = writer.next_seq();
            writer.ensure_room().unwrap();
            writer.append(time(seq), &input(seq)).unwrap();
        }
        if writeln!(announced, "durable {}", writer.durable_seq()).and_then(|()| announced.flush()).is_err() {
            return;
        }
    }
}

fn start(dir: &Path, durability: Durability) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]).env(DIR, dir);
    if durability == Durability::Disk {
        command.env(DISK, "1");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap()
}

/// Lets the child go on until it announced more than `beyond`, then `more` announcements, and kills it. Returns the
/// last position it announced, also those still in the pipe.
fn kill_after(mut child: Child, beyond: u64, more: usize) -> u64 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut durable =
        lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("durable ")?.parse::<u64>().ok());
    let mut last = durable.by_ref().find(|seq| *seq > beyond).expect("the child announces");
    last = durable.by_ref().take(more).last().unwrap_or(last);
    child.kill().unwrap();
    last = durable.last().unwrap_or(last);
    child.wait().unwrap();
    last
}

/// A fixed sequence of differing numbers (a linear congruence, Knuth's MMIX constants).
fn numbers(seed: u64) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(seed), |n| {
        Some(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
    })
    .map(|n| usize::try_from(n >> 56).unwrap())
}

fn survives_kills(durability: Durability, kills: usize) {
    let dir = tempfile::tempdir().unwrap();
    let mut announced = 0;
    for (kill, more) in numbers(2).take(kills).enumerate() {
        let last = kill_after(start(dir.path(), durability), announced, more);
        // What a follower sees after the kill is what opening finds, or less under disk durability.
        let mut seen = announced;
        let mut follower = Follower::open(dir.path(), announced + 1).unwrap();
        while let Some(record) = follower.poll::<Word>().unwrap() {
            seen = record.position.seq;
        }
        let opened = open(dir.path(), durability);
        let found = opened.recovery.last_seq;
        assert!(
            last <= seen && seen <= found,
            "kill {kill}: announced {last}, followed {seen}, found {found}"
        );
        assert_eq!(opened.recovery.incarnation.count, 2 * u32::try_from(kill).unwrap() + 2);
        opened.writer.close().unwrap();
        announced = found;
    }
    check_inputs(&read_all(dir.path()).unwrap(), announced);
    journal::verify::<Word>(dir.path()).unwrap();
}

#[test]
fn nothing_announced_is_lost_under_process_durability() {
    survives_kills(Durability::Process, 12);
}

#[test]
fn nothing_announced_is_lost_under_disk_durability() {
    survives_kills(Durability::Disk, 8);
}

#[test]
fn a_child_killed_while_it_opens_leaves_a_journal_that_opens() {
    let dir = tempfile::tempdir().unwrap();
    for delay_us in (0..6000).step_by(400) {
        let mut child = start(dir.path(), Durability::Process);
        // Not to wait for something: to hit another instant each time.
        std::thread::sleep(Duration::from_micros(delay_us));
        child.kill().unwrap();
        child.wait().unwrap();
        open(dir.path(), Durability::Process).writer.close().unwrap();
    }
    let records = read_all(dir.path()).unwrap();
    check_inputs(&records, records.len() as u64);
}
