//! What stands in journals: golden bytes of every word, and bytes that are none.

use machine::{CausedBy, Incarnation, Payload, Position, ShardId};
use office::alerts::{AlertWord, HearFrom};
use office::approvals::{ApprovalWord, MoveResult, RecordMove};
use office::config_history::ConfigChangeKind;
use office::{OfficeBroken, OfficeInput, OfficeWord};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::desk::{ANN, acknowledge, approve, ask, heard, piece, policy, raise, record, refuse};

/// The name in `golden.txt`, and the input.
fn inputs() -> Vec<(&'static str, OfficeInput)> {
    let asked = |word| OfficeInput::Asked { origin: ANN, word };
    let after = CausedBy { position: Position::new(ShardId::new(2), 500), index: 0 };
    let at = Position::new(ShardId::new(1), 77);
    let broken = OfficeBroken { position: at, part: 42, text: "invariant 7: …".to_owned() };
    vec![
        ("opened", OfficeInput::Opened { incarnation: Incarnation { count: 3 }, logic_version: 1 }),
        ("tick", OfficeInput::Tick),
        ("broken", OfficeInput::Broken(broken)),
        ("config.piece", asked(piece(4, b"text"))),
        ("config.record", asked(record(b"text", &[(ConfigChangeKind::Left, "a: 1 → 2")]))),
        ("alert.raise", asked(raise("diverged", "shard 0"))),
        ("alert.raise_heard", asked(heard(0, 40, 1, 2, "order 1"))),
        ("alert.acknowledge", asked(acknowledge(1, "seen"))),
        ("alert.hear", asked(OfficeWord::Alert(AlertWord::Hear(HearFrom { after, raised: 30 })))),
        ("approval.policy", asked(policy(1_000, 60))),
        ("approval.ask", asked(ask(5_000, "a"))),
        ("approval.approve", asked(approve(1))),
        ("approval.refuse", asked(refuse(1, "no"))),
        (
            "approval.record",
            asked(OfficeWord::Approval(ApprovalWord::Record(RecordMove {
                number: 1,
                at,
                result: MoveResult::Denied(407),
            }))),
        ),
    ]
}

fn encoded(input: &OfficeInput) -> (u8, Vec<u8>) {
    let mut out = vec![0xaa; 64 * 1024];
    let (kind, len) = input.encode(&mut out).unwrap();
    assert_eq!(len % 8, 0);
    out.truncate(len);
    (kind, out)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A line of `golden.txt` never changes: journals hold these bytes. A new word gets a new line.
#[test]
fn every_word_has_its_golden_bytes_and_reads_back() {
    let golden = include_str!("golden.txt");
    let lines: Vec<String> = inputs()
        .iter()
        .map(|(name, input)| {
            let (kind, bytes) = encoded(input);
            format!("{name} {kind} {}", hex(&bytes)).trim_end().to_owned()
        })
        .collect();
    let kept: Vec<&str> = golden.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines, kept, "\n{}\n", lines.join("\n"));
    for (name, input) in inputs() {
        let (kind, bytes) = encoded(&input);
        let mut read = OfficeInput::default();
        read.decode(kind, &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(read, input, "{name}");
    }
}

/// Every word of every part is among the inputs above.
#[test]
fn no_word_is_without_golden_bytes() {
    let said: Vec<(u8, u16)> = inputs()
        .iter()
        .filter_map(|(_, input)| match input {
            OfficeInput::Asked { word, .. } => Some((word.kind(), word.number())),
            _ => None,
        })
        .collect();
    let of = |kind: u8, numbers: &[u16]| {
        assert!(numbers.iter().all(|number| said.contains(&(kind, *number))), "{kind}");
    };
    of(40, office::config_history::ConfigWord::NUMBERS);
    of(41, AlertWord::NUMBERS);
    of(42, ApprovalWord::NUMBERS);
}

#[test]
fn what_does_not_fit_is_not_written() {
    let input = OfficeInput::Asked { origin: ANN, word: piece(0, &[7; 100]) };
    let (_, whole) = encoded(&input);
    for len in 0..whole.len() {
        assert_eq!(input.encode(&mut vec![0; len]), None, "{len}");
    }
}

#[test]
fn a_bit_more_or_less_is_refused() {
    for (name, input) in inputs() {
        let (kind, bytes) = encoded(&input);
        let mut read = OfficeInput::default();
        for cut in 0..bytes.len() / 8 {
            assert!(read.decode(kind, &bytes[..cut * 8]).is_err(), "{name} cut at {cut}");
        }
        let longer = [bytes.as_slice(), &[0; 8]].concat();
        assert!(read.decode(kind, &longer).is_err(), "{name}: zeros of a whole multiple hide nothing");
        assert!(read.decode(99, &bytes).is_err(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(12), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn arbitrary_bytes_are_refused_or_read(kind in 0u8..50, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut read = OfficeInput::default();
        if read.decode(kind, &bytes).is_ok() {
            let (again, _) = encoded(&read);
            prop_assert_eq!(again, kind);
        }
    }

    #[test]
    fn damaged_words_do_no_harm(which in 0usize..14, at in 0usize..200, byte in any::<u8>()) {
        let (kind, mut bytes) = encoded(&inputs()[which].1);
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        let _ = OfficeInput::default().decode(kind, &bytes);
    }
}
