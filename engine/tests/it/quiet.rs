//! What a shard with little to do records.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::common::{ACCOUNT, PATIENCE, Turned, config, definitions};
use actors::Core;
use engine::Shard;
use journal::Reader;
use model::{Actor, Command, LimitKind, RecordBody};

const SECOND_NS: i64 = 1_000_000_000;

/// Inputs and digests in the journal.
fn recorded(dir: &std::path::Path) -> (usize, usize) {
    let mut reader = Reader::open(dir.join("shard-0")).unwrap();
    let (mut inputs, mut digests) = (0, 0);
    while let Some(record) = reader.next().unwrap() {
        match record.body {
            RecordBody::Input(_) => inputs += 1,
            RecordBody::Digest(_) => digests += 1,
        }
    }
    (inputs, digests)
}

#[test]
fn what_came_of_an_input_is_proven_a_second_later_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Turned::new();
    let shard = Shard::<Core>::start(&config(dir.path()), clock.clone()).unwrap();
    let mut client = shard.client(1, 16).unwrap();
    for command in definitions() {
        client.call(command, PATIENCE).unwrap();
    }
    let until_digests = |wanted: usize| {
        let deadline = Instant::now() + PATIENCE;
        while recorded(dir.path()).1 < wanted {
            assert!(Instant::now() < deadline, "no digest");
        }
    };
    clock.0.fetch_add(SECOND_NS, Ordering::Relaxed);
    until_digests(1);
    // An idle hour proves nothing more; the next input is proven in its turn.
    let (inputs, digests) = recorded(dir.path());
    for _ in 0..3600 {
        clock.0.fetch_add(SECOND_NS, Ordering::Relaxed);
    }
    let (actor, kind) = (Actor::Account(ACCOUNT), LimitKind::MaxOrderQuantity);
    client
        .call(Command::SetLimit { actor, kind, currency: None, value: Some(5u32.into()) }, PATIENCE)
        .unwrap();
    clock.0.fetch_add(SECOND_NS, Ordering::Relaxed);
    until_digests(digests + 1);
    assert_eq!(recorded(dir.path()), (inputs + 1, digests + 1));
    drop(client);
    shard.stop().unwrap();
}
