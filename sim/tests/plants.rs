//! Every planted bug is found: a check that cannot fail is no check. And without one, nothing is.
//!
//! A process of its own: it silences what panics print.

use sim::{Plant, Setting, run};

/// Seeds in which a planted bug must show.
const SEEDS: u64 = 150;

fn quiet() {
    // A check that fails may panic; that is what it is here for.
    std::panic::set_hook(Box::new(|_| {}));
}

#[test]
fn every_planted_bug_is_found() {
    quiet();
    let mut missed = Vec::new();
    for plant in Plant::ALL {
        let found = (0..SEEDS).find_map(|seed| {
            let verdict = run(Setting { seed, plant: Some(plant), told: false });
            verdict.failure.map(|failure| (seed, failure))
        });
        match found {
            Some((seed, failure)) => println!("{plant:?}: seed {seed}: {failure}"),
            None => missed.push(plant),
        }
    }
    assert!(missed.is_empty(), "nobody noticed {missed:?}");
}

#[test]
fn without_a_planted_bug_nothing_is_found() {
    quiet();
    for seed in 0..250 {
        let verdict = run(Setting { seed, plant: None, told: false });
        assert_eq!(verdict.failure, None, "cargo xtask sim --seed {seed}");
    }
}

#[test]
fn a_seed_is_one_history() {
    for seed in [1, 43, 295] {
        let once = run(Setting { seed, plant: None, told: true });
        let again = run(Setting { seed, plant: None, told: true });
        assert_eq!((once.digest, once.events, once.faults), (again.digest, again.events, again.faults));
        assert_eq!(once.story, again.story);
        let silent = run(Setting { seed, plant: None, told: false });
        assert_eq!(silent.digest, again.digest, "telling changes nothing");
    }
}
