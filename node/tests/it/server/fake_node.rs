//! A node without threads or journal behind a real socket.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actors::{Core, Outcome, Stamp};
use front::definitions::Definitions;
use front::directory::Directory;
use model::{
    ClOrdId, ClockFinding, ClockJump, Command, Event, Input, Name, OrderType, Origin, Position, Reference,
    ShardId, Side, Stamped, Symbol, TimeInForce, Timestamp,
};
use node::books::ShardBooks;
use node::config::SocketAccess;
use node::config::{Config, EXAMPLE_INSTRUMENTS, EXAMPLE_NODE};
use node::node_api::{
    AnswerLost, CommandAnswer, EventFeed, FEED_EVENTS, Happened, NodeApi, PendingAnswer, SubmitError,
    SubscribeError,
};
use node::plan::Plan;
use node::server::{Admission, ControlPlane, Room, ServerError};
use tokio::sync::{mpsc, oneshot};
use wire::client::Client;
use wire::{Answer, CashRequest, RefusalKind, Request, Submit};

/// A node on one core behind a lock. Orders are denied by the core itself (its session is down), which is as good
/// an answer as any. Answers can be held back.
pub(super) struct FakeNode {
    directory: Arc<Directory>,
    core: Mutex<(Core, u64)>,
    pub(super) origins: Mutex<Vec<Origin>>,
    held: Mutex<Option<Vec<oneshot::Sender<CommandAnswer>>>>,
    answers: Mutex<Vec<CommandAnswer>>,
    pub(super) full: AtomicBool,
    pub(super) submitted: AtomicU64,
    pub(super) feeds: Mutex<Vec<mpsc::Sender<Happened>>>,
}

impl FakeNode {
    pub(super) fn new() -> Arc<Self> {
        let config = Config::from_texts(EXAMPLE_NODE, EXAMPLE_INSTRUMENTS, Path::new("")).unwrap();
        let mut core = Core::new();
        let plan = Plan::new(&config, &Definitions::default()).unwrap();
        let mut seq = 0;
        for (_, command) in plan.commands() {
            seq += 1;
            apply(&mut core, seq, Origin::default(), command);
        }
        let definitions = Definitions::of([(ShardId::new(0), &core)], &config.currencies);
        Arc::new(Self {
            directory: Arc::new(Directory::new([ShardId::new(0)], &definitions)),
            core: Mutex::new((core, seq)),
            origins: Mutex::default(),
            held: Mutex::default(),
            answers: Mutex::default(),
            full: AtomicBool::new(false),
            submitted: AtomicU64::new(0),
            feeds: Mutex::default(),
        })
    }

    pub(super) fn hold(&self) {
        *self.held.lock().unwrap() = Some(Vec::new());
    }

    pub(super) fn release(&self) {
        let held = self.held.lock().unwrap().take().unwrap();
        for (sender, answer) in held.into_iter().zip(self.answers.lock().unwrap().drain(..)) {
            let _ = sender.send(answer);
        }
    }

    /// The clock is found off by so much.
    pub(super) fn find_clock(&self, off_ns: i64) {
        let mut core = self.core.lock().unwrap();
        core.1 += 1;
        let due = Timestamp::from_nanos(1_795_183_200_000_000_000);
        let shown = Timestamp::from_nanos(due.nanos + off_ns);
        let input = Input::ClockJumped(ClockJump { finding: ClockFinding::Jumped, due, shown });
        let stamp = Stamp { position: Position::new(ShardId::new(0), core.1), time: due };
        core.0.apply(stamp, &input, &mut Outcome::default());
    }

    pub(super) fn seq(&self) -> u64 {
        self.core.lock().unwrap().1
    }
}

pub(super) fn apply(core: &mut Core, seq: u64, origin: Origin, command: Command) -> Event {
    let mut out = Outcome::default();
    let stamp = Stamp { position: Position::new(ShardId::new(0), seq), time: Timestamp::from_nanos(1) };
    core.apply(stamp, &Input::command(origin, Stamped::default(), command), &mut out);
    out.events[0]
}

