//! Which configuration was in force.

use office::config_history::{ConfigChangeKind, MOST_CHANGES, MOST_CONFIG_BYTES, MOST_ROWS};
use office::{OfficeEvent, OfficeReason};

use crate::desk::{ANN, BOB, Desk, denied, piece, record};

#[test]
fn a_text_comes_in_pieces_and_is_in_force_once_it_is_whole() {
    let mut desk = Desk::default();
    let text = "limit = 5 # €\n".as_bytes();
    // Cut inside a letter.
    let (one, two) = text.split_at(13);
    assert_eq!(desk.say(ANN, piece(0, one)), OfficeEvent::PieceKept { len_bytes: 13 });
    assert_eq!(denied(&desk.say(ANN, record(text, &[]))), OfficeReason::ConfigurationDiffers);
    assert_eq!(denied(&desk.say(ANN, piece(12, two))), OfficeReason::PieceOutOfOrder);
    assert_eq!(desk.say(ANN, piece(13, two)), OfficeEvent::PieceKept { len_bytes: 16 });
    assert_eq!(desk.office.config_history().text(), "", "not yet");
    desk.pass(5);
    let changes = [(ConfigChangeKind::Written, "limit: 5"), (ConfigChangeKind::Left, "limit of A")];
    assert_eq!(desk.say(BOB, record(text, &changes)), OfficeEvent::ConfigRecorded { number: 1 });
    let history = desk.office.config_history();
    assert_eq!(history.text(), "limit = 5 # €\n");
    let row = history.in_force().unwrap();
    assert_eq!(
        (row.number, row.origin, row.time, row.len_bytes, row.changes.len()),
        (1, BOB, desk.now, 16, 2)
    );
    assert_eq!(row.position, desk.journal.last().unwrap().0.position);
}

#[test]
fn a_node_that_died_between_two_pieces_begins_anew() {
    let mut desk = Desk::default();
    desk.say(ANN, piece(0, b"half of someth"));
    desk.say(ANN, piece(0, b"whole"));
    assert_eq!(desk.say(ANN, record(b"whole", &[])), OfficeEvent::ConfigRecorded { number: 1 });
    assert_eq!(desk.office.config_history().text(), "whole");
}

#[test]
fn the_same_text_is_nothing_new_unless_something_was_applied() {
    let mut desk = Desk::default();
    desk.say(ANN, piece(0, b"text"));
    desk.say(ANN, record(b"text", &[]));
    let left = [(ConfigChangeKind::Left, "limit of A: 5, the file has 6")];
    assert_eq!(desk.say(ANN, record(b"text", &left)), OfficeEvent::ConfigUnchanged { number: 1 });
    let applied = [(ConfigChangeKind::Applied, "limit of A: 5 → 6")];
    assert_eq!(desk.say(ANN, record(b"text", &applied)), OfficeEvent::ConfigRecorded { number: 2 });
    assert_eq!(desk.office.config_history().text(), "text", "it need not come again");
    assert_eq!(desk.office.config_history().count(), 2);
}

#[test]
fn what_is_not_kept_is_refused_with_both_numbers() {
    let mut desk = Desk::default();
    let most = vec![b'a'; MOST_CONFIG_BYTES];
    desk.say(ANN, piece(0, &most));
    let OfficeEvent::Denied { denial } = desk.say(ANN, piece(MOST_CONFIG_BYTES as u64, b"b")) else {
        panic!()
    };
    assert_eq!(denial.reason, OfficeReason::ConfigurationTooLong);
    assert_eq!(
        denial.to_string(),
        "612 bytes: the configuration is longer than what is kept, in bytes (limit 8388608, actual 8388609)"
    );
    desk.say(ANN, piece(0, b"\xff\xfe"));
    assert_eq!(denied(&desk.say(ANN, record(b"\xff\xfe", &[]))), OfficeReason::ConfigurationUnreadable);
    let many = vec![(ConfigChangeKind::Written, "a"); MOST_CHANGES + 1];
    assert_eq!(denied(&desk.say(ANN, record(b"", &many))), OfficeReason::TooManyChanges);
    let lines = [(ConfigChangeKind::Written, "two\nlines")];
    assert_eq!(denied(&desk.say(ANN, record(b"", &lines))), OfficeReason::TextUnprintable);
}

#[test]
fn old_rows_go_and_the_numbers_go_on() {
    let mut desk = Desk::default();
    for number in 1..=MOST_ROWS as u64 + 2 {
        let text = number.to_string();
        desk.say(ANN, piece(0, text.as_bytes()));
        assert_eq!(desk.say(ANN, record(text.as_bytes(), &[])), OfficeEvent::ConfigRecorded { number });
    }
    let numbers: Vec<u64> = desk.office.config_history().rows().map(|row| row.number).collect();
    assert_eq!((numbers.len(), numbers[0], numbers[MOST_ROWS - 1]), (MOST_ROWS, 3, MOST_ROWS as u64 + 2));
}
