//! How much each kind of record takes: pinned, since a size that moves is a layout that changed.

use super::common::{input, open, quarantined, read_all, time};
use journal::Durability;
use model::{Input, RecordBody, RecordKind};

/// Bytes of a whole record, by kind; a raw message as long as it is.
const SIZES: [(RecordKind, u32); 31] = [
    (RecordKind::Opened, 48),
    (RecordKind::Tick, 40),
    (RecordKind::Mark, 120),
    (RecordKind::Broken, 152),
    (RecordKind::AsksTaken, 72),
    (RecordKind::OpenedOnBoot, 88),
    (RecordKind::ClockJumped, 64),
    (RecordKind::ClockAnchored, 80),
    (RecordKind::NewOrder, 208),
    (RecordKind::CancelOrder, 128),
    (RecordKind::ReplaceOrder, 232),
    (RecordKind::MoveCash, 136),
    (RecordKind::Halt, 72),
    (RecordKind::Resume, 72),
    (RecordKind::SetLimit, 96),
    (RecordKind::DefineInstrument, 136),
    (RecordKind::DefinePortfolio, 88),
    (RecordKind::DefineAccount, 128),
    (RecordKind::DefineSession, 88),
    (RecordKind::Release, 64),
    (RecordKind::CancelAll, 72),
    (RecordKind::AcceptClock, 72),
    (RecordKind::Remember, 64),
    (RecordKind::DefineStrategy, 88),
    (RecordKind::DefineBroker, 88),
    (RecordKind::ExecutionReport, 368),
    (RecordKind::CancelReject, 168),
    (RecordKind::MessageReject, 144),
    (RecordKind::Quarantined, 104),
    (RecordKind::Session, 48),
    (RecordKind::Evidence, 72),
];

#[test]
fn every_kind_has_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = open(dir.path(), Durability::Process).writer;
    for n in 1..=31 {
        // A raw message without bytes: what the kind itself takes.
        let input = if n == 4 { Input::Quarantined(quarantined(0)) } else { input(n) };
        writer.append(time(n), &input).unwrap();
    }
    writer.append(time(32), &RecordBody::Digest([7; 16])).unwrap();
    writer.close().unwrap();
    let mut sizes: Vec<_> = read_all(dir.path())
        .unwrap()
        .iter()
        .filter_map(|record| Some((RecordKind::from_code(record.kind)?, record.len_bytes)))
        .collect();
    assert_eq!(sizes.pop(), Some((RecordKind::Digest, 56)));
    sizes.sort_unstable();
    assert_eq!(sizes, SIZES);
}