impl NodeApi for FakeNode {
    fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory)
    }

    fn submit(&self, shard: ShardId, origin: Origin, command: Command) -> Result<PendingAnswer, SubmitError> {
        if self.full.load(Ordering::Relaxed) {
            return Err(SubmitError::RingFull { slots: 64 });
        }
        let mut core = self.core.lock().unwrap();
        core.1 += 1;
        let seq = core.1;
        let event = apply(&mut core.0, seq, origin, command);
        let answer = CommandAnswer { position: Position::new(shard, seq), event };
        self.origins.lock().unwrap().push(origin);
        for feed in self.feeds.lock().unwrap().iter() {
            let _ = feed.try_send(Happened {
                position: answer.position,
                index: 0,
                time: Timestamp::from_nanos(0),
                event,
            });
        }
        let (sender, receiver) = oneshot::channel();
        match self.held.lock().unwrap().as_mut() {
            Some(held) => {
                held.push(sender);
                self.answers.lock().unwrap().push(answer);
            }
            None => drop(sender.send(answer)),
        }
        self.submitted.fetch_add(1, Ordering::Release);
        Ok(Box::pin(async move { receiver.await.map_err(|_| AnswerLost) }))
    }

    fn read(&self, shard: ShardId, ask: &mut dyn FnMut(&ShardBooks<'_>)) {
        let core = self.core.lock().unwrap();
        let position = Position::new(shard, core.1);
        ask(&ShardBooks {
            shard,
            core: &core.0,
            position,
            digest: "00".to_owned(),
            alerts: 0,
            diverged_at: None,
            behind: 0,
        });
    }

    fn subscribe(&self, from: &[Position]) -> Result<EventFeed, SubscribeError> {
        if let Some(position) = from.iter().find(|position| position.shard.index > 0) {
            return Err(SubscribeError::UnknownShard(position.shard));
        }
        let (sender, feed) = mpsc::channel(FEED_EVENTS);
        self.feeds.lock().unwrap().push(sender);
        Ok(feed)
    }
}

pub(super) struct Running {
    pub(super) node: Arc<FakeNode>,
    pub(super) plane: Option<ControlPlane>,
    pub(super) path: PathBuf,
    _folder: tempfile::TempDir,
}

pub(super) const ADMISSION: Admission = Admission {
    room: Room { ordinary: 256, urgent: 16, waiting: 64, leaving: 8 },
    first_request: Duration::from_mins(1),
    access: SocketAccess::User,
};

pub(super) fn serve(
    node: Arc<FakeNode>,
    path: &Path,
    admission: Admission,
) -> Result<ControlPlane, ServerError> {
    ControlPlane::start(node, path, admission, Vec::new())
}

impl Running {
    pub(super) fn start() -> Self {
        Self::admitting(ADMISSION)
    }

    pub(super) fn admitting(admission: Admission) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gannet.sock");
        let node = FakeNode::new();
        let plane = serve(Arc::<FakeNode>::clone(&node), &path, admission).unwrap();
        Self { node, plane: Some(plane), path, _folder: folder }
    }

    pub(super) fn client(&self) -> Client {
        Client::connect(&self.path).unwrap()
    }
}

pub(super) fn deposit(reference: &str) -> Request {
    Request::Deposit(CashRequest {
        account: Name::new("GROWTH-1").unwrap(),
        amount: "1000.50".parse().unwrap(),
        currency: "USD".parse().unwrap(),
        reference: Reference::new(reference).unwrap(),
    })
}

pub(super) fn submit(cl_ord_id: &str) -> Request {
    Request::Submit(Submit {
        account: Name::new("GROWTH-1").unwrap(),
        strategy: Some(Name::new("MOMENTUM").unwrap()),
        cl_ord_id: ClOrdId::new(cl_ord_id).unwrap(),
        symbol: Symbol::new("IBM").unwrap(),
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Day,
        quantity: 100.into(),
        limit_price: Some("181.25".parse().unwrap()),
    })
}

pub(super) fn eventually(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

pub(super) fn refusal(answer: &Answer) -> RefusalKind {
    match answer {
        Answer::Refused(refusal) => refusal.kind,
        other => panic!("not refused: {other:?}"),
    }
}
