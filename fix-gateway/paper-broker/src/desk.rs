//! The desk: the one thread that owns the book. It takes requests and quotes, writes what the book says to the log,
//! and sends it when its delay has passed.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crash_point::{Point, reach};
use crossbeam::channel::{Receiver, select};

use crate::book::{Book, Outgoing};
use crate::config::{Mode, Personality};
use crate::dice::Dice;
use crate::garbage::garbage;
use crate::log::{Entry, Log};
use crate::market::Quote;
use crate::session::Post;
use crate::to_desk::ToDesk;
use crate::{Error, clock, wire};

/// The one thread that owns the book.
pub(crate) struct Desk {
    pub(crate) book: Book,
    pub(crate) log: Arc<Mutex<Log>>,
    pub(crate) post: Post,
    pub(crate) requests: Receiver<ToDesk>,
    pub(crate) quotes: Receiver<Quote>,
    mode: Mode,
    dice: Dice,
    outbox: BinaryHeap<Reverse<Unsent>>,
    entered: u64,
    said: Vec<Outgoing>,
}

/// Logged, not yet sent; ordered by when it leaves.
struct Unsent {
    leave_ns: i64,
    number: u64,
    entry: Entry,
    poss_resend: bool,
}

impl Desk {
    pub(crate) fn new(
        book: Book,
        log: Arc<Mutex<Log>>,
        post: Post,
        personality: &Personality,
        (requests, quotes): (Receiver<ToDesk>, Receiver<Quote>),
    ) -> Self {
        Self {
            book,
            log,
            post,
            requests,
            quotes,
            mode: personality.mode,
            dice: Dice::new(personality.seed),
            outbox: BinaryHeap::new(),
            entered: 0,
            said: Vec::new(),
        }
    }

    /// What is to be said first, after a restart: what the book decided on waking, and what had not left.
    pub(crate) fn wake(&mut self, said: Vec<Outgoing>, unsent: Vec<Entry>) -> Result<(), Error> {
        for entry in unsent {
            let Some(key) = entry.delivery_key() else { continue };
            self.write(&Entry::SentLate { key })?;
            self.enter(i64::MIN, entry, true);
        }
        self.said = said;
        self.say()
    }

    /// Works until told to stop.
    pub(crate) fn run(mut self) -> Result<(), Error> {
        loop {
            let now_ns = clock::now_utc_ns();
            self.book.advance(now_ns, &mut self.said);
            self.say()?;
            self.send_due(now_ns)?;
            // One of each in turn: neither a flood of orders nor a market at full speed starves the other.
            let (message, quote) = match (self.requests.try_recv(), self.quotes.try_recv()) {
                (Err(_), Err(_)) => self.wait(now_ns),
                (message, quote) => (message.ok(), quote.ok()),
            };
            if let Some(quote) = quote {
                self.book.quote(&quote, clock::now_utc_ns(), &mut self.said);
                self.say()?;
            }
            match message {
                None => {}
                Some(ToDesk::Stop) => return self.send_due(i64::MAX),
                Some(ToDesk::Failed(error)) => return Err(error),
                Some(message) => self.take(message)?,
            }
        }
    }

    /// Waits for a request, a quote, or for something to be due.
    fn wait(&mut self, now_ns: i64) -> (Option<ToDesk>, Option<Quote>) {
        let outbox_due = self.outbox.peek().map(|Reverse(waiting)| waiting.leave_ns);
        let due_ns = outbox_due.into_iter().chain(self.book.next_due_ns()).min().unwrap_or(i64::MAX);
        let wait_ns = u64::try_from(due_ns.saturating_sub(now_ns)).unwrap_or(0);
        let quote = select! {
            recv(self.requests) -> message => return (Some(message.unwrap_or(ToDesk::Stop)), None),
            recv(self.quotes) -> quote => quote.ok(),
            default(Duration::from_nanos(wait_ns).min(LONGEST_WAIT)) => return (None, None),
        };
        if quote.is_none() {
            // The market is over: its end of the channel must not wake us again and again.
            self.quotes = crossbeam::channel::never();
        }
        (None, quote)
    }

    fn take(&mut self, message: ToDesk) -> Result<(), Error> {
        let now_ns = clock::now_utc_ns();
        match message {
            ToDesk::Request(request) => self.book.receive(request, now_ns, &mut self.said),
            ToDesk::Misunderstood(what) => self.enter(now_ns, Entry::Misunderstood(what), false),
            // Who asked may have gone.
            ToDesk::Count(answer) => drop(answer.send(self.book.counts())),
            ToDesk::Failed(_) | ToDesk::Stop => {}
        }
        self.say()
    }

    /// Logs what the book said and puts it in the outbox.
    fn say(&mut self) -> Result<(), Error> {
        for Outgoing { entry, leave_ns } in std::mem::take(&mut self.said) {
            self.write(&entry)?;
            reach(Point::BrokerDecided);
            self.enter(leave_ns, entry, false);
        }
        Ok(())
    }

    fn write(&self, entry: &Entry) -> Result<(), Error> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).write(clock::now_utc_ns(), entry)
    }

    fn enter(&mut self, leave_ns: i64, entry: Entry, poss_resend: bool) {
        self.entered = self.entered.saturating_add(1);
        self.outbox.push(Reverse(Unsent { leave_ns, number: self.entered, entry, poss_resend }));
    }

    fn send_due(&mut self, now_ns: i64) -> Result<(), Error> {
        while self.outbox.peek().is_some_and(|Reverse(waiting)| waiting.leave_ns <= now_ns) {
            if let Some(Reverse(waiting)) = self.outbox.pop() {
                self.send(&waiting)?;
            }
        }
        Ok(())
    }

    fn send(&self, waiting: &Unsent) -> Result<(), Error> {
        let session = match &waiting.entry {
            Entry::Misunderstood(what) => &what.session,
            Entry::CancelRejected(reject) | Entry::DuplicateRequest(reject) => &reject.session,
            entry => match entry.report() {
                Some(report) => &report.session,
                None => return Ok(()),
            },
        };
        if self.mode == Mode::Garbage
            && let Some((variant, message)) = garbage(self.dice, &waiting.number.to_string())?
        {
            self.write(&Entry::Garbage { session: session.clone(), variant: variant.to_owned() })?;
            self.post.send(session, message)?;
        }
        match wire::encode(&waiting.entry, waiting.poss_resend)? {
            Some(message) => self.post.send(session, message),
            None => Ok(()),
        }
    }
}

/// Nothing is due: look again after this, so that a clock set back cannot stop the desk.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

impl Ord for Unsent {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.leave_ns, self.number).cmp(&(other.leave_ns, other.number))
    }
}

impl PartialOrd for Unsent {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Unsent {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Unsent {}
