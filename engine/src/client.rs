//! In-process submission: a strategy's own end of the rings.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use machine::{Door, EventOf, Hosted, Origin, Urgency};

use crate::answers::{Answer, AnswerSink};
use crate::doze::Doze;
use crate::envelope::{Envelope, Urgent};
use crate::error::Refused;
use crate::idle::give_way;
use crate::lanes::Lanes;
use crate::lanes::attach::Attach;
use crate::outlet::{Line, make_ready, put};
use crate::round::Inlet;
use crate::trace::monotonic_ns;

/// Yields of a client that waits before it sleeps between two looks: some milliseconds.
const YIELDS: u32 = 10_000;

/// The client's number for a command: the answer carries it.
pub type Ticket = u64;

/// One submitter's connection to one shard. Not shared between threads: each has its own.
///
/// The shard takes what one client submits in that order, but for what may overtake: cancels that name the order by our
/// identity, and halts. Between clients there is no order, but that what was answered came before what is submitted then.
#[derive(Debug)]
pub struct Client<M: Hosted> {
    lanes: Arc<Lanes<M>>,
    answers: rtrb::Consumer<Line<Answer<EventOf<M>>>>,
    submitter: Submitter<M::Command>,
    in_flight: usize,
    capacity: usize,
}

/// What numbers and sends commands; the two kinds of client differ only in how answers come back.
#[derive(Debug)]
pub(crate) struct Submitter<C> {
    lane: rtrb::Producer<Envelope<C>>,
    doze: Arc<Doze>,
    origin: Origin,
    next_ticket: u64,
    traced: bool,
}

/// How long the shard's thread may take to notice a client or a session.
pub(crate) const ATTACH_PATIENCE: Duration = Duration::from_secs(10);

/// Client numbers are unique for a process; 0 is the node itself.
static NEXT_CLIENT: AtomicU32 = AtomicU32::new(1);

impl<C: Clone> Submitter<C> {
    pub(crate) fn attach<M: Hosted<Command = C>>(
        lanes: &Lanes<M>,
        sink: AnswerSink<EventOf<M>>,
        uid: u32,
        entries: usize,
        traced: bool,
    ) -> Result<Self, Refused> {
        let client = NEXT_CLIENT.fetch_add(1, Ordering::Relaxed);
        let (submitter, inlet) = Self::with_lane(client, uid, entries, traced);
        let (attached, wait) = flume::bounded(1);
        lanes.attach(Attach::Client { inlet, sink, attached })?;
        wait.recv_timeout(ATTACH_PATIENCE).map_err(|_| Refused::Stopped)?;
        Ok(submitter)
    }

    /// Both ends of a lane; the shard must be given the other.
    fn with_lane(client: u32, uid: u32, entries: usize, traced: bool) -> (Self, Inlet<C>) {
        let (lane, taken) = rtrb::RingBuffer::new(entries.max(1));
        let doze = Arc::new(Doze::awake());
        let inlet = Inlet { client, lane: taken, doze: Arc::clone(&doze) };
        (
            Self {
                lane,
                doze,
                origin: Origin { principal: 0, uid, client, door: Door::InProcess },
                next_ticket: 1,
                traced,
            },
            inlet,
        )
    }

    #[inline]
    pub(crate) fn submit<M: Hosted<Command = C>>(
        &mut self,
        lanes: &Lanes<M>,
        origin: Origin,
        command: &C,
    ) -> Result<Ticket, Refused> {
        lanes.admit(command)?;
        let ticket = self.next_ticket;
        let submitted_ns = if self.traced { monotonic_ns() } else { 0 };
        let envelope = || Envelope { ticket, submitted_ns, origin, command: command.clone() };
        let urgency = M::urgency(command);
        if urgency == Urgency::InTurn {
            self.put(lanes, envelope)?;
        } else {
            lanes.overtake(urgency, Urgent { client: self.origin.client, envelope: envelope() })?;
            lanes.bell.ring();
        }
        self.next_ticket += 1;
        Ok(ticket)
    }

