//! An approval is carried out once, whoever dies when.
//!
//! The office and a shard each have a journal. Between them runs an errand: ask the shard for what is approved, and bring
//! back what it says. Here the errand dies behind every one of its steps, any number of times, and the states are made of
//! the journals again. The shard is the one rule that counts: a reference is booked once (`actors/src/apply/move_cash.rs`).

use std::collections::BTreeMap;

use machine::{Machine, Position, ShardId};
use model::{CashMove, Reference};
use office::approvals::{ApprovalStanding, ApprovalWord, MoveResult, RecordMove};
use office::{Office, OfficeInput, OfficeOutcome, OfficeWord};

use crate::desk::{ANN, BOB, Desk, approve, ask, policy};

/// A shard's journal of moves.
#[derive(Default)]
struct Till {
    journal: Vec<CashMove>,
}

impl Till {
    /// Its state, made of its journal: what it booked under which reference, and where.
    fn booked(&self) -> BTreeMap<Reference, u64> {
        let mut booked = BTreeMap::new();
        for (at, cash_move) in (1..).zip(&self.journal) {
            booked.entry(cash_move.reference).or_insert(at);
        }
        booked
    }

    /// Records the move, and says what came of it: the first of a reference is booked.
    fn take(&mut self, cash_move: CashMove) -> (u64, bool) {
        let is_new = !self.booked().contains_key(&cash_move.reference);
        self.journal.push(cash_move);
        (self.journal.len() as u64, is_new)
    }
}

/// The office as its journal gives it.
fn started_again(desk: &Desk) -> Desk {
    let (mut office, mut out) = (Office::default(), OfficeOutcome::default());
    for (stamp, input) in &desk.journal {
        out.events.clear();
        office.apply(*stamp, input, &mut out);
    }
    let mut again = Desk { office, journal: desk.journal.clone(), now: desk.now };
    let incarnation = machine::Incarnation { count: u32::try_from(desk.journal.len()).unwrap() };
    again.input(OfficeInput::Opened { incarnation, logic_version: Office::LOGIC_VERSION });
    again
}

/// Runs the errand until nothing is asked any more, or for so many steps. True where it came to its end.
fn errand(desk: &mut Desk, till: &mut Till, moved: &mut u32, steps: usize) -> bool {
    let mut steps_left = steps;
    let mut step = || {
        let alive = steps_left > 0;
        steps_left = steps_left.saturating_sub(1);
        alive
    };
    loop {
        let next = desk.office.approvals().approved().next().cloned();
        let Some(request) = next else { return true };
        if !step() {
            return false;
        }
        let (seq, is_new) = till.take(request.asked.cash_move);
        *moved += u32::from(is_new);
        if !step() {
            return false;
        }
        let at = Position::new(ShardId::new(1), seq);
        let record = RecordMove { number: request.number, at, result: MoveResult::Booked };
        desk.say(ANN, OfficeWord::Approval(ApprovalWord::Record(record)));
    }
}

#[test]
fn every_approved_move_is_booked_exactly_once_wherever_the_errand_dies() {
    for first in 0..8 {
        for second in 0..8 {
            let (mut desk, mut till, mut moved) = (Desk::default(), Till::default(), 0);
            desk.say(ANN, policy(1_000, 60));
            for reference in ["a", "b", "c"] {
                desk.say(ANN, ask(5_000, reference));
            }
            for number in [1, 3] {
                desk.say(BOB, approve(number));
            }
            for steps in [first, second] {
                errand(&mut desk, &mut till, &mut moved, steps);
                desk = started_again(&desk);
            }
            assert!(errand(&mut desk, &mut till, &mut moved, usize::MAX));
            assert_eq!((moved, till.booked().len()), (2, 2), "died behind {first} and {second} steps");
            let carried_out = |number| {
                let standing = &desk.office.approvals().get(number).unwrap().standing;
                matches!(standing, ApprovalStanding::CarriedOut { result: MoveResult::Booked, .. })
            };
            assert_eq!([1, 2, 3].map(carried_out), [true, false, true]);
        }
    }
}
