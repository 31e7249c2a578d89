//! One client: reads frames, hands commands over in their order, writes answers as they come.
//!
//! ```text
//! socket ─▶ read ─▶ work ─┬─▶ answer ──────────────┐
//!                         ├─▶ shard ─▶ task waits ─┼─▶ queue ─▶ write ─▶ socket
//!                         └─▶ event feed ──────────┘
//! ```
//! The queue is bounded and the reader waits for room in it: a client that does not read its answers is not read
//! from either.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crash_point::{Point, reach};
use model::{CashMove, Command, Event, Origin, Position, ShardId};
use office::OfficeWord;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use wire::frame::{FrameBuffer, FrameError, append_frame};
use wire::{Answer, AnswerFrame, Refusal, RefusalKind, Request, read_request};

use super::dispatch::{self, Work};
use super::guests::{self, Guests, Place, TurnedOut};
use crate::journals::OFFICE;
use crate::node_api::{AnswerLost, EventFeed, NodeApi, PendingAnswer};
use crate::office::{answers, words};
use crate::{event, listing};

/// The longest answer to `latency`: it must fit a frame.
const MOST_LATENCY_ROWS: u32 = 1000;
/// The most commands of one connection that may be unanswered.
pub(super) const IN_FLIGHT: usize = 1024;
/// Answers that wait to be written.
const QUEUED: usize = 256;
/// A query sees what every command did that was answered before, whoever gave it: who is told of an order by
/// telephone finds it. For so long it waits for the replica to get there.
const REPLICA_PATIENCE: Duration = Duration::from_secs(2);

/// What is read at a time.
const READ_BYTES: usize = 16 * 1024;
/// How long an urgent place is kept for a client that says nothing.
const URGENT_IDLE: Duration = Duration::from_secs(1);
/// How long the answers of a client that was turned out may take to be written.
const PARTING: Duration = Duration::from_millis(100);

type Queue = mpsc::Sender<AnswerFrame>;
/// The last answered position of each shard, over all connections: they share a thread.
pub(super) type Seen = Rc<RefCell<BTreeMap<ShardId, u64>>>;

/// What the door gives a client on its way.
pub(super) struct Visit {
    pub(super) origin: Origin,
    /// True for the user that runs the node.
    pub(super) is_owner: bool,
    /// How long the first request may take.
    pub(super) first_request: Duration,
    pub(super) guests: Rc<RefCell<Guests>>,
    pub(super) turned_out: TurnedOut,
}

/// Serves a client until it hangs up or is turned out, or the node stops.
pub(super) async fn serve(
    stream: UnixStream,
    visit: Visit,
    api: Arc<dyn NodeApi>,
    stop: watch::Receiver<bool>,
    seen: Seen,
) {
    let (read, write) = stream.into_split();
    let (queue, queued) = mpsc::channel(QUEUED);
    let mut writer = tokio::task::spawn_local(write_answers(write, queued));
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT));
    let Visit { origin, is_owner, first_request, guests, turned_out } = visit;
    let (feeds, place) = (JoinSet::new(), None);
    let connection = Connection { api, origin, is_owner, guests, place, queue, in_flight, seen, stop, feeds };
    let end = connection.run(read, first_request, turned_out).await;
    // Commands in flight hold the queue open until they are answered.
    if end == End::TurnedOut {
        // It may not read its answers, and its descriptor is wanted.
        if tokio::time::timeout(PARTING, &mut writer).await.is_err() {
            writer.abort();
        }
    } else if let Err(error) = writer.await {
        tracing::warn!(%error, "a writer of the local socket failed");
    }
}

struct Connection {
    api: Arc<dyn NodeApi>,
    origin: Origin,
    is_owner: bool,
    guests: Rc<RefCell<Guests>>,
    /// `None` until the client has spoken.
    place: Option<Place>,
    queue: Queue,
    in_flight: Arc<Semaphore>,
    seen: Seen,
    stop: watch::Receiver<bool>,
    /// Dropped with the connection, which ends them.
    feeds: JoinSet<()>,
}

/// Why a client is not listened to any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It does not want its answers any more, or the node stops.
    Over,
    /// It was told to leave.
    TurnedOut,
}

/// The client does not want its answers any more.
struct HungUp;