    #[inline]
    fn put<M: Hosted<Command = C>>(
        &mut self,
        lanes: &Lanes<M>,
        envelope: impl FnOnce() -> Envelope<C>,
    ) -> Result<(), Refused> {
        if !put(&mut self.lane, envelope) {
            return Err(Refused::RingFull { capacity: self.lane.buffer().capacity() });
        }
        lanes.bell.ring();
        make_ready(&mut self.lane);
        if self.doze.must_end() {
            // It was handed over: where this fails the shard is gone, and so is everything that waits.
            let _ = lanes.attach(Attach::ClientAwake { client: self.origin.client });
        }
        Ok(())
    }

    pub(crate) const fn origin(&self) -> Origin {
        self.origin
    }

    pub(crate) fn detach<M: Hosted<Command = C>>(&self, lanes: &Lanes<M>) {
        // The shard is gone where this fails: so is its list of clients.
        let _ = lanes.attach(Attach::ClientGone { client: self.origin.client });
    }
}

impl<M: Hosted> Client<M> {
    pub(crate) fn attach(
        lanes: &Arc<Lanes<M>>,
        uid: u32,
        capacity: usize,
        traced: bool,
    ) -> Result<Self, Refused> {
        let capacity = capacity.max(1);
        let (producer, answers) = rtrb::RingBuffer::new(capacity);
        let sink = AnswerSink::Ring(producer);
        // More than it may have out it cannot put there.
        let submitter = Submitter::attach(lanes, sink, uid, lanes.commands.min(capacity), traced)?;
        Ok(Self { lanes: Arc::clone(lanes), answers, submitter, in_flight: 0, capacity })
    }

    /// A client under this number, and what the shard must be told of it.
    pub(crate) fn numbered(
        lanes: &Arc<Lanes<M>>,
        client: u32,
        uid: u32,
        capacity: usize,
    ) -> (Self, Inlet<M::Command>, AnswerSink<EventOf<M>>) {
        let capacity = capacity.max(1);
        let (producer, answers) = rtrb::RingBuffer::new(capacity);
        let (submitter, inlet) = Submitter::with_lane(client, uid, lanes.commands.min(capacity), false);
        let client = Self { lanes: Arc::clone(lanes), answers, submitter, in_flight: 0, capacity };
        (client, inlet, AnswerSink::Ring(producer))
    }

    /// Hands a command to the shard. An `Err` means it was not taken and nothing was recorded.
    #[expect(clippy::needless_pass_by_value, reason = "a command is handed over")]
    #[inline]
    pub fn submit(&mut self, command: M::Command) -> Result<Ticket, Refused> {
        if self.in_flight >= self.capacity {
            return Err(Refused::TooManyInFlight { limit: self.capacity });
        }
        let origin = self.submitter.origin();
        let ticket = self.submitter.submit(&self.lanes, origin, &command)?;
        self.in_flight += 1;
        Ok(ticket)
    }

    /// The next answer, if one is there. Answers come in the order the shard took the commands.
    #[inline]
    pub fn poll(&mut self) -> Option<Answer<EventOf<M>>> {
        let Line(answer) = self.answers.pop().ok()?;
        self.in_flight -= 1;
        Some(answer)
    }

    /// The next answer, waited for.
    pub fn wait(&mut self, patience: Duration) -> Option<Answer<EventOf<M>>> {
        let (deadline, mut looks) = (Instant::now() + patience, 0);
        loop {
            if let Some(answer) = self.poll() {
                return Some(answer);
            }
            if Instant::now() >= deadline {
                return None;
            }
            give_way(&mut looks, YIELDS);
        }
    }

    /// Submits one command and waits for its answer: for set-up and tests, not for speed.
    pub fn call(&mut self, command: M::Command, patience: Duration) -> Result<Answer<EventOf<M>>, Refused> {
        let ticket = self.submit(command)?;
        let deadline = Instant::now() + patience;
        while let Some(answer) = self.wait(deadline.saturating_duration_since(Instant::now())) {
            if answer.ticket == ticket {
                return Ok(answer);
            }
        }
        Err(Refused::Stopped)
    }

    /// How many commands are unanswered.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }
}

impl<M: Hosted> Drop for Client<M> {
    fn drop(&mut self) {
        self.submitter.detach(&self.lanes);
    }
}
