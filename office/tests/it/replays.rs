//! The same inputs give the same state, from the first record or from any snapshot on.

use machine::{Journalled, Machine, SectionError, Stamp};
use office::config_history::ConfigChangeKind;
use office::{Office, OfficeInput, OfficeOutcome, OfficeReason};

use crate::desk::{
    ANN, BOB, Desk, acknowledge, approve, ask, denied, heard, piece, policy, raise, record, refuse,
};

/// A day with something of everything in it.
pub(crate) fn busy() -> Desk {
    let mut desk = Desk::default();
    desk.input(OfficeInput::opened(machine::Incarnation { count: 1 }, Office::LOGIC_VERSION, None));
    desk.say(ANN, piece(0, b"one"));
    desk.say(ANN, record(b"one", &[(ConfigChangeKind::Applied, "account A")]));
    desk.say(ANN, policy(1_000, 60));
    desk.say(ANN, heard(0, 40, 0, 1, "order 1"));
    desk.say(ANN, raise("diverged", "shard 1"));
    desk.say(BOB, acknowledge(1, "seen"));
    for reference in ["a", "b", "c", "d"] {
        desk.say(ANN, ask(5_000, reference));
    }
    desk.say(BOB, approve(1));
    desk.say(BOB, refuse(2, "no"));
    desk.pass(70);
    desk.say(ANN, piece(0, b"two"));
    desk
}

fn apply(office: &mut Office, inputs: &[(Stamp, OfficeInput)]) {
    let mut out = OfficeOutcome::default();
    for (stamp, input) in inputs {
        out.events.clear();
        office.apply(*stamp, input, &mut out);
    }
}

fn bytes_of(office: &Office) -> Vec<u8> {
    let mut bytes = Vec::new();
    office.encode(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_replay_from_any_snapshot_gives_the_same_bytes() {
    let desk = busy();
    for cut in 0..=desk.journal.len() {
        let (before, behind) = desk.journal.split_at(cut);
        let mut office = Office::default();
        apply(&mut office, before);
        let mut restored = Office::default();
        for section in Office::sections() {
            let mut bytes = Vec::new();
            office.save(section, &mut bytes).unwrap();
            restored.load(section.name, section.version, &bytes).unwrap();
        }
        assert_eq!(restored, office);
        apply(&mut restored, behind);
        assert_eq!(bytes_of(&restored), bytes_of(&desk.office), "a snapshot at {cut}");
    }
}

/// Any input that is left out, or comes twice, is seen: not by chance, but by every single one.
#[test]
fn a_digest_sees_each_input() {
    let desk = busy();
    for missing in 0..desk.journal.len() {
        let mut journal = desk.journal.clone();
        journal.remove(missing);
        let mut office = Office::default();
        apply(&mut office, &journal);
        assert_ne!(office.fingerprint(), desk.office.fingerprint(), "without {:?}", desk.journal[missing].1);
    }
}

#[test]
fn a_section_of_a_later_program_is_refused_and_one_that_is_missing_is_empty() {
    let mut office = Office::default();
    assert!(matches!(office.load("people", 1, &[]), Err(SectionError::Unknown { .. })));
    assert!(matches!(office.load("alerts", 2, &[]), Err(SectionError::Version { found: 2, known: 1, .. })));
    assert!(matches!(office.load("alerts", 1, &[1, 2]), Err(SectionError::Damaged { .. })));
    let names: Vec<&str> = Office::sections().map(|section| section.name).collect();
    assert_eq!(names, ["office", "confighistory", "alerts", "approvals"]);
    assert!(names.iter().all(|name| name.len() <= 16));
}

#[test]
fn a_part_in_which_an_invariant_broke_takes_no_word_until_the_next_opening() {
    let mut desk = busy();
    let at = desk.journal.last().unwrap().0.position;
    let failed = OfficeInput::Asked { origin: ANN, word: raise("a", "b") };
    let broken = desk.office.broken(at, &failed, "invariant 7: what a list leads to");
    assert_eq!(broken.passes_over(), Some(at));
    desk.input(broken);
    assert_eq!(denied(&desk.say(ANN, raise("a", "b"))), OfficeReason::PartSetAside);
    let other = desk.say(ANN, piece(0, b"three"));
    assert_eq!(other, office::OfficeEvent::PieceKept { len_bytes: 5 }, "the other parts go on");
    desk.input(OfficeInput::opened(machine::Incarnation { count: 2 }, Office::LOGIC_VERSION, None));
    desk.say(ANN, raise("a", "b"));
}
