//! Alerts: numbered, counted, acknowledged once, retired.

use machine::{CausedBy, Position, ShardId};
use office::alerts::{AlertWord, HearFrom, KEPT_NS, MOST_ACKNOWLEDGED, MOST_OPEN, OTHERS};
use office::{OfficeEvent, OfficeReason, OfficeWord};

use crate::desk::{ANN, BOB, Desk, SECOND, acknowledge, denied, heard, raise};

const DAY: i64 = 86_400;

#[test]
fn one_cause_counts_up_and_a_new_number_comes_once_it_was_acknowledged() {
    let mut desk = Desk::default();
    assert_eq!(desk.say(ANN, raise("diverged", "shard 0")), OfficeEvent::AlertRaised { number: 1, times: 1 });
    assert_eq!(desk.say(ANN, raise("diverged", "shard 1")), OfficeEvent::AlertRaised { number: 2, times: 1 });
    desk.pass(9);
    assert_eq!(desk.say(ANN, raise("diverged", "shard 0")), OfficeEvent::AlertRaised { number: 1, times: 2 });
    let alert = desk.office.alerts().get(1).unwrap();
    assert_eq!((alert.first.nanos, alert.last.nanos), (0, 9 * SECOND));
    assert_eq!(
        desk.say(BOB, acknowledge(1, "machine replaced")),
        OfficeEvent::AlertAcknowledged { number: 1 }
    );
    let seen = desk.office.alerts().get(1).unwrap().acknowledgement.clone().unwrap();
    assert_eq!((seen.origin, seen.time, seen.word.as_str()), (BOB, desk.now, "machine replaced"));
    assert_eq!(desk.say(ANN, raise("diverged", "shard 0")), OfficeEvent::AlertRaised { number: 3, times: 1 });
    assert_eq!(desk.office.alerts().count_open(), 2);
}

#[test]
fn who_acknowledges_says_a_word_about_an_open_alert() {
    let mut desk = Desk::default();
    desk.say(ANN, raise("diverged", "shard 0"));
    assert_eq!(denied(&desk.say(BOB, acknowledge(2, "seen"))), OfficeReason::UnknownAlert);
    assert_eq!(denied(&desk.say(BOB, acknowledge(1, " "))), OfficeReason::TextMissing);
    assert_eq!(denied(&desk.say(BOB, acknowledge(1, &"x".repeat(201)))), OfficeReason::TextTooLong);
    desk.say(BOB, acknowledge(1, "seen"));
    assert_eq!(denied(&desk.say(ANN, acknowledge(1, "seen too"))), OfficeReason::AlertAcknowledged);
    assert_eq!(desk.office.alerts().get(1).unwrap().acknowledgement.as_ref().unwrap().origin, BOB);
}

#[test]
fn an_alert_of_a_shard_is_heard_once_whatever_is_told_again() {
    let mut desk = Desk::default();
    assert_eq!(
        desk.say(ANN, heard(0, 40, 0, 1, "order 1")),
        OfficeEvent::AlertRaised { number: 1, times: 1 }
    );
    assert_eq!(
        desk.say(ANN, heard(0, 40, 1, 2, "order 1")),
        OfficeEvent::AlertRaised { number: 1, times: 2 }
    );
    assert_eq!(desk.say(ANN, heard(1, 7, 0, 1, "order 9")), OfficeEvent::AlertRaised { number: 2, times: 1 });
    for told_again in
        [heard(0, 40, 1, 2, "order 1"), heard(0, 40, 0, 1, "order 1"), heard(0, 3, 0, 1, "order 1")]
    {
        assert!(matches!(desk.say(ANN, told_again), OfficeEvent::AlertHeardBefore { .. }));
    }
    let zero = desk.office.alerts().heard(ShardId::new(0)).unwrap();
    assert_eq!((zero.last.position.seq, zero.last.index, zero.raised), (40, 1, 2));
}

#[test]
fn a_shard_can_be_heard_from_where_it_stands() {
    let mut desk = Desk::default();
    let after = CausedBy { position: Position::new(ShardId::new(2), 500), index: 0 };
    let hear = OfficeWord::Alert(AlertWord::Hear(HearFrom { after, raised: 30 }));
    assert_eq!(desk.say(ANN, hear), OfficeEvent::AlertsHeardFrom { after });
    assert_eq!(
        desk.say(ANN, heard(2, 501, 0, 31, "order")),
        OfficeEvent::AlertRaised { number: 1, times: 1 }
    );
}

#[test]
fn acknowledged_alerts_are_retired_and_open_ones_are_not() {
    let mut desk = Desk::default();
    desk.say(ANN, raise("diverged", "shard 0"));
    desk.say(ANN, raise("diverged", "shard 1"));
    desk.pass(DAY);
    desk.say(BOB, acknowledge(1, "seen"));
    assert_eq!(desk.pass(KEPT_NS / SECOND - 1), [], "a second too early");
    assert_eq!(desk.pass(1), [OfficeEvent::AlertRetired { number: 1 }]);
    assert_eq!(denied(&desk.say(ANN, acknowledge(1, "late"))), OfficeReason::UnknownAlert);
    desk.pass(1000 * DAY);
    assert_eq!(desk.office.alerts().all().map(|alert| alert.number).collect::<Vec<_>>(), [2]);
}

#[test]
fn memory_is_bounded_and_nothing_is_dropped_in_silence() {
    let mut desk = Desk::default();
    for index in 0..MOST_OPEN + 50 {
        desk.say(ANN, raise("still_in_doubt", &format!("order {index}")));
    }
    assert_eq!(desk.office.alerts().count_open(), MOST_OPEN + 1);
    let others = desk.office.alerts().open().last().unwrap();
    assert_eq!((others.subject.as_str(), others.times), (OTHERS, 50));
    assert_eq!(
        desk.say(ANN, raise("still_in_doubt", "order 3")),
        OfficeEvent::AlertRaised { number: 4, times: 2 },
        "a cause that has its own goes on counting there"
    );
    for number in 1..=MOST_ACKNOWLEDGED as u64 {
        desk.say(BOB, acknowledge(number, "seen"));
    }
    let last = others_number(&desk);
    desk.say(BOB, acknowledge(last, "seen"));
    assert_eq!(desk.office.alerts().get(1), None, "the one acknowledged first went");
    assert_eq!(desk.office.alerts().all().count(), MOST_ACKNOWLEDGED);
}

fn others_number(desk: &Desk) -> u64 {
    desk.office.alerts().open().last().unwrap().number
}
