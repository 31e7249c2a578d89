//! How a shard waits: for work, for the disk, for others to make way.
//!
//! Awake as long as the operator said while there is nothing to do. What others on this machine have to do first, a
//! sync, space on a full disk, room in a broker's ring, is waited for awake for a bound only, whatever was said: they
//! may need this very core for it.

use std::time::{Duration, Instant};

/// What a shard does while there is nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Keeps a core busy: the lowest latency.
    Spin,
    /// Gives the core away whenever another thread wants it; sleeps after some milliseconds without work.
    Yield,
    /// Looks this often, then sleeps until somebody rings: the friendliest to a shared machine.
    Park {
        /// How many times.
        spins: u32,
    },
}

/// What a shard waits for after a turn in which it could do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// That somebody wants something of it.
    Inputs,
    /// That the flusher has brought to disk what waits to leave.
    Sync,
    /// That what is in the lanes can be taken: somebody else has to make space or room.
    Way,
}

/// What it does about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Looks at the lanes that are in a hurry, again and again.
    LookOut,
    /// Takes a breath, awake.
    Pause,
    /// Gives the core away and wants it back.
    Yield,
    /// Sleeps until the bell rings.
    Sleep,
    /// Sleeps so long although there is something in the lanes.
    Doze(Duration),
}

/// The longest sleep: the pace of housekeeping on an idle shard.
pub(crate) const LONGEST_SLEEP: Duration = Duration::from_millis(1);
/// How long a shard sleeps that cannot take what is there. Nobody rings when a broker's gateway has made room.
pub(crate) const DOZE: Duration = Duration::from_micros(50);

/// Yields in a row before a thread that finds nothing sleeps after all: two threads that only yield to each other can
/// starve the rest of a machine.
const YIELDS: u32 = 10_000;
/// A sync is waited for awake for so long where a core is to spare: some times what one takes on a disk that is well.
const AWAKE: Duration = Duration::from_millis(1);
/// The same where there are as many shards as cores: a sync that is done already is seen, no other.
const AWAKE_ON_A_SHARED_CORE: Duration = Duration::from_micros(5);
/// Looks at what cannot be taken before a shard dozes.
const LOOKS: u32 = 64;
/// And after so many rests it sleeps longer: a disk that is full stays so for a while.
const DOZES: u32 = LOOKS + 100;

/// How long a shard has been waiting, and for how long it does so awake.
#[derive(Debug)]
pub(crate) struct Patience {
    idle: Idle,
    /// Since when it has been waiting for the disk without a break.
    sync_since: Option<Instant>,
    /// Rests in a row with something in the lanes that could not be taken.
    in_the_way: u32,
}

impl Patience {
    pub(crate) const fn new(idle: Idle) -> Self {
        Self { idle, sync_since: None, in_the_way: 0 }
    }

    /// The next rest, after so many turns in a row without work.
    #[inline]
    pub(crate) fn next(
        &mut self,
        idle_turns: u32,
        wait: Wait,
        has_spare_core: impl FnOnce() -> bool,
    ) -> Rest {
        if wait != Wait::Inputs {
            return self.wait_for_others(idle_turns, wait, has_spare_core);
        }
        (self.sync_since, self.in_the_way) = (None, 0);
        match self.idle {
            Idle::Spin => Rest::LookOut,
            Idle::Yield if idle_turns <= YIELDS => Rest::Yield,
            Idle::Park { spins } if idle_turns <= spins => Rest::Pause,
            Idle::Yield | Idle::Park { .. } => Rest::Sleep,
        }
    }

    #[cold]
    fn wait_for_others(
        &mut self,
        idle_turns: u32,
        wait: Wait,
        has_spare_core: impl FnOnce() -> bool,
    ) -> Rest {
        // A turn with work ends every wait: what comes behind it is another one.
        if idle_turns <= 1 {
            (self.sync_since, self.in_the_way) = (None, 0);
        }
        if wait == Wait::Way {
            self.in_the_way = self.in_the_way.saturating_add(1);
            return if self.in_the_way <= LOOKS {
                Rest::Pause
            } else {
                Rest::Doze(if self.in_the_way <= DOZES { DOZE } else { LONGEST_SLEEP })
            };
        }
        let since = *self.sync_since.get_or_insert_with(Instant::now);
        let longest = if has_spare_core() { AWAKE } else { AWAKE_ON_A_SHARED_CORE };
        match self.idle {
            _ if since.elapsed() >= longest => Rest::Sleep,
            Idle::Spin => Rest::LookOut,
            Idle::Yield | Idle::Park { .. } => Rest::Yield,
        }
    }
}

/// Called by others than the shard between two attempts at what depends on it: yields at first, then sleeps.
pub(crate) fn give_way(attempts: &mut u32, yields: u32) {
    *attempts = attempts.saturating_add(1);
    if *attempts <= yields {
        std::thread::yield_now();
    } else {
        std::thread::sleep(DOZE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Idle; 3] = [Idle::Spin, Idle::Yield, Idle::Park { spins: 2_000 }];

    fn rests(idle: Idle, wait: Wait, spare: bool) -> impl Iterator<Item = Rest> {
        let mut patience = Patience::new(idle);
        (1..).map(move |turn| patience.next(turn, wait, || spare))
    }

    #[test]
    fn whatever_was_said_a_sync_is_not_waited_for_awake_for_ever() {
        for (idle, spare) in ALL.into_iter().flat_map(|idle| [(idle, true), (idle, false)]) {
            let start = Instant::now();
            let awake = rests(idle, Wait::Sync, spare).take_while(|rest| *rest != Rest::Sleep).last();
            assert!(start.elapsed() < Duration::from_secs(10), "{idle:?} {spare}");
            assert!(matches!(awake, None | Some(Rest::LookOut | Rest::Yield)), "{awake:?}");
        }
    }

    #[test]
    fn what_cannot_be_taken_is_no_reason_to_stay_awake() {
        for idle in ALL {
            let mut rests = rests(idle, Wait::Way, true).skip(LOOKS as usize);
            assert!(rests.by_ref().take(10_000).all(|rest| matches!(rest, Rest::Doze(_))), "{idle:?}");
        }
    }

    #[test]
    fn each_sync_is_waited_for_anew() {
        let mut patience = Patience::new(Idle::Spin);
        let mut turn = 1;
        while patience.next(turn, Wait::Sync, || true) != Rest::Sleep {
            turn += 1;
        }
        assert_eq!(patience.next(1, Wait::Sync, || true), Rest::LookOut, "there was work in between");
    }

    #[test]
    fn while_there_is_nothing_to_do_the_operator_decides() {
        assert!(rests(Idle::Spin, Wait::Inputs, false).take(100_000).all(|rest| rest == Rest::LookOut));
        let last = |idle| rests(idle, Wait::Inputs, false).nth(20_000);
        assert_eq!(
            (last(Idle::Yield), last(Idle::Park { spins: 9 })),
            (Some(Rest::Sleep), Some(Rest::Sleep))
        );
    }
}
