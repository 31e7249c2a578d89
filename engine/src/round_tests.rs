use std::collections::VecDeque;

use model::{Command, Origin, Scope};
use proptest::prelude::*;

use super::*;

/// A client's end, and what it has put there that was not taken.
struct End {
    client: u32,
    lane: rtrb::Producer<Envelope<Command>>,
    doze: Arc<Doze>,
    waiting: VecDeque<u64>,
    is_gone: bool,
}

/// Many clients, with a note of everything that was handed over.
#[derive(Default)]
struct Town {
    round: Round<Command>,
    ends: Vec<End>,
    tickets: u64,
}

const LANE: usize = 8;

impl Town {
    fn of(clients: usize) -> Self {
        let mut town = Self::default();
        (0..clients).for_each(|_| town.join());
        town
    }

    fn join(&mut self) {
        let client = u32::try_from(self.ends.len()).unwrap();
        let (lane, taken) = rtrb::RingBuffer::new(LANE);
        let doze = Arc::new(Doze::awake());
        self.round.join(Inlet { client, lane: taken, doze: Arc::clone(&doze) });
        self.ends.push(End { client, lane, doze, waiting: VecDeque::new(), is_gone: false });
    }

    /// As a client does it; true where there was room.
    fn put(&mut self, at: usize) -> bool {
        let (ticket, end) = (self.tickets, &mut self.ends[at]);
        let command = Command::Halt(Scope::Firm);
        let envelope = Envelope { ticket, submitted_ns: 0, origin: Origin::default(), command };
        if end.is_gone || end.lane.push(envelope).is_err() {
            return false;
        }
        end.waiting.push_back(ticket);
        self.tickets += 1;
        if end.doze.must_end() {
            self.round.wake(end.client);
        }
        true
    }

    fn leave(&mut self, at: usize) {
        if !std::mem::replace(&mut self.ends[at].is_gone, true) {
            self.round.leave(self.ends[at].client);
        }
    }

    /// How many each client had taken in one turn.
    fn turn(&mut self, most: usize) -> Vec<usize> {
        let mut counts = vec![0; self.ends.len()];
        let mut visit = self.round.begin(most);
        for _ in 0..most {
            let Some((client, envelope)) = self.round.take(&mut visit) else { break };
            let at = usize::try_from(client).unwrap();
            assert_eq!(self.ends[at].waiting.pop_front(), Some(envelope.ticket), "in order, and once");
            counts[at] += 1;
        }
        counts
    }

    fn waiting(&self) -> usize {
        self.ends.iter().map(|end| end.waiting.len()).sum()
    }

    fn is_dozing(&self, at: usize) -> bool {
        self.round.dozing.contains_key(&self.ends[at].client)
    }
}

#[test]
fn one_client_has_the_whole_turn_and_two_share_it() {
    let mut town = Town::of(1);
    while town.put(0) {}
    assert_eq!(town.turn(6), [6]);
    town.join();
    while town.put(0) | town.put(1) {}
    assert_eq!(town.turn(6), [3, 3]);
    assert_eq!(town.turn(5), [2, 2]);
}

#[test]
fn more_clients_than_a_turn_takes_have_theirs_in_the_next() {
    let mut town = Town::of(5);
    for _ in 0..4 {
        (0..5).for_each(|at| assert!(town.put(at)));
    }
    let mut sums = [0; 5];
    for _ in 0..5 {
        for (sum, count) in sums.iter_mut().zip(town.turn(2)) {
            *sum += count;
        }
    }
    assert_eq!(sums, [2; 5]);
}

#[test]
fn who_leaves_has_what_it_handed_over_carried_out_and_is_forgotten_then() {
    let mut town = Town::of(2);
    (0..5).for_each(|_| assert!(town.put(0)));
    town.leave(0);
    assert!(town.put(1));
    for _ in 0..4 {
        town.turn(4);
    }
    assert_eq!((town.waiting(), town.round.awake.len()), (0, 1));
    assert!(!town.round.has_work());
}

#[test]
fn the_silent_are_not_looked_at_until_they_speak() {
    let mut town = Town::of(ALWAYS_AWAKE + 3);
    for _ in 0..2 * SILENT_TURNS {
        assert!(town.put(0));
        town.turn(64);
    }
    assert_eq!(town.round.awake.len(), ALWAYS_AWAKE);
    assert!(!town.is_dozing(0));
    let silent = (0..town.ends.len()).filter(|at| town.is_dozing(*at)).collect::<Vec<_>>();
    assert_eq!(silent.len(), 3);
    for at in silent {
        assert!(town.put(at) && town.put(at));
        assert_eq!(town.turn(64)[at], 2);
    }
}

#[test]
fn what_came_while_it_fell_asleep_is_seen() {
    let mut town = Town::of(1);
    assert!(town.put(0));
    let inlet = &town.round.awake[0].inlet;
    assert!(!inlet.doze.begin(|| inlet.lane.is_empty()));
    assert!(!inlet.doze.must_end());
}

#[test]
fn before_the_end_all_are_looked_at() {
    let mut town = Town::of(2 * ALWAYS_AWAKE);
    for _ in 0..=SILENT_TURNS * 2 {
        town.turn(64);
    }
    assert_eq!(town.round.dozing.len(), ALWAYS_AWAKE);
    town.round.wake_all();
    assert_eq!((town.round.awake.len(), town.round.dozing.len()), (2 * ALWAYS_AWAKE, 0));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Join,
    Put(usize),
    Leave(usize),
    Turn(usize),
    ManyTurns,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Join),
        12 => (0..40usize).prop_map(Step::Put),
        1 => (0..40usize).prop_map(Step::Leave),
        4 => (1..20usize).prop_map(Step::Turn),
        1 => Just(Step::ManyTurns),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever comes, goes, speaks and falls silent: each command is taken once, in its client's order, and within as many
    /// turns as the others' shares need.
    #[test]
    fn nothing_is_lost_and_nobody_starves(steps in prop::collection::vec(step(), 1..200)) {
        let mut town = Town::of(12);
        for step in steps {
            match step {
                Step::Join => town.join(),
                Step::Put(at) => { town.put(at % 12); }
                Step::Leave(at) => town.leave(at % 12),
                Step::Turn(most) => { town.turn(most); }
                Step::ManyTurns => (0..SILENT_TURNS).for_each(|_| { town.turn(1); }),
            }
        }
        let lanes = town.ends.len();
        // The longest lane is emptied by one command in each round.
        for _ in 0..LANE * lanes.div_ceil(16) + lanes {
            town.turn(16);
        }
        prop_assert_eq!(town.waiting(), 0);
        town.turn(16);
        let known = town.round.awake.len() + town.round.dozing.len();
        prop_assert_eq!(known, town.ends.iter().filter(|end| !end.is_gone).count());
    }
}
