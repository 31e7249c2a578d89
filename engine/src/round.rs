//! The clients' lanes, and how the shard goes round over them.
//!
//! Each client has a lane of its own: a ring with one producer passes a command on in half the time of one that
//! several share, and a client that floods its lane fills nobody else's. What one client submits stays in order; between
//! clients there is none, but that what was answered came before what is submitted then.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::doze::Doze;
use crate::envelope::Envelope;

/// The shard's end of one client's lane.
#[derive(Debug)]
pub(crate) struct Inlet<C> {
    pub(crate) client: u32,
    pub(crate) lane: rtrb::Consumer<Envelope<C>>,
    pub(crate) doze: Arc<Doze>,
}

/// Every client's lane.
#[derive(Debug)]
pub(crate) struct Round<C> {
    /// Looked at in each turn.
    awake: Vec<Place<C>>,
    /// Silent, by client.
    dozing: BTreeMap<u32, Inlet<C>>,
    /// Where the next turn begins.
    next: usize,
    /// Turns since the silent were last looked for.
    turns: u32,
}

#[derive(Debug)]
struct Place<C> {
    inlet: Inlet<C>,
    /// The client is gone: what it handed over is taken, then the lane is forgotten.
    is_left: bool,
    /// Something came since the silent were last looked for.
    was_used: bool,
}

/// How far a turn has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit {
    /// Lanes not looked at yet, the one that is looked at included.
    lanes: usize,
    /// What each lane may give.
    share: usize,
    /// What the one that is looked at may still give.
    left: usize,
}

/// So many lanes are looked at in each turn, also where they are silent: a look at a lane takes about a nanosecond.
const ALWAYS_AWAKE: usize = 8;
/// A lane beyond those in which nothing came for so many turns is not looked at until its client says so.
const SILENT_TURNS: u32 = 4096;

impl<C> Default for Round<C> {
    fn default() -> Self {
        Self { awake: Vec::new(), dozing: BTreeMap::new(), next: 0, turns: 0 }
    }
}

impl<C> Round<C> {
    pub(crate) fn join(&mut self, inlet: Inlet<C>) {
        self.awake.push(Place { inlet, is_left: false, was_used: true });
    }

    /// The client has put something into a lane that was not looked at.
    pub(crate) fn wake(&mut self, client: u32) {
        if let Some(inlet) = self.dozing.remove(&client) {
            self.join(inlet);
        }
    }

    /// Before the end everything is looked at.
    pub(crate) fn wake_all(&mut self) {
        while let Some((_, inlet)) = self.dozing.pop_first() {
            self.join(inlet);
        }
    }

    /// The client is gone. What it handed over before was taken from it and is carried out.
    pub(crate) fn leave(&mut self, client: u32) {
        self.wake(client);
        if let Some(place) = self.awake.iter_mut().find(|place| place.inlet.client == client) {
            place.is_left = true;
        }
    }

    /// Begins a turn in which at most `most` commands are taken: no lane gives more than its part of them, and the next
    /// turn begins where this one ends.
    #[inline]
    pub(crate) fn begin(&mut self, most: usize) -> Visit {
        if self.awake.len() > ALWAYS_AWAKE {
            self.look_for_silent();
        }
        let lanes = self.awake.len();
        let share = if lanes <= 1 { most } else { (most / lanes).max(1) };
        Visit { lanes, share, left: share }
    }

    /// The next command of this turn, and whose it is.
    #[inline]
    pub(crate) fn take(&mut self, visit: &mut Visit) -> Option<(u32, Envelope<C>)> {
        while visit.lanes > 0 {
            let Some(place) = self.awake.get_mut(self.next) else {
                self.next = 0;
                if self.awake.is_empty() {
                    return None;
                }
                continue;
            };
            if let Ok(envelope) = place.inlet.lane.pop() {
                place.was_used = true;
                let client = place.inlet.client;
                visit.left -= 1;
                if visit.left == 0 {
                    self.go_on(visit);
                }
                return Some((client, envelope));
            }
            if place.is_left {
                self.awake.swap_remove(self.next);
                visit.lanes -= 1;
            } else {
                self.go_on(visit);
            }
        }
        None
    }

    fn go_on(&mut self, visit: &mut Visit) {
        self.next += 1;
        visit.lanes -= 1;
        visit.left = visit.share;
    }

    /// True where a lane that is looked at holds something.
    pub(crate) fn has_work(&self) -> bool {
        self.awake.iter().any(|place| !place.inlet.lane.is_empty())
    }

    /// As [`Self::has_work`], and what is there is on its way from the client's core already.
    #[inline]
    pub(crate) fn look(&self) -> bool {
        self.awake.iter().any(|place| {
            place.inlet.lane.peek().is_ok_and(|envelope| {
                prefetch::to_read(envelope);
                true
            })
        })
    }

    fn look_for_silent(&mut self) {
        self.turns += 1;
        if self.turns < SILENT_TURNS {
            return;
        }
        self.turns = 0;
        let mut at = 0;
        while self.awake.len() > ALWAYS_AWAKE
            && let Some(Place { inlet, is_left, was_used }) = self.awake.get_mut(at)
        {
            let is_silent = !std::mem::replace(was_used, false) && !*is_left;
            if is_silent && inlet.doze.begin(|| inlet.lane.is_empty()) {
                let Place { inlet, .. } = self.awake.swap_remove(at);
                self.dozing.insert(inlet.client, inlet);
            } else {
                at += 1;
            }
        }
    }
}

#[cfg(test)]
#[path = "round_tests.rs"]
mod tests;
