//! Carries approved moves to their shards, and tells the office what came of each.
//!
//! ```text
//!   office:17  approved ──▶ shard 1  move_cash, under its reference ──▶ 1:204 booked ──▶ office:18  carried out at 1:204
//! ```
//!
//! What is approved and not on record as carried out is state of the office. So a move that a kill left half way is asked
//! for again at the next start, and the shard, which books a reference once, answers that it has it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use actors::Core;
use crash_point::{Point, reach};
use model::{Command, Event, Position};
use office::approvals::{ApprovalRequest, ApprovalStanding, ApprovalWord, MoveResult, RecordMove};
use office::{Office, OfficeWord};

use super::super::line::Line;
use super::node_origin;
use crate::journals::OFFICE;

/// Looked again after so long for what a full ring or a stalled journal did not take.
const AGAIN: Duration = Duration::from_secs(1);

/// The thread that runs errands. It sleeps until something is approved.
pub(crate) struct Errands {
    calls: flume::Sender<Call>,
    approved_to: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// Something was approved.
    Look,
    /// Nobody is served any more.
    End,
}

/// The way to wake the thread.
#[derive(Clone, Debug)]
pub(super) struct Waker {
    calls: flume::Sender<Call>,
    approved_to: Arc<AtomicU64>,
}

impl Waker {
    /// Something was approved by this record. A call that waits already is enough: it looks as far as this.
    pub(super) fn wake(&self, approved: Position) {
        self.approved_to.fetch_max(approved.seq, Ordering::AcqRel);
        let _ = self.calls.try_send(Call::Look);
    }
}

impl Errands {
    /// Starts it. What was approved in an earlier life of the process is carried out first.
    pub(crate) fn start(office: Arc<Line<Office>>, shards: Vec<Arc<Line<Core>>>) -> std::io::Result<Self> {
        let (calls, called) = flume::bounded(2);
        let approved_to = Arc::new(AtomicU64::new(0));
        let runner = Runner { office, shards, approved_to: Arc::clone(&approved_to) };
        let thread = std::thread::Builder::new()
            .name("office-errands".to_owned())
            .spawn(move || runner.run(&called))?;
        Ok(Self { calls, approved_to, thread: Some(thread) })
    }

    pub(super) fn waker(&self) -> Waker {
        Waker { calls: self.calls.clone(), approved_to: Arc::clone(&self.approved_to) }
    }
}

impl Drop for Errands {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.calls.send(Call::End);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that carries out approved moves died");
        }
    }
}

struct Runner {
    office: Arc<Line<Office>>,
    shards: Vec<Arc<Line<Core>>>,
    /// The newest record that approved something: the read side may not have come as far when it is told.
    approved_to: Arc<AtomicU64>,
}

impl Runner {
    fn run(&self, called: &flume::Receiver<Call>) {
        loop {
            let approved = self.approved();
            let is_done =
                approved.is_some_and(|approved| approved.iter().all(|request| self.carry_out(request)));
            let call = if is_done {
                called.recv().ok()
            } else {
                called.recv_timeout(AGAIN).ok().or(Some(Call::Look))
            };
            if call != Some(Call::Look) {
                return;
            }
        }
    }

    /// What is asked of the shards, the oldest approval first; `None` where that cannot be read now.
    fn approved(&self) -> Option<Vec<ApprovalRequest>> {
        let at = Position::new(OFFICE, self.approved_to.load(Ordering::Acquire));
        self.office.read_from(at, |office| office.approvals().approved().cloned().collect())
    }

    /// True where nothing more is to be done about it.
    fn carry_out(&self, request: &ApprovalRequest) -> bool {
        let ApprovalStanding::Approved { by, .. } = request.standing else { return true };
        let Some(shard) = self.shards.get(request.asked.shard.slot()) else { return true };
        reach(Point::ApprovalGiven);
        let command = Command::MoveCash(request.asked.cash_move);
        let Some((at, result)) = shard.call(by, command).and_then(|(at, event)| Some((at, result(&event)?)))
        else {
            return false;
        };
        reach(Point::ApprovalMoved);
        let record = RecordMove { number: request.number, at, result };
        let word = OfficeWord::Approval(ApprovalWord::Record(record));
        let Some((position, _)) = self.office.call(node_origin(), word) else { return false };
        tracing::info!(number = request.number, %at, ?result, %position, "an approved move was carried out");
        // The next look does not find it again.
        self.office.read_from(position, |_| ()).is_some()
    }
}

/// What the shard says of the move; `None` for what is no answer to one.
const fn result(event: &Event) -> Option<MoveResult> {
    match event {
        Event::CashMoved { .. } | Event::CashMoveExists => Some(MoveResult::Booked),
        Event::Denied { denial, .. } => Some(MoveResult::Denied(denial.reason.number())),
        _ => None,
    }
}