impl Connection {
    /// What can be read is read before the client is sent away: one whose word is there already is heard.
    async fn run(
        mut self,
        mut read: OwnedReadHalf,
        first_request: Duration,
        mut turned_out: TurnedOut,
    ) -> End {
        let mut frames = FrameBuffer::default();
        let mut bytes = vec![0; READ_BYTES];
        let mut stop = self.stop.clone();
        let first = tokio::time::sleep(first_request);
        tokio::pin!(first);
        loop {
            tokio::select! {
                biased;
                handled = self.requests(&mut frames) => if handled.is_err() { return End::Over },
                told = &mut turned_out => return self.turn_out(told.ok()),
            }
            let received = tokio::select! {
                biased;
                received = read.read(&mut bytes) => received,
                told = &mut turned_out => return self.turn_out(told.ok()),
                _ = stop.wait_for(|stop| *stop) => return End::Over,
                () = &mut first, if self.place.is_none() => {
                    let text = format!("no request came within {} s", first_request.as_secs_f32());
                    return self.turn_out(Some(Refusal::new(RefusalKind::Silent, text)));
                }
                () = tokio::time::sleep(URGENT_IDLE), if self.place == Some(Place::Urgent) => {
                    if self.in_flight.available_permits() < IN_FLIGHT {
                        continue;
                    }
                    let full = self.guests.borrow().room().full();
                    return self.turn_out(Some(full));
                }
            };
            match received {
                Ok(0) | Err(_) => return End::Over,
                Ok(len) => frames.extend(bytes.get(..len).unwrap_or(&[])),
            }
        }
    }

    /// Handles every whole frame that is there.
    async fn requests(&mut self, frames: &mut FrameBuffer) -> Result<(), HungUp> {
        loop {
            let (id, refusal) = match frames.next_frame() {
                Ok(None) => return Ok(()),
                Ok(Some(content)) => match read_request(content) {
                    Ok((id, request)) => {
                        self.seated(id, request).await?;
                        continue;
                    }
                    Err(unread) => unread,
                },
                Err(error) => {
                    let refusal = Refusal::new(RefusalKind::FrameTooLarge, error.to_string());
                    self.unreadable(None, refusal).await?;
                    return Err(HungUp);
                }
            };
            self.unreadable(id, refusal).await?;
        }
    }

    /// A client that has said nothing readable yet is not waited for: its time is short.
    async fn unreadable(&self, id: Option<u64>, refusal: Refusal) -> Result<(), HungUp> {
        let answer = Answer::Refused(refusal);
        if self.place.is_some() {
            return self.send(id, answer).await;
        }
        self.queue.try_send(AnswerFrame { id, answer }).map_err(|_| HungUp)
    }

    /// Finds a place for a client with this request, and does what it asks.
    async fn seated(&mut self, id: u64, request: Request) -> Result<(), HungUp> {
        let urgent = self.is_owner && guests::is_urgent(&request);
        if self.place.is_none() || (self.place == Some(Place::Urgent) && !urgent) {
            let place = self.guests.borrow_mut().seat(self.origin.client, urgent);
            match place {
                Ok(place) => self.place = Some(place),
                Err(refusal) => {
                    self.send(Some(id), Answer::Refused(refusal)).await?;
                    return Err(HungUp);
                }
            }
        }
        self.request(id, request).await
    }

    /// The last word, if there is room for it; whoever does not read will not miss it.
    fn turn_out(&self, refusal: Option<Refusal>) -> End {
        if let Some(refusal) = refusal {
            let _ = self.queue.try_send(AnswerFrame { id: None, answer: Answer::Refused(refusal) });
        }
        End::TurnedOut
    }

    async fn send(&self, id: Option<u64>, answer: Answer) -> Result<(), HungUp> {
        self.queue.send(AnswerFrame { id, answer }).await.map_err(|_| HungUp)
    }

