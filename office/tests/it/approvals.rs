//! Approvals: two people, once, in time.

use machine::{Origin, Position, ShardId};
use office::approvals::{
    ApprovalPolicy, ApprovalStanding, ApprovalWord, ENDED_KEPT_NS, MOST_WAITING, MoveResult, RecordMove,
};
use office::{OfficeEvent, OfficeReason, OfficeWord};

use crate::desk::{ANN, BOB, Desk, SECOND, approve, ask, cash, denied, policy, refuse};

/// A desk where more than 1,000 USD needs a second person, within a minute.
fn desk() -> Desk {
    let mut desk = Desk::default();
    assert_eq!(desk.say(ANN, policy(1_000, 60)), OfficeEvent::PolicySet);
    desk
}

fn carried_out(number: u64, result: MoveResult) -> OfficeWord {
    let at = Position::new(ShardId::new(1), 77);
    OfficeWord::Approval(ApprovalWord::Record(RecordMove { number, at, result }))
}

fn number_of(event: &OfficeEvent) -> u64 {
    let OfficeEvent::ApprovalWaits { number, .. } = event else { panic!("{event:?}") };
    *number
}

#[test]
fn above_the_threshold_a_second_person_decides() {
    let mut desk = desk();
    let OfficeEvent::Denied { denial } = desk.say(ANN, ask(1_000, "a")) else { panic!() };
    assert_eq!(
        denial.to_string(),
        "634 amount: the amount is not above approvals.cash_above: it needs no approval (limit 1000, actual 1000)"
    );
    let number = number_of(&desk.say(ANN, ask(1_001, "a")));
    assert_eq!(desk.office.approvals().approved().count(), 0);
    assert_eq!(denied(&desk.say(ANN, approve(number))), OfficeReason::SamePerson);
    let by_other_door = Origin { client: 99, door: machine::Door::Api, ..ANN };
    assert_eq!(denied(&desk.say(by_other_door, approve(number))), OfficeReason::SamePerson);
    assert_eq!(desk.say(BOB, approve(number)), OfficeEvent::Approved { number });
    let asked: Vec<_> = desk.office.approvals().approved().map(|request| request.asked).collect();
    assert_eq!(asked, [cash(1_001, "a")], "the shard is asked");
    assert_eq!(denied(&desk.say(BOB, approve(number))), OfficeReason::ApprovalEnded, "once");
    let recorded = desk.say(ANN, carried_out(number, MoveResult::Booked));
    assert_eq!(recorded, OfficeEvent::MoveRecorded { number, result: MoveResult::Booked });
    assert_eq!(desk.office.approvals().approved().count(), 0, "nothing is asked any more");
    assert_eq!(denied(&desk.say(ANN, carried_out(number, MoveResult::Booked))), OfficeReason::NotApproved);
}

#[test]
fn one_person_under_two_users_is_one_person() {
    let mut desk = desk();
    let (one, other) = (Origin { principal: 4, ..ANN }, Origin { principal: 4, ..BOB });
    let number = number_of(&desk.say(one, ask(5_000, "a")));
    assert_eq!(denied(&desk.say(other, approve(number))), OfficeReason::SamePerson);
    assert_eq!(desk.say(Origin { principal: 5, ..BOB }, approve(number)), OfficeEvent::Approved { number });
}

#[test]
fn anybody_can_refuse_and_says_why() {
    let mut desk = desk();
    let number = number_of(&desk.say(ANN, ask(5_000, "a")));
    assert_eq!(denied(&desk.say(BOB, refuse(number, ""))), OfficeReason::TextMissing);
    assert_eq!(desk.say(ANN, refuse(number, "typed wrong")), OfficeEvent::ApprovalRefused { number });
    assert_eq!(denied(&desk.say(BOB, approve(number))), OfficeReason::ApprovalEnded);
    assert_eq!(denied(&desk.say(BOB, approve(99))), OfficeReason::UnknownApproval);
    assert_eq!(number_of(&desk.say(ANN, ask(5_000, "a"))), number + 1, "it may be asked for again");
}

#[test]
fn a_request_expires_also_before_the_tick_that_says_so() {
    let mut desk = desk();
    let number = number_of(&desk.say(ANN, ask(5_000, "a")));
    desk.now.nanos += 60 * SECOND;
    assert_eq!(denied(&desk.say(BOB, approve(number))), OfficeReason::ApprovalEnded);
    assert_eq!(desk.pass(0), [OfficeEvent::ApprovalExpired { number }]);
    assert!(matches!(
        desk.office.approvals().get(number).unwrap().standing,
        ApprovalStanding::Expired { .. }
    ));
}

#[test]
fn the_same_reference_is_one_request() {
    let mut desk = desk();
    let number = number_of(&desk.say(ANN, ask(5_000, "a")));
    assert_eq!(desk.say(BOB, ask(5_000, "a")), OfficeEvent::ApprovalExists { number });
    assert_eq!(denied(&desk.say(BOB, ask(5_001, "a"))), OfficeReason::ReferenceTaken);
    desk.say(BOB, approve(number));
    assert_eq!(desk.say(BOB, ask(5_000, "a")), OfficeEvent::ApprovalExists { number });
    desk.say(ANN, carried_out(number, MoveResult::Booked));
    assert_eq!(desk.say(BOB, ask(5_000, "a")), OfficeEvent::ApprovalExists { number });
    let second = number_of(&desk.say(ANN, ask(5_000, "b")));
    desk.say(BOB, approve(second));
    desk.say(ANN, carried_out(second, MoveResult::Denied(407)));
    let third = number_of(&desk.say(ANN, ask(5_000, "b")));
    assert_eq!(third, second + 1, "what the shard denied may be asked for again");
}

#[test]
fn a_policy_counts_for_what_comes_later() {
    let mut desk = desk();
    let number = number_of(&desk.say(ANN, ask(5_000, "a")));
    desk.say(ANN, policy(10_000, 60));
    assert_eq!(denied(&desk.say(ANN, ask(5_000, "b"))), OfficeReason::NotAboveThreshold);
    assert_eq!(desk.say(BOB, approve(number)), OfficeEvent::Approved { number }, "it still waited");
    let none = ApprovalPolicy { waits_ns: SECOND, ..ApprovalPolicy::default() };
    desk.say(ANN, OfficeWord::Approval(ApprovalWord::Policy(none)));
    assert_eq!(denied(&desk.say(ANN, ask(u32::MAX, "c"))), OfficeReason::NotAboveThreshold, "no threshold");
    assert_eq!(denied(&desk.say(ANN, policy(1, 0))), OfficeReason::BadPolicy);
}

#[test]
fn memory_is_bounded() {
    let mut desk = desk();
    for index in 0..MOST_WAITING {
        desk.say(ANN, ask(5_000, &format!("r{index}")));
    }
    assert_eq!(denied(&desk.say(ANN, ask(5_000, "one more"))), OfficeReason::TooManyWait);
    desk.say(BOB, approve(1));
    assert_eq!(denied(&desk.say(ANN, ask(5_000, "one more"))), OfficeReason::TooManyWait, "it is on its way");
    desk.say(BOB, carried_out(1, MoveResult::Booked));
    desk.say(ANN, ask(5_000, "one more"));
    desk.pass(60);
    assert_eq!(desk.office.approvals().count_waiting(), 0);
    desk.pass(ENDED_KEPT_NS / SECOND);
    assert_eq!(desk.office.approvals().all().count(), 0);
}
