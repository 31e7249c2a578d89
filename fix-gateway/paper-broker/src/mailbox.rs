//! What waits to be written to one feed client.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What to do when a client is slower than the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// The market waits.
    Wait,
    /// Only the latest quote of each symbol is kept.
    Conflate,
}

/// A bounded queue of lines with one reader.
#[derive(Debug)]
pub(crate) struct Mailbox {
    overflow: Overflow,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    /// Symbol and line; the symbol is empty for lines that are not quotes.
    lines: VecDeque<(String, Arc<str>)>,
    closed: bool,
}

/// With [`Overflow::Wait`], so many lines may wait.
const CAPACITY_LINES: usize = 1024;

impl Mailbox {
    pub(crate) fn new(overflow: Overflow) -> Self {
        Self { overflow, queue: Mutex::default(), changed: Condvar::new() }
    }

    /// Puts a line in; waits for room if that is the rule. Does nothing once closed.
    pub(crate) fn put(&self, symbol: &str, line: &Arc<str>) {
        let mut queue = self.lock();
        match self.overflow {
            Overflow::Wait => {
                while queue.lines.len() >= CAPACITY_LINES && !queue.closed {
                    queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
                }
                queue.lines.push_back((symbol.to_owned(), Arc::clone(line)));
            }
            // Never longer than there are symbols, so a search is cheap.
            Overflow::Conflate => match queue.lines.iter_mut().find(|(waiting, _)| waiting == symbol) {
                Some((_, waiting)) if !symbol.is_empty() => *waiting = Arc::clone(line),
                _ => queue.lines.push_back((symbol.to_owned(), Arc::clone(line))),
            },
        }
        if queue.closed {
            queue.lines.clear();
        }
        self.changed.notify_all();
    }

    /// Everything that waits, at least one line; `None` once closed.
    pub(crate) fn take(&self) -> Option<VecDeque<(String, Arc<str>)>> {
        let mut queue = self.lock();
        while queue.lines.is_empty() && !queue.closed {
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        self.changed.notify_all();
        if queue.closed { None } else { Some(std::mem::take(&mut queue.lines)) }
    }

    /// Ends it: the reader ends, writers no longer wait.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // The queue is whole between any two statements, so a panic elsewhere does not spoil it.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mailbox: &Mailbox) -> Vec<String> {
        mailbox.take().unwrap().into_iter().map(|(_, line)| line.to_string()).collect()
    }

    #[test]
    fn conflation_keeps_the_latest_of_each_symbol_in_order_of_arrival() {
        let mailbox = Mailbox::new(Overflow::Conflate);
        for (symbol, line) in [("A", "a1"), ("B", "b1"), ("A", "a2"), ("", "#end"), ("B", "b2")] {
            mailbox.put(symbol, &Arc::from(line));
        }
        assert_eq!(lines(&mailbox), ["a2", "b2", "#end"]);
    }

    #[test]
    fn a_full_mailbox_makes_the_market_wait_and_loses_nothing() {
        let mailbox = Arc::new(Mailbox::new(Overflow::Wait));
        let writer = Arc::clone(&mailbox);
        let total = CAPACITY_LINES * 3;
        let thread = std::thread::spawn(move || {
            for n in 0..total {
                writer.put("A", &Arc::from(n.to_string().as_str()));
            }
        });
        let mut got = Vec::new();
        while got.len() < total {
            let batch = lines(&mailbox);
            assert!(batch.len() <= CAPACITY_LINES);
            got.extend(batch);
        }
        thread.join().unwrap();
        assert!(got.iter().enumerate().all(|(n, line)| *line == n.to_string()));
    }

    #[test]
    fn closing_frees_a_waiting_market() {
        let mailbox = Arc::new(Mailbox::new(Overflow::Wait));
        for _ in 0..CAPACITY_LINES {
            mailbox.put("A", &Arc::from("x"));
        }
        let writer = Arc::clone(&mailbox);
        let thread = std::thread::spawn(move || writer.put("A", &Arc::from("y")));
        mailbox.close();
        thread.join().unwrap();
        assert!(mailbox.take().is_none());
    }
}