    async fn request(&mut self, id: u64, request: Request) -> Result<(), HungUp> {
        match self.work(&request).await {
            Work::Answer(answer) | Work::Unknown(answer) => self.send(Some(id), answer).await,
            Work::Query => {
                let answer = self.query(&request).await;
                self.send(Some(id), answer).await
            }
            Work::Latency(worst) => {
                let worst = usize::try_from(worst.clamp(1, MOST_LATENCY_ROWS)).unwrap_or(1);
                self.send(Some(id), dispatch::latency(self.api.latency(worst))).await
            }
            Work::Subscribe(subscribe) => match self.api.subscribe(&subscribe.from) {
                Ok(feed) => {
                    self.send(Some(id), Answer::Subscribed {}).await?;
                    self.follow(id, feed);
                    Ok(())
                }
                Err(error) => self.send(Some(id), dispatch::refused_subscribe(error)).await,
            },
            Work::Command(shards, command) => {
                let handed = self.hand_over(id, &shards, command);
                self.or_answer(id, handed).await
            }
            Work::Cash(shard, cash_move) => {
                let handed = if self.needs_approval(&cash_move) {
                    self.say(id, words::ask(shard, cash_move))
                } else {
                    self.hand_over(id, &[shard], Command::MoveCash(cash_move))
                };
                self.or_answer(id, handed).await
            }
            Work::Office(word) => {
                let said = self.say(id, word);
                self.or_answer(id, said).await
            }
        }
    }

    /// By the names that are known; what they do not lead to is looked for among those defined since.
    async fn work(&self, request: &Request) -> Work {
        let work = dispatch::work(&self.api.directory(), request);
        if !matches!(work, Work::Unknown(_)) {
            return work;
        }
        self.caught_up().await;
        dispatch::work(&self.api.renewed_directory(), request)
    }

    /// Nothing where it was handed over: its answer comes by itself.
    async fn or_answer(&self, id: u64, handed: Result<(), Answer>) -> Result<(), HungUp> {
        match handed {
            Ok(()) => Ok(()),
            Err(answer) => self.send(Some(id), answer).await,
        }
    }

    /// By the policy that the office has on record.
    fn needs_approval(&self, cash_move: &CashMove) -> bool {
        let mut needs = false;
        self.api.read_office(&mut |books| needs = books.office.approvals().needs_approval(cash_move));
        needs
    }

    /// A place among the requests that are not answered yet.
    #[expect(clippy::result_large_err, reason = "the answer goes out either way, and is moved once")]
    fn permit(&self) -> Result<OwnedSemaphorePermit, Answer> {
        Arc::clone(&self.in_flight).try_acquire_owned().map_err(|_| {
            let text = format!("{IN_FLIGHT} requests of this connection are unanswered");
            let limit = u64::try_from(IN_FLIGHT).unwrap_or(u64::MAX);
            Answer::Refused(Refusal::beyond(RefusalKind::TooManyInFlight, text, limit))
        })
    }

    /// Says a word to the office and leaves a task to wait for its answer.
    #[expect(clippy::result_large_err, reason = "the answer goes out either way, and is moved once")]
    fn say(&self, id: u64, word: OfficeWord) -> Result<(), Answer> {
        let permit = self.permit()?;
        let pending = self.api.say(self.origin, word).map_err(dispatch::refused_submit)?;
        let (queue, seen, api) = (self.queue.clone(), Rc::clone(&self.seen), Arc::clone(&self.api));
        tokio::task::spawn_local(async move {
            let answer = match pending.await {
                Ok(reply) => {
                    note_seen(&seen, reply.position);
                    answers::answer(api.as_ref(), &reply)
                }
                Err(lost @ AnswerLost) => {
                    Answer::Refused(Refusal::new(RefusalKind::AnswerLost, lost.to_string()))
                }
            };
            // A client that hung up does not want its answer.
            let _ = queue.send(AnswerFrame { id: Some(id), answer }).await;
            drop(permit);
        });
        Ok(())
    }

    /// Gives a command to its shards and leaves a task to wait for the answers.
    #[expect(clippy::result_large_err, reason = "the answer goes out either way, and is moved once")]
    fn hand_over(&self, id: u64, shards: &[ShardId], command: Command) -> Result<(), Answer> {
        let permit = self.permit()?;
        let mut pending = Vec::with_capacity(shards.len());
        for shard in shards {
            // What was handed over to an earlier shard stays so; the client is told to ask again, and a halt that
            // is repeated does no harm.
            let answer = self.api.submit(*shard, self.origin, command).map_err(dispatch::refused_submit)?;
            pending.push(answer);
        }
        let (queue, seen) = (self.queue.clone(), Rc::clone(&self.seen));
        tokio::task::spawn_local(async move {
            let answer = wait_for(pending, &seen).await;
            // A client that hung up does not want its answer.
            let _ = queue.send(AnswerFrame { id: Some(id), answer }).await;
            drop(permit);
        });
        Ok(())
    }

