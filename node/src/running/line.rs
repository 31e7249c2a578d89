//! The connection to one machine: commands in, answers out, by whoever asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use engine::{Answer, Connect, Refused, Replica, Shard, Ticket};
use machine::{EventOf, Hosted, Origin, Position};
use tokio::sync::oneshot;

use crate::node_api::SubmitError;

/// The record of a command, and the first event of it.
pub(super) type Reply<M> = (Position, EventOf<M>);

/// The connection to one machine. A thread hands its answers out, so that who asks may sleep while there are none.
pub(super) struct Line<M: Hosted> {
    /// None once it is being dropped.
    connect: Option<Connect<M>>,
    waiting: Arc<Mutex<Waiting<M>>>,
    pub(super) replica: Replica<M>,
    thread: Option<JoinHandle<()>>,
}

/// Who waits for which answer. Dropping a sender tells its receiver that the answer is lost.
struct Waiting<M: Hosted> {
    senders: HashMap<Ticket, oneshot::Sender<Reply<M>>>,
    ended: bool,
}

fn lock<M: Hosted>(waiting: &Mutex<Waiting<M>>) -> MutexGuard<'_, Waiting<M>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<M: Hosted> Line<M> {
    pub(super) fn new(shard: &Shard<M>) -> Result<Self, Refused> {
        let connect = shard.connect()?;
        let waiting = Arc::new(Mutex::new(Waiting { senders: HashMap::new(), ended: false }));
        let answers = connect.answers().clone();
        let thread = std::thread::Builder::new().name(format!("answers-{}", shard.id())).spawn({
            let waiting = Arc::clone(&waiting);
            move || hand_out(&answers, &waiting)
        });
        // Without the thread nobody would ever be answered.
        let thread = thread.map_err(|_| Refused::Stopped)?;
        Ok(Self { connect: Some(connect), waiting, replica: shard.replica(), thread: Some(thread) })
    }

    /// The lock is held over the hand-over, so that the answer cannot come before its ticket is known.
    pub(super) fn submit(
        &self,
        origin: Origin,
        command: M::Command,
    ) -> Result<oneshot::Receiver<Reply<M>>, SubmitError> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = lock(&self.waiting);
        if waiting.ended {
            return Err(SubmitError::Stopping);
        }
        let connect = self.connect.as_ref().ok_or(SubmitError::Stopping)?;
        let ticket = connect.submit(origin, command).map_err(refused)?;
        waiting.senders.insert(ticket, sender);
        Ok(receiver)
    }
}

impl<M: Hosted> Line<M> {
    /// Looks at the state, as far as the read side has come; `None` where that has stopped.
    pub(super) fn read<R>(&self, read: impl FnOnce(&M) -> R) -> Option<R> {
        self.read_from(Position::default(), read)
    }

    /// The same, with this record in it.
    pub(super) fn read_from<R>(&self, at: Position, read: impl FnOnce(&M) -> R) -> Option<R> {
        self.replica.read(at, read).ok()
    }

    /// As [`Line::submit`], and waits for the answer; `None` where it was not taken, or the answer is lost. For threads
    /// that have nothing else to do.
    pub(super) fn call(&self, origin: Origin, command: M::Command) -> Option<Reply<M>> {
        self.submit(origin, command).ok()?.blocking_recv().ok()
    }
}

fn refused(refused: Refused) -> SubmitError {
    match refused {
        Refused::RingFull { capacity } | Refused::TooManyInFlight { limit: capacity } => {
            SubmitError::RingFull { slots: u64::try_from(capacity).unwrap_or(u64::MAX) }
        }
        Refused::JournalStalled => SubmitError::JournalStalled,
        Refused::Diverged => SubmitError::Diverged,
        Refused::Stopped => SubmitError::Stopping,
    }
}

/// Until the shard is gone.
fn hand_out<M: Hosted>(answers: &flume::Receiver<Answer<EventOf<M>>>, waiting: &Mutex<Waiting<M>>) {
    for answer in answers {
        let sender = lock(waiting).senders.remove(&answer.ticket);
        if let Some(sender) = sender {
            // A client that hung up does not want it.
            let _ = sender.send((answer.position, answer.event));
        }
    }
    let mut waiting = lock(waiting);
    waiting.ended = true;
    waiting.senders.clear();
}

impl<M: Hosted> Drop for Line<M> {
    fn drop(&mut self) {
        // With the connection gone the shard lets go of its end, and the thread sees the end of its channel.
        drop(self.connect.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("a thread that handed answers out died");
        }
    }
}