    async fn query(&self, request: &Request) -> Answer {
        self.caught_up().await;
        listing::answer(self.api.as_ref(), request).await
    }

    /// Waits until the replicas show everything that was answered, for so long as [`REPLICA_PATIENCE`].
    async fn caught_up(&self) {
        let deadline = tokio::time::Instant::now() + REPLICA_PATIENCE;
        while self.is_behind() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
    }

    /// True while a replica does not show everything that was answered.
    fn is_behind(&self) -> bool {
        let seen = self.seen.borrow();
        seen.iter().any(|(shard, seq)| {
            let mut shows = 0;
            if *shard == OFFICE {
                self.api.read_office(&mut |books| shows = books.position.seq);
            } else {
                self.api.read(*shard, &mut |books| shows = books.position.seq);
            }
            shows < *seq
        })
    }

    fn follow(&mut self, id: u64, feed: EventFeed) {
        let (api, queue, stop) = (Arc::clone(&self.api), self.queue.clone(), self.stop.clone());
        self.feeds.spawn_local(follow(id, feed, api, queue, stop));
    }
}

/// Queries show this record from here on.
fn note_seen(seen: &Seen, position: Position) {
    let mut seen = seen.borrow_mut();
    let last = seen.entry(position.shard).or_default();
    *last = position.seq.max(*last);
}

async fn wait_for(pending: Vec<PendingAnswer>, seen: &Seen) -> Answer {
    let mut answers = Vec::with_capacity(pending.len());
    for answer in pending {
        match answer.await {
            Ok(answer) => {
                note_seen(seen, answer.position);
                answers.push(dispatch::answer(&answer));
            }
            Err(lost @ AnswerLost) => {
                return Answer::Refused(Refusal::new(RefusalKind::AnswerLost, lost.to_string()));
            }
        }
    }
    match <[Answer; 1]>::try_from(answers) {
        Ok([answer]) => answer,
        Err(answers) => dispatch::merged(answers),
    }
}

async fn follow(
    id: u64,
    mut feed: EventFeed,
    api: Arc<dyn NodeApi>,
    queue: Queue,
    stop: watch::Receiver<bool>,
) {
    let mut directory = api.renewed_directory();
    while let Some(happened) = feed.recv().await {
        // What a definition is answered with, and little else.
        if happened.event == Event::Done {
            directory = api.renewed_directory();
        }
        let answer = Answer::Event(event::published(&directory, &happened));
        if queue.send(AnswerFrame { id: Some(id), answer }).await.is_err() {
            return;
        }
    }
    let refusal = if *stop.borrow() {
        Refusal::new(RefusalKind::Stopping, "the node is stopping")
    } else {
        Refusal::new(
            RefusalKind::TooSlow,
            "the subscriber did not keep up; subscribe again from the last position",
        )
    };
    // The last word; a client that hung up does not want it.
    let _ = queue.send(AnswerFrame { id: Some(id), answer: Answer::Refused(refusal) }).await;
}

/// Writes answers, as many at a time as are there.
async fn write_answers(mut write: OwnedWriteHalf, mut queued: mpsc::Receiver<AnswerFrame>) {
    let mut batch = Vec::with_capacity(QUEUED);
    let mut bytes = Vec::new();
    while queued.recv_many(&mut batch, QUEUED).await > 0 {
        bytes.clear();
        for frame in batch.drain(..) {
            append_answer(&mut bytes, &frame);
        }
        reach(Point::AnswerBefore);
        if write.write_all(&bytes).await.is_err() {
            return;
        }
        reach(Point::AnswerAfter);
    }
}

/// An answer that does not fit a frame is replaced by the word that says so.
fn append_answer(bytes: &mut Vec<u8>, frame: &AnswerFrame) {
    let Err(error) = append_frame(bytes, frame) else { return };
    let text = match error {
        FrameError::TooLarge { .. } => {
            format!("the answer would be {error}; ask for less, as for one account")
        }
        FrameError::Json(_) => error.to_string(),
    };
    let answer = Answer::Refused(Refusal::new(RefusalKind::FrameTooLarge, text));
    if let Err(error) = append_frame(bytes, &AnswerFrame { id: frame.id, answer }) {
        tracing::error!(%error, "a refusal could not be written");
    }
}
